"""Runs as a cell and a terminal list them."""

from __future__ import annotations

from jupyter_mlops.entities import MetricSummary, Run, RunKind, RunStatus, VersionRef
from jupyter_mlops.services.showing.runs import RUN_COLUMNS, refs_text, run_cells
from jupyter_mlops.services.showing.tables import when


def test_a_run_is_a_row_of_its_main_facts() -> None:
    run = Run(
        id="01hzzzzzzzzzzzzzzzzz7xk2qp",
        name="fit",
        experiment="digits",
        kind=RunKind.CELL,
        status=RunStatus.FINISHED,
        started_at=1.0,
        duration_s=2.0,
        params={"model.C": 1, "lr": 0.123456},
        metrics={"acc": MetricSummary(last=0.9, min=0.1, max=0.95, count=3)},
    )
    assert dict(zip(RUN_COLUMNS, run_cells(run), strict=True)) == {
        "id": "7xk2qp",
        "name": "fit",
        "experiment": "digits",
        "status": "finished",
        "started": when(1.0),
        "took": "2.0 s",
        "params": "lr=0.1235  model.C=1",
        "metrics": "acc=0.9",
    }


def test_what_a_run_read_is_told_with_numbers_or_as_pending() -> None:
    train = VersionRef(kind="dataset", name="train", version=2, digest="a" * 64)
    digits = VersionRef(kind="model", name="digits", version=None, digest="b" * 64)
    assert refs_text([train, digits]) == "dataset train@2, model digits@pending"
    assert refs_text([]) == ""
