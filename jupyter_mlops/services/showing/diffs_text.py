"""Diffs of datasets as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...entities import ColumnDrift, DatasetDiff, FileDiff, RowChange, RowDiff, VersionRef
from ..quantities import size_text
from .tables import facts, shown, table

DRIFT_HEADS = ("column", "moved", "PSI", "KS", "p", "mean", "missing")
RANK = {"large": 0, "moderate": 1, "stable": 2}
MOST_COLUMNS = 100
SAME = "They have the same content."


def diff_text(diff: DatasetDiff) -> str:
    """All of it in lines, what moved furthest first."""
    parts = [diff_title(diff)]
    if diff.same:
        parts.append(SAME)
    parts.append(facts(overview_of(diff)))
    if diff.drift:
        parts.append(table(DRIFT_HEADS, [drift_cells(each) for each in sorted_drift(diff)]))
        parts.append(LEGEND)
    if diff.rows is not None:
        parts.append(_rows(diff.rows))
    if diff.files is not None:
        parts.append("\n".join(file_lines(diff.files)))
    return "\n\n".join(part for part in [*parts, *diff.notes] if part)


LEGEND = (
    "PSI: population stability index, below 0.1 stable, from 0.25 large. KS: the largest distance of the two "
    "distributions, p its probability by chance."
)


def diff_title(diff: DatasetDiff) -> str:
    return f"{_name(diff.before)} → {_name(diff.after)}"


def overview_of(diff: DatasetDiff) -> dict[str, Any]:
    """Sizes and columns; what is the same is left out."""
    return {
        "rows": _change(diff.rows_before, diff.rows_after),
        "size": f"{size_text(diff.bytes_before)} → {size_text(diff.bytes_after)}",
        "added": ", ".join(f"{each.name} ({each.type})" for each in diff.added),
        "removed": ", ".join(f"{each.name} ({each.type})" for each in diff.removed),
        "retyped": ", ".join(f"{each.name} ({each.before} → {each.after})" for each in diff.retyped),
        "order": "the columns are in another order" if diff.reordered else "",
    }


def sorted_drift(diff: DatasetDiff) -> list[ColumnDrift]:
    """What moved furthest first; of very many columns the first."""
    ranked = sorted(diff.drift, key=lambda each: (RANK.get(each.verdict, 3), -(each.psi or 0.0)))
    return ranked[:MOST_COLUMNS]


def drift_cells(each: ColumnDrift) -> tuple[Any, ...]:
    return (
        each.name,
        each.verdict,
        _number(each.psi),
        _number(each.ks),
        _number(each.ks_p),
        _means(each),
        f"{each.nulls_before:.1%} → {each.nulls_after:.1%}" if each.nulls_before or each.nulls_after else "",
    )


def row_facts(rows: RowDiff) -> dict[str, Any]:
    """How many rows came, went, changed and stayed."""
    return {
        f"rows by {', '.join(rows.keys)}": f"{rows.added:,} added, {rows.removed:,} removed, "
        f"{rows.changed:,} changed, {rows.unchanged:,} unchanged",
        "changed": ", ".join(
            f"{name} ({count:,})" for name, count in list(rows.changed_columns.items())[:20]
        ),
    }


EXAMPLE_HEADS = ("row", "key", "before", "after")


def example_cells(change: RowChange) -> tuple[str, str, str, str]:
    return (change.kind, _values(change.key), _values(change.before), _values(change.after))


def file_lines(files: FileDiff) -> list[str]:
    """A line of numbers, then the paths."""
    counts = (
        f"files: {files.added:,} added, {files.removed:,} removed, {files.changed:,} changed, "
        f"{files.unchanged:,} unchanged"
    )
    lists: Sequence[tuple[str, int, list[str]]] = (
        ("+", files.added, files.added_paths),
        ("-", files.removed, files.removed_paths),
        ("~", files.changed, files.changed_paths),
    )
    lines = [counts]
    for mark, count, paths in lists:
        lines += [f"{mark} {shown(path)}" for path in paths]
        if count > len(paths):
            lines.append(f"{mark} … and {count - len(paths):,} more")
    return lines


def _rows(rows: RowDiff) -> str:
    parts = [facts(row_facts(rows))]
    if rows.examples:
        parts.append(table(EXAMPLE_HEADS, [example_cells(each) for each in rows.examples]))
    return "\n\n".join(parts)


def _values(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={shown(value) if value is not None else '∅'}" for name, value in values.items())


def _means(each: ColumnDrift) -> str:
    if each.kind != "number" or each.mean_before is None or each.mean_after is None:
        return ""
    return f"{shown(each.mean_before)} → {shown(each.mean_after)}"


def _change(before: int | None, after: int | None) -> str:
    if before is None or after is None:
        return ""
    return f"{before:,}" if before == after else f"{before:,} → {after:,} ({after - before:+,})"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _name(ref: VersionRef) -> str:
    return f"{ref.name}@{'pending' if ref.version is None else ref.version}"
