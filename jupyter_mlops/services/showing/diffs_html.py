"""Diffs of datasets as HTML for a notebook."""

from __future__ import annotations

from typing import Any

from ...entities import ColumnDrift, DatasetDiff
from .data_html import Markup, bars, facts_html, frame_html, mood, paragraph, table_html
from .diffs_text import (
    DRIFT_HEADS,
    EXAMPLE_HEADS,
    LEGEND,
    SAME,
    diff_title,
    drift_cells,
    example_cells,
    file_lines,
    overview_of,
    row_facts,
    sorted_drift,
)

_MOODS = {"stable": "good", "moderate": "middling", "large": "bad"}


def diff_html(diff: DatasetDiff) -> str:
    """The same as in text, the distributions drawn side by side."""
    parts = [paragraph(SAME)] if diff.same else []
    parts.append(facts_html(overview_of(diff)))
    if diff.drift:
        heads = (*DRIFT_HEADS, "before", "after")
        parts.append(table_html(heads, [_cells(each) for each in sorted_drift(diff)]))
        parts.append(paragraph(LEGEND))
    if diff.rows is not None:
        parts.append(facts_html(row_facts(diff.rows)))
        if diff.rows.examples:
            parts.append(table_html(EXAMPLE_HEADS, [example_cells(each) for each in diff.rows.examples]))
    if diff.files is not None:
        parts += [paragraph(line) for line in file_lines(diff.files)]
    return frame_html(diff_title(diff), *parts, *map(paragraph, diff.notes))


def _cells(each: ColumnDrift) -> tuple[Any, ...]:
    name, verdict, *rest = drift_cells(each)
    drawn = (bars(each.counts_before), bars(each.counts_after))
    shaped: tuple[Markup, ...] = drawn if len(each.counts_before) > 1 else (Markup(""), Markup(""))
    return (name, mood(verdict, _MOODS.get(verdict, "middling")), *rest, *shaped)
