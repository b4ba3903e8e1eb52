"""Filters and sort keys as SQLAlchemy expressions over the index.

A comparison with something that a run does not have is false, and so is any with NaN; ``not`` turns
that around: ``not params.lr = 0.1`` holds for runs without ``lr``, ``params.lr != 0.1`` does not.

Each condition asks one row of ``runs`` at a time (its narrow rows are found by their key), so that a walk
along a sort key can stop when its page is full. Where the runs for which a comparison holds lie together in
an index, :func:`candidates` gives them, and whoever plans a search may begin there.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, not_, or_, select

from ..entities import RunStatus
from ..errors import FilterError
from ..protocols.runs import Sight
from . import index_tables as tables
from .filters import SEARCHED, All, Either, Field, Not, Predicate, Tree, Value
from .filters_text import text_candidates, text_condition
from .filters_values import NUMBERS, number_of, pattern_of, value_of
from .index_rows import name_key

Expression = ColumnElement[Any]
Condition = ColumnElement[bool]

NARROW: dict[str, Any] = {"params": tables.params, "metrics": tables.metrics, "tags": tables.tags}
"""The tables whose rows lie together by name."""

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
_INDEXED = ("id", "experiment", "status", "parent", "job", "sweep")
_RUNNING = RunStatus.RUNNING.value


# ---------------------------------------------------------------------- status and duration


def last_sign() -> Expression:
    """When the run was last heard of."""
    return func.coalesce(tables.runs.c.last_seen, tables.runs.c.started_at)


def _is_gone(sight: Sight) -> Condition:
    """Whether a run without an end is lost under ``sight``."""
    runs, marks = tables.runs.c, tables.marks.c
    dead = runs.key.in_(select(marks.run).where(marks.dead.is_(True)))
    gone = or_(dead, runs.open_writers == 0, last_sign() < sight.lost_before)
    return and_(runs.id.not_in(sorted(sight.alive)), gone) if sight.alive else gone


def has_status(name: str, sight: Sight) -> Condition:
    """Whether a run has this status: what is written, unless that is running and the run is lost."""
    written = tables.runs.c.status
    if name == RunStatus.LOST.value:
        return and_(written == _RUNNING, _is_gone(sight))
    if name == _RUNNING:
        return and_(written == _RUNNING, not_(_is_gone(sight)))
    return written == name


def _status(sight: Sight) -> Expression:
    lost = and_(tables.runs.c.status == _RUNNING, _is_gone(sight))
    return case((lost, RunStatus.LOST.value), else_=tables.runs.c.status)


def _duration(sight: Sight) -> Expression:
    """Seconds from the start to the end, the last sign of a lost run, or now."""
    running = case((_is_gone(sight), last_sign()), else_=sight.now)
    return func.coalesce(tables.runs.c.ended_at, running) - tables.runs.c.started_at


def run_expression(field: Field, sight: Sight) -> Expression:
    """What a field of the run itself is compared and sorted by."""
    if field.name == "status":
        return _status(sight)
    if field.name == "duration":
        return _duration(sight)
    expression: Expression = _COLUMNS[field.name]
    return expression


# ---------------------------------------------------------------------- conditions


def condition(tree: Tree, sight: Sight, *, words: bool) -> Condition:
    """The rows of ``runs`` that match; ``words`` says that there are full-text tables. Raises FilterError."""
    if isinstance(tree, Not):
        return not_(condition(tree.item, sight, words=words))
    if isinstance(tree, All):
        return and_(*(condition(item, sight, words=words) for item in tree.items))
    if isinstance(tree, Either):
        return or_(*(condition(item, sight, words=words) for item in tree.items))
    if tree.field.group != "run":
        table = NARROW[tree.field.group].alias()  # the table itself may be walked in the same query
        has = exists().where(table.c.run == tables.runs.c.key, narrow(tree, table))
        return not_(has) if _is_null(tree) else has
    if tree.field.name in SEARCHED:
        return text_condition(tree, words=words)
    return _run_field(tree, sight)


def _is_null(test: Predicate) -> bool:
    return test.operator == "null" and not test.negated


def narrow(test: Predicate, table: Any) -> Condition:
    """The rows of a narrow table for which the test holds; for ``null`` those that there are."""
    named: Condition = table.c.name == name_key(test.field.name)
    if test.operator == "null":
        return named
    if test.field.group == "metrics":  # NULL is NaN, with which nothing compares
        named = and_(named, table.c[test.field.part].is_not(None))
    compare = {"params": _compare_param, "metrics": _compare_metric, "tags": _compare_tag}[test.field.group]
    if test.operator == "like":
        found = _like(table, test)
    elif test.operator == "in":
        found = or_(*(compare(table, test, "=", value) for value in test.values))
    else:
        return and_(named, compare(table, test, test.operator, test.values[0]))
    return and_(named, not_(found) if test.negated else found)


def _like(table: Any, test: Predicate) -> Condition:
    if test.field.group == "metrics":
        raise FilterError(f"'like' at column {test.column} compares text, and {test.field} is a number")
    return like(table.c.text, pattern_of(test))


def like(text: Expression, pattern: str) -> Condition:
    """Whether a text is like a pattern in which a backslash escapes, whatever the case."""
    return text.ilike(pattern, escape="\\")


def _compare(name: str, column: Expression, value: Any) -> Condition:
    compared: Condition = _OPERATORS[name](column, value)
    return compared


def _compare_param(table: Any, test: Predicate, name: str, value: Value) -> Condition:
    number = table.c.number
    if isinstance(value.value, float):
        same = _compare(name, number, value.value)
        return or_(same, number.is_(None)) if name == "!=" else and_(number.is_not(None), same)
    text = _literal_text(value)
    if name != "=":
        return _compare(name, table.c.text, text)
    by_text = and_(table.c.text_key.is_not(None), table.c.text_key == name_key(text), table.c.text == text)
    same_number = _as_number(text)
    if same_number is None:
        return by_text
    return or_(by_text, and_(number.is_not(None), number == same_number, table.c.text == text))


def _literal_text(value: Value) -> str:
    return value.text.lower() if isinstance(value.value, bool) else value.text


def _as_number(text: str) -> float | None:
    """The number that a param with this text may be."""
    try:
        return float(json.loads(text, parse_constant=lambda _: None))
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None


def _compare_metric(table: Any, test: Predicate, name: str, value: Value) -> Condition:
    return _compare(name, table.c[test.field.part], number_of(test, name, value))


def _compare_tag(table: Any, test: Predicate, name: str, value: Value) -> Condition:
    if isinstance(value.value, float) and name not in ("=", "!="):
        raise FilterError(f"expected text in quotes after '{name}' at column {value.column}: tags hold text")
    if name == "=":
        return and_(table.c.text_key == name_key(value.text), table.c.text == value.text)
    return _compare(name, table.c.text, value.text)


def _run_field(test: Predicate, sight: Sight) -> Condition:
    name = test.field.name
    if name == "status" and test.operator != "null":
        return _status_field(test, sight)
    column = run_expression(test.field, sight)
    if test.operator == "null":
        lacks = column.is_(None) if name in NUMBERS else func.coalesce(column, "") == ""
        return not_(lacks) if test.negated else lacks
    if test.operator == "like":
        if name in NUMBERS:
            raise FilterError(f"'like' at column {test.column} does not go with {test.field}")
        found = like(column, pattern_of(test))
    elif test.operator == "in":
        found = or_(*(_compare("=", column, value_of(test.field, "=", v, sight.now)) for v in test.values))
    else:
        found = _compare(
            test.operator, column, value_of(test.field, test.operator, test.values[0], sight.now)
        )
    return and_(column.is_not(None), not_(found) if test.negated else found)


def _status_field(test: Predicate, sight: Sight) -> Condition:
    if test.operator == "like":
        raise FilterError(f"'like' at column {test.column} does not go with {test.field}")
    name = "=" if test.operator == "in" else test.operator
    names = [str(value_of(test.field, name, value, sight.now)) for value in test.values]
    found = or_(*(has_status(each, sight) for each in names))
    return not_(found) if test.negated or test.operator == "!=" else found


# ---------------------------------------------------------------------- where to begin


def candidates(tree: Tree, sight: Sight, *, words: bool) -> Select[Any] | None:
    """Keys of the runs for which a comparison holds, where an index has them together; else None."""
    if not isinstance(tree, Predicate):
        return None
    if tree.field.name in SEARCHED and tree.field.group == "run":
        return text_candidates(tree, words=words)
    if tree.negated or tree.operator in ("!=", "like", "null"):
        return None
    is_equality = tree.operator in ("=", "in")
    if tree.field.group == "run":
        indexed = is_equality and tree.field.name in _INDEXED
        return select(tables.runs.c.key).where(_run_field(tree, sight)) if indexed else None
    of_numbers = all(isinstance(each.value, float) for each in tree.values)
    if tree.field.part != "last" or not (is_equality or of_numbers):
        return None
    table = NARROW[tree.field.group]
    if tree.field.group != "metrics" and is_equality and not of_numbers:
        return _with_texts(table, tree)
    return select(table.c.run).where(narrow(tree, table))


def _with_texts(table: Any, test: Predicate) -> Select[Any] | None:
    """Rows by the hashes of their texts: whether it is the text itself is asked of each run."""
    texts = [_literal_text(value) for value in test.values]
    if table is tables.params and any(_as_number(text) is not None for text in texts):
        return None
    keys = [name_key(text) for text in texts]
    named = table.c.name == name_key(test.field.name)
    return select(table.c.run).where(named, table.c.text_key.in_(keys), table.c.text_key.is_not(None))
