"""Diffs of registered versions: schema, drift, rows by keys, and files."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from jupyter_mlops.api.profiles import DatasetDiff as ShownDiff
from jupyter_mlops.entities import (
    Column,
    ColumnDrift,
    DatasetDiff,
    FileDiff,
    RetypedColumn,
    RowChange,
    RowDiff,
)
from jupyter_mlops.errors import InvalidInput, NotFound
from jupyter_mlops.services.columnar import samples
from jupyter_mlops.services.showing.diffs_text import example_cells
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


def one_drift(diff: Diff, before: Any, after: Any) -> ColumnDrift:
    (found,) = diff(pd.DataFrame({"u": before}), pd.DataFrame({"u": after})).drift
    return found


@pytest.mark.parametrize(
    ("different", "verdict"), [(5, "large"), (200, "large"), (2000, "large"), (20_000, "not compared")]
)
def test_texts_that_all_changed_are_never_called_stable(diff: Diff, different: int, verdict: str) -> None:
    found = one_drift(diff, *([f"{letter}{i % different}" for i in range(20_000)] for letter in "ab"))
    assert (found.verdict, found.psi is None) == (verdict, verdict == "not compared")


@pytest.mark.parametrize("different", [10, 300, 1000])
def test_texts_drawn_from_the_same_values_are_stable(diff: Diff, different: int) -> None:
    random = np.random.default_rng(different)
    found = one_drift(diff, *(random.integers(0, different, 20_000).astype(str) for _ in range(2)))
    assert found.verdict == "stable"


def test_values_that_are_too_many_to_be_compared_are_said_to_be(diff: Diff) -> None:
    found = diff(
        pd.DataFrame({"u": [f"a{i}" for i in range(500)], "v": 1}),
        pd.DataFrame({"u": [f"b{i}" for i in range(500)], "v": 2}),
    )
    assert found.notes == [
        "u was not compared: too many different values (500 and 500), most of them too rare to tell a change "
        "from chance."
    ]
    assert {each.name: each.verdict for each in found.drift} == {"u": "not compared", "v": "large"}
    shown = ShownDiff(found)
    assert "u       not compared" in repr(shown)
    assert "u was not compared" in shown._repr_html_()


def test_rare_values_that_stay_are_stable(diff: Diff) -> None:
    names = [f"a{i}" for i in range(500)]
    found = diff(pd.DataFrame({"u": names, "v": 1}), pd.DataFrame({"u": names[::-1], "v": 2}))
    assert {each.name: each.verdict for each in found.drift} == {"u": "stable", "v": "large"}


def test_commonest_texts_are_shown_and_all_others_together(diff: Diff) -> None:
    found = one_drift(diff, ["a"] * 900 + [f"x{i % 50}" for i in range(1000)], ["b"] * 1900)
    assert (found.values[0], found.values[1], found.values[-1]) == ("b", "a", "(other)")
    assert (sum(found.counts_before), sum(found.counts_after)) == (1900, 1900)
    assert len(found.values) == len(found.counts_before) == len(found.counts_after) == 41


def test_zeros_are_a_bin_of_their_own(diff: Diff) -> None:
    def mostly_zero(others: int) -> list[float]:
        return [0.0] * (1000 - others) + list(np.linspace(1, 2, others))

    found = one_drift(diff, mostly_zero(50), mostly_zero(200))
    assert (found.edges, found.counts_before, found.counts_after) == ([0, 0, 2], [950, 50], [800, 200])
    assert found.psi == pytest.approx(0.234, abs=0.001)
    assert found.verdict == "moderate"


def test_infinities_are_values(diff: Diff) -> None:
    numbers = np.arange(1000.0)
    found = diff(
        pd.DataFrame({"x": numbers, "k": 1}),
        pd.DataFrame({"x": np.where(numbers % 2 == 1, np.inf, numbers), "k": 1}),
    )
    x = found.drift[0]
    assert (x.name, x.verdict, x.ks, x.nulls_after) == ("x", "large", 0.5, 0.0)
    assert (x.counts_before[-1], x.counts_after[-1], x.edges[-2:]) == (0, 500, [np.inf, np.inf])
    assert (x.mean_before, x.mean_after) == (499.5, 499.0)
    assert found.notes == [
        "x has infinite values: 0 of 1,000 rows before, 500 of 1,000 after. Its means are of the finite ones."
    ]
    assert ShownDiff(found).to_dict()["drift"][0]["edges"][-1] == "Infinity"


def test_columns_that_cannot_be_compared_are_named(diff: Diff) -> None:
    lists = [f"l{i}" for i in range(12)]
    before = {name: [[1], [2]] for name in lists} | {"t": [1, 2], "s": [{"a": 1}, None], "n": pa.nulls(2)}
    found = diff(pa.table(before), pa.table(before | {"t": ["1", "2"], "l0": [[1], [3]]}))
    assert found.drift == []
    assert found.notes == [
        f"{', '.join(lists[:10])} and 2 more were not compared: drift is told of numbers, texts, truths and "
        "times, not of list<item: int64>. Rows that are matched by keys are compared in all columns.",
        "t was not compared: int64 before, string after.",
        "s was not compared: drift is told of numbers, texts, truths and times, not of struct<a: int64>. Rows "
        "that are matched by keys are compared in all columns.",
    ]


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (0.1 + 0.2, 0.3, ("v=0.30000000000000004", "v=0.3")),
        (1.0, 2.0, ("v=1", "v=2")),
        (10**17, 10**17 + 1, (f"v={10**17}", f"v={10**17 + 1}")),
        (float("nan"), 1.0, ("v=nan", "v=1")),
        (None, 1.0, ("v=∅", "v=1")),
        ("a b", "a  b", ("v='a b'", "v='a  b'")),
        ("x" * 90 + "a", "x" * 90 + "b", ("v=…'xxxxxxxxa'", "v=…'xxxxxxxxb'")),
        ("x" * 300 + "a", "x" * 300 + "b", (f"v={'x' * 30} (it differs after 200 characters)",) * 2),
        (Decimal("1.00000000000000000001"), Decimal("1.00000000000000000002"), None),
        (Decimal("1.5"), Decimal("2.5"), ("v=1.5", "v=2.5")),
    ],
)
def test_changed_values_look_different(diff: Diff, before: Any, after: Any, shown: Any) -> None:
    found = diff(pa.table({"id": [1], "v": [before]}), pa.table({"id": [1], "v": [after]}), "id")
    assert found.rows is not None
    cells = example_cells(found.rows.examples[0])[2:]
    assert cells == (shown or (f"v={before}", f"v={after}"))


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
