"""What is profiled, measured and checked is what ``load_dataset`` gives: names, rows, kinds of types."""

from __future__ import annotations

import gzip
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandas.api.types as kinds
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jupyter_mlops import expect
from jupyter_mlops import workspace as workspaces
from jupyter_mlops.entities import ProfileStatus
from jupyter_mlops.errors import InvalidInput
from jupyter_mlops.services.expectations.stating import state
from jupyter_mlops.services.registry import csv_files
from jupyter_mlops.services.registry.csv_files import CsvFile
from jupyter_mlops.services.registry.tables import read, shape_of
from jupyter_mlops.workspace import Workspace
from tests.datasets import profile_at, workspace_in

TEXTS = {
    "leading zeros": "zip,v\n01234,1\n00001,2\n",
    "an index": ",a\n0,1\n1,2\n",
    "a number sign": "a,b\n#1,2\n3,4\n",
    "semicolons": "id;v\n1;2,5\n2;3,5\n",
    "spaces": "a, b\n1, 2\n3, 4\n",
    "a space before a quote": 'a,b\n1,"x"\n2, "y"\n',
    "one name twice": "a,a,b\n1,2,3\n",
    "one name twice, of texts": "a,a\n1,2\nx,y\n",
    "a title": "report\n\na,b,c\n1,2,3\n4,5,6\n",
    "a short row": "a,b,c\n1,2,3\n4,5\n6,7,8\n",
    "single quotes": "a,b\n'x,y',2\n'z',3\n",
    "names of two cases": "A,a\n1,2.5\n2,100\n",
    "no name": 'x,""\n1,a\n',
    "truths": "a,b,c\nTrue,t,yes\nfalse,f,no\n",
    "truths that are missing": "a,b\nTrue,\nFALSE,\n,\n",
    "dates": "a,b\n2024-01-01,10:00\n2024-01-02,2024-01-01 10:00:00\n",
    "commas at the end": "a,b\n1,2,\n3,4,\n",
    "more values than names": "a,b\n1,2,3\n",
    "blank lines": "a\n\n1\n\n3\n",
    "a line of spaces": "a,b\n1,2\n   \n3,4\n",
    "ends of lines mixed": "a,b\r\n1,2\r3,4\n5,6",
    "lines in quotes": '"a\nb",c\n1,"x\ny"\n2,"z"w\n',
    "signs": "a\n+5\n-3\n",
    "hexadecimals": "a\n0x10\n1\n",
    "large numbers": "a,b\n18446744073709551615,1e400\n1,1\n",
    "underscores": "a\n1_000\n2\n",
    "infinities": "a,b\nInfinity,NAN\n-inf,1\n",
    "no values": "a,b\nNA,1\n,2\n",
    "no rows": "a,b\n",
    "no rows and no end": "a,b",
    "whole numbers at first": "a,b\n1,1\n2,2\n3,3.5\n4,4\n",
    "numbers at first": "a,b\n1,x\n1.5,y\nz,z\n",
    "nothing at first": ",b,c,d\n,,,\n,,,\n,x,3,True\n",
    "truths at first": "a,b\nTrue,False\n1,x\n",
    "a mark of the order of bytes": "\ufeffa,b\n1,2\n",
}


def kind_of(column: Any) -> str:
    """Of a column that pandas has read; it keeps truths with gaps as objects."""
    present = column.dropna()
    if kinds.is_bool_dtype(column) or (len(present) and all(isinstance(each, bool) for each in present)):
        return "boolean"
    return "number" if kinds.is_numeric_dtype(column) else "text"


@pytest.mark.parametrize(
    "most",
    [{}, {"MOST_CELLS": 1}, {"MOST_BYTES": 10}],
    ids=["one piece", "a piece a row", "pieces of ten bytes"],
)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_profile_and_shape_of_a_csv_are_of_what_loading_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, most: dict[str, int]
) -> None:
    for name, value in most.items():
        monkeypatch.setattr(csv_files, name, value)
    path = tmp_path / "d.csv"
    path.write_bytes(text.encode())
    frame = read(path, path.name)
    assert frame is not None
    profile = profile_at(path)
    assert (profile.status, profile.rows) == (ProfileStatus.READY, len(frame))
    expected = [(str(name), kind_of(frame[name])) for name in frame.columns]
    assert [(each.name, each.kind) for each in profile.columns] == expected
    assert [each.nulls for each in profile.columns] == frame.isna().sum().tolist()
    shape = shape_of(path, path.name)
    assert shape is not None
    assert shape.rows == len(frame)
    assert [(each.name, each.type) for each in shape.columns] == [
        (each.name, each.type) for each in profile.columns
    ]


def test_pieces_with_other_types_are_read_at_most_twice() -> None:
    reads = 0
    file = CsvFile(lambda: io.BytesIO(text), ",")
    text = b"a,b,c\n" + b"1,,\n" * 3 + b"1.5,2,x\ny,3,4\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_files, "MOST_CELLS", 3)
        while not file.settled:
            pieces = list(file.pieces())
            reads += 1
    table = pa.concat_tables(pieces)
    assert reads == 2
    assert table.to_pydict() == {
        "c0": ["1", "1", "1", "1.5", "y"],
        "c1": [None, None, None, 2, 3],
        "c2": [None, None, None, "x", "4"],
    }


def test_of_a_large_csv_only_the_columns_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_mlops.services.registry.tables.WHOLE_CSV_BYTES", 0)
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress("a,a\n1,é\n".encode("latin-1")))
    shape = shape_of(tmp_path / "d.csv.gz", "d.csv.gz")
    assert shape is not None
    assert (shape.rows, [each.name for each in shape.columns]) == (None, ["a", "a.1"])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("a,b\n1,2\n".encode("utf-16"), "it is written in UTF-16. Write it again as UTF-8"),
        (b"a,b\n1,2\n1,2,3\n", "Expected 2 fields in line 3, saw 3"),
        (b'a,b\n1,"x\n', "EOF inside string"),
        (b"\n\n", "No columns to parse from file"),
    ],
    ids=["UTF-16", "a long row", "an open quote", "no names"],
)
def test_csv_that_cannot_be_loaded_says_why_in_our_words(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "d.csv").write_bytes(data)
    problem = profile_at(tmp_path / "d.csv").problem
    assert problem.startswith("'d.csv' does not read as a table: ")
    assert reason in problem
    assert problem.endswith(
        ". Correct the file and register it anew; load_dataset(…, as_path=True) gives it as it is."
    )
    assert str(tmp_path) not in problem
    assert ".." not in problem
    assert shape_of(tmp_path / "d.csv", "d.csv") is None


def test_names_of_two_cases_are_two_columns_of_parquet(tmp_path: Path) -> None:
    names = ["A", "a", "a_1", "", "File_Row_Number"]
    for count in (4, 5):
        path = tmp_path / f"{count}.parquet"
        pq.write_table(pa.table([[number, 9] for number in range(count)], names=names[:count]), path)
        profile = profile_at(path)
        assert [(each.name, each.min) for each in profile.columns] == [
            (name, number) for number, name in enumerate(names[:count])
        ]


def test_columns_of_one_name_are_told_apart(tmp_path: Path) -> None:
    pq.write_table(pa.table([[1], [2], [3]], names=["a", "a", "a_1"]), tmp_path / "d.parquet")
    found = profile_at(tmp_path / "d.parquet").columns
    assert [(each.name, each.min) for each in found] == [("a", 1), ("a_2", 2), ("a_1", 3)]


@pytest.mark.parametrize("ending", [".jsonl", ".ndjson.gz"])
def test_names_of_two_cases_are_two_columns_of_json_lines(tmp_path: Path, ending: str) -> None:
    text = b'{"A": 1, "a": 2.5, "json": "x"}\n{"A": 2, "a": 100}\n'
    (tmp_path / f"d{ending}").write_bytes(gzip.compress(text) if ending.endswith(".gz") else text)
    found = profile_at(tmp_path / f"d{ending}").columns
    assert [(each.name, each.kind, each.max) for each in found] == [
        ("A", "number", 2),
        ("a", "number", 100.0),
        ("json", "text", "x"),
    ]
    (tmp_path / "all.jsonl").write_bytes(b'{"A": 1, "a": 2.5}\n{"A": 2, "a": 100}\n')
    assert [each.name for each in profile_at(tmp_path / "all.jsonl").columns] == ["A", "a"]


def test_keys_of_json_lines_that_look_like_the_engines_names_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("jupyter_mlops.services.columnar.tables.read_arrow")  # none has to be loaded
    (tmp_path / "d.jsonl").write_text('{"a": 1, "a_1": 2, "x~/y": 3, "x~/y_2": "z"}\n')
    assert [each.name for each in profile_at(tmp_path / "d.jsonl").columns] == ["a", "a_1", "x~/y", "x~/y_2"]


def test_many_keys_of_json_lines_are_many_columns(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text(json.dumps({f"k{number}": number for number in range(300)}))
    assert len(profile_at(tmp_path / "d.jsonl").columns) == 300


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = workspace_in(tmp_path)
    workspaces.use(workspace)
    yield workspace
    workspaces.use(None)


@pytest.mark.parametrize("as_csv", [False, True], ids=["parquet", "csv"])
def test_names_of_two_cases_are_checked_and_compared_by_themselves(
    workspace: Workspace, tmp_path: Path, as_csv: bool
) -> None:
    expect("p", columns=["A", "a"], between={"A": (1, 2), "a": (2, 100)}, unique=[("A", "a")])
    for last in (100.0, 99.0):
        data: Any = pd.DataFrame({"A": [1, 2], "a": [2.5, last]})
        if as_csv:
            data.to_csv(tmp_path / "d.csv", index=False)
            data = tmp_path / "d.csv"
        workspace.registry.register_dataset(data, name="p")
    assert workspace.expectations.check("p@2").passed
    diff = workspace.diffs.diff("p@1", "p@2", keys="A")
    assert [each.name for each in diff.drift] == ["A", "a"]
    assert diff.rows is not None
    assert diff.rows.changed_columns == {"a": 1}


def test_expectations_of_a_csv_are_of_what_loading_gives(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("zip,v\n01234,1\n00001\n")
    expect("zips", types={"zip": "integer"}, between={"zip": (0, 99999)}, rows=2)
    version = workspace.registry.register_dataset(tmp_path / "d.csv", name="zips")
    assert version.rows == 2
    assert workspace.expectations.check("zips").passed


DECIMALS = [(Decimal("0.1"), 0.1), (Decimal("5"), 5), (Decimal("1E+2"), 100), (Decimal("-Infinity"), None)]


@pytest.mark.parametrize(("given", "kept"), DECIMALS, ids=[str(given) for given, _ in DECIMALS])
def test_decimals_are_numbers(workspace: Workspace, given: Decimal, kept: Any) -> None:
    [found] = expect("p", between={"d": (given, 1000)})
    assert found.arguments == {"min": kept, "max": 1000}


@pytest.mark.parametrize("nothing", ["NaN", "sNaN"])
def test_decimals_that_are_no_number_are_refused(nothing: str) -> None:
    with pytest.raises(InvalidInput, match="NaN is no value"):
        expect("p", between={"d": (Decimal(nothing), 1)})


def test_ends_as_decimals_hold_for_decimals(workspace: Workspace) -> None:
    expect("p", between={"d": (Decimal("0.1"), Decimal("0.3"))})
    table = pa.table({"d": pa.array([Decimal("0.10"), Decimal("0.30")], pa.decimal128(10, 2))})
    workspace.registry.register_dataset(table, name="p")
    assert workspace.expectations.check("p").passed


TYPED = pa.table(
    {
        "x": [1.5],
        "t": ["a"],
        "day": pa.array([19000], pa.date32()),
        "at": pa.array([0], pa.timestamp("ms", tz="Europe/Berlin")),
        "money": pa.array([Decimal("1.50")], pa.decimal128(10, 2)),
        "list": [[1]],
    }
)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"between": {"x": ("x", "y")}}, "between of 'x': 'x' is a text, and the column is double in p@1"),
        ({"between": {"money": (None, "y")}}, r"'y' is a text, and the column is decimal128\(10, 2\)"),
        ({"one_of": {"t": [1, 2]}}, "one_of of 't': 1 is no text, and the column is string"),
        ({"between": {"day": (0, 1)}}, "0 is no text of a time, and the column is date32"),
        ({"between": {"day": ("monday", None)}}, "monday.*, and the column is date32"),
        ({"between": {"at": ("soon", None)}}, "soon.*, and the column is timestamp"),
    ],
    ids=str,
)
def test_values_that_a_column_can_never_have_are_refused_when_they_are_said(
    workspace: Workspace, said: dict[str, Any], reason: str
) -> None:
    workspace.registry.register_dataset(TYPED, name="p")
    with pytest.raises(InvalidInput, match=reason):
        expect("p", **said)
    assert workspace.expectations.all("p") == []
    [column] = next(iter(said.values()))
    assert len(expect("p", **said, new_columns=[column])) == 1


def test_values_of_a_columns_type_are_taken(workspace: Workspace) -> None:
    workspace.registry.register_dataset(TYPED, name="p")
    said = expect(
        "p",
        between={
            "x": (np.float64(0), 2),
            "day": ("2000-01-01", "2030-01-01"),
            "at": ("1970-01-01", None),
            "money": (1, 2.5),
        },
        one_of={"t": ["a"], "list": [1]},
    )
    assert len(said) == 6


def test_messages_end_with_one_full_stop(workspace: Workspace) -> None:
    workspace.expectations.set("p", state("p", between={"t": (0, 1), "x": ("a", "b")}))
    report = workspace.expectations.check_frame(pd.DataFrame({"t": ["a"], "x": [1.0]}), "p")
    assert [each.message.partition("cannot")[2] for each in report.results] == [
        " be looked at so: 0 is no text.",
        " be looked at so: 'a' is a text.",
    ]
