"""Comparisons as text: tables of what differs, and the code as a diff."""

from __future__ import annotations

from typing import Any

from ...entities import Comparison, DataDifference, Difference, Run, RunTable, short_id
from .tables import table

SAME = "The two runs have the same params, metrics, tags, data, packages, environment and code."
ALL_SAME = "The runs have the same params, metrics, tags, data, packages and environment."

Row = tuple[str, Any, Any]


def comparison_text(comparison: Comparison) -> str:
    """What differs, or that nothing does."""
    rows = comparison_rows(comparison)
    parts = [table(("", title(comparison.a), title(comparison.b)), rows)] if rows else []
    parts += [comparison.source_diff] if comparison.source_diff else []
    return "\n\n".join(parts) or SAME


def comparison_rows(comparison: Comparison) -> list[Row]:
    """One row for each thing that differs: ``params.lr``, and its two values."""
    kinds: dict[str, list[Difference]] = {
        "params": comparison.params,
        "metrics": comparison.metrics,
        "tags": comparison.tags,
        "inputs": comparison.inputs,
    }
    rows = _rows(kinds)
    for each in comparison.data:
        rows += data_rows(each)
    return rows + _rows({"packages": comparison.packages, "environment": comparison.environment})


def _rows(kinds: dict[str, list[Difference]]) -> list[Row]:
    return [(f"{kind}.{each.key}", each.a, each.b) for kind, found in kinds.items() for each in found]


def data_rows(difference: DataDifference) -> list[Row]:
    """What each side read, and which columns changed."""
    a, b = (
        None if text is None else f"{text}{'' if rows is None else f', {rows} rows'}"
        for text, rows in ((difference.a, difference.rows_a), (difference.b, difference.rows_b))
    )
    found: list[Row] = [(f"data.{difference.name}", a, b)]
    for column in difference.columns:
        a, b = {
            "added": (None, column.b or "there"),
            "removed": (column.a or "there", None),
            "content": ("content differs", "content differs"),
        }.get(column.change, (column.a, column.b))
        found.append((f"  column {column.column}", a, b))
    if difference.note:
        found.append(("  columns", difference.note, ""))
    return found


def run_table_text(comparison: RunTable) -> str:
    """A row for each thing that differs, a column for each run."""
    if not comparison.rows:
        return ALL_SAME
    rows = [(f"{row.kind}.{row.key}", *row.values) for row in comparison.rows]
    return table(("", *map(title, comparison.runs)), rows)


def title(run: Run) -> str:
    """A run's name and the end of its id."""
    return f"{run.name} {short_id(run.id)}"
