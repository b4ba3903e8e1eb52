"""Reviews: what would change, and what could not be found out."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlops.api.promotion import GateTable, Review
from jupyter_mlops.entities import (
    Column,
    ColumnDrift,
    DatasetDiff,
    Gate,
    GateKind,
    Output,
)
from jupyter_mlops.errors import NotFound
from tests.promotion_worlds import World, dataset

A = "01hzzzzzzzzzzzzzzzzzzzzzza"
B = "01hzzzzzzzzzzzzzzzzzzzzzzb"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def figure(title: str) -> Output:
    return Output(position=0, kind="display_data", data={"image/png": PIXEL, "text/plain": title}, time=1.0)


def champion_and_version_2(world: World) -> None:
    world.run(
        A, source="lr = 0.1\nfit(lr)", inputs=[dataset("train", 1), dataset("test", 9)], outputs=[figure("a")]
    )
    world.run(
        B,
        source="lr = 0.01\nfit(lr)",
        inputs=[dataset("train", 2), dataset("test", 9)],
        outputs=[figure("b")],
    )
    world.version(run_id=A, metrics={"acc": 0.9, "loss": 0.5}, packages={"numpy": "1.26", "torch": "2.0"})
    world.version(run_id=B, metrics={"acc": 0.92}, packages={"numpy": "2.0", "jax": "0.4"})
    world.store.move_alias("model", "digits", "champion", 1, user="ada")


DIFF = DatasetDiff(
    before=dataset("train", 1),
    after=dataset("train", 2),
    same=False,
    rows_before=100,
    rows_after=120,
    added=[Column(name="age", type="int64")],
    drift=[ColumnDrift(name="x", kind="number", verdict="large", psi=0.4, ks=0.3)],
    notes=["sampled"],
)


def test_review_shows_what_would_change(world: World) -> None:
    champion_and_version_2(world)
    world.diffs.diffs["train@1", "train@2"] = DIFF
    world.promotion.set_gates(
        "digits",
        "champion",
        [Gate(kind=GateKind.METRIC, metric="acc", minimum=0.95), Gate(kind=GateKind.APPROVAL)],
    )
    world.promotion.acting_as("bob").approve("digits", 2, reason="looks good")
    review = world.promotion.review("digits", 2)
    assert (review.model, review.version, review.alias, review.holder) == ("digits", 2, "champion", 1)
    assert not review.allowed
    assert [each.passed for each in review.gates] == [False, True]
    assert [each.user for each in review.approvals] == ["bob"]
    assert review.metrics_before == {"acc": 0.9, "loss": 0.5}
    assert review.metrics_after == {"acc": 0.92}
    assert review.packages_changed == {"numpy": ["1.26", "2.0"], "torch": ["2.0", ""], "jax": ["", "0.4"]}
    assert review.comparison is not None
    assert (review.comparison.a.id, review.comparison.b.id) == (A, B)
    assert "-lr = 0.1\n+lr = 0.01" in review.source_diff
    assert [row.change for row in review.code] == ["changed", "same"]
    assert review.figures is not None
    assert [len(row.outputs) for row in review.figures.rows] == [2]
    assert review.data == [DIFF]
    assert review.notes == []


def test_review_shows_itself_as_text_html_and_dict(world: World) -> None:
    champion_and_version_2(world)
    world.diffs.diffs["train@1", "train@2"] = DIFF
    world.promotion.set_gates("digits", "champion", [Gate(kind=GateKind.METRIC, metric="acc", minimum=0.95)])
    shown = Review(world.promotion.review("digits", 2))
    text = repr(shown)
    assert text.splitlines()[0] == "digits@2 as 'champion' (now digits@1): refused by 1 gate"
    for line in (
        "refused  acc of at least 0.95  acc is 0.92, below the minimum of 0.95.",
        "0.92 (+0.02)",
        "packages.numpy",
        "  rows 100 → 120",
        "  columns added: age",
        "  drift of x: large, PSI 0.4, KS 0.3",
        "-lr = 0.1",
        "1 figure",
    ):
        assert line in text
    html = shown._repr_html_()
    assert f'src="data:image/png;base64,{PIXEL}"' in html
    assert "refused by 1 gate" in html
    assert shown.to_dict()["gates"][0]["passed"] is False
    assert not shown.allowed


def test_text_of_others_stays_text_in_html(world: World) -> None:
    evil = "<script>alert(1)</script>"
    world.run(A, source=evil, outputs=[figure("a")])
    world.run(B, source=f"{evil} #", outputs=[Output(position=0, kind="display_data", time=1.0, data={
        "image/png": '" onerror="alert(1)', "text/html": evil})])  # fmt: skip
    world.version(run_id=A, packages={evil: "1"}, metrics={evil: 0.1})
    world.version(run_id=B, packages={evil: "2"}, metrics={evil: 0.2})
    world.store.move_alias("model", "digits", "champion", 1, user="ada")
    world.promotion.set_gates("digits", "champion", [Gate(kind=GateKind.METRIC, metric=evil, minimum=0.95)])
    world.promotion.acting_as("bob").approve("digits", 2, reason=evil)
    html = Review(world.promotion.review("digits", 2))._repr_html_()
    html += GateTable(world.promotion.gates("digits"))._repr_html_()
    assert "<script" not in html
    assert 'onerror="' not in html
    assert "&lt;script&gt;" in html


def test_first_version_has_nothing_to_be_compared_with(world: World) -> None:
    world.run(A, outputs=[figure("a")])
    world.version(run_id=A)
    review = world.promotion.review("digits", 1)
    assert (review.holder, review.comparison, review.allowed) == (None, None, True)
    assert review.figures is not None
    assert review.notes == ["Nothing has the alias yet: there is nothing to compare with."]
    text = repr(Review(review))
    assert text.startswith("digits@1 as 'champion' (nothing has it now): no gates")


def test_holder_itself_needs_no_comparison(world: World) -> None:
    world.version()
    world.store.move_alias("model", "digits", "champion", 1, user="ada")
    assert "Version 1 has the alias already." in world.promotion.review("digits", 1).notes


def test_run_that_cannot_be_read_is_a_note_and_kept_code_is_compared(world: World) -> None:
    before = world.blobs.put(b"lr = 0.1\nfit()").digest
    after = world.blobs.put(b"lr = 0.2\nfit()").digest
    world.version(run_id=A, code_digest=before, datasets=[dataset("train", 1)])
    world.version(run_id=B, code_digest=after, datasets=[dataset("train", 2), dataset("more", 3)])
    world.store.move_alias("model", "digits", "champion", 1, user="ada")
    review = world.promotion.review("digits", 2)
    assert review.comparison is None
    assert "-lr = 0.1\n+lr = 0.2" in review.source_diff
    assert review.source_diff.startswith("--- digits@1\n+++ digits@2")
    assert [row.change for row in review.code] == ["changed", "same"]
    assert review.notes == [
        f"The run of version 1 cannot be read from here: No run '{A}'.",
        f"The run of version 2 cannot be read from here: No run '{B}'.",
        "Only version 2 was made from dataset 'more'.",
        "The data train@1 and train@2 cannot be compared: The content of train@1 is gone.",
    ]


def test_code_that_is_gone_is_a_note(world: World) -> None:
    world.version(run_id=A, code_digest="0" * 64)
    world.version()
    world.store.move_alias("model", "digits", "champion", 1, user="ada")
    notes = world.promotion.review("digits", 2).notes
    assert any(note.startswith("The code of version 1 cannot be compared: No blob") for note in notes)
    assert "No code was kept with version 2." in notes


def test_two_versions_of_one_run(world: World) -> None:
    world.run(A, source="fit()", outputs=[figure("a")])
    world.version(run_id=A)
    world.version(run_id=A)
    world.store.move_alias("model", "digits", "champion", 1, user="ada")
    review = world.promotion.review("digits", 2)
    assert review.notes == ["Both versions were made by the same run."]
    assert (review.comparison, review.source_diff) == (None, "")


def test_review_of_what_is_not_there(world: World) -> None:
    world.version()
    with pytest.raises(NotFound):
        world.promotion.review("digits", 2)
    with pytest.raises(NotFound):
        world.promotion.review("nothing", 1)
