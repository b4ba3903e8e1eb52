"""What the index knows of how runs hang together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from ..entities import VersionRef
from ..protocols.lineage import Made, Read, RunPlace
from . import index_tables as tables
from .database import Database
from .index_rows import chunks

VERSIONS_A_QUERY = 100
"""Each is several conditions, and SQLite takes a thousand at most."""


class SqlRunLinks:
    """See ``protocols.lineage.RunLinks``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def places(self, run_ids: Collection[str]) -> list[RunPlace]:
        run = tables.runs.c
        query = select(run.id, run.parent_id, run.job_id, run.notebook)
        return [RunPlace(*row) for row in self._each(query, run.id, run_ids)]

    def children(self, run_ids: Collection[str]) -> list[tuple[str, str]]:
        run = tables.runs.c
        query = select(run.parent_id, run.id).order_by(run.started_at, run.id)
        return [(row[0], row[1]) for row in self._each(query, run.parent_id, run_ids)]

    def of_jobs(self, job_ids: Collection[str]) -> list[tuple[str, str]]:
        run = tables.runs.c
        query = select(run.job_id, run.id).where(run.parent_id.is_(None))
        rows = self._each(query.order_by(run.started_at, run.id), run.job_id, job_ids)
        return [(row[0], row[1]) for row in rows]

    def of_notebooks(self, paths: Collection[str]) -> list[tuple[str, str]]:
        run = tables.runs.c
        query = select(run.notebook, run.id).where(run.parent_id.is_(None), run.job_id.is_(None))
        rows = self._each(query.order_by(run.started_at, run.id), run.notebook, paths)
        return [(row[0], row[1]) for row in rows]

    def read_by(self, run_ids: Collection[str]) -> list[Read]:
        run, read = tables.runs.c, tables.inputs.c
        query = select(run.id, read.kind, read.name, read.version, read.digest)
        query = query.join(tables.inputs, read.run == run.key).order_by(read.time, read.writer, read.n)
        rows = self._each(query, run.id, run_ids)
        return list(dict.fromkeys(Read(row[0], _ref(*row[1:])) for row in rows))

    def contents_read_by(self, run_ids: Collection[str]) -> list[tuple[str, str]]:
        run, data = tables.runs.c, tables.data.c
        query = select(run.id, data.digest).join(tables.data, data.run == run.key)
        return [(row[0], row[1]) for row in self._each(query, run.id, run_ids)]

    def readers(self, versions: Collection[VersionRef]) -> list[Read]:
        with self._database.read() as connection:
            found = [*_by_name(connection, versions), *_by_content(connection, versions)]
        return sorted(dict.fromkeys(found), key=lambda read: read.run_id)

    def pending(self, run_ids: Collection[str]) -> list[Made]:
        run, made = tables.runs.c, tables.registrations.c
        query = select(run.id, made.kind, made.name, made.version, made.digest)
        query = query.join(tables.registrations, made.run == run.key)
        query = query.where(made.version.is_(None), made.problem == "")
        return [Made(row[0], _ref(*row[1:])) for row in self._each(query, run.id, run_ids)]

    def _each(self, query: Select[Any], column: ColumnElement[Any], values: Iterable[str]) -> Iterator[Any]:
        with self._database.read() as connection:
            for part in chunks(values):
                yield from connection.execute(query.where(column.in_(part)))


def _by_name(connection: Connection, versions: Collection[VersionRef]) -> Iterator[Read]:
    """Also those that read a version when it was pending, and so know it by its content."""
    run, read = tables.runs.c, tables.inputs.c
    of_name: dict[tuple[str, str], list[VersionRef]] = defaultdict(list)
    for each in versions:
        of_name[each.kind, each.name].append(each)
    for (kind, name), wanted in of_name.items():
        query = select(run.id, read.version, read.digest).join(tables.inputs, read.run == run.key)
        query = query.where(read.kind == kind, read.name == name)
        for start in range(0, len(wanted), VERSIONS_A_QUERY):
            part = wanted[start : start + VERSIONS_A_QUERY]
            numbered = read.version.in_([each.version for each in part])
            unnumbered = and_(read.version.is_(None), read.digest.in_([each.digest for each in part]))
            by_number = {each.version: each for each in part}
            by_digest = {each.digest: each for each in part}
            for run_id, version, digest in connection.execute(query.where(or_(numbered, unnumbered))):
                yield Read(run_id, by_digest[digest] if version is None else by_number[version])


def _by_content(connection: Connection, versions: Collection[VersionRef]) -> Iterator[Read]:
    run, data = tables.runs.c, tables.data.c
    of_digest: dict[str, list[VersionRef]] = defaultdict(list)
    for each in versions:
        if each.kind == "dataset" and each.digest:
            of_digest[each.digest].append(each)
    query = select(data.digest, run.id).join(tables.data, data.run == run.key)
    for part in chunks(of_digest):
        for digest, run_id in connection.execute(query.where(data.digest.in_(part))):
            yield from (Read(run_id, version) for version in of_digest[digest])


def _ref(kind: str, name: str, version: int | None, digest: str) -> VersionRef:
    return VersionRef(kind=kind, name=name, version=version, digest=digest)
