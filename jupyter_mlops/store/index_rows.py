"""Putting many rows into a table at once, and the numbers that stand for names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.postgresql import insert as postgresql_insert

IDS_PER_QUERY = 500

T = TypeVar("T", str, int, bytes)


@lru_cache(maxsize=65536)
def name_key(name: str) -> int:
    """A number for the name of a param, tag or metric: 64 bits of its hash.

    Nothing has to be looked up for it, and it is the same in every index. Two names share one with a
    probability of one in 10^11 among 10,000 names; a run's values never mix, they lie under the whole
    name in its document.
    """
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)


def put(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows, values in the order of the table's columns; one with the same primary key is replaced.

    SQLite's driver gets the tuples as they are: SQLAlchemy's handling of parameters costs ten times what
    the row does. PostgreSQL keeps no NUL in a text: there it becomes the replacement character.
    """
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_replace(table), list(rows))
        return
    statement = postgresql_insert(table)
    keys = [column.name for column in table.primary_key]
    names = [column.name for column in table.c]
    new = {name: statement.excluded[name] for name in names if name not in keys}
    if new:
        statement = statement.on_conflict_do_update(index_elements=keys, set_=new)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=keys)
    connection.execute(
        statement,
        [dict(zip(names, map(_storable, row), strict=True)) for row in rows],
    )


def _storable(value: Any) -> Any:
    return value.replace("\0", "\ufffd") if type(value) is str else value


@lru_cache(maxsize=64)
def _replace(table: Table) -> str:
    marks = ", ".join("?" for _ in table.c)
    return f'INSERT OR REPLACE INTO "{table.name}" VALUES ({marks})'


def chunks(values: Iterable[T], size: int = IDS_PER_QUERY) -> Iterator[list[T]]:
    """Parts of the distinct values, small enough for one IN list."""
    distinct = sorted(set(values))
    for start in range(0, len(distinct), size):
        yield distinct[start : start + size]
