"""Pages of runs: filter, order, and everything that a list shows, in a handful of queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, func, not_, select

from ..entities import MetricSummary, Progress, Run, RunKind, RunStatus
from ..protocols.runs import IndexedRun, Sight
from . import index_tables as tables
from .filters import Field, Order, parse_filter, parse_order
from .filters_sql import condition, last_sign, run_expression, status
from .index_merge import chunks

_MAY_LACK = ("notebook", "ended", "parent", "job", "sweep")
DEFAULT_ORDER = "started desc"

_GROUPED: dict[str, Any] = {"params": tables.params, "metrics": tables.metrics, "tags": tables.tags}


def search(
    connection: Connection,
    filter: str,
    order_by: str,
    sight: Sight,
    *,
    limit: int,
    offset: int,
    archived: bool,
) -> tuple[list[IndexedRun], int]:
    """One page and the number of all that match."""
    where: list[ColumnElement[bool]] = [] if archived else [tables.runs.c.archived.is_(False)]
    if tree := parse_filter(filter):
        where.append(condition(tree, sight))
    orders = [*parse_order(order_by), *parse_order(DEFAULT_ORDER)]
    total = connection.execute(select(func.count()).select_from(tables.runs).where(*where)).scalar_one()
    ids = _page_ids(connection, where, orders, sight, limit=limit, offset=offset)
    return load(connection, ids, sight), total


def load(connection: Connection, run_ids: Sequence[str], sight: Sight) -> list[IndexedRun]:
    """Whole runs, in the order of the ids; unknown ids are left out."""
    found: dict[str, IndexedRun] = {}
    for part in chunks(run_ids):
        params, metrics, tags = _params(connection, part), _metrics(connection, part), _tags(connection, part)
        for row in connection.execute(_runs(sight).where(tables.runs.c.id.in_(part))):
            run = _run(row, params.get(row.id, {}), metrics.get(row.id, {}), tags.get(row.id, {}), sight)
            found[row.id] = IndexedRun(run, row.sign, bool(row.dead), row.open_writers)
    return [found[run_id] for run_id in run_ids if run_id in found]


# ---------------------------------------------------------------------- order


def _page_ids(
    connection: Connection,
    where: Sequence[ColumnElement[bool]],
    orders: Sequence[Order],
    sight: Sight,
    *,
    limit: int,
    offset: int,
) -> list[str]:
    """Runs that lack what the first key sorts by come last.

    They are asked for apart and only when the page reaches them: so the database can walk along the
    index of a metric instead of sorting all runs.
    """
    first, rest = orders[0], orders[1:]
    if first.field.group == "run":
        ordered = _ordered(_ids(where), orders, sight)
        return _scalars(connection, ordered.limit(limit).offset(offset))
    table = _GROUPED[first.field.group]
    named = and_(_same_run(table), table.c.name == first.field.name)
    key = and_(named, _value(first.field, table).is_not(None))
    having = _ids(where, table, key)
    having = having.order_by(*_directed(_columns(first.field, table), first.descending))
    ids = _scalars(connection, _ordered(having, rest, sight).limit(limit).offset(offset))
    if len(ids) < limit:
        count = select(func.count()).select_from(having.order_by(None).subquery())
        before = connection.execute(count).scalar_one()
        lacking = _ordered(_ids([*where, not_(exists().where(key))]), rest, sight)
        lacking = lacking.limit(limit - len(ids)).offset(max(0, offset - before))
        ids += _scalars(connection, lacking)
    return ids


def _scalars(connection: Connection, query: Select[Any]) -> list[str]:
    return list(connection.execute(query).scalars())


def _ids(where: Sequence[ColumnElement[bool]], table: Any = None, key: Any = None) -> Select[Any]:
    source = tables.runs if table is None else tables.runs.join(table, key)
    return select(tables.runs.c.id).select_from(source).where(*where)


def _ordered(query: Select[Any], orders: Sequence[Order], sight: Sight) -> Select[Any]:
    seen: set[tuple[str, str, str]] = set()
    for order in orders:
        field = order.field
        if (field.group, field.name, field.part) in seen:
            continue
        seen.add((field.group, field.name, field.part))
        columns = [run_expression(field, sight)] if field.group == "run" else _sorted_by(field)
        if field.group != "run" or field.name in _MAY_LACK:
            query = query.order_by(columns[-1].is_(None))
        query = query.order_by(*_directed(columns, order.descending))
    return query.order_by(tables.runs.c.id.desc())


def _sorted_by(field: Field) -> list[ColumnElement[Any]]:
    """A value of a group as subqueries, for any key but the first."""
    table = _GROUPED[field.group].alias()
    same = and_(_same_run(table), table.c.name == field.name)
    return [select(column).where(same).scalar_subquery() for column in _columns(field, table)]


def _columns(field: Field, table: Any) -> list[ColumnElement[Any]]:
    return [table.c.number, table.c.text] if field.group == "params" else [_value(field, table)]


def _value(field: Field, table: Any) -> ColumnElement[Any]:
    names = {"params": "text", "tags": "value", "metrics": field.part}
    column: ColumnElement[Any] = table.c[names[field.group]]
    return column


def _directed(columns: Iterable[ColumnElement[Any]], descending: bool) -> list[ColumnElement[Any]]:
    # NULLs (params that are no numbers) stand where SQLite has them in an index, on all databases
    return [column.desc().nulls_last() if descending else column.asc().nulls_first() for column in columns]


# ---------------------------------------------------------------------- rows to runs


def _same_run(table: Any) -> ColumnElement[bool]:
    same: ColumnElement[bool] = table.c.run_id == tables.runs.c.id
    return same


def _runs(sight: Sight) -> Select[Any]:
    marks = tables.marks.c
    source = tables.runs.outerjoin(tables.marks, _same_run(tables.marks))
    derived = status(sight).label("derived"), last_sign().label("sign")
    return select(tables.runs, marks.seq, marks.dead, *derived).select_from(source)


def _run(
    row: Row[Any],
    params: dict[str, Any],
    metrics: dict[str, MetricSummary],
    tags: dict[str, str],
    sight: Sight,
) -> Run:
    derived = RunStatus(row.derived)
    until = row.ended_at if row.ended_at is not None else row.sign if derived is RunStatus.LOST else sight.now
    done = row.progress_done
    progress = None if done is None else Progress(done=done, total=row.progress_total)
    return Run(
        id=row.id,
        name=row.name,
        experiment=row.experiment,
        kind=RunKind(row.kind),
        status=derived,
        started_at=row.started_at,
        status_reason=row.reason,
        ended_at=row.ended_at,
        duration_s=max(0.0, until - row.started_at),
        notebook=row.notebook,
        cell_id=row.cell_id,
        parent_id=row.parent_id,
        job_id=row.job_id,
        sweep_id=row.sweep_id,
        user=row.user,
        host=row.host,
        params=params,
        metrics=metrics,
        tags=tags,
        note=row.note,
        archived=row.archived,
        progress=progress,
        seq=row.seq or 0,
    )


def _params(connection: Connection, run_ids: Sequence[str]) -> Mapping[str, dict[str, Any]]:
    table = tables.params.c
    query = select(table.run_id, table.name, table.value).where(table.run_id.in_(run_ids))
    found: dict[str, dict[str, Any]] = {}
    for run_id, name, value in connection.execute(query.order_by(table.run_id, table.name)):
        found.setdefault(run_id, {})[name] = msgspec.json.decode(value)
    return found


def _metrics(connection: Connection, run_ids: Sequence[str]) -> Mapping[str, dict[str, MetricSummary]]:
    table = tables.metrics.c
    query = select(table.run_id, table.name, table.last, table.min, table.max, table.count, table.last_step)
    found: dict[str, dict[str, MetricSummary]] = {}
    for row in connection.execute(query.where(table.run_id.in_(run_ids)).order_by(table.run_id, table.name)):
        run_id, name, last, least, most, count, step = row
        summary = MetricSummary(last=last, min=least, max=most, count=count, last_step=step)
        found.setdefault(run_id, {})[name] = summary
    return found


def _tags(connection: Connection, run_ids: Sequence[str]) -> Mapping[str, dict[str, str]]:
    table = tables.tags.c
    query = select(table.run_id, table.name, table.value).order_by(table.run_id, table.name)
    query = query.where(table.run_id.in_(run_ids), table.value.is_not(None))
    found: dict[str, dict[str, str]] = {}
    for run_id, name, value in connection.execute(query):
        found.setdefault(run_id, {})[name] = value
    return found
