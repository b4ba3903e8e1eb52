"""Features: of one key and of many, now and as of each of a million labels."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import numpy as np
import pandas as pd

import jupyter_mlops as mlops

from .figures import Benchmark, Figure
from .measuring import median_s, quantiles_us, temporary_workspace

KEYS = 100_000
ROWS = 1_000_000
LABELS = 1_000_000
READS = 1_000


def _stats(rows: pd.DataFrame) -> pd.DataFrame:
    return rows


def _rows(count: int) -> pd.DataFrame:
    random = np.random.default_rng(0)
    start = pd.Timestamp("2024-01-01", tz="UTC")
    found = {f"f{number}": random.normal(size=count) for number in range(10)}
    return pd.DataFrame(
        {
            "driver_id": random.integers(0, KEYS, count),
            "ended_at": start + pd.to_timedelta(np.arange(count), unit="s"),
            **found,
        }
    )


def _view() -> mlops.FeatureView:
    view = mlops.feature_view(source="rides", keys="driver_id", timestamp="ended_at", name="stats")(_stats)
    mlops.register_dataset(_rows(ROWS), name="rides")
    view.materialize(online=True)
    return view


def features() -> Iterator[Figure]:
    """The online table of 100,000 keys with ten features, and a join of a million labels."""
    with temporary_workspace() as workspace:
        view = _view()
        raw = sqlite3.connect(workspace.settings.home / "online.sqlite")
        for count in (1, 100):
            asked = [[{"driver_id": (each * 7919 + n) % KEYS} for n in range(count)] for each in range(READS)]
            marks = ",".join("?" * count)
            texts = [[f"[{each['driver_id']}]" for each in keys] for keys in asked]
            limit, _ = quantiles_us(
                lambda n: raw.execute(
                    f"SELECT key, value FROM online_rows WHERE generation = (SELECT generation FROM online_tables) AND key IN ({marks})",  # noqa: B023
                    texts[n],  # noqa: B023
                ).fetchall(),
                READS,
            )
            for shape, options in (("dicts", {"as_dicts": True}), ("a DataFrame", {})):
                value, _ = quantiles_us(
                    lambda n: mlops.online_features("stats", asked[n], **options),  # type: ignore[call-overload]  # noqa: B023
                    READS,
                )
                yield Figure(
                    what=f"features of {count} of {KEYS:,} keys as {shape}, median",
                    unit="us",
                    value=value,
                    limit=limit,
                    limit_is="the same rows by sqlite3",
                )
        raw.close()
        yield _join(view)


def _join(view: mlops.FeatureView) -> Figure:
    random = np.random.default_rng(1)
    labels = pd.DataFrame(
        {
            "driver_id": random.integers(0, KEYS, LABELS),
            "event_timestamp": pd.Timestamp("2024-01-01", tz="UTC")
            + pd.to_timedelta(random.integers(0, ROWS, LABELS), unit="s"),
        }
    )
    rows = mlops.load_dataset("stats")

    def bare() -> pd.DataFrame:
        return pd.merge_asof(
            labels.sort_values("event_timestamp"),
            rows,
            left_on="event_timestamp",
            right_on="ended_at",
            by="driver_id",
        )

    return Figure(
        what=f"training_set of {LABELS:,} labels with {ROWS:,} rows of ten features",
        unit="s",
        value=median_s(lambda: mlops.training_set(labels, view), rounds=3),
        limit=median_s(bare, rounds=3),
        limit_is="pandas.merge_asof of the loaded table",
    )


BENCHMARKS: dict[str, Benchmark] = {"features": features}
