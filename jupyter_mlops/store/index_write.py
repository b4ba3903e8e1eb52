"""Writing what was merged: all rows of one transaction, table by table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, delete, func, or_, select

from ..entities import RunStatus
from ..protocols.runs import Delta
from . import index_points, index_texts
from . import index_tables as tables
from .index_document import detail_from, long_texts, pack, pack_details, unpack, unpack_details
from .index_merge import Row, RunState, metric_row, param_row, tag_row
from .index_rows import chunks, name_key, put

_to_json = msgspec.json.Encoder().encode

JournalKey = tuple[str, str]


# ---------------------------------------------------------------------- what is known


def known_runs(connection: Connection, deltas: Iterable[Delta]) -> dict[str, RunState]:
    """The runs of these parts that the index has, with their details where parts have any."""
    deltas = list(deltas)
    found: dict[str, RunState] = {}
    source = tables.runs.join(tables.documents, tables.documents.c.run == tables.runs.c.key)
    query = select(tables.runs, tables.documents.c.data).select_from(source)
    for part in chunks(delta.run_id for delta in deltas):
        for row in connection.execute(query.where(tables.runs.c.id.in_(part))).mappings():
            columns = {column.name: row[column.name] for column in tables.runs.c}
            found[row["id"]] = RunState(columns, unpack(row["data"]), is_new=False)
    _load_details(
        connection, [found[each.run_id] for each in deltas if each.details and each.run_id in found]
    )
    return found


def _load_details(connection: Connection, runs: Iterable[RunState]) -> None:
    by_key = {run.key: run for run in runs}
    table = tables.details
    for run in by_key.values():
        run.details = {}
    for part in chunks(by_key):
        for key, data in connection.execute(select(table.c.run, table.c.data).where(table.c.run.in_(part))):
            by_key[key].details = unpack_details(data)


def known_journals(connection: Connection, run_ids: Iterable[str]) -> dict[JournalKey, Row]:
    """The rows of these runs' journals, by (run id, writer)."""
    found: dict[JournalKey, Row] = {}
    source = tables.journals.join(tables.runs, tables.runs.c.key == tables.journals.c.run)
    query = select(tables.runs.c.id, tables.journals).select_from(source)
    for part in chunks(run_ids):
        for row in connection.execute(query.where(tables.runs.c.id.in_(part))).mappings():
            found[row["id"], row["writer"]] = {column.name: row[column.name] for column in tables.journals.c}
    return found


def next_key(connection: Connection, table: Any) -> int:
    """The first integer key that is free. Only one transaction writes at a time."""
    return (connection.execute(select(func.max(table.c.key))).scalar() or 0) + 1


# ---------------------------------------------------------------------- what has changed


def write(
    connection: Connection,
    deltas: Sequence[Delta],
    runs: Mapping[str, RunState],
    journals: Mapping[JournalKey, Row],
    seq: int,
) -> None:
    """Write the runs and journals of these parts, and everything in the parts that is a row of its own."""
    touched = [runs[run_id] for run_id in dict.fromkeys(delta.run_id for delta in deltas)]
    index_texts.keep_sources(connection, touched)
    keys = dict.fromkeys((delta.run_id, delta.writer) for delta in deltas)
    put(connection, tables.journals, [tuple(journals[key].values()) for key in keys])
    put(connection, tables.runs, [tuple(run.columns.values()) for run in touched])
    put(connection, tables.marks, [(run.key, seq, is_watched(run.columns), False, "") for run in touched])
    put(connection, tables.documents, [(run.key, pack(run.document)) for run in touched])
    put(
        connection,
        tables.details,
        [(run.key, pack_details(run.details)) for run in touched if run.details_changed and run.details],
    )
    _write_narrow(connection, touched)
    _write_data(connection, touched)
    index_points.write_points(
        connection,
        deltas,
        {run_id: run.key for run_id, run in runs.items()},
        {key: journals[key]["key"] for key in keys},
    )
    _write_lists(connection, deltas, runs)
    index_texts.keep_printed(connection, {runs[delta.run_id].key for delta in deltas if delta.outputs})


def is_watched(run: Mapping[str, Any]) -> bool:
    """Whether somebody has to look if the run lives."""
    return bool(run["status"] == RunStatus.RUNNING.value and run["open_writers"] > 0)


def _write_narrow(connection: Connection, runs: Sequence[RunState]) -> None:
    """In the order of the tables' keys, so that SQLite goes through each of its trees once."""
    put(connection, tables.params, sorted(param_row(run, name) for run in runs for name in run.params))
    put(connection, tables.metrics, sorted(metric_row(run, name) for run in runs for name in run.metrics))
    tags, gone = [], []
    for run in runs:
        for name in run.tags:
            row = tag_row(run, name)
            if row is not None:
                tags.append(row)
            elif not run.is_new:
                gone.append((name_key(name), run.key))
    put(connection, tables.tags, sorted(tags))
    table = tables.tags
    for start in range(0, len(gone), 100):
        part = gone[start : start + 100]
        these = or_(*(and_(table.c.name == name, table.c.run == run) for name, run in part))
        connection.execute(delete(table).where(these))


def _write_data(connection: Connection, runs: Sequence[RunState]) -> None:
    """Which content runs have read; a later record may have told another of the same file."""
    rows: set[tuple[str, int]] = set()
    for run in runs:
        reads = [value for (kind, _), (value, _) in (run.details or {}).items() if kind == "data"]
        if not reads or not run.details_changed:
            continue
        connection.execute(delete(tables.data).where(tables.data.c.run == run.key))
        texts = index_texts.bodies(connection, long_texts(reads))
        digests = (detail_from("data", value, texts).get("digest") for value in reads)
        rows.update((digest, run.key) for digest in digests if digest)
    put(connection, tables.data, sorted(rows))


def _write_lists(connection: Connection, deltas: Sequence[Delta], runs: Mapping[str, RunState]) -> None:
    """Outputs, inputs and registrations: a row a record."""
    outputs, inputs, registrations = [], [], []
    for delta in deltas:
        key = runs[delta.run_id].key, delta.writer
        for each in delta.outputs:
            outputs.append((*key, each.number, each.time, _to_json(each.message).decode()))
        for item in delta.inputs:
            inputs.append((*key, item.number, item.time, item.kind, item.name, item.version, item.digest))
        for made in delta.registrations:
            names = made.kind, made.name, made.digest, made.user, _to_json(made.record).decode()
            registrations.append((*key, made.number, made.time, *names, made.version, made.problem))
    put(connection, tables.outputs, outputs)
    put(connection, tables.inputs, inputs)
    put(connection, tables.registrations, registrations)
