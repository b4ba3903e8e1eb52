"""Rows by their id, or by a unique end of it, as people type it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, Table, select

from ..errors import Ambiguous, NotFound

SHORTEST_END = 4


def row_of(connection: Connection, table: Table, text: str, *, noun: str) -> Row[Any]:
    """The row of ``table`` that is meant. Raises NotFound, or Ambiguous with the ids that fit."""
    row = connection.execute(select(table).where(table.c.id == text)).first()
    if row is not None:
        return row
    missing = NotFound(f"No {noun} {text!r}. List them: %mlops {noun}s")
    if len(text) < SHORTEST_END or not text.isalnum():
        raise missing
    query = select(table).where(table.c.id.like(f"%{text.lower()}")).order_by(table.c.id.desc()).limit(5)
    rows = connection.execute(query).all()
    if not rows:
        raise missing
    if len(rows) > 1:
        found = ", ".join(row.id for row in rows)
        raise Ambiguous(f"{text!r} fits several {noun}s: {found}. Give more of the id.")
    return rows[0]
