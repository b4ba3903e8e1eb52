"""``jupyter mlops demo``: the whole chain, on real data, in a fresh home."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_digits

from jupyter_mlops import workspace
from jupyter_mlops.cli import demo, main
from jupyter_mlops.config import load_settings
from jupyter_mlops.entities import JobStatus, RunKind, RunStatus, short_id
from jupyter_mlops.errors import MissingPackage
from jupyter_mlops.journal import all_journals, read_chunk
from jupyter_mlops.journal.records import Metrics
from jupyter_mlops.services.jobs.agent_control import AgentControl
from jupyter_mlops.workspace import Workspace

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart.ipynb"
SWEEP = (0.01, 0.1, 1, 10)


def environment(folder: Path) -> dict[str, str]:
    """A machine without GPUs, and nothing of the workspace around the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER_MLOPS_")}
    return kept | {
        "JUPYTER_MLOPS_RUNTIME": str(folder / "runtime"),
        "JUPYTER_MLOPS_LEASES": str(folder / "leases"),
        "CUDA_VISIBLE_DEVICES": "",
        "COLUMNS": "220",
    }


def open_home(folder: Path) -> Workspace:
    settings = load_settings({"home": folder / "home"}, environ=environment(folder))
    return Workspace(settings)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Workspace]]:
    """What the demo said, and the workspace that it left."""
    folder = tmp_path_factory.mktemp("demo")
    command = [
        sys.executable,
        "-m",
        "jupyter_mlops.cli",
        "demo",
        "--home",
        "home",
        "--keep-output",
        "out.ipynb",
    ]
    ran = subprocess.run(
        command, cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=280
    )
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout + ran.stderr
    place = open_home(folder)
    yield ran.stdout, place
    AgentControl(place.settings).stop()


def test_says_that_virtual_slots_stand_in_and_how_to_see_it(shown: tuple[str, Workspace]):
    text, place = shown
    assert text.startswith("No GPU found: 2 virtual slots stand in for GPUs")
    assert f"JUPYTER_MLOPS_HOME={place.settings.home} jupyter lab" in text.splitlines()[-1]


def test_tables_show_the_runs_and_jobs_of_the_index_and_the_registry(shown: tuple[str, Workspace]):
    text, place = shown
    runs_table, jobs_table = text.split("\nRuns\n")[1].split("\nJobs\n")
    runs = place.runs.search().runs
    assert column(runs_table, "id") == [
        short_id(run.id) for run in sorted(runs, key=lambda run: run.started_at)
    ]
    assert sorted(column(runs_table, "name")) == sorted(
        ["quickstart", "digits-logistic", "digits-sgd", "cancer-forest", "cancer-logistic", "champion"]
        + ["digits-sweep"] * 4
    )
    assert set(column(runs_table, "status")) == {"finished"}
    jobs = place.jobs.search()
    assert column(jobs_table.split("\nChampion\n")[0], "id") == [short_id(job.id) for job in reversed(jobs)]
    assert set(column(jobs_table.split("\nChampion\n")[0], "status")) == {"succeeded"}


def test_sweep_ran_four_jobs_one_gpu_each(shown: tuple[str, Workspace]):
    _, place = shown
    jobs = place.jobs.search()
    assert sorted(job.spec.params["C"] for job in jobs) == sorted(SWEEP)
    assert {job.status for job in jobs} == {JobStatus.SUCCEEDED}
    assert [len(job.gpus) for job in jobs] == [1, 1, 1, 1]
    assert len({job.spec.sweep_id for job in jobs}) == 1
    host = place.settings.host
    assert {gpu for job in jobs for gpu in job.gpus} <= {f"VIRTUAL-{host}-0", f"VIRTUAL-{host}-1"}
    tracked = place.runs.of_jobs([job.id for job in jobs])
    assert {job.spec.params["C"]: tracked[job.id].params["C"] for job in jobs} == {C: C for C in SWEEP}


def test_metrics_are_those_of_the_journals(shown: tuple[str, Workspace]):
    _, place = shown
    home = place.settings.home
    logged: dict[tuple[str, str], list[tuple[float, Any]]] = {}
    for key in all_journals(home):
        for record in read_chunk(key.path(home)).records:
            if isinstance(record, Metrics):
                for name, value in record.m.items():
                    if name.startswith("system/"):
                        continue
                    logged.setdefault((key.run_id, name), []).append((record.t, value))
    indexed = {
        (run.id, name): (summary.count, summary.last)
        for run in place.runs.search().runs
        for name, summary in run.metrics.items()
    }
    assert indexed == {key: (len(points), points[-1][1]) for key, points in logged.items()}
    (sgd,) = place.runs.search("name = 'digits-sgd'").runs
    assert place.runs.history(sgd.id, "loss").steps == list(range(20))


def test_notebook_is_the_parent_run_and_kept_as_executed(shown: tuple[str, Workspace]):
    _, place = shown
    (notebook,) = place.runs.search("kind = 'notebook'").runs
    assert (notebook.status, Path(notebook.notebook).name) == (RunStatus.FINISHED, QUICKSTART.name)
    cells = place.runs.search("kind = 'cell'").runs
    assert {run.parent_id for run in cells} == {notebook.id}
    assert {job.spec.parent_run_id for job in place.jobs.search()} == {notebook.id}
    executed = nbformat.read(place.settings.home.parent / "out.ipynb", as_version=4)
    assert not [o for cell in executed.cells for o in cell.get("outputs", []) if o.output_type == "error"]
    assert any("image/png" in o.get("data", {}) for o in executed.cells[-2].outputs)


def test_outputs_are_recorded_as_they_were_displayed(shown: tuple[str, Workspace]):
    _, place = shown
    (forest,) = place.runs.search("name = 'cancer-forest'").runs
    assert any("image/png" in output.data for output in place.runs.detail(forest.id).outputs)
    (logistic,) = place.runs.search("name = 'cancer-logistic'").runs
    assert any("text/html" in output.data for output in place.runs.detail(logistic.id).outputs)


def test_champion_is_the_best_of_the_sweep_and_predicts(shown: tuple[str, Workspace]):
    _, place = shown
    (best,) = place.runs.search("kind = 'job'", order_by="metrics.accuracy desc", limit=1).runs
    version = place.registry.model_version("digits@champion")
    run = place.runs.get(str(version.run_id))
    assert (run.name, run.params["C"]) == ("champion", best.params["C"])
    assert version.metrics["accuracy"] == best.metrics["accuracy"].last
    data = load_digits(as_frame=True)
    model = place.registry.load_model("digits@champion")
    assert model.score(data.data, data.target) > 0.95


def test_registered_datasets_are_the_bundled_ones_and_every_training_run_read_one(
    shown: tuple[str, Workspace],
):
    _, place = shown
    for name, bundled in (("digits", load_digits), ("breast-cancer", load_breast_cancer)):
        pd.testing.assert_frame_equal(place.registry.load_dataset(f"{name}@1"), bundled(as_frame=True).frame)
    for run in place.runs.search().runs:
        read = {each.name for each in place.runs.detail(run.id).inputs}
        if run.kind is RunKind.JOB:  # a job replays the cells that were run before its own
            assert read == {"breast-cancer", "digits"}
        elif run.kind is not RunKind.NOTEBOOK:
            assert read == {"breast-cancer" if run.name.startswith("cancer") else "digits"}, run.name


def test_lineage_leads_from_the_dataset_over_the_run_to_the_model(shown: tuple[str, Workspace]):
    _, place = shown
    graph = place.lineage.graph("model:digits@1")
    names = {node.id.split(":")[0]: node.label for node in graph.nodes}
    assert {"model", "run", "dataset"} <= set(names)
    assert "dataset:digits@1" in {node.id for node in graph.nodes}


def test_rebuild_changes_nothing(shown: tuple[str, Workspace]):
    _, place = shown
    before = {run.id: (run.status, run.params, run.metrics, run.tags) for run in place.runs.search().runs}
    place.runs.rebuild()
    after = {run.id: (run.status, run.params, run.metrics, run.tags) for run in place.runs.search().runs}
    assert after == before


def column(table: str, name: str) -> list[str]:
    """The cells of one column of a table of rich."""
    lines = [re.split("[│┃]", line)[1:-1] for line in table.splitlines() if line.startswith(("│", "┃"))]
    heads = [cell.strip() for cell in lines[0]]
    return [line[heads.index(name)].strip() for line in lines[1:]]


# when something is wrong


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in [name for name in os.environ if name.startswith("JUPYTER_MLOPS_")]:
        monkeypatch.delenv(name)
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(tmp_path / "home"))
    # the demo sets it, and it must not outlive the test
    monkeypatch.setenv("JUPYTER_MLOPS_GPU_SLOTS", "2")
    workspace.use(None)
    yield tmp_path
    AgentControl(load_settings()).stop()
    workspace.use(None)


def use_notebook(monkeypatch: pytest.MonkeyPatch, path: Path, *sources: str) -> None:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    made = nbformat.v4.new_notebook(cells=cells)
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(made, path)
    monkeypatch.setattr(demo, "find_notebook", lambda: path)


def test_a_cell_that_fails_is_shown_and_the_exit_status_is_1(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    use_notebook(
        monkeypatch,
        fresh / "quickstart.ipynb",
        "%load_ext jupyter_mlops",
        "%%track bad\nraise ValueError('no luck')",
    )
    assert main(["demo", "--json"]) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["ok"] is False
    answer = json.loads(captured.err)
    assert "ValueError: no luck" in answer["message"]
    assert "no model digits has the alias champion" in answer["message"]


def test_a_job_that_fails_is_named_with_its_log_and_the_exit_status_is_1(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    use_notebook(
        monkeypatch,
        fresh / "quickstart.ipynb",
        "%load_ext jupyter_mlops",
        "%%submit sweep -p x=0,1,2,3\nx = 1\n1 / x",
        "_.wait()",
    )
    assert main(["demo"]) == 1
    error = capsys.readouterr().err
    assert "ZeroDivisionError" in error
    assert "See: jupyter mlops logs" in error
    assert "3 jobs succeeded; the sweep has 4" in error


def test_missing_packages_are_named_with_the_pip_command(monkeypatch: pytest.MonkeyPatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sklearn" else found(name))
    with pytest.raises(MissingPackage) as refused:
        demo.check_packages()
    assert refused.value.message == (
        f"The demo needs scikit-learn. Install with: {sys.executable} -m pip install 'jupyter-mlops[examples]'"
    )


def test_windows_is_refused_politely(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(sys, "platform", "win32")
    assert main(["demo"]) == 1
    assert "Windows" in capsys.readouterr().err


def test_notebook_is_valid_clean_and_found():
    assert demo.find_notebook() == QUICKSTART
    notebook = nbformat.read(QUICKSTART, as_version=4)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
