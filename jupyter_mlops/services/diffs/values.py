"""Texts and truths in bins: the values that are there often enough, and all others together."""

from __future__ import annotations

from dataclasses import dataclass

from ..columnar.engine import Engine
from ..columnar.samples import Sample
from ..columnar.tables import TableColumn
from .statistics import bins_within_chance

FEW = 20
"""So few different values are a bin each, however rare they are."""
FEWEST_EXPECTED = 5
"""Of other values so many must be expected in the smaller sample (W. Cochran, "Some Methods for Strengthening
the Common χ² Tests", 1954).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """The commonest values first; ``others`` have no bin. Counts are of rows ``before`` and ``after``.

    ``hidden`` is the total variation of the others (0 to 1), which cannot be told from chance.
    """

    values: list[str]
    before: list[int]
    after: list[int]
    others: tuple[int, int]
    hidden: float


def values_of(engine: Engine, x: TableColumn, a: Sample, y: TableColumn, b: Sample) -> Values:
    """The values of a column in both samples, counted together."""
    engine.rows(
        f"CREATE OR REPLACE TEMP TABLE pooled AS SELECT coalesce(p.v, q.v) AS v, coalesce(p.n, 0) AS x, "
        f"coalesce(q.n, 0) AS y FROM {_counted(x, a)} AS p FULL JOIN {_counted(y, b)} AS q ON p.v = q.v"
    )
    n, m = max(1, a.rows), max(1, b.rows)
    different, *present, moved = engine.row(
        f"SELECT count(*), coalesce(sum(x), 0)::BIGINT, coalesce(sum(y), 0)::BIGINT, "
        f"coalesce(sum(abs(x / {n} - y / {m})), 0) FROM pooled"
    )
    often = f"(x + y) * {min(n, m) / (n + m)!r} >= {FEWEST_EXPECTED}" if different > FEW else "true"
    most = max(FEW, bins_within_chance(n, m))
    # of those that are equally common any, and not the first of the alphabet
    bins = engine.rows(
        f"SELECT v, x, y FROM pooled WHERE {often} ORDER BY x / {n} + y / {m} DESC, hash(v) LIMIT {most}"
    )
    bins.sort(key=lambda each: (-each[1] / n - each[2] / m, each[0]))
    before, after = ([each[at] for each in bins] for at in (1, 2))
    told = sum(abs(ours / n - theirs / m) for _, ours, theirs in bins)
    return Values(
        values=[each[0] for each in bins],
        before=before,
        after=after,
        others=(present[0] - sum(before), present[1] - sum(after)),
        hidden=max(0.0, moved - told) / 2,
    )


def _counted(column: TableColumn, sample: Sample) -> str:
    return (
        f"(SELECT {column.sql}::VARCHAR AS v, count(*) AS n FROM {sample.source} "
        f"WHERE {column.present} GROUP BY 1)"
    )
