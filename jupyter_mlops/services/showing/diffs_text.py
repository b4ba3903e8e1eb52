"""Diffs of datasets as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from types import MappingProxyType
from typing import Any

from ...entities import ColumnDrift, DatasetDiff, FileDiff, RowChange, RowDiff, reference_text
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
    "distributions, p its probability by chance; where p is below 0.01, 4 KS² is judged as PSI is, and the "
    "larger of both decides."
)


def diff_title(diff: DatasetDiff) -> str:
    return f"{reference_text(diff.before)} → {reference_text(diff.after)}"


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
BRIEF = 30
"""Characters in which two values that changed must look different."""
BEFORE_DIFFERENCE = 8
"""Characters that are shown before the first one that differs."""


def example_cells(change: RowChange) -> tuple[str, str, str, str]:
    before, after = change.before, change.after
    return (change.kind, _values(change.key), _values(before, after), _values(after, before))


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


def _values(values: dict[str, Any], others: Mapping[str, Any] = MappingProxyType({})) -> str:
    """``others`` are what the same columns hold on the other side: both must not look alike."""
    return ", ".join(
        f"{name}={_unlike(value, others[name]) if name in others else _one(value)}"
        for name, value in values.items()
    )


def _one(value: Any) -> str:
    return "∅" if value is None else shown(value)


def _unlike(value: Any, other: Any) -> str:
    """In short, or as far as it takes to tell it from the other."""
    if _one(value)[:BRIEF] != _one(other)[:BRIEF]:
        return _one(value)
    if not (isinstance(value, str) and isinstance(other, str)):
        return repr(value)
    if value == other:
        return f"{_one(value)[:BRIEF]} (it differs after {len(value)} characters)"
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(value, other, strict=False)))
    start = max(0, same - BEFORE_DIFFERENCE)
    return ("…" if start else "") + repr(value[start : start + BRIEF])


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
