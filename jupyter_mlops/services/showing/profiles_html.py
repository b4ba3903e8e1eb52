"""Profiles as HTML for a notebook."""

from __future__ import annotations

from typing import Any

from ...entities import ColumnProfile, Profile
from .data_html import bars, facts_html, frame_html, paragraph, table_html
from .profiles_text import (
    HEADS,
    MOST_COLUMNS,
    column_cells,
    more_columns,
    overview_of,
    status_text,
    tallies,
)


def profile_html(profile: Profile, title: str = "Profile") -> str:
    """The same as in text, the histograms drawn."""
    parts = [paragraph(said)] if (said := status_text(profile)) else []
    parts.append(facts_html(overview_of(profile)))
    if profile.columns:
        rows = [_cells(each, profile.rows or 0) for each in profile.columns[:MOST_COLUMNS]]
        parts.append(table_html(HEADS, rows))
        if any(each.approximate for each in profile.columns):
            parts.append(paragraph("~ is an estimate."))
        if more := more_columns(profile):
            parts.append(paragraph(more))
    parts += [table_html((name, "count"), list(counts.items())) for name, counts in tallies(profile)]
    return frame_html(title, *parts)


def _cells(column: ColumnProfile, rows: int) -> tuple[Any, ...]:
    cells = column_cells(column, rows)
    if column.histogram is None or len(column.histogram.counts) < 2:
        return cells
    return (*cells[:-1], bars(column.histogram.counts))
