"""Which data differs between two runs, down to the columns."""

from __future__ import annotations

import pandas as pd

from jupyter_mlops.capture.reads.columns import contents_of
from jupyter_mlops.entities import (
    ColumnChange,
    DataDifference,
    DataRead,
    Run,
    RunDetail,
    RunKind,
    RunStatus,
    VersionRef,
)
from jupyter_mlops.services.runs.data_comparison import data_differences

ONE, TWO = "1" * 64, "2" * 64
X, Y = "a" * 32, "b" * 32


def run_with(*data, inputs=()):
    run = Run(id="r", name="r", experiment="e", kind=RunKind.CELL, status=RunStatus.FINISHED, started_at=1.0)
    return RunDetail(run=run, data=list(data), inputs=list(inputs))


def read(uri="/d/train.csv", digest=ONE, **more):
    return DataRead(**{"uri": uri, "reader": "pandas.read_csv", "digest": digest, **more})


def differences(a, b, load=lambda read: None):
    return data_differences(run_with(*a), run_with(*b), load)


def test_the_same_content_is_no_difference():
    assert differences([read()], [read()]) == []


def test_data_that_only_one_read_stands_alone():
    assert differences([read("/d/a.csv", rows=3)], [read("/d/b.txt", TWO)]) == [
        DataDifference(name="/d/a.csv", a="/d/a.csv (11111111)", rows_a=3),
        DataDifference(name="/d/b.txt", b="/d/b.txt (22222222)"),
    ]


def test_columns_are_told_by_their_digests():
    a = read(rows=2, columns={"x": "int64", "y": "str", "z": "str"}, column_digests={"x": X, "y": X, "z": X})
    b = read(
        digest=TWO,
        rows=3,
        columns={"x": "float64", "y": "str", "w": "str"},
        column_digests={"x": Y, "y": Y, "w": X},
    )
    assert differences([a], [b]) == [
        DataDifference(
            name="/d/train.csv",
            a="/d/train.csv (11111111)",
            b="/d/train.csv (22222222)",
            rows_a=2,
            rows_b=3,
            columns=[
                ColumnChange(column="x", change="type", a="int64", b="float64"),
                ColumnChange(column="y", change="content"),
                ColumnChange(column="w", change="added"),
                ColumnChange(column="z", change="removed"),
            ],
        )
    ]


def test_dtypes_of_different_libraries_are_not_compared():
    a = read(columns={"x": "int64"}, column_digests={"x": X})
    b = read(digest=TWO, reader="polars.read_csv", columns={"x": "Int64"}, column_digests={"x": X})
    (found,) = differences([a], [b])
    assert (found.columns, found.note) == ([], "the files differ, but not in what their columns hold")


def test_contents_that_still_are_there_are_opened(tmp_path):
    paths = {}
    for digest, name, frame in (
        (ONE, "one.parquet", pd.DataFrame({"x": [1, 2], "y": [1, 2]})),
        (TWO, "two.parquet", pd.DataFrame({"x": [1, 2], "y": [1, 3]})),
    ):
        frame.to_parquet(tmp_path / name)
        paths[digest] = tmp_path / name
    sides = [read("/d/t.parquet", digest) for digest in (ONE, TWO)]
    (found,) = differences(sides[:1], sides[1:], lambda each: paths[each.digest])
    assert (found.columns, found.columns_known) == ([ColumnChange(column="y", change="content")], True)
    assert (found.rows_a, found.rows_b) == (2, 2)


def test_a_stored_content_is_compared_with_recorded_digests(tmp_path):
    path = tmp_path / "blob"
    path.write_text("x,y\n1,2\n")
    recorded = contents_of(str(path), "t.csv")
    assert recorded is not None
    a = read(digest=ONE, column_digests={**recorded.digests, "y": Y})
    (found,) = differences([a], [read(digest=TWO)], lambda each: path)
    assert found.columns == [ColumnChange(column="y", change="content")]


def test_columns_that_nobody_can_know_are_said_to_be_unknown():
    (found,) = differences([read("/d/a.bin")], [read("/d/a.bin", TWO)])
    assert (found.columns_known, found.note) == (False, "not a file whose columns are known")
    (found,) = differences([read()], [read(digest=TWO)])
    assert (
        found.note
        == "what was read from /d/train.csv is not there any more as it was, and its columns were not kept"
    )


def test_a_side_without_a_digest_says_why():
    a = read(digest="", problem="the file changed before its content was hashed")
    (found,) = differences([a], [read()])
    assert found.a == "/d/train.csv (no digest)"
    assert found.note == "a has no digest: the file changed before its content was hashed"


def test_datasets_belong_together_by_name_wherever_they_lie():
    def version(number):
        return VersionRef(kind="dataset", name="train", version=number, digest=str(number) * 64)

    a = run_with(inputs=[version(1)])
    b = run_with(read("/elsewhere/t.csv", TWO, version=version(2)))
    (found,) = data_differences(a, b, lambda each: None)
    assert (found.name, found.a, found.b) == ("train", "train@1 (11111111)", "train@2 (22222222)")


def test_files_that_moved_belong_together_by_their_name():
    (found,) = differences([read("/old/train.csv")], [read("/new/train.csv", TWO)])
    assert (found.a, found.b) == ("/old/train.csv (11111111)", "/new/train.csv (22222222)")
    assert differences([read("/old/train.csv")], [read("/new/train.csv")]) == []


def test_names_that_several_files_have_do_not_pair_them():
    a = [read("/a/part.csv"), read("/b/part.csv", TWO)]
    assert len(differences(a, [read("/c/part.csv", "3" * 64)])) == 3


def test_what_a_run_wrote_itself_is_not_compared():
    scratch = read("/tmp/scratch.csv", problem="written while the run ran")
    assert differences([scratch], []) == []


def test_samples_are_not_taken_for_whole_contents():
    (found,) = differences([read(sampled=True)], [read()])
    assert found.a == "/d/train.csv (sampled 11111111)"


def test_equal_columns_have_equal_digests_however_they_are_stored(tmp_path):
    frame = pd.DataFrame(
        {"i": [1, 2, None], "s": ["a", None, "é"], "t": pd.to_datetime(["2020", None, "2021"])}
    )
    frame.to_parquet(tmp_path / "one.parquet")
    frame.to_parquet(tmp_path / "many.parquet", row_group_size=1, compression="gzip")
    one, many = (contents_of(str(tmp_path / f"{name}.parquet")) for name in ("one", "many"))
    assert one is not None
    assert one == many
    frame.assign(s=["a", "", "é"]).to_parquet(tmp_path / "other.parquet")
    other = contents_of(str(tmp_path / "other.parquet"))
    assert other is not None
    assert [name for name in one.digests if one.digests[name] != other.digests[name]] == ["s"]


def test_files_that_do_not_parse_have_no_columns(tmp_path):
    for name in ("a.parquet", "a.csv.gz", "a.feather", "a.jsonl", "a.xyz"):
        (tmp_path / name).write_bytes(b"\x00\xffnonsense")
        assert contents_of(str(tmp_path / name)) is None


def test_the_delimiter_of_a_csv_is_found(tmp_path):
    found = {}
    for name, delimiter in (("comma", ","), ("semicolon", ";"), ("tab", "\t"), ("bar", "|")):
        path = tmp_path / f"{name}.csv"
        path.write_text(f"a{delimiter}b\n1{delimiter}x\n")
        found[name] = contents_of(str(path))
    assert all(each == found["comma"] for each in found.values())
    assert list(found["comma"].digests) == ["a", "b"]


def test_compressed_tables_have_the_columns_of_plain_ones(tmp_path):
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    for name in ("t.csv", "t.csv.gz", "t.csv.bz2"):
        frame.to_csv(tmp_path / name, index=False)
    plain, *others = (contents_of(str(tmp_path / name)) for name in ("t.csv", "t.csv.gz", "t.csv.bz2"))
    assert others == [plain, plain]
