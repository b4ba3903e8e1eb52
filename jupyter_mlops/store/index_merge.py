"""Taking parts of journals into the index: what comes in is merged with what is there, by stamp."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, case, or_, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from ..entities import short_id
from ..protocols.runs import (
    CHILD,
    EDITOR,
    OWNER,
    Beginning,
    Delta,
    Ending,
    ParamValue,
    Point,
    Stamp,
    Stamped,
    summarize,
)
from . import index_tables as tables

IDS_PER_QUERY = 500

Row = dict[str, Any]

_encode = msgspec.json.Encoder().encode


def to_text(value: Any) -> str:
    return _encode(value).decode()


# ---------------------------------------------------------------------- journals and runs


def journal_row(old: Mapping[str, Any] | None, delta: Delta) -> Row:
    """The journal's row after ``delta``."""
    row: Row = dict(old) if old else {"role": None, "closed": False, "last_seen": None, **_process(None)}
    row |= {"run_id": delta.run_id, "writer": delta.writer, "offset": delta.end}
    row["bad_lines"] = row.get("bad_lines", 0) + delta.bad_lines
    row["unknown"] = row.get("unknown", 0) + delta.unknown
    if row["role"] is None or delta.role == OWNER:
        row["role"] = delta.role
    row["closed"] = row["closed"] or delta.closed
    row["last_seen"] = _greatest(row["last_seen"], delta.last_seen)
    if row["pid"] is None and delta.process is not None:
        row |= _process(delta)
    return row


def _process(delta: Delta | None) -> Row:
    process = delta.process if delta else None
    if process is None:
        return dict.fromkeys(("host", "boot_id", "pid_namespace", "pid", "start_ticks"))
    return asdict(process)


def is_open(journal: Mapping[str, Any] | None) -> bool:
    """Whether its writer counts for the run's life."""
    return journal is not None and not journal["closed"] and journal["role"] not in (None, EDITOR)


def new_run(run_id: str) -> Row:
    """A run of which nothing is known yet but its id."""
    return {
        "id": run_id,
        "name": short_id(run_id),
        "experiment": "",
        "kind": "script",
        **dict.fromkeys(("user", "host", "note"), ""),
        **dict.fromkeys(("notebook", "cell_id", "parent_id", "job_id", "sweep_id")),
        "started_at": None,
        "status": "running",
        **dict.fromkeys(("reason", "error", "ended_at", "progress_done", "progress_total")),
        "archived": False,
        "last_seen": None,
        "open_writers": 0,
        "stamps": {},
    }


def merge_run(run: Row, delta: Delta, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """Change ``run`` by what ``delta`` says; ``before`` and ``after`` are its journal's rows.

    Of several beginnings the earliest counts, of several ends of the owner the latest; the end that
    another than the owner or its children wrote counts until the owner's is there.
    """
    run["open_writers"] += is_open(after) - is_open(before)
    if after["role"] != EDITOR:
        run["last_seen"] = _greatest(run["last_seen"], delta.last_seen)
    if delta.begun and _replaces(run, "begun", delta.begun.stamp, earlier=True):
        _begin(run, delta.begun.value, delta.begun.stamp)
    elif "begun" not in run["stamps"] and delta.first_seen is not None:
        run["started_at"] = min(run["started_at"] or delta.first_seen, delta.first_seen)
    for name, (value, stamp) in delta.fields.items():
        if _replaces(run, name, stamp):
            progress = (
                {"progress_done": value.done, "progress_total": value.total} if name == "progress" else {}
            )
            run |= progress or {name: value}
    if delta.ended:
        _end(run, delta.ended, after["role"])


def _begin(run: Row, begun: Beginning, stamp: Stamp) -> None:
    names = ("experiment", "user", "host", "notebook", "cell_id", "parent_id", "job_id", "sweep_id")
    run |= {name: getattr(begun, name) for name in names}
    run |= {"kind": begun.kind.value, "started_at": stamp[0]}


def _end(run: Row, ended: Stamped, role: str | None) -> None:
    if role == OWNER:
        decides = _replaces(run, "ended", ended.stamp)
    elif role != CHILD:
        decides = _replaces(run, "ended_by_other", ended.stamp) and "ended" not in run["stamps"]
    else:
        decides = False
    if decides:
        end: Ending = ended.value
        run |= {"status": end.status.value, "reason": end.reason, "ended_at": ended.stamp[0]}
        run["error"] = None if end.error is None else to_text(end.error)


def _replaces(run: Row, name: str, stamp: Stamp, *, earlier: bool = False) -> bool:
    """Whether ``stamp`` wins over the one that set ``name`` last; if so it is kept in its place."""
    stamps: dict[str, Any] = run["stamps"]
    old = stamps.get(name)
    if old is not None and (stamp >= tuple(old) if earlier else stamp <= tuple(old)):
        return False
    stamps[name] = list(stamp)
    return True


def _greatest(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else max(a, b)


# ---------------------------------------------------------------------- everything with a key of its own


def winners(deltas: Iterable[Delta], name: str) -> Iterator[tuple[str, Any, Stamped]]:
    """(run id, key, value with its stamp) for ``params``, ``tags`` or ``details``, one for each key."""
    found: dict[tuple[str, Any], Stamped] = {}
    for delta in deltas:
        for key, stamped in getattr(delta, name).items():
            old = found.get((delta.run_id, key))
            if old is None or stamped.stamp > old.stamp:
                found[delta.run_id, key] = stamped
    return ((run_id, key, stamped) for (run_id, key), stamped in found.items())


def write_keyed(connection: Connection, deltas: Sequence[Delta]) -> None:
    """Params, tags and details: the greater stamp wins, here and in the database."""
    params = [
        {"run_id": run_id, "name": name, **param_columns(value), **_stamp(stamp)}
        for run_id, name, (value, stamp) in winners(deltas, "params")
    ]
    tags = [
        {"run_id": run_id, "name": name, "value": value, **_stamp(stamp)}
        for run_id, name, (value, stamp) in winners(deltas, "tags")
    ]
    details = [
        {"run_id": run_id, "kind": kind, "name": name, "value": to_text(value), **_stamp(stamp)}
        for run_id, (kind, name), (value, stamp) in winners(deltas, "details")
    ]
    upsert(connection, tables.params, params, only_later=True)
    upsert(connection, tables.tags, tags, only_later=True)
    upsert(connection, tables.details, details, only_later=True)


def param_columns(param: ParamValue) -> Row:
    """A param's value as JSON, as the number that filters compare, and as the text that they compare."""
    value, encoded = param.value, to_text(param.value)
    row = {"value": encoded, "text": value if isinstance(value, str) else encoded, "source": param.source}
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {**row, "number": _float(value) if is_number else None}


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer of more than 308 digits
        return math.inf if value > 0 else -math.inf


def _stamp(stamp: Stamp) -> Row:
    return {"time": stamp[0], "writer": stamp[1], "n": stamp[2]}


def write_metrics(connection: Connection, deltas: Sequence[Delta]) -> None:
    """Summaries are merged in the database; counts add up, since every part comes in once."""
    rows: dict[tuple[str, str], Row] = {}
    for delta in deltas:
        for name, points in delta.points.items():
            new = _metric_row(delta, name, points)
            old = rows.get((delta.run_id, name))
            rows[delta.run_id, name] = new if old is None else _merge_metric(old, new)
    if not rows:
        return
    table = tables.metrics.c
    statement = _insert(connection, tables.metrics)
    new_, later = statement.excluded, _later(tables.metrics, statement.excluded)
    of_last = ("last", "last_step", "time", "writer", "n")
    kept = {name: case((later, new_[name]), else_=table[name]) for name in of_last}
    statement = statement.on_conflict_do_update(
        index_elements=["run_id", "name"],
        set_={
            **kept,
            "count": table.count + new_.count,
            "min": case((or_(table.min.is_(None), new_.min < table.min), new_.min), else_=table.min),
            "max": case((or_(table.max.is_(None), new_.max > table.max), new_.max), else_=table.max),
        },
    )
    connection.execute(statement, list(rows.values()))


def _metric_row(delta: Delta, name: str, points: Sequence[Point]) -> Row:
    summary = summarize(points)
    last = max(points, key=lambda point: point[:2])
    return {
        "run_id": delta.run_id,
        "name": name,
        "last": summary.last,
        "min": summary.min,
        "max": summary.max,
        "count": summary.count,
        "last_step": int64(summary.last_step),
        "time": last[0],
        "writer": delta.writer,
        "n": last[1],
    }


def _merge_metric(old: Row, new: Row) -> Row:
    later = new if (new["time"], new["writer"], new["n"]) > (old["time"], old["writer"], old["n"]) else old
    return {
        **later,
        "count": old["count"] + new["count"],
        "min": _least_number(min, old["min"], new["min"]),
        "max": _least_number(max, old["max"], new["max"]),
    }


def _least_number(choose: Any, a: float, b: float) -> float:
    return b if a != a else a if b != b else choose(a, b)


def int64(step: int | None) -> int | None:
    return step if step is not None and -(1 << 63) < step < 1 << 63 else None


# ---------------------------------------------------------------------- lists


def write_lists(connection: Connection, deltas: Sequence[Delta]) -> None:
    """Outputs, inputs and registrations: a row a record."""
    outputs, inputs, registrations = [], [], []
    for delta in deltas:
        key = {"run_id": delta.run_id, "writer": delta.writer}
        for each in delta.outputs:
            outputs.append({**key, "n": each.number, "time": each.time, "message": to_text(each.message)})
        for item in delta.inputs:
            named = {"kind": item.kind, "name": item.name, "version": item.version, "digest": item.digest}
            inputs.append({**key, "n": item.number, "time": item.time, **named})
        for made in delta.registrations:
            names = ("kind", "name", "digest", "user", "version", "problem")
            row = {name: getattr(made, name) for name in names} | {"record": to_text(made.record)}
            registrations.append({**key, "n": made.number, "time": made.time, **row})
    upsert(connection, tables.outputs, outputs)
    upsert(connection, tables.inputs, inputs)
    upsert(connection, tables.registrations, registrations)


# ---------------------------------------------------------------------- statements


def upsert(connection: Connection, table: Table, rows: Sequence[Row], *, only_later: bool = False) -> None:
    """Insert, or replace the row with the same primary key; ``only_later`` one with a smaller stamp."""
    if not rows:
        return
    statement = _insert(connection, table)
    keys = [column.name for column in table.primary_key]
    new = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    where = _later(table, statement.excluded) if only_later else None
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=new, where=where), rows)


def _later(table: Table, new: Any) -> Any:
    return tuple_(new.time, new.writer, new.n) > tuple_(table.c.time, table.c.writer, table.c.n)


def _insert(connection: Connection, table: Table) -> Any:
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)


def chunks(values: Iterable[str], size: int = IDS_PER_QUERY) -> Iterator[list[str]]:
    """Parts of the distinct values, small enough for one IN list."""
    distinct = sorted(set(values))
    for start in range(0, len(distinct), size):
        yield distinct[start : start + size]
