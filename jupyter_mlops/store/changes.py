"""Counters that live in the database: the change counter and others of its kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy import Connection, Table, insert, select, update

from .registry_tables import counters

CHANGES = "changes"


class Numbered(Protocol):
    """An entity as it was read: ``seq`` is the number of its last change."""

    @property
    def id(self) -> str: ...

    @property
    def seq(self) -> int: ...


def bump(connection: Connection, name: str = CHANGES) -> int:
    """The counter's next value, for the ``seq`` column of what this write transaction changes.

    The counter's row stays locked until the transaction ends, so that values become visible in their
    order: who has read up to ``n`` never misses a change that is numbered below it. Call it first in a
    write, and writers queue here instead of meeting later.
    """
    # RETURNING needs SQLite 3.35, which Debian 11 lacks
    moved = connection.execute(
        update(counters).where(counters.c.name == name).values(value=counters.c.value + 1)
    )
    if moved.rowcount == 0:
        connection.execute(insert(counters).values(name=name, value=1))
    return current(connection, name)


def current(connection: Connection, name: str = CHANGES) -> int:
    """The counter's value; 0 before the first change."""
    return connection.scalar(select(counters.c.value).where(counters.c.name == name)) or 0


def change(connection: Connection, table: Table, read: Numbered, values: Mapping[str, Any]) -> bool:
    """Whether the row was still as it was ``read``, and now has ``values`` and a new number."""
    seq = bump(connection)
    statement = update(table).where(table.c.id == read.id, table.c.seq == read.seq)
    return connection.execute(statement.values(**values, seq=seq)).rowcount > 0


def changed_since(connection: Connection, table: Table, since: int) -> tuple[int, list[str]]:
    """The counter's value, and the ids of rows that changed after ``since``, in their order."""
    seq = current(connection)  # first: what is committed between the two is told once more, and not left out
    ids = connection.scalars(select(table.c.id).where(table.c.seq > since).order_by(table.c.seq))
    return seq, list(ids)
