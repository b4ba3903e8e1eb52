"""Tables as Parquet: the same frame has the same bytes, and comes back as it was."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from jupyter_mlops.entities import Column
from jupyter_mlops.errors import InvalidInput
from jupyter_mlops.services.registry.arrow_tables import is_table
from jupyter_mlops.services.registry.tables import Shape, encode, read, shape_of


def frames() -> dict[str, pd.DataFrame]:
    plain = pd.DataFrame({"x": [1, 2, 3], "y": [0.5, float("nan"), -np.inf]})
    return {
        "numbers": plain,
        "object": pd.DataFrame({"text": np.array(["a", None, "ü"], dtype=object)}),
        "categorical": pd.DataFrame({"c": pd.Categorical(["b", "a", "b"], categories=["z", "b", "a"])}),
        "ordered": pd.DataFrame({"c": pd.Categorical(["lo", "hi"], categories=["lo", "hi"], ordered=True)}),
        "datetime": pd.DataFrame({"t": pd.date_range("2024-01-01", periods=3, freq="h", tz="Europe/Berlin")}),
        "nullable": pd.DataFrame(
            {"i": pd.array([1, None, 3], dtype="Int64"), "b": pd.array([True, None, False])}
        ),
        "named index": plain.set_index(pd.Index(["p", "q", "r"], name="key")),
        "multi-index": plain.set_index(pd.MultiIndex.from_product([["a"], [1, 2, 3]], names=["u", "v"])),
        "datetime index": plain.set_index(pd.date_range("2024-01-01", periods=3)),
        "gaps in the index": plain.iloc[[0, 2]],
        "reversed": plain.iloc[::-1],
        "lists": pd.DataFrame({"l": [[1, 2], [], None]}),
        "empty": plain.iloc[:0],
        "integer column names": pd.DataFrame({0: [1], 1: [2]}),
    }


@pytest.mark.parametrize("name", frames())
def test_same_frame_gives_the_same_bytes_and_comes_back(name: str) -> None:
    frame, again = frames()[name], frames()[name]
    data, _ = encode(frame)
    assert data == encode(again)[0]
    assert data == encode(frame.copy(deep=True))[0]
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(data)), frame, check_freq=False)


def test_other_values_index_order_or_type_give_other_bytes() -> None:
    frame = frames()["numbers"]
    variants = [
        frame,
        frame.iloc[::-1],
        frame.astype({"x": "int32"}),
        frame[["y", "x"]],
        frame.rename(columns={"x": "z"}),
        frame.set_index(pd.Index([5, 6, 7])),
        frame.assign(x=[1, 2, 4]),
    ]
    assert len({encode(each)[0] for each in variants}) == len(variants)


@pytest.mark.parametrize(
    ("index", "columns", "shown"),
    [
        (pd.Index([5, 8, 1]), ["x"], ["x", "index"]),
        (pd.Index(["p", "q", "r"]), ["index"], ["index", "level_0"]),
        (pd.Index([5, 8, 1], name="key"), ["x"], ["x", "key"]),
        (pd.RangeIndex(3), ["x"], ["x"]),
        (pd.MultiIndex.from_product([["a"], [1, 2, 3]]), ["x"], ["x", "level_0", "level_1"]),
        (pd.MultiIndex.from_product([["a"], [1, 2, 3]], names=["u", None]), ["x"], ["x", "u", "level_1"]),
        (pd.Index([5, 8, 1]), ["index", "level_0"], ["index", "level_0", "__index_level_0__"]),
    ],
    ids=str,
)
def test_index_without_a_name_is_shown_as_reset_index_names_it(
    index: pd.Index, columns: list[str], shown: list[str]
) -> None:
    frame = pd.DataFrame({name: [1.0, 2.0, 3.0] for name in columns}, index=index)
    _, shape = encode(frame)
    assert [column.name for column in shape.columns] == shown


def test_view_of_a_larger_frame_is_the_same_as_its_copy() -> None:
    large = pd.DataFrame({"x": range(100), "s": [str(n) for n in range(100)]})
    view = large.iloc[10:20].reset_index(drop=True)
    assert (
        encode(view)[0] == encode(pd.DataFrame({"x": range(10, 20), "s": [str(n) for n in range(10, 20)]}))[0]
    )


def test_chunks_of_an_arrow_table_do_not_matter() -> None:
    whole = pa.table({"x": list(range(10)), "s": ["a", "b"] * 5})
    chunked = pa.concat_tables([whole.slice(0, 3), whole.slice(3)])
    assert encode(chunked)[0] == encode(whole)[0]


class Exporter:
    """What polars, DuckDB and others look like from here."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._table.__arrow_c_stream__(requested_schema)


def test_anything_that_exports_an_arrow_stream_is_a_table() -> None:
    table = pa.table({"x": [1, 2], "s": ["a", "b"]})
    exported = Exporter(table)
    assert is_table(exported)
    data, shape = encode(exported)
    assert data == encode(table)[0]
    assert shape == Shape(2, [Column(name="x", type="int64"), Column(name="s", type="string")])


def test_series_is_a_table_of_one_column() -> None:
    assert encode(pd.Series([1.5, 2.5], name="y"))[1] == Shape(2, [Column(name="y", type="double")])


def test_column_of_mixed_types_is_refused_with_its_name() -> None:
    with pytest.raises(InvalidInput, match="mixed"):
        encode(pd.DataFrame({"mixed": [1, "two", object()]}))


def test_columns_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"two columns 'a'\. Give each a name of its own"):
        encode(pd.DataFrame([[1, 2]], columns=["a", "a"]))


@pytest.mark.parametrize("data", [[1, 2], {"a": 1}, None, 3, np.zeros(3)])
def test_other_objects_are_no_tables(data: Any) -> None:
    assert not is_table(data)


EXPECTED = Shape(2, [Column(name="a", type="int64"), Column(name="b", type="string")])
CSV = b'a,b\n1,"x\ny"\n2,z\n'


def write_files(folder: Path) -> dict[str, Path]:
    table = pa.table({"a": [1, 2], "b": ["x\ny", "z"]})
    files = {name: folder / f"data{name}" for name in FILES}
    pyarrow.parquet.write_table(table, files[".parquet"])
    pyarrow.feather.write_feather(table, str(files[".feather"]))
    files[".csv"].write_bytes(CSV)
    files[".CSV"].write_bytes(CSV)
    files[".csv.gz"].write_bytes(gzip.compress(CSV))
    files[".tsv"].write_bytes(CSV.replace(b",", b"\t"))
    files[".jsonl"].write_bytes(b'{"a": 1, "b": "x\\ny"}\n{"a": 2, "b": "z"}\n')
    return files


FILES = (".parquet", ".feather", ".csv", ".CSV", ".csv.gz", ".tsv", ".jsonl")


@pytest.mark.parametrize("ending", FILES)
def test_shape_and_values_of_a_tabular_file_are_known(ending: str, tmp_path: Path) -> None:
    path = write_files(tmp_path)[ending]
    assert shape_of(path, path.name) == EXPECTED
    frame = read(path, path.name)
    assert frame is not None
    assert frame.to_dict("list") == {"a": [1, 2], "b": ["x\ny", "z"]}


def test_csv_types_follow_all_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a\n" + "1\n" * 300_000 + "0.5\n" * 3)
    assert shape_of(path, path.name) == Shape(300_003, [Column(name="a", type="double")])


@pytest.mark.parametrize(
    "name", ["notes.txt", "picture.png", "data", "broken.parquet", "broken.feather", "e.csv"]
)
def test_file_that_is_no_table_has_no_shape(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"" if name == "e.csv" else b"\x89PNG not a table")
    assert shape_of(path, name) is None


def test_damaged_table_says_how_to_get_the_file(tmp_path: Path) -> None:
    path = tmp_path / "broken.parquet"
    path.write_bytes(b"nonsense")
    with pytest.raises(InvalidInput, match="as_path=True"):
        read(path, path.name)
