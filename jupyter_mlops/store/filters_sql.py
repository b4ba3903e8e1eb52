"""Filters and sort keys as SQLAlchemy expressions over the index.

A comparison with something that a run does not have is false, and so is any with NaN; ``not`` turns
that around: ``not params.lr = 0.1`` holds for runs without ``lr``, ``params.lr != 0.1`` does not.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, not_, or_, select

from ..entities import RunKind, RunStatus
from ..errors import FilterError
from ..protocols.runs import Sight
from . import index_tables as tables
from .filters import All, Either, Field, Not, Predicate, Tree, Value

Expression = ColumnElement[Any]
Condition = ColumnElement[bool]

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_COLUMNS: dict[str, Any] = {
    "id": tables.runs.c.id,
    "name": tables.runs.c.name,
    "experiment": tables.runs.c.experiment,
    "kind": tables.runs.c.kind,
    "notebook": tables.runs.c.notebook,
    "started": tables.runs.c.started_at,
    "ended": tables.runs.c.ended_at,
    "user": tables.runs.c.user,
    "host": tables.runs.c.host,
    "note": tables.runs.c.note,
    "parent": tables.runs.c.parent_id,
    "job": tables.runs.c.job_id,
    "sweep": tables.runs.c.sweep_id,
}
_WORDS: dict[str, list[str]] = {
    "status": [each.value for each in RunStatus],
    "kind": [each.value for each in RunKind],
}
_UNIT_S = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_SPAN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w)\s*(ago)?\s*")


def last_sign() -> Expression:
    """When the run was last heard of."""
    return func.coalesce(tables.runs.c.last_seen, tables.runs.c.started_at)


def status(sight: Sight) -> Expression:
    """A run's status under ``sight``: what is written, or ``lost``."""
    runs, marks = tables.runs.c, tables.marks.c
    dead = runs.id.in_(select(marks.run_id).where(marks.dead.is_(True)))
    gone = or_(dead, runs.open_writers == 0, last_sign() < sight.lost_before)
    lost = and_(runs.status == RunStatus.RUNNING.value, runs.id.not_in(sorted(sight.alive)), gone)
    return case((lost, RunStatus.LOST.value), else_=runs.status)


def duration(sight: Sight) -> Expression:
    """Seconds from the start to the end, the last sign of a lost run, or now."""
    running = case((status(sight) == RunStatus.LOST.value, last_sign()), else_=sight.now)
    return func.coalesce(tables.runs.c.ended_at, running) - tables.runs.c.started_at


def condition(tree: Tree, sight: Sight) -> Condition:
    """The rows of ``runs`` that match. Raises FilterError."""
    if isinstance(tree, Not):
        return not_(condition(tree.item, sight))
    if isinstance(tree, All):
        return and_(*(condition(item, sight) for item in tree.items))
    if isinstance(tree, Either):
        return or_(*(condition(item, sight) for item in tree.items))
    found = _GROUPS[tree.field.group](tree, sight)
    return not_(found) if tree.negated and tree.operator == "null" else found


def _compare(name: str, column: Expression, value: Any) -> Condition:
    compared: Condition = _OPERATORS[name](column, value)
    return compared


# ---------------------------------------------------------------------- params, metrics, tags


def _param(test: Predicate, sight: Sight) -> Condition:
    columns = tables.params.c

    def compare(name: str, value: Value) -> Condition:
        if isinstance(value.value, float):
            same = _compare(name, columns.number, value.value)
            return or_(same, columns.number.is_(None)) if name == "!=" else same
        text = str(value.value).lower() if isinstance(value.value, bool) else value.value
        return _compare(name, columns.text, text)

    return _has(tables.params, test, columns.text, compare)


def _metric(test: Predicate, sight: Sight) -> Condition:
    column = tables.metrics.c[test.field.part]

    def compare(name: str, value: Value) -> Condition:
        if not isinstance(value.value, float):
            raise FilterError(
                f"expected a number after '{name}' at column {value.column}: {test.field} is one"
            )
        return and_(column.is_not(None), _compare(name, column, value.value))

    if test.operator == "like":
        raise FilterError(f"'like' at column {test.column} compares text, and {test.field} is a number")
    return _has(tables.metrics, test, column, compare)


def _tag(test: Predicate, sight: Sight) -> Condition:
    column = tables.tags.c.value

    def compare(name: str, value: Value) -> Condition:
        if isinstance(value.value, float) and name not in ("=", "!="):
            raise FilterError(
                f"expected text in quotes after '{name}' at column {value.column}: tags hold text"
            )
        return _compare(name, column, value.text)

    return _has(tables.tags, test, column, compare, column.is_not(None))


def _has(
    table: Any,
    test: Predicate,
    text: Expression,
    compare: Callable[[str, Value], Condition],
    *more: Condition,
) -> Condition:
    """Runs that have a row of that name for which the test holds."""
    where = [table.c.name == test.field.name, *more]
    if test.operator != "null":
        where.append(_any_value(test, text, compare))
    found = tables.runs.c.id.in_(select(table.c.run_id).where(*where))
    return not_(found) if test.operator == "null" else found


def _any_value(test: Predicate, text: Expression, compare: Callable[[str, Value], Condition]) -> Condition:
    if test.operator == "like":
        pattern = test.values[0]
        if not isinstance(pattern.value, str):
            raise FilterError(f"expected text in quotes after 'like' at column {pattern.column}")
        found: Condition = text.ilike(pattern.value)
    elif test.operator == "in":
        found = or_(*(compare("=", value) for value in test.values))
    else:
        return compare(test.operator, test.values[0])
    return not_(found) if test.negated else found


# ---------------------------------------------------------------------- fields of the run itself


def _run_field(test: Predicate, sight: Sight) -> Condition:
    column = run_expression(test.field, sight)
    if test.operator == "null":
        return column.is_(None) if _is_number(test.field) else func.coalesce(column, "") == ""
    if test.operator == "like" and (_is_number(test.field) or test.field.name == "status"):
        raise FilterError(f"'like' at column {test.column} does not go with {test.field}")

    def compare(name: str, value: Value) -> Condition:
        return _compare(name, column, _run_value(test.field, name, value, sight))

    return and_(column.is_not(None), _any_value(test, column, compare))


def run_expression(field: Field, sight: Sight) -> Expression:
    """What a field of the run itself is compared and sorted by."""
    if field.name == "status":
        return status(sight)
    if field.name == "duration":
        return duration(sight)
    expression: Expression = _COLUMNS[field.name]
    return expression


def _is_number(field: Field) -> bool:
    return field.name in ("started", "ended", "duration")


def _run_value(field: Field, name: str, value: Value, sight: Sight) -> float | str:
    if words := _WORDS.get(field.name):
        if name not in ("=", "!="):
            raise FilterError(
                f"'{name}' before column {value.column} does not go with {field}: use = != or in"
            )
        if value.value not in words:
            raise FilterError(f"no {field} {value.text!r} at column {value.column}: {', '.join(words)}")
    if field.name == "duration":
        return _seconds(value)
    return _moment(value, sight) if _is_number(field) else str(value.text)


def _seconds(value: Value) -> float:
    if isinstance(value.value, float):
        return value.value
    match = _SPAN.fullmatch(value.text)
    if match is None or match[3]:
        raise FilterError(f"expected seconds or a text such as '90s', '10m', '2h' at column {value.column}")
    return float(match[1]) * _UNIT_S[match[2]]


def _moment(value: Value, sight: Sight) -> float:
    """Seconds since the epoch; a time without a zone is local."""
    if isinstance(value.value, float):
        return value.value
    match = _SPAN.fullmatch(value.text)
    if match and match[3]:
        return sight.now - float(match[1]) * _UNIT_S[match[2]]
    try:
        moment = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", value.text))
        return moment.astimezone(moment.tzinfo and timezone.utc).timestamp()
    except (ValueError, OverflowError, OSError):
        raise FilterError(
            f"expected a time such as '2026-01-31', '2026-01-31 18:00' or '2h ago' at column {value.column}"
        ) from None


_GROUPS = {"params": _param, "metrics": _metric, "tags": _tag, "run": _run_field}
