"""The disposable index on SQLAlchemy Core. The contract is on :class:`~..protocols.runs.RunIndex`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    delete,
    exists,
    literal_column,
    or_,
    select,
    update,
)

from ..entities import Process, RunKind
from ..errors import Unavailable
from ..protocols.points import Points
from ..protocols.runs import (
    EDITOR,
    Delta,
    IndexedRun,
    JournalState,
    OpenWriter,
    Registration,
    RunRecords,
    Sight,
    Standing,
)
from . import index_merge as merge
from . import index_points, index_records, index_search, index_texts, index_write
from . import index_schema as schema
from . import index_tables as tables
from .database import Database
from .index_load import keys_of, load
from .index_rows import chunks

DEAD = "lost"
SILENT = "silent"


class SqlRunIndex:
    """A RunIndex in SQLite or PostgreSQL. ``reader`` tells homes apart that push to one index."""

    def __init__(self, database: Database, *, reader: str = "") -> None:
        self._database = database
        self._reader = reader
        database.keep_prepared(schema.prepare)

    # ------------------------------------------------------------ taking in
    def standing(self) -> Standing:
        made = tables.registrations.c
        pending = exists().where(made.version.is_(None), made.problem == literal_column("''"))
        query = select(tables.state.c.value, pending)
        query = query.where(tables.state.c.name == schema.scanned_by(self._reader))
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
            # a home that has pushed nothing yet has no row
            return Standing(None, pending=False) if row is None else Standing(*row)

    def note_scan(self, now: float) -> None:
        with self._database.write() as connection:
            schema.note_scan(connection, now, self._reader)

    def journals(self, run_ids: Iterable[str]) -> dict[tuple[str, str], JournalState]:
        with self._database.read() as connection:
            rows = index_write.known_journals(connection, run_ids)
        return {key: _journal_state(key[0], row) for key, row in rows.items()}

    def apply(self, deltas: Sequence[Delta]) -> list[Delta]:
        with self._database.write() as connection:
            seq = schema.next_seq(connection)
            taking = _Taking(connection, deltas)
            left = [delta for delta in deltas if not taking.take(delta)]
            if taking.taken:
                index_write.write(connection, taking.taken, taking.runs, taking.journals, seq)
        return left

    def users(self, run_ids: Iterable[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        table = tables.runs.c
        with self._database.read() as connection:
            for part in chunks(run_ids):
                query = select(table.id, table.user).where(table.id.in_(part))
                found.update((row.id, row.user) for row in connection.execute(query))
        return found

    def pending_registrations(self) -> list[Registration]:
        with self._database.read() as connection:
            return index_records.pending_registrations(connection)

    def settle_registration(self, key: Registration, *, version: int | None, problem: str = "") -> None:
        table = tables.registrations
        with self._database.write() as connection:
            seq = schema.next_seq(connection)
            (run,) = keys_of(connection, [key.run_id]) or (0,)
            this = and_(table.c.run == run, table.c.writer == key.writer, table.c.n == key.number)
            connection.execute(update(table).where(this).values(version=version, problem=problem))
            connection.execute(update(tables.marks).where(tables.marks.c.run == run).values(seq=seq))

    def forget(self, run_ids: Iterable[str]) -> None:
        with self._database.write() as connection:
            schema.next_seq(connection)
            for part in chunks(run_ids):
                keys = keys_of(connection, part)
                index_texts.forget_printed(connection, keys)
                for table in tables.OF_RUNS:
                    connection.execute(delete(table).where(table.c.run.in_(keys)))
                connection.execute(delete(tables.runs).where(tables.runs.c.key.in_(keys)))
            schema.scan_again(connection)

    def clear(self) -> None:
        try:
            with self._database.write() as connection:
                schema.recreate(connection)
        except Unavailable as error:
            if not self._database.set_aside_if_damaged(error):
                raise
            self._database.keep_prepared(schema.prepare)

    # ------------------------------------------------------------ liveness
    def open_writers(self, here: Process) -> list[OpenWriter]:
        journal, mark, run = tables.journals.c, tables.marks.c, tables.runs.c
        source = tables.marks.join(tables.runs, run.key == mark.run)
        source = source.join(tables.journals, journal.run == mark.run)
        query = select(run.id, mark.seq, tables.journals).select_from(source)
        query = query.where(journal.closed.is_(False), journal.role != EDITOR)
        rows: list[RowMapping] = []
        with self._database.read() as connection:
            # apart, because SQLite would look through all journals instead
            watched = connection.scalars(select(mark.run).where(mark.watched.is_(True))).all()
            for part in chunks(watched):
                rows += connection.execute(query.where(mark.run.in_(part))).mappings()
        near = {row["run"] for row in rows if _is_near(row, here)}
        return [_open_writer(row) for row in rows if row["run"] in near]

    def note_dead(self, runs: Mapping[str, int]) -> None:
        mark = tables.marks.c
        noted = {"dead": True, "watched": False, "told": DEAD}
        with self._database.write() as connection:
            seq = schema.next_seq(connection)
            for run_id, seen in runs.items():
                key = select(tables.runs.c.key).where(tables.runs.c.id == run_id).scalar_subquery()
                unchanged = and_(mark.run == key, mark.seq == seen)
                connection.execute(update(tables.marks).where(unchanged).values(**noted, seq=seq))

    def note_silence(self, sight: Sight) -> None:
        with self._database.read() as connection:
            if not _untold(connection, sight):
                return
        with self._database.write() as connection:
            seq = schema.next_seq(connection)
            for key, told in _untold(connection, sight).items():
                mark = update(tables.marks).where(tables.marks.c.run == key)
                connection.execute(mark.values(told=told, seq=seq))

    # ------------------------------------------------------------ reading
    def search(
        self,
        filter: str,
        order_by: str,
        sight: Sight,
        *,
        limit: int,
        offset: int,
        archived: bool,
        total: bool = True,
    ) -> tuple[list[IndexedRun], int | None]:
        page = index_search.Page(limit=limit, offset=offset, archived=archived, total=total)
        with self._database.read() as connection:
            return index_search.search(connection, filter, order_by, sight, page)

    def get(self, run_ids: Sequence[str], sight: Sight) -> list[IndexedRun]:
        with self._database.read() as connection:
            return load(connection, keys_of(connection, run_ids), sight)

    def ids_ending(self, text: str, *, limit: int) -> list[str]:
        run_id = tables.runs.c.id
        query = select(run_id).where(run_id.endswith(text, autoescape=True)).order_by(run_id).limit(limit)
        with self._database.read() as connection:
            return list(connection.scalars(query))

    def records(self, run_id: str) -> RunRecords:
        with self._database.read() as connection:
            (key,) = keys_of(connection, [run_id]) or (0,)
            return index_records.records(connection, run_id, key)

    def metric_names(self, run_id: str) -> list[str]:
        with self._database.read() as connection:
            (key,) = keys_of(connection, [run_id]) or (0,)
            return index_records.metric_names(connection, key)

    def points(self, run_id: str, name: str) -> Points:
        with self._database.read() as connection:
            (key,) = keys_of(connection, [run_id]) or (0,)
            return index_points.read_points(connection, key, name)

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
            for part in chunks(job_ids):
                query = select(run.job_id, run.id).where(run.job_id.in_(part), run.kind == RunKind.JOB.value)
                rows = connection.execute(query.order_by(run.started_at, run.id))
                found.update((row.job_id, row.id) for row in rows)
        return found

    def reading(self, kind: str, name: str, version: int | None, digest: str | None) -> list[str]:
        table, run, data = tables.inputs.c, tables.runs.c, tables.data.c
        pending = and_(table.version.is_(None), table.digest == digest)
        this = pending if version is None else or_(table.version == version, pending)
        readers: ColumnElement[bool] = run.key.in_(
            select(table.run).where(table.kind == kind, table.name == name, this)
        )
        if kind == "dataset" and digest:
            readers = or_(readers, run.key.in_(select(data.run).where(data.digest == digest)))
        with self._database.read() as connection:
            return list(connection.scalars(select(run.id).where(readers).order_by(run.id)))

    def changes(self, since: int) -> tuple[int, list[str]]:
        mark, run = tables.marks.c, tables.runs.c
        query = select(run.id).join(tables.marks, mark.run == run.key).where(mark.seq > since)
        with self._database.read() as connection:
            return schema.current_seq(connection), list(connection.scalars(query.order_by(mark.seq, run.id)))


# ---------------------------------------------------------------------- within


class _Taking:
    """Parts of journals that are merged with what the index has, in one transaction."""

    def __init__(self, connection: Connection, deltas: Sequence[Delta]) -> None:
        self.taken: list[Delta] = []
        self.runs = index_write.known_runs(connection, deltas)
        self.journals = index_write.known_journals(connection, self.runs)
        self._next_run = index_write.next_key(connection, tables.runs)
        self._next_journal = index_write.next_key(connection, tables.journals)

    def take(self, delta: Delta) -> bool:
        """Merge a part; returns False for one that does not begin where the index stands."""
        key = (delta.run_id, delta.writer)
        before = self.journals.get(key)
        if delta.start != (before["offset"] if before else 0):
            return False
        run = self.runs.get(delta.run_id)
        if run is None:
            run = self.runs[delta.run_id] = merge.new_run(self._next_run, delta.run_id)
            self._next_run += 1
        if before is None:
            before = merge.new_journal(self._next_journal, run.key, delta.writer)
            self._next_journal += 1
        after = self.journals[key] = merge.merge_journal(before, delta)
        merge.merge_run(run, delta, before, after)
        self.taken.append(delta)
        return True


def _untold(connection: Connection, sight: Sight) -> dict[int, str]:
    """Running runs that are silent or lost, and not told of as such."""
    run, mark = tables.runs.c, tables.marks.c
    query = select(run.key, run.id, run.last_seen, mark.told).join(tables.marks, mark.run == run.key)
    query = query.where(mark.watched.is_(True), mark.told != DEAD, run.last_seen < sight.silent_before)
    states = {
        row.key: (DEAD if row.last_seen < sight.lost_before else SILENT, row.told)
        for row in connection.execute(query)
        if row.id not in sight.alive
    }
    return {key: now for key, (now, told) in states.items() if now != told}


def _is_near(row: RowMapping, here: Process) -> bool:
    same_boot = (row["boot_id"], row["pid_namespace"]) == (here.boot_id, here.pid_namespace)
    return same_boot or row["host"] == here.host


def _process(row: Mapping[str, Any] | RowMapping) -> Process | None:
    return None if row["pid"] is None else Process(**{name: row[name] for name in merge.PROCESS})


def _journal_state(run_id: str, row: Mapping[str, Any]) -> JournalState:
    names = ("writer", "offset", "bad_lines", "unknown", "role", "last_seen")
    known = {name: row[name] for name in names}
    return JournalState(run_id=run_id, **known, closed=bool(row["closed"]), process=_process(row))


def _open_writer(row: RowMapping) -> OpenWriter:
    return OpenWriter(row["id"], row["writer"], _process(row), row["last_seen"] or 0.0, row["seq"])
