from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.journal.records import Metrics
from jupyter_mlops.protocols.points import Points
from jupyter_mlops.services.runs.columns import columns_of
from jupyter_mlops.wire import NON_FINITE

Row = tuple[float, int, int | None, float]

values = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([*NON_FINITE, "no number", ""])
)
steps = st.one_of(st.none(), st.integers(-(2**70), 2**70))
records = st.lists(
    st.builds(
        Metrics,
        t=st.floats(0, 1e10),
        n=st.integers(0, 2**63 - 1),
        s=steps,
        m=st.dictionaries(st.sampled_from("abcd"), values, max_size=4),
    ),
    max_size=30,
)


def one_by_one(records: Sequence[Metrics]) -> dict[str, list[Row]]:
    """What the columns must say, a point at a time."""
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for record in records:
        kept = record.s is not None and -(2**63) < record.s < 2**63
        for name, value in record.m.items():
            if not isinstance(value, str) or value in NON_FINITE:
                number = NON_FINITE[value] if isinstance(value, str) else value
                found[name].append((record.t, record.n, record.s if kept else None, number))
    return dict(found)


def rows_of(columns: dict[str, Points]) -> dict[str, list[Row]]:
    return {name: list(points) for name, points in columns.items()}


def readable(rows: dict[str, list[Row]]) -> dict[str, list[tuple[float, int, int | None, str]]]:
    """With values that compare equal where they are NaN."""
    return {name: [(*row[:3], repr(row[3])) for row in those] for name, those in rows.items()}


@given(records)
def test_columns_say_what_the_records_say(records: list[Metrics]) -> None:
    assert readable(rows_of(columns_of(records))) == readable(one_by_one(records))


def test_records_of_one_shape_share_all_but_their_values() -> None:
    columns = columns_of([Metrics(t=float(i), n=i, s=i, m={"loss": 0.5, "acc": 0.25}) for i in range(3)])
    assert columns["loss"].times is columns["acc"].times
    assert list(columns["acc"].values) == [0.25] * 3


def test_metrics_logged_apart_keep_their_own_steps() -> None:
    records = [
        Metrics(t=1.0, n=1, s=1, m={"loss": 0.5}),
        Metrics(t=2.0, n=2, m={"system/cpu_percent": 12.5}),
        Metrics(t=3.0, n=3, s=2, m={"loss": 0.25, "acc": 1.0}),
    ]
    assert rows_of(columns_of(records)) == {
        "loss": [(1.0, 1, 1, 0.5), (3.0, 3, 2, 0.25)],
        "system/cpu_percent": [(2.0, 2, None, 12.5)],
        "acc": [(3.0, 3, 2, 1.0)],
    }


def test_metric_of_nothing_but_nonsense_has_no_points() -> None:
    columns = columns_of([Metrics(t=1.0, n=1, m={"a": "nonsense", "b": "NaN"})])
    assert list(columns) == ["b"]
    assert math.isnan(columns["b"].values[0])
