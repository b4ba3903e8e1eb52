"""The disposable index on SQLAlchemy Core. The contract is on :class:`~..protocols.runs.RunIndex`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, and_, literal_column, or_, select, update

from ..entities import Process, RunError, RunKind, RunStatus
from ..errors import Unavailable
from ..protocols.runs import (
    EDITOR,
    Delta,
    IndexedRun,
    JournalState,
    OpenWriter,
    Point,
    RecordedInput,
    RecordedOutput,
    Registration,
    RunRecords,
    Sight,
    Stamped,
)
from . import index_merge as merge
from . import index_points, index_search
from . import index_schema as schema
from . import index_tables as tables
from .database import Database

DEAD = "lost"
SILENT = "silent"


class SqlRunIndex:
    """A RunIndex in SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.keep_prepared(schema.prepare)

    # ------------------------------------------------------------ taking in
    def scanned_at(self) -> float | None:
        query = select(tables.state.c.value).where(tables.state.c.name == schema.SCANNED)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one_or_none()

    def note_scan(self, now: float) -> None:
        statement = update(tables.state).where(tables.state.c.name == schema.SCANNED).values(value=now)
        with self._database.write() as connection:
            connection.execute(statement)

    def journals(self, run_ids: Iterable[str]) -> dict[tuple[str, str], JournalState]:
        with self._database.read() as connection:
            rows = _journal_rows(connection, run_ids)
        return {key: _journal_state(row) for key, row in rows.items()}

    def apply(self, deltas: Sequence[Delta]) -> list[Delta]:
        with self._database.write() as connection:
            seq = schema.next_seq(connection)
            run_ids = {delta.run_id for delta in deltas}
            journals = _journal_rows(connection, run_ids)
            runs = _run_rows(connection, run_ids)
            taken, left = [], []
            for delta in deltas:
                key = (delta.run_id, delta.writer)
                before = journals.get(key)
                if delta.start != (before["offset"] if before else 0):
                    left.append(delta)
                    continue
                after = journals[key] = merge.journal_row(before, delta)
                run = runs.setdefault(delta.run_id, merge.new_run(delta.run_id))
                merge.merge_run(run, delta, before, after)
                taken.append(delta)
            if taken:
                _write(connection, taken, journals, runs, seq)
        return left

    def users(self, run_ids: Iterable[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        table = tables.runs.c
        with self._database.read() as connection:
            for part in merge.chunks(run_ids):
                query = select(table.id, table.user).where(table.id.in_(part))
                found.update((row.id, row.user) for row in connection.execute(query))
        return found

    def pending_registrations(self) -> list[Registration]:
        table = tables.registrations
        query = select(table).where(table.c.version.is_(None), table.c.problem == "")
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(table.c.time, table.c.writer, table.c.n))
            return [_registration(row) for row in rows]

    def settle_registration(self, key: Registration, *, version: int | None, problem: str = "") -> None:
        table = tables.registrations
        this = and_(table.c.run_id == key.run_id, table.c.writer == key.writer, table.c.n == key.number)
        with self._database.write() as connection:
            connection.execute(update(table).where(this).values(version=version, problem=problem))
            seq = schema.next_seq(connection)
            mark = update(tables.marks).where(tables.marks.c.run_id == key.run_id)
            connection.execute(mark.values(seq=seq))

    def clear(self) -> None:
        try:
            with self._database.write() as connection:
                schema.next_seq(connection)
                schema.empty(connection, [*tables.FACTS, tables.marks])
        except Unavailable as error:
            if not self._database.set_aside_if_damaged(error):
                raise
            self._database.keep_prepared(schema.prepare)

    # ------------------------------------------------------------ liveness
    def open_writers(self, here: Process) -> list[OpenWriter]:
        journal, run, mark = tables.journals.c, tables.runs.c, tables.marks.c
        is_open = and_(journal.closed.is_(False), journal.role != EDITOR)
        # "running" as a literal, so that SQLite sees that the partial index serves
        running = select(run.id).where(run.status == literal_column("'running'"))
        nearby = or_(
            and_(journal.boot_id == here.boot_id, journal.pid_namespace == here.pid_namespace),
            journal.host == here.host,
        )
        with_one_here = select(journal.run_id).where(journal.run_id.in_(running), is_open, nearby)
        source = tables.journals.join(tables.marks, mark.run_id == journal.run_id)
        query = select(tables.journals, mark.seq).select_from(source)
        query = query.where(journal.run_id.in_(with_one_here), is_open, mark.dead.is_(False))
        with self._database.read() as connection:
            return [_open_writer(row) for row in connection.execute(query)]

    def note_dead(self, runs: Mapping[str, int]) -> None:
        mark = tables.marks.c
        with self._database.write() as connection:
            seq = schema.next_seq(connection)
            for run_id, seen in runs.items():
                unchanged = and_(mark.run_id == run_id, mark.seq == seen)
                statement = update(tables.marks).where(unchanged).values(dead=True, told=DEAD, seq=seq)
                connection.execute(statement)

    def note_silence(self, sight: Sight) -> None:
        if not self._untold(sight):
            return
        with self._database.write() as connection:
            seq = schema.next_seq(connection)
            for run_id, told in self._untold(sight, connection).items():
                mark = update(tables.marks).where(tables.marks.c.run_id == run_id)
                connection.execute(mark.values(told=told, seq=seq))

    def _untold(self, sight: Sight, connection: Connection | None = None) -> dict[str, str]:
        """Running runs that are silent or lost, and not told of as such."""
        if connection is None:
            with self._database.read() as connection:
                return self._untold(sight, connection)
        run, mark = tables.runs.c, tables.marks.c
        query = select(run.id, run.last_seen, mark.told).join(tables.marks, mark.run_id == run.id)
        query = query.where(run.status == RunStatus.RUNNING.value, run.last_seen < sight.silent_before)
        query = query.where(mark.told != DEAD, run.open_writers > 0)
        states = {
            row.id: (DEAD if row.last_seen < sight.lost_before else SILENT, row.told)
            for row in connection.execute(query)
            if row.id not in sight.alive
        }
        return {run_id: now for run_id, (now, told) in states.items() if now != told}

    # ------------------------------------------------------------ reading
    def search(
        self, filter: str, order_by: str, sight: Sight, *, limit: int, offset: int, archived: bool
    ) -> tuple[list[IndexedRun], int]:
        with self._database.read() as connection:
            return index_search.search(
                connection, filter, order_by, sight, limit=limit, offset=offset, archived=archived
            )

    def get(self, run_ids: Sequence[str], sight: Sight) -> list[IndexedRun]:
        with self._database.read() as connection:
            return index_search.load(connection, run_ids, sight)

    def ids_ending(self, text: str, *, limit: int) -> list[str]:
        run_id = tables.runs.c.id
        query = select(run_id).where(run_id.endswith(text, autoescape=True)).order_by(run_id).limit(limit)
        with self._database.read() as connection:
            return list(connection.scalars(query))

    def records(self, run_id: str) -> RunRecords:
        with self._database.read() as connection:
            return RunRecords(
                error=_error(connection, run_id),
                details=_details(connection, run_id),
                params_from=_params_from(connection, run_id),
                outputs=[_output(row) for row in _merged(connection, tables.outputs, run_id)],
                inputs=[_input(row) for row in _merged(connection, tables.inputs, run_id)],
                registrations=[
                    _registration(row) for row in _merged(connection, tables.registrations, run_id)
                ],
            )

    def points(self, run_id: str, name: str) -> list[Point]:
        table = tables.points.c
        query = select(table.writer, table.data).where(table.run_id == run_id, table.name == name)
        query = query.order_by(table.writer, table.block)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        stamped = [
            (point[0], row.writer, point[1], point)
            for row in rows
            for point in index_points.unpack_points(row.data)
        ]
        return [each[3] for each in sorted(stamped, key=itemgetter(0, 1, 2))]

    def experiments(self) -> list[str]:
        name = tables.runs.c.experiment
        with self._database.read() as connection:
            return list(connection.scalars(select(name).where(name != "").distinct().order_by(name)))

    def children(self, run_id: str) -> list[str]:
        run = tables.runs.c
        query = select(run.id).where(run.parent_id == run_id).order_by(run.started_at, run.id)
        with self._database.read() as connection:
            return list(connection.scalars(query))

    def of_jobs(self, job_ids: Sequence[str]) -> dict[str, str]:
        run = tables.runs.c
        found: dict[str, str] = {}
        with self._database.read() as connection:
            for part in merge.chunks(job_ids):
                query = select(run.job_id, run.id).where(run.job_id.in_(part), run.kind == RunKind.JOB.value)
                rows = connection.execute(query.order_by(run.started_at, run.id))
                found.update((row.job_id, row.id) for row in rows)
        return found

    def reading(self, kind: str, name: str, version: int | None, digest: str | None) -> list[str]:
        table = tables.inputs.c
        pending = and_(table.version.is_(None), table.digest == digest)
        query = select(table.run_id).where(table.kind == kind, table.name == name)
        query = query.where(pending if version is None else or_(table.version == version, pending))
        with self._database.read() as connection:
            return list(connection.scalars(query.distinct().order_by(table.run_id)))

    def changes(self, since: int) -> tuple[int, list[str]]:
        mark = tables.marks.c
        query = select(mark.run_id).where(mark.seq > since).order_by(mark.seq, mark.run_id)
        with self._database.read() as connection:
            return schema.current_seq(connection), list(connection.scalars(query))


# ---------------------------------------------------------------------- writing


def _write(
    connection: Connection,
    deltas: Sequence[Delta],
    journals: Mapping[tuple[str, str], Mapping[str, Any]],
    runs: Mapping[str, Mapping[str, Any]],
    seq: int,
) -> None:
    run_ids = {delta.run_id for delta in deltas}
    keys = {(delta.run_id, delta.writer) for delta in deltas}
    merge.upsert(connection, tables.journals, [dict(journals[key]) for key in sorted(keys)])
    merge.upsert(
        connection,
        tables.runs,
        [{**runs[run_id], "stamps": _stamps(runs[run_id])} for run_id in sorted(run_ids)],
    )
    marks = [{"run_id": run_id, "seq": seq, "dead": False, "told": ""} for run_id in sorted(run_ids)]
    merge.upsert(connection, tables.marks, marks)
    merge.write_keyed(connection, deltas)
    merge.write_metrics(connection, deltas)
    index_points.write_points(connection, deltas)
    merge.write_lists(connection, deltas)


def _stamps(run: Mapping[str, Any]) -> str:
    return merge.to_text(dict(sorted(run["stamps"].items())))


def _journal_rows(connection: Connection, run_ids: Iterable[str]) -> dict[tuple[str, str], dict[str, Any]]:
    found = {}
    for part in merge.chunks(run_ids):
        query = select(tables.journals).where(tables.journals.c.run_id.in_(part))
        for row in connection.execute(query).mappings():
            found[row["run_id"], row["writer"]] = dict(row)
    return found


def _run_rows(connection: Connection, run_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    found = {}
    for part in merge.chunks(run_ids):
        for row in connection.execute(select(tables.runs).where(tables.runs.c.id.in_(part))).mappings():
            stamps = msgspec.json.decode(row["stamps"])
            found[row["id"]] = {**row, "stamps": stamps}
    return found


# ---------------------------------------------------------------------- rows to values


def _process(row: Any) -> Process | None:
    if row["pid"] is None:
        return None
    names = ("host", "boot_id", "pid_namespace", "pid", "start_ticks")
    return Process(**{name: row[name] for name in names})


def _journal_state(row: Mapping[str, Any]) -> JournalState:
    names = ("run_id", "writer", "offset", "bad_lines", "unknown", "role", "closed", "last_seen")
    return JournalState(**{name: row[name] for name in names}, process=_process(row))


def _open_writer(row: Row[Any]) -> OpenWriter:
    process = _process(row._mapping)
    return OpenWriter(row.run_id, row.writer, process, row.last_seen or 0.0, row.seq)


def _merged(connection: Connection, table: Any, run_id: str) -> Iterable[Row[Any]]:
    query = select(table).where(table.c.run_id == run_id).order_by(table.c.time, table.c.writer, table.c.n)
    return connection.execute(query)


def _output(row: Row[Any]) -> RecordedOutput:
    return RecordedOutput(row.n, row.time, msgspec.json.decode(row.message))


def _input(row: Row[Any]) -> RecordedInput:
    return RecordedInput(row.n, row.time, row.kind, row.name, row.version, row.digest)


def _registration(row: Row[Any]) -> Registration:
    return Registration(
        run_id=row.run_id,
        writer=row.writer,
        number=row.n,
        time=row.time,
        kind=row.kind,
        name=row.name,
        digest=row.digest,
        user=row.user,
        record=msgspec.json.decode(row.record),
        version=row.version,
        problem=row.problem,
    )


def _error(connection: Connection, run_id: str) -> RunError | None:
    query = select(tables.runs.c.error).where(tables.runs.c.id == run_id)
    text = connection.execute(query).scalar_one_or_none()
    return None if text is None else msgspec.json.decode(text, type=RunError)


def _details(connection: Connection, run_id: str) -> dict[str, dict[str, Stamped]]:
    table = tables.details.c
    query = select(tables.details).where(table.run_id == run_id).order_by(table.kind, table.name)
    found: dict[str, dict[str, Stamped]] = {}
    for row in connection.execute(query):
        stamped = Stamped(msgspec.json.decode(row.value), (row.time, row.writer, row.n))
        found.setdefault(row.kind, {})[row.name] = stamped
    return found


def _params_from(connection: Connection, run_id: str) -> dict[str, str]:
    table = tables.params.c
    query = select(table.name, table.source).where(table.run_id == run_id).order_by(table.name)
    return {row.name: row.source for row in connection.execute(query)}
