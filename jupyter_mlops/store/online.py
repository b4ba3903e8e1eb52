"""The online table of feature views: an embedded key-value table in SQL.

It only repeats what materialised datasets say, so it can be deleted and filled again; its tables are no part
of the registry's migrations. Each table that is put there has a ``generation`` of its own: rows of a
generation never change, and what a reader knows of one stays true.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
)

from ..errors import Conflict, NotFound, Unavailable
from ..protocols.features import OnlineRead, OnlineRow, OnlineTable
from ..wire import from_json, to_json
from .database import Database
from .reaching import LazyDatabase

LOCK = 7_305_807_121
"""Among PostgreSQL's advisory locks: who fills a table waits for who does so already."""
KEYS_A_QUERY = 500
"""Databases limit the values of one statement."""
ROWS_A_BATCH = 10_000
GENERATIONS_KEPT = 256
TRIES = 5

metadata = MetaData()

tables = Table(
    "online_tables",
    metadata,
    Column("view", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("generation", BigInteger, nullable=False, unique=True),
    Column("schema", LargeBinary, nullable=False),
    Column("entity", JSON, nullable=False),
)
rows = Table(
    "online_rows",
    metadata,
    Column("generation", BigInteger, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    Column("time_ns", BigInteger, primary_key=True, autoincrement=False),
    Column("value", LargeBinary, nullable=False),
    sqlite_with_rowid=False,  # the rows of a key lie in its index: one look-up less
)


class SqlOnlineStore:
    """See ``protocols.features.OnlineStore``. Nothing is opened before the first call."""

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = LazyDatabase(database, prepare=_keep_tables)
        self._known: dict[int, OnlineTable] = {}

    def replace(self, table: OnlineTable, values: Iterable[OnlineRow]) -> OnlineTable:
        with self._database.write() as connection:
            _wait_for_turn(connection)
            present = _present(connection, table.view, table.version)
            if present is not None and present.sort > table.sort:
                raise Conflict(
                    f"{table.view}@{table.version} is online as of {_reference(present)}, which is newer "
                    f"than {_reference(table)}. Put the newer one there, or leave it."
                )
            added = replace(table, generation=secrets.randbits(62))
            for batch in _batches(values):
                connection.execute(insert(rows), [_values(added.generation, each) for each in batch])
            if present is not None:
                connection.execute(delete(rows).where(rows.c.generation == present.generation))
                connection.execute(
                    delete(tables).where(tables.c.view == table.view, tables.c.version == table.version)
                )
            connection.execute(
                insert(tables).values(
                    view=added.view,
                    version=added.version,
                    generation=added.generation,
                    schema=added.schema,
                    entity=_entity(added),
                )
            )
        return added

    def read(self, view: str, version: int | None, keys: Sequence[str], *, now_ns: int) -> OnlineRead:
        wanted = list(dict.fromkeys(keys))
        for _ in range(TRIES):
            with self._database.read() as connection:
                read = self._read(connection, view, version, wanted, now_ns)
            if read is not None:
                return read
        raise Unavailable(f"The online table of {view!r} is replaced all the time. Try again.")

    def tables(self) -> list[OnlineTable]:
        with self._database.read() as connection:
            found = connection.execute(select(tables).order_by(tables.c.view, tables.c.version))
            return [_table(row) for row in found]

    def _read(
        self, connection: Connection, view: str, version: int | None, keys: list[str], now_ns: int
    ) -> OnlineRead | None:
        """None when the table was replaced between two of its statements."""
        generation: int | None = None
        found: dict[str, OnlineRow] = {}
        for start in range(0, max(len(keys), 1), KEYS_A_QUERY):
            # one statement sees one state, whatever is committed meanwhile
            asked = {"view": view, "now_ns": now_ns, "keys": keys[start : start + KEYS_A_QUERY]}
            if version is None:
                answer = connection.execute(_OF_NEWEST, asked).all()
            else:
                answer = connection.execute(_OF_VERSION, {**asked, "version": version}).all()
            if not answer:
                raise _not_online(connection, view, version)
            if generation not in (None, answer[0].generation):
                return None
            generation = answer[0].generation
            for row in answer:
                if row.key is not None and (row.key not in found or found[row.key].time_ns < row.time_ns):
                    found[row.key] = OnlineRow(key=row.key, time_ns=row.time_ns, value=row.value)
        assert generation is not None
        table = self._of_generation(connection, generation)
        return None if table is None else OnlineRead(table=table, rows=found)

    def _of_generation(self, connection: Connection, generation: int) -> OnlineTable | None:
        if generation not in self._known:
            row = connection.execute(select(tables).where(tables.c.generation == generation)).first()
            if row is None:
                return None
            if len(self._known) >= GENERATIONS_KEPT:
                self._known = {}
            self._known[generation] = _table(row)
        return self._known[generation]


def _keep_tables(database: Database) -> None:
    database.keep_prepared(_make_tables)


def _make_tables(database: Database) -> None:
    with database.write() as connection:
        _wait_for_turn(connection)
        metadata.create_all(connection)


def _wait_for_turn(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":  # on SQLite a write transaction is the only one
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})


def _query(version: ColumnElement[int]) -> Select[Any]:
    return (
        select(tables.c.generation, rows.c.key, rows.c.time_ns, rows.c.value)
        .select_from(
            tables.outerjoin(
                rows,
                and_(
                    rows.c.generation == tables.c.generation,
                    rows.c.key.in_(bindparam("keys", expanding=True)),
                    rows.c.time_ns <= bindparam("now_ns"),
                ),
            )
        )
        .where(tables.c.view == bindparam("view"), tables.c.version == version)
    )


# made once: to build a statement takes longer than to run it
_OF_VERSION = _query(bindparam("version"))
_OF_NEWEST = _query(
    select(func.max(tables.c.version)).where(tables.c.view == bindparam("view")).scalar_subquery()
)


def _not_online(connection: Connection, view: str, version: int | None) -> NotFound:
    there = list(connection.scalars(select(tables.c.version).where(tables.c.view == view)))
    name = view if version is None else f"{view}@{version}"
    others = f" Online are: {', '.join(f'{view}@{each}' for each in sorted(there))}." if there else ""
    return NotFound(
        f"The feature view {name!r} is not online.{others} Put it there with: "
        f"jupyter_mlops.push_online({name!r})"
    )


def _present(connection: Connection, view: str, version: int) -> OnlineTable | None:
    query = select(tables).where(tables.c.view == view, tables.c.version == version)
    row = connection.execute(query).first()
    return None if row is None else _table(row)


def _table(row: Row[tuple[object, ...]]) -> OnlineTable:
    return from_json({**row.entity, "schema": bytes(row.schema), "generation": row.generation}, OnlineTable)


def _entity(table: OnlineTable) -> dict[str, object]:
    entity: dict[str, object] = to_json(table)
    return {name: value for name, value in entity.items() if name not in ("schema", "generation")}


def _values(generation: int, row: OnlineRow) -> dict[str, object]:
    return {"generation": generation, "key": row.key, "time_ns": row.time_ns, "value": row.value}


def _batches(values: Iterable[OnlineRow]) -> Iterator[list[OnlineRow]]:
    iterator = iter(values)
    while batch := list(islice(iterator, ROWS_A_BATCH)):
        yield batch


def _reference(table: OnlineTable) -> str:
    return f"{table.source.name}@{table.source.version}"
