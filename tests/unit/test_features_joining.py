"""Joins as of a time, against what one gets by looking at every row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.errors import InvalidInput
from jupyter_mlops.services.features.joining import rows_as_of
from jupyter_mlops.services.features.results import checked
from jupyter_mlops.testing.features import view_version

START = pd.Timestamp("2024-01-01", tz="UTC")


def instants(minutes: list[int | None], unit: str = "us", zone: str | None = "UTC") -> pd.Series[Any]:
    found = pd.Series([None if each is None else START + pd.Timedelta(minutes=each) for each in minutes])
    found = pd.to_datetime(found, utc=True).dt.as_unit(unit)
    return found.dt.tz_convert(zone) if zone else found.dt.tz_localize(None)


def expected_row(
    keys: tuple[Any, ...], at: Any, rows: list[tuple[tuple[Any, ...], Any]], ttl: pd.Timedelta | None
) -> int:
    """Looks at every row; the newest that is not after the label, and not too old."""
    best = -1
    if None in keys or at is pd.NaT:
        return best
    for number, (theirs, time) in enumerate(rows):
        known = theirs == keys and time <= at and (ttl is None or at - time <= ttl)
        if known and (best < 0 or rows[best][1] < time):
            best = number
    return best


MINUTES = st.integers(0, 6)
KEYS = st.integers(0, 2)
TEXTS = st.sampled_from(["a", "b", "ü"])


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(st.tuples(KEYS, TEXTS, MINUTES), max_size=12, unique=True),
    labels=st.lists(st.tuples(st.none() | KEYS, st.none() | TEXTS, st.none() | MINUTES), max_size=12),
    ttl=st.none() | st.integers(1, 3),
    units=st.tuples(st.sampled_from(["s", "us", "ns"]), st.sampled_from(["ms", "us", "ns"])),
    zones=st.tuples(
        st.sampled_from([None, "UTC", "Asia/Kolkata"]), st.sampled_from([None, "America/New_York"])
    ),
)
def test_each_label_gets_the_newest_row_that_was_known_then(
    rows: list[tuple[int, str, int]],
    labels: list[tuple[int | None, str | None, int | None]],
    ttl: int | None,
    units: tuple[str, str],
    zones: tuple[str | None, str | None],
) -> None:
    view = view_version(keys=["id", "town"], ttl_s=None if ttl is None else ttl * 60.0)
    frame = pd.DataFrame(
        {
            "id": pd.array([row[0] for row in rows], dtype="int64"),
            "town": pd.array([row[1] for row in rows], dtype="str"),
            "ended_at": instants([row[2] for row in rows], units[0], zones[0]),
            "x": np.arange(len(rows), dtype="float64"),
        }
    )
    asked = pd.DataFrame(
        {
            "id": pd.array([label[0] for label in labels], dtype="Int64"),
            "town": pd.Series([label[1] for label in labels], dtype="object"),
            "event_timestamp": instants([label[2] for label in labels], units[1], zones[1]),
        }
    ).set_axis(np.arange(len(labels)) % 3)
    stored = checked(frame, view, of="rides@1")
    found = rows_as_of(asked, stored, view, "event_timestamp")
    kept = stored.to_pydict()
    looked_at = list(zip(zip(kept["id"], kept["town"], strict=True), kept["ended_at"], strict=True))
    limit = None if ttl is None else pd.Timedelta(minutes=ttl)
    expected = [
        expected_row(
            (number, town), pd.NaT if at is None else START + pd.Timedelta(minutes=at), looked_at, limit
        )
        for number, town, at in labels
    ]
    assert found.tolist() == expected


def joined(rows: pd.DataFrame, labels: pd.DataFrame, **changes: Any) -> list[int]:
    view = view_version(**{"ttl_s": None, **changes})
    found: list[int] = rows_as_of(labels, checked(rows, view, of="rides@1"), view, "event_timestamp").tolist()
    return found


def rides(*rows: tuple[Any, Any]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["driver_id", "ended_at"])
    return frame.assign(ended_at=pd.to_datetime(frame.ended_at, utc=True), rating=1.0)


def labels_at(key: Any, *times: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {"driver_id": key, "event_timestamp": pd.to_datetime(list(times), format="ISO8601", utc=True)}
    )


def test_a_row_of_the_same_instant_counts_and_one_of_a_nanosecond_later_does_not() -> None:
    rows = rides((1, "2024-01-01T00:00:00.000000100"))
    assert joined(rows, labels_at(1, "2024-01-01T00:00:00.000000100", "2024-01-01T00:00:00.000000099")) == [
        0,
        -1,
    ]
    # labels in microseconds: the row is half of one later
    assert joined(rows, labels_at(1, "2024-01-01").assign(event_timestamp=START.as_unit("us"))) == [-1]


def test_a_row_as_old_as_the_ttl_counts_and_an_older_one_does_not() -> None:
    rows = rides((1, "2024-01-01"))
    labels = labels_at(1, "2024-01-01T01:00:00", "2024-01-01T01:00:00.000001")
    assert joined(rows, labels, ttl_s=3600.0) == [0, -1]


def test_a_newer_row_that_is_too_old_does_not_bring_back_one_before_it() -> None:
    rows = rides((1, "2024-01-01"), (1, "2024-01-02"))
    assert joined(rows, labels_at(1, "2024-01-09"), ttl_s=86400.0) == [-1]


def test_rows_without_times_always_hold() -> None:
    people = pd.DataFrame({"driver_id": [3, 1], "age": [30, 10]})
    labels = pd.DataFrame({"driver_id": [1, 2, 3, None]})
    assert joined(people, labels, timestamp=None) == [0, -1, 1, -1]


@pytest.mark.parametrize(
    ("theirs", "ours", "message"),
    [
        (1, "1", "of the labels holds texts, and those of driver_stats@None are whole numbers"),
        ("1", 1, "of the labels holds whole numbers, and those of driver_stats@None are texts"),
        (1, 1.5, "has a value that is none"),
        (True, 1, "holds whole numbers, and those of driver_stats@None are booleans"),
    ],
)
def test_keys_of_another_kind_are_refused(theirs: Any, ours: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        joined(rides((theirs, "2024-01-01")), labels_at(ours, "2024-01-02"))


def test_keys_of_several_kinds_are_refused() -> None:
    labels = labels_at(1, "2024-01-02", "2024-01-02").assign(driver_id=pd.Series([1, "1"], dtype="object"))
    with pytest.raises(InvalidInput, match="of the labels holds values of several types"):
        joined(rides((1, "2024-01-01")), labels)


@pytest.mark.parametrize(
    "dtype", ["int16", "uint64", "float64", "Int64", "object", "category", "int64[pyarrow]"]
)
def test_the_same_key_is_found_in_whatever_dtype(dtype: str) -> None:
    labels = labels_at(1, "2024-01-02", "2024-01-02")
    labels["driver_id"] = pd.Series([1, 7]).astype(dtype)
    assert joined(rides((1, "2024-01-01")), labels) == [0, -1]


def test_large_keys_stay_apart() -> None:
    big = 2**53
    rows = rides((big, "2024-01-01"), (big + 1, "2024-01-01"))
    labels = labels_at(1, *["2024-01-02"] * 2).assign(driver_id=[big + 1, big])
    assert joined(rows, labels) == [1, 0]


def test_missing_columns_are_named() -> None:
    rows = rides((1, "2024-01-01"))
    with pytest.raises(InvalidInput, match="no column 'driver_id', the key of driver_stats"):
        joined(rows, labels_at(1, "2024-01-02").rename(columns={"driver_id": "driver"}))
    with pytest.raises(InvalidInput, match=r"no column 'event_timestamp'.*timestamp='at'"):
        joined(rows, labels_at(1, "2024-01-02").rename(columns={"event_timestamp": "at"}))


@pytest.mark.parametrize("value", ["2024-01-02", 5, pd.Timestamp("2024-01-02").date()])
def test_what_is_no_time_is_refused(value: Any) -> None:
    labels = labels_at(1, "2024-01-02").assign(event_timestamp=pd.Series([value], dtype="object"))
    with pytest.raises(InvalidInput, match=r"is \S+, not a time. Convert it with pandas.to_datetime"):
        joined(rides((1, "2024-01-01")), labels)


def test_times_of_several_zones_in_one_column_are_what_they_say() -> None:
    times = [pd.Timestamp("2024-01-01 01:00", tz="Europe/Berlin"), pd.Timestamp("2023-12-31 23:59", tz="UTC")]
    labels = pd.DataFrame({"driver_id": 1, "event_timestamp": pd.Series(times, dtype="object")})
    assert joined(rides((1, "2024-01-01")), labels) == [0, -1]


def test_times_far_away_are_compared_where_they_can_be() -> None:
    rows = pd.DataFrame(
        {"driver_id": [1], "ended_at": pd.array(["1700-01-01"], dtype="datetime64[us]"), "x": 1}
    )
    labels = pd.DataFrame(
        {"driver_id": [1], "event_timestamp": pd.array(["9999-12-31"], dtype="datetime64[s]")}
    )
    assert joined(rows, labels) == [0]
    with pytest.raises(InvalidInput, match="beyond the year 2262"):
        joined(rides((1, "2024-01-01T00:00:00.000000001")), labels)


def test_nothing_is_joined_to_nothing() -> None:
    rows = rides((1, "2024-01-01"))
    assert joined(rows.iloc[:0].astype({"driver_id": "int64"}), labels_at(1, "2024-01-02")) == [-1]
    assert joined(rows, labels_at(1).astype({"driver_id": "object"})) == []
