"""Profiles as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...entities import ColumnProfile, Profile, ProfileStatus
from ..quantities import duration_text, size_text
from .tables import facts, pairs, shown, table

HEADS = ("column", "type", "nulls", "distinct", "min", "median", "max", "mean", "values")
MOST_COLUMNS = 200
BLOCKS = "▁▂▃▄▅▆▇█"
TOP_SHOWN = 3


def profile_text(profile: Profile, title: str = "") -> str:
    """All of it in lines: facts, then a line a column."""
    parts = [title] if title else []
    if said := status_text(profile):
        parts.append(said)
    if overview := facts(overview_of(profile)):
        parts.append(overview)
    if profile.columns:
        rows = [column_cells(each, profile.rows or 0) for each in profile.columns[:MOST_COLUMNS]]
        parts.append(table(HEADS, rows) + more_columns(profile))
        if any(each.approximate for each in profile.columns):
            parts.append("~ is an estimate.")
    parts += [f"{name}\n{table((name, 'count'), counts.items())}" for name, counts in tallies(profile)]
    return "\n\n".join(parts)


def status_text(profile: Profile) -> str:
    """A sentence where there is no profile (yet), or not all of one."""
    if profile.status is ProfileStatus.PENDING:
        return "It is being computed in the background."
    if profile.status is ProfileStatus.FAILED:
        return f"It could not be computed: {profile.problem}"
    if profile.status is ProfileStatus.UNSUPPORTED:
        return profile.problem or "Nothing is known of a file of this kind but its size."
    return ""


def overview_of(profile: Profile) -> dict[str, Any]:
    """What is known of the whole."""
    files, images, texts = profile.files, profile.images, profile.texts
    return {
        "rows": None if profile.rows is None else f"{profile.rows:,}",
        "columns": f"{len(profile.columns):,}" if profile.rows is not None else None,
        "sampled": profile.sampled_rows and f"{profile.sampled_rows:,} rows, spread over all",
        "files": files and f"{files.count:,}",
        "size": files and size_text(files.size_bytes),
        "images": images and f"{images.count:,}",
        "unreadable": images and ", ".join(images.unreadable),
        "lines": texts and f"{texts.lines:,}",
        "words": texts and f"{texts.words:,}",
        "characters": texts and f"{texts.characters:,}",
        "encodings": texts and pairs(texts.encodings),
        "took": duration_text(profile.duration_s),
    }


def tallies(profile: Profile) -> list[tuple[str, Mapping[str, int]]]:
    """What was counted by kind, each under its name."""
    found: dict[str, Mapping[str, int]] = {}
    if profile.files is not None and profile.files.count > 1:
        found["ending"] = profile.files.suffixes
    if profile.images is not None:
        images = profile.images
        found |= {"format": images.formats, "image size": images.sizes, "mode": images.modes}
        found["class"] = images.classes
    if profile.texts is not None:
        found["word"] = {each.value: each.count for each in profile.texts.top_words}
    return [(name, dict(list(counts.items())[:20])) for name, counts in found.items() if counts]


def column_cells(column: ColumnProfile, rows: int) -> tuple[Any, ...]:
    """A line of the table: estimates have a ~ before them."""

    def marked(name: str, value: Any) -> str:
        text = f"{value:,}" if isinstance(value, int) else shown(value)
        return f"~{text}" if text and name in column.approximate else text

    median = column.quantiles.get("0.5") if column.kind == "number" else None
    return (
        column.name,
        column.type,
        nulls_text(column.nulls, rows),
        marked("distinct", column.distinct),
        marked("min", column.min),
        marked("quantiles", median),
        marked("max", column.max),
        marked("mean", column.mean) + (f" ({column.infinite:,} infinite)" if column.infinite else ""),
        values_text(column),
    )


def nulls_text(nulls: int, rows: int) -> str:
    return f"{nulls:,} ({nulls / rows:.1%})" if nulls and rows else str(nulls)


def values_text(column: ColumnProfile) -> str:
    """A histogram in one line, or the commonest values."""
    if column.histogram is not None and len(column.histogram.counts) > 1:
        return sparkline(column.histogram.counts)
    return "  ".join(f"{shown(each.value)[:20]} ({each.count:,})" for each in column.top[:TOP_SHOWN])


def sparkline(counts: list[int]) -> str:
    """Bars of text; an empty bin is a space."""
    most = max(counts)
    return "".join(BLOCKS[max(0, -(-count * 8 // most) - 1)] if count else " " for count in counts)


def more_columns(profile: Profile) -> str:
    rest = len(profile.columns) - MOST_COLUMNS
    return f"\n… and {rest:,} more columns." if rest > 0 else ""
