"""Feature views in a real kernel, in its jobs, and on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops import workspace as workspaces
from jupyter_mlops.capture.history import ExecutedCell
from jupyter_mlops.cli import main
from jupyter_mlops.config import load_settings
from jupyter_mlops.notebooks.slicing import dependencies
from jupyter_mlops.workspace import Workspace

from .kernel import Kernel, environment, running_kernel

SETUP = """
import jupyter_mlops as mlops
import pandas as pd
rides = pd.DataFrame({"driver_id": [1, 2, 1], "ended_at": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"]), "stars": [5, 4, 2]})
_ = mlops.register_dataset(rides, name="rides")
"""
WEIGHED = "WEIGHT = 1\ndef weighed(stars):\n    return stars * WEIGHT"
VIEW = """
@mlops.feature_view(source="rides", keys="driver_id", timestamp="ended_at")
def driver_stats(rides):
    return rides.assign(stars=weighed(rides.stars))
"""


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    with running_kernel(tmp_path, JUPYTER_MLOPS_PROFILE_WHEN_REGISTERED="0") as kernel:
        yield kernel


def test_a_cell_of_a_notebook_defines_a_view_that_a_terminal_computes(
    kernel: Kernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for cell in (SETUP, WEIGHED, VIEW, VIEW):
        assert kernel.run(cell).ok
    assert kernel.run("driver_stats").result == (
        "<FeatureView driver_stats, version 1: rides by driver_id at ended_at>"
    )
    kernel.run(WEIGHED.replace("WEIGHT = 1", "WEIGHT = 10"))
    assert kernel.value("driver_stats.registered.version") == 2
    reply = kernel.run("%%track compute\nfound = driver_stats.materialize(online=True)")
    assert reply.ok, reply.errors
    assert kernel.value("(found.view.version, found.rows, found.run_id is not None)") == (2, 3, True)
    assert "driver_stats@2" in kernel.run("%mlops features").text
    replayed = kernel.run(
        "%mlops replay\n"
        + VIEW.replace("stars))", "stars) + 1)")
        + "\nprint(driver_stats.registered.version)"
    )
    assert replayed.text == "None\n"

    for name, value in environment(tmp_path).items():
        if name.startswith("JUPYTER_MLOPS"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("JUPYTER_MLOPS_PROFILE_WHEN_REGISTERED", "0")
    workspaces.use(None)
    try:
        assert main(["materialize", "driver_stats@1", "--json"]) == 0
        printed = json.loads(capsys.readouterr().out)
        assert (printed["view"], printed["dataset"], printed["rows"]) == (
            "driver_stats@1",
            "driver_stats@2",
            3,
        )
        workspace = Workspace(load_settings(environ=environment(tmp_path)))
        assert workspace.registry.load_dataset("driver_stats@1").stars.tolist() == [50, 40, 20]
        assert workspace.registry.load_dataset("driver_stats@2").stars.tolist() == [5, 4, 2]
        assert workspace.features.serving.columns("driver_stats", [{"driver_id": 1}])[
            "stars"
        ].to_pylist() == [20]
        assert main(["features", "driver_stats", "--json"]) == 0
        listed = json.loads(capsys.readouterr().out)
        assert [(each["version"], each["dataset"], each["online_rows"]) for each in listed] == [
            (2, "driver_stats@1", 2),
            (1, "driver_stats@2", None),
        ]
        assert main(["features"]) == 0
        assert "driver_stats@2" in capsys.readouterr().out
        assert main(["export-feast", str(tmp_path / "repository"), "driver_stats@1"]) == 0
        assert "feast apply" in capsys.readouterr().out
        assert main(["materialize", "driver_stat"]) == 1
        assert "No view 'driver_stat'. Did you mean 'driver_stats'?" in capsys.readouterr().err
    finally:
        workspaces.use(None)


@pytest.mark.parametrize(
    ("target", "needed"),
    [
        ("driver_stats(frame)", [1, 2, 3, 4]),
        ("WEIGHT + 1", [2]),
        ("mlops.training_set(labels, 'driver_stats')", [1, 2, 3, 4]),
        ("mlops.online_features('driver_stats', keys)", [1, 2, 3, 4]),
    ],
)
def test_a_job_takes_along_the_cells_of_the_views_that_it_uses(target: str, needed: list[int]) -> None:
    sources = [
        "import jupyter_mlops as mlops",
        WEIGHED,
        VIEW,
        "driver_stats.materialize()",
        "mlops.feature_views()",
    ]
    cells = [ExecutedCell(number, source, True) for number, source in enumerate(sources, 1)]
    assert [each.number for each in dependencies(cells, target).needed] == needed
