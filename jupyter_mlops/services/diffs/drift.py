"""How far the values of each column have moved, by samples of both versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...entities import ColumnDrift
from ..columnar.engine import Engine
from ..columnar.samples import Sample, take_sample
from ..columnar.tables import Table, TableColumn
from .bins import bins_of
from .statistics import NOT_COMPARED, ks, psi, verdict
from .values import values_of

COLUMNS_AT_ONCE = 100
MOST_SHOWN = 40
OTHER = "(other)"
LONGEST_VALUE = 200
MOST_NAMED = 10
"""Columns that a note names."""

_Pair = tuple[TableColumn, TableColumn]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the versions."""

    table: Table
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """Both distributions in the same bins, ``fields`` of a ColumnDrift, and what is to be said of them."""

    before: list[int]
    after: list[int]
    hidden: float = 0.0
    fields: dict[str, Any] = field(default_factory=dict)
    note: str = ""


def drift(engine: Engine, before: Side, after: Side) -> tuple[list[ColumnDrift], list[str]]:
    """Of the columns that are in both with values of one kind; and in words what was only sampled, was not
    compared, or counts only in part.
    """
    names = {column.name: column for column in after.table.columns}
    both = [(column, names[column.name]) for column in before.table.columns if column.name in names]
    told = [(x, y) for x, y in both if x.kind == y.kind != "other"]
    found: list[ColumnDrift] = []
    sampled: list[str] = []
    notes: list[str] = []
    for start in range(0, len(told), COLUMNS_AT_ONCE):
        part = told[start : start + COLUMNS_AT_ONCE]
        a = take_sample(
            engine,
            before.table,
            [each for each, _ in part],
            size_bytes=before.size_bytes,
            name="sample_before",
        )
        b = take_sample(
            engine, after.table, [each for _, each in part], size_bytes=after.size_bytes, name="sample_after"
        )
        sampled = [_sampled(each) for each in (a, b) if not each.is_all]
        for x, y in part:
            one, note = _drift(engine, x, a, y, b)
            found.append(one)
            notes += [note] if note else []
    untold = [each for each in both if each not in told]
    return found, [*dict.fromkeys(sampled), *notes, *_not_compared(untold)]


def _drift(engine: Engine, x: TableColumn, a: Sample, y: TableColumn, b: Sample) -> tuple[ColumnDrift, str]:
    present = [_row(engine, column, sample) for column, sample in ((x, a), (y, b))]
    missing = [sample.rows - each["present"] for sample, each in zip((a, b), present, strict=True)]
    shape = (_numeric if x.kind in ("number", "time") else _categories)(engine, x, a, y, b)
    # what is missing is a bin of its own: a column that loses half of its values has moved
    counts = ([*shape.before, missing[0]], [*shape.after, missing[1]])
    distance = shape.fields.get("ks")
    said = verdict(
        *counts,
        distance=None if distance is None else (distance, shape.fields["ks_p"]),
        hidden=shape.hidden,
    )
    whole = a.is_all and b.is_all
    told = ColumnDrift(
        name=x.name,
        kind=x.kind,
        verdict=said,
        psi=None if said == NOT_COMPARED else psi(*counts),
        nulls_before=missing[0] / a.rows if a.rows else 0.0,
        nulls_after=missing[1] / b.rows if b.rows else 0.0,
        distinct_before=present[0]["distinct"] if whole else None,
        distinct_after=present[1]["distinct"] if whole else None,
        **shape.fields,
    )
    if said == NOT_COMPARED:
        different = " and ".join(f"{each['distinct']:,}" for each in present)
        return told, (
            f"{x.name} was not compared: too many different values ({different}), most of them too rare to "
            "tell a change from chance."
        )
    return told, shape.note


def _row(engine: Engine, column: TableColumn, sample: Sample) -> dict[str, int]:
    present, distinct = engine.row(
        f"SELECT count(*) FILTER ({column.present}), count(DISTINCT {column.sql}) FILTER ({column.present}) "
        f"FROM {sample.source}"
    )
    return {"present": present, "distinct": distinct}


def _numeric(engine: Engine, x: TableColumn, a: Sample, y: TableColumn, b: Sample) -> _Shape:
    """Infinities are values like others, but for the means."""
    import numpy

    before, after = _sorted(engine, x, a), _sorted(engine, y, b)
    finite = [each[numpy.isfinite(each)] for each in (before, after)]
    endless = [len(each) - len(some) for each, some in zip((before, after), finite, strict=True)]
    means = [float(each.mean()) if len(each) else None for each in finite]
    bins, compared = bins_of(before, after), ks(before, after)
    return _Shape(
        before=bins.before,
        after=bins.after,
        fields={
            "ks": compared and compared[0],
            "ks_p": compared and compared[1],
            "mean_before": means[0],
            "mean_after": means[1],
            "edges": bins.edges,
            "counts_before": bins.before,
            "counts_after": bins.after,
        },
        note=f"{x.name} has infinite values: {endless[0]:,} of {a.rows:,} rows before, {endless[1]:,} of "
        f"{b.rows:,} after. Its means are of the finite ones."
        if any(endless)
        else "",
    )


def _sorted(engine: Engine, column: TableColumn, sample: Sample) -> Any:
    import numpy

    there = column.present if column.is_float else column.usable
    return numpy.sort(engine.numbers(f"SELECT {column.as_float} FROM {sample.source} WHERE {there}"))


def _categories(engine: Engine, x: TableColumn, a: Sample, y: TableColumn, b: Sample) -> _Shape:
    """All values that are there often enough are compared, and the commonest shown."""
    found = values_of(engine, x, a, y, b)
    before, after = (
        [*each, rest] for each, rest in zip((found.before, found.after), found.others, strict=True)
    )
    return _Shape(
        before=before,
        after=after,
        hidden=found.hidden,
        fields={
            "values": [*(value[:LONGEST_VALUE] for value in found.values[:MOST_SHOWN]), OTHER],
            "counts_before": [*before[:MOST_SHOWN], sum(before[MOST_SHOWN:])],
            "counts_after": [*after[:MOST_SHOWN], sum(after[MOST_SHOWN:])],
        },
    )


def _not_compared(pairs: Sequence[_Pair]) -> Iterator[str]:
    """A sentence for each pair of types; columns without any value have nothing to compare."""
    names: dict[tuple[str, str], list[str]] = {}
    for x, y in pairs:
        if not x.type == y.type == "null":
            names.setdefault((x.type, y.type), []).append(x.name)
    for (before, after), columns in names.items():
        rest = len(columns) - MOST_NAMED
        listed = ", ".join(columns[:MOST_NAMED]) + (f" and {rest:,} more" if rest > 0 else "")
        said = "was" if len(columns) == 1 else "were"
        if before == after:
            yield (
                f"{listed} {said} not compared: drift is told of numbers, texts, truths and times, not of "
                f"{before}. Rows that are matched by keys are compared in all columns."
            )
        else:
            yield f"{listed} {said} not compared: {before} before, {after} after."


def _sampled(sample: Sample) -> str:
    return f"How far columns have moved was told from {sample.rows:,} of {sample.whole:,} rows."
