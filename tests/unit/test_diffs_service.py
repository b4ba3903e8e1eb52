"""Diffs of registered versions: schema, drift, rows by keys, and files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from jupyter_mlops.api.profiles import DatasetDiff as ShownDiff
from jupyter_mlops.entities import Column, DatasetDiff, FileDiff, RetypedColumn, RowChange, RowDiff
from jupyter_mlops.errors import InvalidInput, NotFound
from jupyter_mlops.services.columnar import samples
from jupyter_mlops.workspace import Workspace
from tests.datasets import workspace_in

Diff = Callable[..., DatasetDiff]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return workspace_in(tmp_path)


@pytest.fixture
def diff(workspace: Workspace) -> Diff:
    """What differs between two contents."""

    def of(before: Any, after: Any, keys: Any = ()) -> DatasetDiff:
        workspace.registry.register_dataset(before, name="before")
        workspace.registry.register_dataset(after, name="after")
        return workspace.diffs.diff("before", "after", keys)

    return of


def test_the_same_content_does_not_differ(diff: Diff) -> None:
    found = diff(pa.table({"x": [1, 2]}), pa.table({"x": [1, 2]}))
    assert (found.same, found.drift, found.rows) == (True, [], None)
    assert diff(pa.table({"x": [1, 2]}), pa.table({"x": [1, 2]}), "x").rows == RowDiff(
        keys=["x"], added=0, removed=0, changed=0, unchanged=2
    )


def test_columns_that_came_went_changed_their_type_or_order_are_told(diff: Diff) -> None:
    found = diff(
        pa.table({"a": [1], "b": ["x"], "c": [1.0], "gone": [1]}),
        pa.table({"b": ["x"], "a": [1.5], "c": [1.0], "new": [True]}),
    )
    assert found.added == [Column(name="new", type="bool")]
    assert found.removed == [Column(name="gone", type="int64")]
    assert found.retyped == [RetypedColumn(name="a", before="int64", after="double")]
    assert found.reordered
    assert [each.name for each in found.drift] == ["a", "b", "c"]


def test_values_that_moved_are_told_from_those_that_did_not(diff: Diff) -> None:
    random = np.random.default_rng(3)
    rows = 4000

    def frame(shift: float, share: float, missing: float) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "same": random.normal(size=rows),
                "moved": random.normal(shift, 1, rows),
                "class": np.where(random.random(rows) < share, "a", "b"),
                "flag": random.random(rows) < share,
                "at": pd.Timestamp("2024-01-01") + pd.to_timedelta(random.random(rows) * 9, unit="h"),
                "lost": np.where(random.random(rows) < missing, np.nan, 1.0),
            }
        )

    found = {each.name: each for each in diff(frame(0, 0.5, 0.1), frame(1, 0.9, 0.6)).drift}
    assert {name: each.verdict for name, each in found.items()} == {
        "same": "stable",
        "moved": "large",
        "class": "large",
        "flag": "large",
        "at": "stable",
        "lost": "large",
    }
    moved = found["moved"]
    assert moved.ks == pytest.approx(0.38, abs=0.04)  # of two normal distributions one deviation apart
    assert moved.ks_p is not None
    assert moved.ks_p < 1e-50
    assert (moved.mean_before, moved.mean_after) == (pytest.approx(0, abs=0.1), pytest.approx(1, abs=0.1))
    assert sum(moved.counts_before) == sum(moved.counts_after) == rows
    assert len(moved.edges) == len(moved.counts_before) + 1
    assert found["same"].ks_p is not None
    assert found["same"].ks_p > 0.001
    assert sorted(found["class"].values) == ["(other)", "a", "b"]
    assert (found["lost"].nulls_before, found["lost"].nulls_after) == (
        pytest.approx(0.1, abs=0.03),
        pytest.approx(0.6, abs=0.03),
    )


def test_rows_are_matched_by_their_keys(diff: Diff) -> None:
    found = diff(
        pa.table({"id": [1, 2, 3, None], "x": [1.0, float("nan"), 3.0, 4.0], "t": ["a", None, "c", "d"]}),
        pa.table({"t": ["a", None, "C", "d"], "id": [1, 2, 3, 9], "x": [1.0, float("nan"), 3.0, 4.0]}),
        keys=["id"],
    )
    assert found.rows == RowDiff(
        keys=["id"],
        added=1,
        removed=1,
        changed=1,
        unchanged=2,
        changed_columns={"t": 1},
        examples=[
            RowChange(kind="added", key={"id": 9}, after={"t": "d", "x": 4.0}),
            RowChange(kind="removed", key={"id": None}, before={"x": 4.0, "t": "d"}),
            RowChange(kind="changed", key={"id": 3}, before={"t": "c"}, after={"t": "C"}),
        ],
    )


def test_rows_may_be_matched_by_several_columns_of_other_types(diff: Diff) -> None:
    found = diff(
        pa.table({'us"er': pa.array([1, 1], pa.int32()), "day": ["a", "b"], "x": [1, 2]}),
        pa.table({'us"er': pa.array([1, 1], pa.int64()), "day": ["a", "b"], "x": [1.0, 2.5]}),
        keys=['us"er', "day"],
    )
    assert found.rows is not None
    assert (found.rows.changed, found.rows.unchanged) == (1, 1)
    assert found.rows.examples[0].key == {'us"er': 1, "day": "b"}


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ("x", r"x is no key of the version after: x='7' is there 2 times"),
        (["id", "no"], "There is no column 'no' in the version before"),
    ],
)
def test_keys_that_do_not_tell_rows_apart_are_refused(diff: Diff, keys: Any, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        diff(pa.table({"id": [1, 2], "x": [1, 7]}), pa.table({"id": [1, 2], "x": [7, 7]}), keys)


def test_folders_differ_by_their_files(diff: Diff, tmp_path: Path) -> None:
    for name, files in (
        ("a", {"x": "1", "sub/y": "2", "z": "3"}),
        ("b", {"x": "1", "sub/y": "22", "new": "4"}),
    ):
        for path, text in files.items():
            place = tmp_path / name / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
    found = diff(tmp_path / "a", tmp_path / "b")
    assert found.files == FileDiff(
        added=1,
        removed=1,
        changed=1,
        unchanged=1,
        added_paths=["new"],
        removed_paths=["z"],
        changed_paths=["sub/y"],
    )
    with pytest.raises(InvalidInput, match="Folders have files and no rows"):
        diff(tmp_path / "a", tmp_path / "b", "id")


def test_what_cannot_be_compared_is_said(diff: Diff, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"1")
    (tmp_path / "b.csv").write_text("x\n1\n")
    (tmp_path / "c.parquet").write_bytes(b"PAR1")
    assert "are no tables" in diff(tmp_path / "a.bin", tmp_path / "b.csv").notes[0]
    assert "'c.parquet' does not read as a table" in diff(tmp_path / "b.csv", tmp_path / "c.parquet").notes[0]


def test_an_unknown_version_is_not_found(workspace: Workspace) -> None:
    with pytest.raises(NotFound):
        workspace.diffs.diff("no@1", "no@2")


def test_large_tables_are_sampled_and_it_is_said(diff: Diff, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "EXACT_ROWS", 1000)
    monkeypatch.setattr(samples, "SAMPLE_ROWS", 5000)
    monkeypatch.setattr(samples, "RUN", 64)
    found = diff(pa.table({"x": np.arange(20_000)}), pa.table({"x": np.arange(40_000)}))
    assert found.drift[0].verdict == "large"
    assert found.drift[0].ks == pytest.approx(0.5, abs=0.1)
    assert "of 20,000 rows" in found.notes[0]


def test_diff_shows_itself_without_letting_data_into_the_page(diff: Diff) -> None:
    evil = "<script>alert(1)</script>"
    found = ShownDiff(
        diff(
            pa.table({"id": [1, 2], evil: ["a", "b"]}),
            pa.table({"id": [1, 3], evil: [evil, "b"], "new": [1, 2]}),
            keys="id",
        )
    )
    text, html = repr(found), found._repr_html_()
    assert "added  new (int64)" in text
    assert "rows by id  1 added, 1 removed, 1 changed, 0 unchanged" in text
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert found.to_dict()["rows"]["added"] == 1
