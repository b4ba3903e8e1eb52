"""Many processes that log to one home at once, and somebody who reads all the time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlops.config import load_settings
from jupyter_mlops.entities import RunStatus
from jupyter_mlops.workspace import Workspace

PROCESSES = 32
POINTS = 10_000

PROGRAM = f"""
import sys
import jupyter_mlops as mlops
number = int(sys.argv[1])
with mlops.track(f"process {{number}}", params={{"number": number}}):
    for step in range({POINTS}):
        mlops.log(loss=number + step / {POINTS}, step=step)
"""


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    places = {name: tmp_path / name for name in ("home", "runtime_dir", "leases_dir")}
    return Workspace(load_settings(places, environ={}))


def test_nothing_is_missing_and_nobody_fails(place: Workspace) -> None:
    variables = {**os.environ, "JUPYTER_MLOPS_HOME": str(place.settings.home)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(number)], env=variables, stderr=subprocess.PIPE, text=True
        )
        for number in range(PROCESSES)
    ]
    seen: list[int] = []
    try:
        while any(process.poll() is None for process in processes):
            page = place.runs.search(order_by="metrics.loss desc")
            assert {run.status for run in page.runs} <= {RunStatus.RUNNING, RunStatus.FINISHED}
            seen.append(sum(run.metrics["loss"].count for run in page.runs if "loss" in run.metrics))
        errors = [process.communicate()[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert errors == [""] * PROCESSES
    assert [process.returncode for process in processes] == [0] * PROCESSES
    assert seen == sorted(seen)
    page = place.runs.search(limit=2 * PROCESSES)
    assert {run.params["number"] for run in page.runs} == set(range(PROCESSES))
    for run in page.runs:
        number = run.params["number"]
        summary = run.metrics["loss"]
        assert (run.status, summary.count, summary.last_step) == (RunStatus.FINISHED, POINTS, POINTS - 1)
        history = place.runs.history(run.id, "loss")
        assert history.steps == list(range(POINTS))
        assert history.values == [number + step / POINTS for step in range(POINTS)]
