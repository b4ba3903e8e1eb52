"""What looking at data costs: the profile of 10 million rows of 10 columns against a bare scan by the same engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from jupyter_mlops.services.columnar.engine import Engine, open_engine
from jupyter_mlops.services.columnar.tables import Table, open_table
from jupyter_mlops.services.expectations.stating import state
from jupyter_mlops.services.profiles.columns import profile_columns

from .figures import Benchmark, Figure
from .measuring import medians_s, seconds_of, temporary_folder, temporary_workspace

ROWS = 10_000_000
PIECE = 1_000_000
SOME_ROWS = 100_000


def profiles() -> Iterator[Figure]:
    with temporary_folder() as folder:
        path = _data(folder / "data.parquet")
        with open_engine(folder) as engine:
            table = open_table(engine, path, path.name)
            assert table is not None
            ours, ends, one = medians_s(
                lambda: profile_columns(engine, table, size_bytes=path.stat().st_size),
                lambda: _scan(engine, table, "count({0}), min({0}), max({0})"),
                lambda: _scan(engine, table, "count({0}), max({0})"),
                rounds=5,
            )
        scan_is = "a bare scan: count, min and max of all columns"
        yield Figure(
            what="profile of 10 M rows x 10 columns",
            unit="s",
            value=ours,
            goal=1.5 * ends,
            limit=ends,
            limit_is=scan_is,
        )
        yield Figure(what="such a scan for count and max only", unit="s", value=one)
    yield from _everyday()


def _everyday() -> Iterator[Figure]:
    """What a user waits for, at 100,000 rows."""
    with temporary_workspace() as workspace:
        random = np.random.default_rng(0)
        frame = pd.DataFrame({f"c{number}": random.normal(size=SOME_ROWS) for number in range(10)})
        workspace.registry.register_dataset(frame, name="data")
        workspace.registry.register_dataset(frame + 0.1, name="data")
        yield Figure(
            what="profile of 100,000 rows, exact",
            unit="s",
            value=seconds_of(lambda: workspace.profiles.of("data")),
        )
        drift = seconds_of(lambda: workspace.diffs.diff("data@1", "data@2"))
        yield Figure(what="diff of two such versions", unit="s", value=drift)
        workspace.expectations.set("data", state("data", not_null=[f"c{number}" for number in range(10)]))
        workspace.registry.load_dataset("data@1")
        workspace.expectations.remove("data", "not_null: c0")
        first = seconds_of(lambda: workspace.registry.load_dataset("data@1"))
        again = seconds_of(lambda: workspace.registry.load_dataset("data@1"))
        yield Figure(what="loading it with 9 expectations, first", unit="ms", value=first * 1e3)
        yield Figure(what="loading it when it was looked at before", unit="ms", value=again * 1e3)


def _scan(engine: Engine, table: Table, what: str) -> None:
    engine.row(f"SELECT {', '.join(what.format(each.sql) for each in table.columns)} FROM {table.source}")


def _data(path: Path) -> Path:
    random = np.random.default_rng(0)
    countries = np.array(["DE", "ES", "FR", "GB", "IT", "US"])
    writer = None
    for start in range(0, ROWS, PIECE):
        missing = random.random(PIECE) < 0.05
        table = pa.table(
            {
                "id": np.arange(start, start + PIECE),
                "age": random.integers(0, 100, PIECE).astype("int32"),
                "income": pa.array(random.lognormal(10, 1, PIECE), mask=missing),
                "score": random.normal(0, 1, PIECE),
                "ratio": random.random(PIECE).astype("float32"),
                "country": countries[random.integers(0, 6, PIECE)],
                "email": [f"user{number}@example.com" for number in random.integers(0, 5_000_000, PIECE)],
                "code": pa.array(random.integers(0, 1000, PIECE)).cast(pa.string()),
                "at": np.datetime64("2024-01-01", "us")
                + random.integers(0, 10**13, PIECE).astype("timedelta64[us]"),
                "active": pa.array(random.random(PIECE) < 0.3, mask=missing),
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()
    return path


BENCHMARKS: dict[str, Benchmark] = {"profiles": profiles}
