"""Tables in memory as Arrow tables: what has no Arrow type is refused with what to do, the rest comes back."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.entities import Column
from jupyter_mlops.errors import InvalidInput
from jupyter_mlops.services.registry import categories
from jupyter_mlops.services.registry.tables import Shape, encode, read, read_arrow, read_polars


def stored(data: Any, folder: Path) -> Path:
    path = folder / "data.parquet"
    path.write_bytes(encode(data)[0])
    return path


REFUSED: dict[str, tuple[Any, str]] = {
    "polars objects": (
        pl.DataFrame({"a": pl.Series([{1}, "x"], dtype=pl.Object)}),
        r"The column 'a' has polars' type Object, whose values are Python objects: .*map_elements",
    ),
    "polars object series": (
        pl.Series("a", [{1}, "x"], dtype=pl.Object),
        r"The column 'a' has polars' type Object",
    ),
    "polars 128 bits": (
        pl.Series("i", [2**70], dtype=pl.Int128),
        r"The column 'i' has polars' type Int128, which Arrow has not: pl\.col\('i'\)\.cast\(pl\.Int64\)",
    ),
    "polars lists of 128 bits": (
        pl.DataFrame({"l": pl.Series([[2**70]], dtype=pl.List(pl.Int128))}),
        r"a column of a type that Arrow has not: .*pl.col\(...\).cast",
    ),
    "large numbers": (
        pd.DataFrame({"a": [1, 2], "h": [2**70, 5]}),
        r"The column 'h' has whole numbers of more than 64 bits.*astype\(str\)",
    ),
    "twins": (
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        r"two columns 'a'\. Give each a name of its own\.$",
    ),
    "twins as texts": (pd.DataFrame([[1, 2]], columns=[0, "0"]), r"two columns '0'\. Give each a name"),
    "Arrow twins": (pa.Table.from_arrays([pa.array([1])] * 2, names=["a", "a"]), "two columns 'a'"),
    "sparse": (
        pd.DataFrame({"s": pd.arrays.SparseArray([0, 1])}),
        r"The column 's' is sparse.*: df\['s'\]\.sparse\.to_dense\(\)\.$",
    ),
    "complex": (
        pd.DataFrame({"z": np.array([1j])}),
        r"The column 'z' has complex numbers \(complex128\).*df\['z'\]\.to_numpy\(\)\.real",
    ),
    "intervals": (
        pd.DataFrame({"c": pd.cut([1, 2], 2)}),
        r"The column 'c' has categories of the type interval.*df\['c'\]\.cat\.rename_categories\(str\)",
    ),
    "periods": (
        pd.DataFrame({"c": pd.Categorical(pd.period_range("2020", periods=2, freq="D"))}),
        r"categories of the type period\[D\].*rename_categories",
    ),
    "an index of intervals": (
        pd.DataFrame({"x": [1, 2]}, index=pd.Index(pd.cut([1, 2], 2), name="bin")),
        r"The index 'bin' has categories of the type interval.*df\['bin'\]\.cat\..*, after .*reset_index\(\)",
    ),
    "a level of intervals": (
        pd.DataFrame({"x": [1, 2]}, index=pd.MultiIndex.from_arrays([[1, 2], pd.cut([1, 2], 2)])),
        r"The index 'index' has categories of the type interval",
    ),
    "several types": (pd.DataFrame({"m": [1, "a"]}), r"column m.*df\['column'\]\.astype\(str\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_arrow_type_is_refused_with_what_to_do(name: str) -> None:
    data, why = REFUSED[name]
    with pytest.raises(InvalidInput, match=why):
        encode(data)


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="longdouble is float64 here")
def test_long_doubles_are_to_be_rounded() -> None:
    with pytest.raises(
        InvalidInput, match=r"which Parquet has not\. Round it: df\['x'\]\.astype\('float64'\)"
    ):
        encode(pd.DataFrame({"x": np.array([1], dtype=np.longdouble)}))


@pytest.mark.parametrize(
    ("column", "name"),
    [
        (pl.Series("a", [1, 2]), "a"),
        (pl.Series([1, 2]), "values"),
        (pa.chunked_array([[1], [2]]), "values"),
    ],
    ids=["named", "without a name", "Arrow"],
)
def test_column_alone_is_a_table_of_it(column: Any, name: str, tmp_path: Path) -> None:
    assert encode(column)[1] == Shape(2, [Column(name=name, type="int64")])
    assert read_arrow(stored(column, tmp_path), "data.parquet") == pa.table({name: [1, 2]})


def test_series_of_structs_is_one_column() -> None:
    assert [each.name for each in encode(pl.Series("a", [{"x": 1, "y": 2}]))[1].columns] == ["a"]


NUMBERS = {
    "integers": pd.Categorical([2, 1, None]),
    "integers without nulls": pd.Categorical([1, 2, 2]),
    "large integers": pd.Categorical(pd.array([2**62 + 1, None, 2**62], dtype="Int64").astype(object)),
    "an order of its own": pd.Categorical([1, None, 3], categories=[3, 1, 9], ordered=True),
    "floats": pd.Categorical([0.5, None, -np.inf]),
    "booleans": pd.Categorical([True, None, False]),
    "days": pd.Categorical([dt.date(2024, 2, 29), None, dt.date(2020, 1, 1)]),
    "times": pd.Categorical(pd.to_datetime(["2024-02-29 12:00", None, "2020-01-01 00:00"])),
    "times in seconds": pd.Categorical(pd.to_datetime(["2024-02-29", None, "2020-01-01"]).as_unit("s")),
    "times in nanoseconds": pd.Categorical(pd.to_datetime(["2024-02-29", None, "2020-01-01"]).as_unit("ns")),
    "times of day": pd.Categorical([dt.time(1, 30), None, dt.time(0)]),
    "decimals": pd.Categorical([Decimal("1.50"), None, Decimal("0.25")]),
    "durations": pd.Categorical(pd.to_timedelta([5, None, 2], unit="h")),
    "only nulls": pd.Categorical([None, None, None], categories=[1, 2]),
    "texts": pd.Categorical(["b", None, "a"], categories=["z", "b", "a"]),
}


@pytest.mark.parametrize(
    ("name", "rows"), [(name, rows) for name in NUMBERS for rows in (3, 0) if (name, rows) != ("texts", 0)]
)
def test_categories_come_back_whatever_they_are_of(name: str, rows: int, tmp_path: Path) -> None:
    frame = pd.DataFrame({"c": NUMBERS[name], "x": [1, 2, 3], "s": ["a", None, "ü"]}).iloc[:rows]
    path = stored(frame, tmp_path)
    loaded = read(path, path.name)
    assert loaded is not None
    pd.testing.assert_frame_equal(loaded, frame)
    assert encode(loaded)[0] == path.read_bytes()


def test_index_of_categories_comes_back(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0]}, index=pd.CategoricalIndex([3, 1], categories=[3, 2, 1], name="k"))
    path = stored(frame, tmp_path)
    loaded = read(path, path.name)
    assert loaded is not None
    pd.testing.assert_frame_equal(loaded, frame)


LABELS = {
    "categories": (pd.CategoricalIndex(["x", "y"]), ["x", "y"]),
    "categories of numbers": (pd.CategoricalIndex([3, 1]), [3, 1]),
    "categories of intervals": (pd.CategoricalIndex(pd.cut([1, 3], [0, 2, 4])), ["(0, 2]", "(2, 4]"]),
    "intervals": (pd.interval_range(0, 2), ["(0, 1]", "(1, 2]"]),
    "periods": (pd.period_range("2024-01", periods=2, freq="M"), ["2024-01", "2024-02"]),
    "durations": (pd.to_timedelta([1, 2], unit="D"), ["1 days 00:00:00", "2 days 00:00:00"]),
    "booleans": (pd.Index([True, False]), ["True", "False"]),
    "numbers": (pd.Index([3, 1]), [3, 1]),
}


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize("levels", [1, 2])
def test_labels_that_pandas_cannot_read_back_come_back_as_what_they_are_of(
    name: str, levels: int, tmp_path: Path
) -> None:
    labels, wanted = LABELS[name]
    columns = (
        labels.rename("k") if levels == 1 else pd.MultiIndex.from_product([["a"], labels], names=["j", "k"])
    )
    frame = pd.DataFrame([[1, 2]], columns=columns)
    path = stored(frame, tmp_path)
    loaded = read(path, path.name)
    assert loaded is not None
    assert loaded.columns.get_level_values("k").tolist() == wanted
    assert loaded.to_numpy().tolist() == [[1, 2]]
    assert frame.columns.equals(columns), "the user's frame stays as it is"
    assert encode(loaded)[0] == path.read_bytes()


def test_file_whose_labels_pandas_writes_and_cannot_read_says_how_to_get_it(tmp_path: Path) -> None:
    path = tmp_path / "labels.parquet"
    pd.DataFrame([[1, 2]], columns=pd.CategoricalIndex(["x", "y"])).to_parquet(path)
    with pytest.raises(InvalidInput, match=r"'labels\.parquet' does not read as a table: .* as_path=True"):
        read(path, path.name)
    assert read_arrow(path, path.name).column_names == ["x", "y"]


@given(
    known=st.one_of(
        *(
            st.lists(each, unique=True, min_size=1, max_size=6)
            for each in (st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.booleans())
        )
    ),
    drawn=st.lists(st.integers(-1, 5), max_size=8),
    ordered=st.booleans(),
)
def test_any_categories_come_back_in_their_order(known: list[Any], drawn: list[int], ordered: bool) -> None:
    codes = [min(each, len(known) - 1) for each in drawn]
    column = pd.Categorical.from_codes(codes, categories=pd.Index(known), ordered=ordered)
    frame = pd.DataFrame({"c": column, "x": range(len(codes))})
    data = encode(frame)[0]
    assert data == encode(frame.copy(deep=True))[0]
    table = categories.restored(pyarrow.parquet.read_table(io.BytesIO(data)))
    pd.testing.assert_frame_equal(table.to_pandas(), frame)


def test_other_categories_or_another_order_of_them_are_another_content() -> None:
    variants = [
        pd.Categorical([1, 2], categories=[1, 2]),
        pd.Categorical([1, 2], categories=[2, 1]),
        pd.Categorical([1, 2], categories=[1, 2, 3]),
        pd.Categorical([1, 2], categories=[1, 2], ordered=True),
    ]
    assert len({encode(pd.DataFrame({"c": each}))[0] for each in variants}) == len(variants)


def test_arrow_table_comes_back_with_its_categories(tmp_path: Path) -> None:
    chunks = [pa.array([1, 2]).dictionary_encode(), pa.array([3, None, 1]).dictionary_encode()]
    table = pa.table({"c": pa.chunked_array(chunks), "x": [1, 2, 3, 4, 5]}, metadata={"by": "ada"})
    path = stored(table, tmp_path)
    loaded = read_arrow(path, path.name)
    assert loaded.schema.equals(table.schema, check_metadata=True)
    assert loaded.to_pylist() == table.to_pylist()
    assert read_polars(path, path.name)["c"].to_list() == [1, 2, 3, None, 1]


AS_EVER = {
    "categories of texts": pd.DataFrame({"s": pd.Categorical(["a", "b"]), "x": [1, 2]}),
    "times of day": pd.DataFrame({"t": [dt.time(1), dt.time(2)]}),
    "labels on levels": pd.DataFrame(
        [[1, 2]],
        columns=pd.MultiIndex.from_product([["a"], pd.date_range("2024", periods=2)], names=["j", "k"]),
    ),
    "labels of times": pd.DataFrame([[1, 2]], columns=pd.date_range("2024", periods=2, tz="Europe/Berlin")),
    "an index on levels": pd.DataFrame({"x": [1, 2]}, index=pd.MultiIndex.from_product([["a"], [1, 2]])),
    "no columns": pd.DataFrame(index=[1, 2]),
}


@pytest.mark.parametrize("name", AS_EVER)
def test_tables_without_any_of_these_are_stored_as_ever(name: str) -> None:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pa.Table.from_pandas(AS_EVER[name], nthreads=1).combine_chunks(), sink)
    assert encode(AS_EVER[name])[0] == sink.getvalue()


def test_categories_that_lack_a_value_are_left_aside() -> None:
    table = categories.kept(pa.table({"c": pa.array([1, 2]).dictionary_encode()}))
    said = table.schema.metadata
    assert categories.are_kept(table.schema)
    for column in (pa.array([1, 7]), pa.array(["a", "b"])):
        changed = pa.table({"c": column}).replace_schema_metadata(said)
        assert categories.restored(changed) == pa.table({"c": column})
    without = pa.table({"x": [1]}).replace_schema_metadata(said)
    assert categories.restored(without) == pa.table({"x": [1]})


POLARS = {
    "categorical": pl.Series("c", ["b", "a", None, "b"]).cast(pl.Categorical),
    "enum": pl.Series("c", ["lo", "hi", None, "lo"]).cast(pl.Enum(["lo", "mid", "hi"])),
    "list of categorical": pl.Series("c", [["b", "a"], [], None]).cast(pl.List(pl.Categorical)),
    "struct of enum": pl.Series("c", [{"q": "a"}, {"q": None}]).cast(pl.Struct({"q": pl.Enum(["b", "a"])})),
}


@pytest.mark.parametrize("name", POLARS)
def test_categories_of_polars_come_back(name: str, tmp_path: Path) -> None:
    frame = POLARS[name].to_frame().with_columns(s=pl.lit("text"))
    path = stored(frame, tmp_path)
    loaded = read_polars(path, path.name)
    assert loaded.schema == frame.schema
    assert loaded.to_dicts() == frame.to_dicts()
    assert encode(loaded)[0] == path.read_bytes()
    pandas = read(path, path.name)
    assert pandas is not None
    if name == "enum":
        assert pandas["c"].dtype == pd.CategoricalDtype(["lo", "mid", "hi"], ordered=True)
    if name in ("categorical", "enum"):
        assert [None if each != each else each for each in pandas["c"]] == frame["c"].to_list()


def test_categories_that_polars_knew_before_do_not_count() -> None:
    frame = pl.DataFrame({"c": pl.Series(["never", "seen"]).cast(pl.Categorical)})
    first = encode(frame)[0]
    pl.Series(["zebra", "seen", "yak"]).cast(pl.Categorical)
    again = pl.DataFrame({"c": pl.Series(["never", "seen"]).cast(pl.Categorical)})
    assert encode(again)[0] == first
    larger = pl.DataFrame({"c": pl.Series(["zebra", "never", "seen"]).cast(pl.Categorical)})
    assert encode(larger[1:])[0] == first


@pytest.mark.parametrize("nanoseconds", [1_000, 1])
def test_times_of_day_come_back_also_where_python_has_none(nanoseconds: int, tmp_path: Path) -> None:
    frame = pl.DataFrame({"d": pl.Series([nanoseconds, None]).cast(pl.Time), "s": ["a", "b"]})
    path = stored(frame, tmp_path)
    loaded = read(path, path.name)
    assert loaded is not None
    assert pa.array(loaded["d"], type=pa.time64("ns"), from_pandas=True).cast("int64").to_pylist() == [
        nanoseconds,
        None,
    ]
    assert loaded["s"].dtype == pd.DataFrame({"s": ["a", "b"]})["s"].dtype
    assert read_polars(path, path.name).equals(frame)
