"""Reviews and gates over real runs, datasets, expectations and journals."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import jupyter_mlops as mlops
from jupyter_mlops import workspace
from jupyter_mlops.entities import Expectation
from jupyter_mlops.errors import GatesRefused
from jupyter_mlops.journal.records import Displayed
from jupyter_mlops.workspace import Workspace
from tests.waiting import wait_until_closed

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    for name in ("HOME", "RUNTIME", "LEASES"):
        monkeypatch.setenv(f"JUPYTER_MLOPS_{name}", str(tmp_path / "here" / name.lower()))
    monkeypatch.setenv("JUPYTER_MLOPS_USER", "ada")
    monkeypatch.chdir(tmp_path)
    workspace.use(None)
    yield workspace.current()
    workspace.use(None)


def as_user(user: str, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("JUPYTER_MLOPS_USER", user)
    workspace.use(None)
    return workspace.current()


def trained(data: str, *, lr: float, acc: float, alias: str | None = None) -> Any:
    """A version of ``digits`` that a run made from this data."""
    with mlops.track("fit", params={"lr": lr}) as run:
        run.source(f"lr = {lr}\nfit(lr)")
        mlops.load_dataset(data)
        mlops.log(acc=acc)
        picture = {"image/png": PIXEL, "text/plain": "<Figure>"}
        run.displayed(Displayed(message="display_data", data=picture))
        version = mlops.register_model({"lr": lr}, name="digits", alias=alias)
    wait_until_closed(workspace.current().settings.home, run.id)
    return version


def expect_rows(here: Workspace, *, at_least: int) -> None:
    """What ``train`` must be like from now on."""
    wanted = {"min": at_least, "max": None}
    here.expectations.set(
        "train", [Expectation(dataset="train", name="rows", check="rows", arguments=wanted)]
    )


def two_versions_of_data() -> None:
    random = np.random.default_rng(0)
    for shift, rows in ((0.0, 200), (2.0, 250)):
        mlops.register_dataset(pd.DataFrame({"x": random.normal(shift, 1.0, rows)}), name="train")


def test_review_compares_what_made_the_versions(here: Workspace) -> None:
    two_versions_of_data()
    trained("train@1", lr=0.1, acc=0.9, alias="champion")
    trained("train@2", lr=0.2, acc=0.95)
    mlops.gates("digits", "champion", better="acc")
    review = mlops.review("digits", 2)
    assert not review.allowed
    assert [each.message for each in review.gates] == [
        "acc cannot be compared, measured on other data: train@1 against train@2."
    ]
    assert review.comparison is not None
    assert [(each.key, each.a, each.b) for each in review.comparison.params] == [("lr", 0.1, 0.2)]
    assert "-lr = 0.1\n+lr = 0.2" in review.source_diff
    (diff,) = review.data
    assert (diff.rows_before, diff.rows_after) == (200, 250)
    assert [(each.name, each.verdict) for each in diff.drift] == [("x", "large")]
    figures = review.entity.figures
    assert figures is not None
    assert [len([output for output in row.outputs if output]) for row in figures.rows] == [2]
    assert review.notes == []
    assert review._repr_html_().count(PIXEL) == 2


def test_way_through_all_gates(here: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    two_versions_of_data()
    trained("train@1", lr=0.1, acc=0.9, alias="champion")
    trained("train@1", lr=0.2, acc=0.95)
    expect_rows(here, at_least=100)
    mlops.gates("digits", "champion", minimum={"acc": 0.92}, better="acc", expectations=True, approvals=1)
    with pytest.raises(GatesRefused, match="needs 1 approval"):
        mlops.set_alias("digits", "champion", 2)
    as_user("bob", monkeypatch)
    mlops.approve("digits", 2, reason="looked at the errors")
    review = mlops.review("digits", 2)
    assert review.allowed, review
    mlops.set_alias("digits", "champion", 2, reason="better")
    expect_rows(workspace.current(), at_least=1000)
    refused = mlops.review("digits", 2).gates[2]
    assert not refused.passed
    assert "train@1 breaks 1 expectation" in refused.message
    told = [(entry.user, entry.action) for entry in workspace.current().registry.audit()]
    assert ("ada", "alias.refuse") in told
    assert ("bob", "version.approve") in told
    assert ("bob", "alias.set") in told
    assert workspace.current().registry.verify_audit() == []


def test_runs_that_are_gone_leave_the_code_that_was_kept(here: Workspace) -> None:
    two_versions_of_data()
    trained("train@1", lr=0.1, acc=0.9, alias="champion")
    trained("train@2", lr=0.2, acc=0.95)
    shutil.rmtree(here.settings.home / "runs")
    for file in here.settings.home.glob("index.sqlite*"):
        file.unlink()
    workspace.use(None)
    review = mlops.review("digits", 2)
    assert review.comparison is None
    assert len([note for note in review.notes if "cannot be read from here" in note]) == 2
    assert "-lr = 0.1\n+lr = 0.2" in review.source_diff
    assert len(review.data) == 1
    mlops.gates("digits", "champion", minimum={"acc": 0.9}, better="acc", on="train")
    gates = mlops.review("digits", 2).gates
    assert [each.passed for each in gates] == [True, False]
    assert "train@1 against train@2" in gates[1].message


def test_index_made_anew_moves_no_alias(here: Workspace) -> None:
    two_versions_of_data()
    trained("train@1", lr=0.1, acc=0.9, alias="champion")
    trained("train@1", lr=0.2, acc=0.95, alias="champion")
    mlops.rollback("digits", reason="wrong")
    trail = here.registry.audit()
    here.runs.rebuild()
    assert here.registry.model("digits").aliases == {"champion": 1}
    assert here.registry.audit() == trail
