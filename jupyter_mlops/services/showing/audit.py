"""Decisions in a line each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...entities import AuditEntry
from .tables import pairs, table, when

AUDIT_COLUMNS = ("row", "when", "who", "what", "on", "detail")


def audit_table(entries: Iterable[AuditEntry]) -> str:
    """As a table of text."""
    return table(AUDIT_COLUMNS, map(audit_cells, entries))


def audit_cells(entry: AuditEntry) -> tuple[Any, ...]:
    """What of a decision fits into a line."""
    return (
        entry.seq,
        when(entry.time),
        entry.user,
        entry.action,
        entry.subject,
        pairs(_in_short(entry.detail), width=56),
    )


def _in_short(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is long and says little: digests, and what is not set."""
    said = {key: value for key, value in detail.items() if value not in (None, "", [], {})}
    said.pop("digest", None)
    return said
