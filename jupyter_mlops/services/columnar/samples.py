"""The rows that are looked at again and again: all of a small table, of a large one runs spread over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .engine import Engine, quoted
from .tables import Table, TableColumn

EXACT_ROWS = 1_000_000
"""Tables with more rows are sampled."""
EXACT_BYTES = 512 * 1024 * 1024
"""And those in larger files."""
SAMPLE_ROWS = 100_000
MOST_CELLS = 20_000_000
"""Of a wide table fewer rows are looked at."""
RUN = 2048
"""Rows in a run, as the engine decodes them at once: the runs lie at equal distances, so that a table sorted
by one of its columns gives the same picture as a shuffled one.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """``rows`` rows of ``whole`` rows, under the name ``source`` in the engine."""

    source: str
    rows: int
    whole: int

    @property
    def is_all(self) -> bool:
        return self.rows == self.whole


def take_sample(
    engine: Engine, table: Table, columns: Sequence[TableColumn], *, size_bytes: int, name: str = "sample"
) -> Sample:
    """The values of some columns, as a table of the engine; the one before of that name goes."""
    listed = ", ".join(each.sql for each in columns)
    wanted = _wanted(table, size_bytes)
    if wanted >= table.rows:
        query = f"SELECT {listed} FROM {table.source}"
    else:
        step = max(RUN + 1, round(table.rows * RUN / wanted))
        run = max(1, min(RUN, wanted))
        ahead = step - (step - run) // 2  # a run lies in the middle of what it stands for
        query = f"SELECT {listed} FROM {table.numbered} WHERE ({table.row} + {ahead}) % {step} < {run}"
    engine.rows(f"CREATE OR REPLACE TEMP TABLE {quoted(name)} AS {query}")
    (rows,) = engine.row(f"SELECT count(*) FROM {quoted(name)}")
    return Sample(source=quoted(name), rows=rows, whole=table.rows)


def _wanted(table: Table, size_bytes: int) -> int:
    if table.rows <= EXACT_ROWS and size_bytes <= EXACT_BYTES:
        return table.rows
    return min(SAMPLE_ROWS, max(1, MOST_CELLS // max(1, len(table.columns))))
