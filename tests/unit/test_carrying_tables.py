"""Tables that Arrow keeps exactly go as Arrow; what it would change does not."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from jupyter_mlops.services.carrying import tables
from tests.optional import optional


def with_attrs(attrs: dict[Any, Any]) -> pd.DataFrame:
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = attrs
    return frame


KEPT = {
    "numbers": pd.DataFrame({"a": range(3), "b": np.arange(3) / 3, "c": np.array([1, 2, 3], dtype="int8")}),
    "missing values": pd.DataFrame({"a": [1.0, np.nan, -0.0], "b": pd.array([1, None, 3], dtype="Int64")}),
    "booleans": pd.DataFrame({"b": pd.array([True, None], dtype="boolean")}),
    "ordered categories, some unused": pd.DataFrame(
        {"c": pd.Categorical(["b", "a", None], categories=["z", "b", "a"], ordered=True)}
    ),
    "categories of numbers": pd.DataFrame({"c": pd.Categorical([3, 1, 2])}),
    "times with a zone": pd.DataFrame(
        {"t": pd.to_datetime(["2020-01-01", None]).tz_localize("Europe/Berlin")}
    ),
    "times in seconds": pd.DataFrame({"t": np.array(["2020-01-01", "NaT"], dtype="M8[s]")}),
    "durations": pd.DataFrame({"d": pd.to_timedelta([1, None], unit="s")}),
    "periods": pd.DataFrame({"p": pd.period_range("2020", periods=2, freq="M")}),
    "decimals": pd.DataFrame({"d": [decimal.Decimal("1.10"), decimal.Decimal("2.00")]}),
    "dates": pd.DataFrame({"d": [datetime.date(2020, 1, 1), None]}),
    "bytes": pd.DataFrame({"b": [b"a", b"\x00"]}),
    "a named index": pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="key")),
    "an index of steps": pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(0, 4, 2, name="r")),
    "an index of levels": pd.DataFrame(
        {"a": [1, 2]}, index=pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["k", None])
    ),
    "columns of levels": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])),
    "no rows": pd.DataFrame({"a": pd.Series([], dtype="int8")}),
    "attrs": with_attrs({"unit": "m", "of": [1, 2]}),
}
CHANGED = {
    "columns of the same name": pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "lists in cells": pd.DataFrame({"o": [[1], [2, 3]]}),
    "objects in cells": pd.DataFrame({"o": [{"a": 1}, [1, 2], None]}, dtype=object),
    "decimals with several numbers of digits": pd.DataFrame(
        {"d": [decimal.Decimal("1.10"), decimal.Decimal("2")]}
    ),
    "mixed cells": pd.DataFrame({"m": [1, "a", 2.5]}),
    "complex numbers": pd.DataFrame({"p": [1j, 2]}),
    "sparse values": pd.DataFrame({"s": pd.arrays.SparseArray([0, 0, 1])}),
    "an index with a frequency": pd.DataFrame(
        {"a": [1, 2]}, index=pd.date_range("2020", periods=2, freq="D")
    ),
    "attrs that are no JSON": with_attrs({"unit": (1, 2)}),
    "a flag": pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False),
}


@pytest.mark.parametrize("what", KEPT)
def test_a_frame_comes_back_exactly(what: str, tmp_path: Path) -> None:
    frame, path = KEPT[what], tmp_path / "table"
    assert tables.kind_of(frame) == "pandas"
    assert tables.write(frame, "pandas", path)
    back = tables.read("pandas", path)
    pd.testing.assert_frame_equal(frame, back, check_exact=True, check_freq=True, check_flags=True)
    assert back.attrs == frame.attrs


@pytest.mark.parametrize("what", CHANGED)
def test_a_frame_that_arrow_would_change_is_not_written_as_arrow(what: str, tmp_path: Path) -> None:
    assert not tables.write(CHANGED[what], "pandas", tmp_path / "table")


def test_a_large_frame_is_compared_some_columns_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "CHECKED_BYTES", 100)
    read: list[Any] = []
    whole = tables._read
    monkeypatch.setattr(
        tables, "_read", lambda path, columns=None: read.append(columns) or whole(path, columns)
    )
    frame = pd.DataFrame({name: np.arange(10.0) for name in "abcd"}, index=pd.Index(range(5, 15), name="k"))
    frame["e"] = pd.Categorical(["x"] * 10)
    assert tables.write(frame, "pandas", tmp_path / "table")
    assert len(read) > 1, "in parts"
    pd.testing.assert_frame_equal(frame, tables.read("pandas", tmp_path / "table"))
    frame["f"] = [[1]] * 10
    assert not tables.write(frame, "pandas", tmp_path / "table"), "also when the last column is what changes"


def test_a_derived_frame_is_no_table_of_ours() -> None:
    class Mine(pd.DataFrame):
        pass

    assert tables.kind_of(Mine({"a": [1]})) is None
    assert tables.kind_of(pd.Series([1])) is None


def test_an_arrow_table_comes_back_with_its_metadata(tmp_path: Path) -> None:
    table = pa.table({"a": [1, None], "d": pa.array(["x", "y"]).dictionary_encode()})
    table = table.replace_schema_metadata({"who": "me"})
    assert tables.write(table, "arrow", tmp_path / "table")
    assert tables.read("arrow", tmp_path / "table").equals(table, check_metadata=True)


def test_an_arrow_table_with_several_dictionaries_is_left_to_a_pickle(tmp_path: Path) -> None:
    chunks = [pa.array([each]).dictionary_encode() for each in "xy"]
    assert not tables.write(pa.table({"d": pa.chunked_array(chunks)}), "arrow", tmp_path / "table")


def test_polars_frames_come_back_exactly_or_are_left_to_a_pickle(tmp_path: Path) -> None:
    polars = optional("polars")
    kept = [
        polars.DataFrame({"a": [1, None], "s": ["x", "y"], "f": [float("nan"), 1.0]}),
        polars.DataFrame({"c": ["a", "b"]}, schema={"c": polars.Categorical}),
        polars.DataFrame({"l": [[1], [2, 3]], "st": [{"a": 1}, {"a": None}]}),
        polars.DataFrame(),
    ]
    for frame in kept:
        assert tables.kind_of(frame) == "polars"
        assert tables.write(frame, "polars", tmp_path / "table")
        back = tables.read("polars", tmp_path / "table")
        assert back.schema == frame.schema
        assert back.equals(frame)
    assert not tables.write(polars.DataFrame({"o": [object()]}), "polars", tmp_path / "table")
