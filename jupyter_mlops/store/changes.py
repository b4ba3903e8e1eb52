"""Counters that live in the database: the change counter and others of its kind."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from .registry_tables import counters

CHANGES = "changes"


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
