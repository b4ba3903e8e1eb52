"""How far the values of each column have moved, by samples of both versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...entities import ColumnDrift
from ..columnar.engine import Engine, literal
from ..columnar.samples import Sample, take_sample
from ..columnar.tables import Table, TableColumn
from .statistics import counts_between, decile_edges, ks, psi, verdict

COLUMNS_AT_ONCE = 100
TOP_VALUES = 20
OTHER = "(other)"
LONGEST_VALUE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the versions."""

    table: Table
    size_bytes: int


def drift(engine: Engine, before: Side, after: Side) -> tuple[list[ColumnDrift], list[str]]:
    """Of the columns that are in both with values of one kind; and what was only sampled, in words."""
    names = {column.name: column for column in after.table.columns}
    both = [
        (column, names[column.name])
        for column in before.table.columns
        if column.name in names and column.kind == names[column.name].kind != "other"
    ]
    found: list[ColumnDrift] = []
    notes: list[str] = []
    for start in range(0, len(both), COLUMNS_AT_ONCE):
        part = both[start : start + COLUMNS_AT_ONCE]
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
        notes = [_note(each) for each in (a, b) if not each.is_all]
        found += [_drift(engine, x, a, y, b) for x, y in part]
    return found, list(dict.fromkeys(notes))


def _drift(engine: Engine, x: TableColumn, a: Sample, y: TableColumn, b: Sample) -> ColumnDrift:
    present = [_row(engine, column, sample) for column, sample in ((x, a), (y, b))]
    missing = [sample.rows - each["present"] for sample, each in zip((a, b), present, strict=True)]
    shape = _numeric(engine, x, a, y, b) if x.kind in ("number", "time") else _categories(engine, x, a, y, b)
    # what is missing is a bin of its own: a column that loses half of its values has moved
    counts = ([*shape["counts_before"], missing[0]], [*shape["counts_after"], missing[1]])
    whole = a.is_all and b.is_all
    return ColumnDrift(
        name=x.name,
        kind=x.kind,
        verdict=verdict(*counts),
        psi=psi(*counts),
        nulls_before=missing[0] / a.rows if a.rows else 0.0,
        nulls_after=missing[1] / b.rows if b.rows else 0.0,
        distinct_before=present[0]["distinct"] if whole else None,
        distinct_after=present[1]["distinct"] if whole else None,
        **shape,
    )


def _row(engine: Engine, column: TableColumn, sample: Sample) -> dict[str, int]:
    present, distinct = engine.row(
        f"SELECT count(*) FILTER ({column.present}), count(DISTINCT {column.sql}) FILTER ({column.present}) "
        f"FROM {sample.source}"
    )
    return {"present": present, "distinct": distinct}


def _numeric(engine: Engine, x: TableColumn, a: Sample, y: TableColumn, b: Sample) -> dict[str, Any]:
    """Bins of a tenth of the values before each; infinities are not looked at."""
    before, after = _sorted(engine, x, a), _sorted(engine, y, b)
    edges = decile_edges(before)
    compared = ks(before, after)
    ends = [float(each[at]) for each in (before, after) if len(each) for at in (0, -1)]
    return {
        "ks": compared and compared[0],
        "ks_p": compared and compared[1],
        "mean_before": float(before.mean()) if len(before) else None,
        "mean_after": float(after.mean()) if len(after) else None,
        "edges": [min(ends), *edges, max(ends)] if ends else [],
        "counts_before": counts_between(before, edges) if ends else [],
        "counts_after": counts_between(after, edges) if ends else [],
    }


def _sorted(engine: Engine, column: TableColumn, sample: Sample) -> Any:
    import numpy

    return numpy.sort(engine.numbers(f"SELECT {column.as_float} FROM {sample.source} WHERE {column.usable}"))


def _categories(engine: Engine, x: TableColumn, a: Sample, y: TableColumn, b: Sample) -> dict[str, Any]:
    """The commonest values of both, and all others together."""
    tops = [_top(engine, column, sample) for column, sample in ((x, a), (y, b))]
    values = list(dict.fromkeys([*tops[0], *tops[1]]))
    before, after = (_counts(engine, column, sample, values) for column, sample in ((x, a), (y, b)))
    return {
        "values": [*(value[:LONGEST_VALUE] for value in values), OTHER],
        "counts_before": before,
        "counts_after": after,
    }


def _top(engine: Engine, column: TableColumn, sample: Sample) -> list[str]:
    rows = engine.rows(
        f"SELECT {column.sql}::VARCHAR FROM {sample.source} WHERE {column.present} "
        f"GROUP BY 1 HAVING count(*) > 1 ORDER BY count(*) DESC, 1 LIMIT {TOP_VALUES}"
    )
    return [value for (value,) in rows]


def _counts(engine: Engine, column: TableColumn, sample: Sample, values: Sequence[str]) -> list[int]:
    listed = ", ".join(map(literal, values)) or "NULL"
    rows = engine.rows(
        f"SELECT CASE WHEN {column.sql}::VARCHAR IN ({listed}) THEN {column.sql}::VARCHAR END, count(*) "
        f"FROM {sample.source} WHERE {column.present} GROUP BY 1"
    )
    counted: dict[str | None, int] = dict((value, count) for value, count in rows)  # noqa: C402
    return [*(counted.get(value, 0) for value in values), counted.get(None, 0)]


def _note(sample: Sample) -> str:
    return f"How far columns have moved was told from {sample.rows:,} of {sample.whole:,} rows."
