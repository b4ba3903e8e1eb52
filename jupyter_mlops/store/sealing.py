"""What was sealed, in the team's database. The contract is on :class:`~..protocols.sealing.SealStore`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, and_, delete, exists, insert, select, tuple_

from ..entities import JobStatus
from ..protocols.sealing import JOB, RUN, WHOLE, Sealed
from .database import Database
from .index_rows import chunks
from .reaching import LazyDatabase
from .registry_tables import jobs, sealed

PAGE = 1000
JOURNALS = "journal/%"
_ENDED = [status.value for status in JobStatus if status.ended]
_without_names = [column for column in sealed.c if column.name != "names"]


class SqlSealStore:
    """A SealStore in SQLite or PostgreSQL; nothing is opened before the first call."""

    def __init__(self, database: Database | Callable[[], Database]) -> None:
        self._database = LazyDatabase(database)

    def add(self, seals: Sequence[Sealed]) -> None:
        if not seals:
            return
        rows = [asdict(each) for each in seals]
        key = tuple_(sealed.c.kind, sealed.c.id, sealed.c.path)
        these = key.in_([(row["kind"], row["id"], row["path"]) for row in rows])
        with self._database.write() as connection:
            connection.execute(delete(sealed).where(these))
            connection.execute(insert(sealed), rows)

    def of(self, kind: str, id: str) -> list[Sealed]:
        query = select(sealed).where(sealed.c.kind == kind, sealed.c.id == id).order_by(sealed.c.path)
        with self._database.read() as connection:
            return [_sealed(row) for row in connection.execute(query)]

    def sizes(self, home: str, kind: str, ids: Iterable[str]) -> dict[tuple[str, str], int]:
        found: dict[tuple[str, str], int] = {}
        query = select(sealed.c.id, sealed.c.path, sealed.c.size_bytes)
        query = query.where(sealed.c.home == home, sealed.c.kind == kind)
        with self._database.read() as connection:
            for part in chunks(ids):
                for row in connection.execute(query.where(sealed.c.id.in_(part))):
                    found[row.id, row.path] = row.size_bytes
        return found

    def journals(self) -> Iterator[Sealed]:
        after: tuple[str, str] = ("", "")
        order = (sealed.c.id, sealed.c.path)
        query = select(*_without_names).where(sealed.c.kind == RUN, sealed.c.path.like(JOURNALS))
        while True:
            beyond = (sealed.c.id > after[0]) | and_(sealed.c.id == after[0], sealed.c.path > after[1])
            with self._database.read() as connection:
                rows = connection.execute(query.where(beyond).order_by(*order).limit(PAGE)).all()
            for row in rows:
                yield _sealed(row)
            if len(rows) < PAGE:
                return
            after = (rows[-1].id, rows[-1].path)

    def unsealed_jobs(self, ids: Iterable[str]) -> list[str]:
        whole = exists().where(sealed.c.kind == JOB, sealed.c.id == jobs.c.id, sealed.c.path == WHOLE)
        query = select(jobs.c.id).where(jobs.c.status.in_(_ENDED), ~whole).order_by(jobs.c.id)
        found: list[str] = []
        with self._database.read() as connection:
            for part in chunks(ids):
                found += connection.scalars(query.where(jobs.c.id.in_(part)))
        return found


def _sealed(row: Row[Any]) -> Sealed:
    return Sealed(**row._mapping)
