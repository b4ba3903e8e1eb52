"""Making the index's tables, also in place of those of another version."""

from __future__ import annotations

import logging
import time

from sqlalchemy import Connection, MetaData, Table, delete, insert, inspect, select, text, update
from sqlalchemy.schema import CreateIndex, CreateTable

from ..errors import Unavailable
from . import index_texts
from .database import Database
from .index_tables import LATER, SCHEMA_VERSION, metadata, state

SCHEMA = "schema"
SEQ = "seq"
SCANNED = "scanned"
READER = 20
"""So much of a reader's name is in the name of its row."""
LOCK = 7_017_071
"""An arbitrary number that is ours among PostgreSQL's advisory locks of one database."""


logger = logging.getLogger(__name__)


def prepare(database: Database) -> None:
    """Make the tables where there are none; drop and make anew those of another version.

    A SQLite file that is damaged is set aside and made anew: it only repeats what the journals say.
    Raises Unavailable, with what to do, when the database cannot be opened.
    """
    try:
        _make_tables(database)
    except Unavailable as error:
        if not database.set_aside_if_damaged(error):
            raise _unavailable(database, error) from error
        logger.warning("The index %s was damaged and is made anew from the journals", database.url.database)
        _make_tables(database)


def _make_tables(database: Database) -> None:
    with database.read() as connection:
        if _version(connection) == SCHEMA_VERSION:
            return
    with database.write() as connection:
        if not database.is_sqlite:  # on SQLite a write transaction is the only one
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        found = _version(connection)
        if found is not None and found > SCHEMA_VERSION and not database.is_sqlite:
            raise Unavailable(
                f"The team's index {database.url.render_as_string()} was made by a later version of "
                "jupyter-mlops. Upgrade: pip install -U jupyter-mlops"
            )
        if found != SCHEMA_VERSION:
            recreate(connection)


def _unavailable(database: Database, error: Unavailable) -> Unavailable:
    reason = getattr(error.__cause__, "orig", None) or error
    return Unavailable(
        f"The index {database.url.render_as_string()} cannot be opened: {reason}. If it is"
        " damaged, delete it: it only repeats what the journals say and is made again."
    )


def recreate(connection: Connection) -> None:
    """New tables, and a ``seq`` above any that was given out before: it starts at the milliseconds now."""
    seq = max((_value(connection, SEQ) or 0.0) + 1, float(time.time_ns() // 1_000_000))
    index_texts.drop(connection)
    old = MetaData()
    for name in _present(connection):
        Table(name, old)
    old.drop_all(connection)
    for table in metadata.sorted_tables:
        connection.execute(CreateTable(table))
    _make_indexes(connection, later=False)
    index_texts.create(connection)
    rows = [{"name": SCHEMA, "value": float(SCHEMA_VERSION)}, {"name": SEQ, "value": seq}]
    connection.execute(insert(state), [*rows, {"name": SCANNED, "value": None}])


def note_scan(connection: Connection, now: float, reader: str = "") -> None:
    """All journals have been read: the first time, make the indexes that only searches need."""
    next_seq(connection)  # first: who writes meanwhile waits there, and not for tables that this one locks
    first = connection.execute(select(state.c.value).where(state.c.name == SCANNED)).scalar_one() is None
    if first:
        _make_indexes(connection, later=True)
    if first or not reader:
        connection.execute(update(state).where(state.c.name == SCANNED).values(value=now))
    if reader:
        connection.execute(delete(state).where(state.c.name == scanned_by(reader)))
        connection.execute(insert(state).values(name=scanned_by(reader), value=now))


def scanned_by(reader: str) -> str:
    """The name of the row that says when a home was scanned, of several that push to one index."""
    return f"{SCANNED}:{reader[:READER]}" if reader else SCANNED


def scan_again(connection: Connection) -> None:
    """Have every home's next reader look at all of its journals."""
    connection.execute(delete(state).where(state.c.name.like(f"{SCANNED}:%")))


def _make_indexes(connection: Connection, *, later: bool) -> None:
    for table in metadata.sorted_tables:
        for index in sorted(table.indexes, key=lambda each: str(each.name)):
            if bool(index.info.get(LATER)) is later:
                connection.execute(CreateIndex(index, if_not_exists=True))


def next_seq(connection: Connection) -> int:
    """Count up; the row lock makes writers queue on databases that let them work side by side."""
    connection.execute(update(state).where(state.c.name == SEQ).values(value=state.c.value + 1))
    return current_seq(connection)


def current_seq(connection: Connection) -> int:
    return int(connection.execute(select(state.c.value).where(state.c.name == SEQ)).scalar_one())


def _version(connection: Connection) -> int | None:
    value = _value(connection, SCHEMA)
    return None if value is None else int(value)


def _value(connection: Connection, name: str) -> float | None:
    if not inspect(connection).has_table(state.name):
        return None
    return connection.execute(select(state.c.value).where(state.c.name == name)).scalar_one_or_none()


def _present(connection: Connection) -> list[str]:
    """The index's tables, of any version: a team's database may hold the registry's beside them."""
    names = inspect(connection).get_table_names()
    return [name for name in names if name in ("runs", state.name) or name.startswith("run_")]
