"""Runs that are made again: what comes out the same, what does not, and why."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

import jupyter_mlops as mlops
from jupyter_mlops.cli import main as cli
from jupyter_mlops.entities import MetricMatch, Reproduction, RunDetail, RunKind, RunStatus
from jupyter_mlops.errors import Conflict, InvalidInput, NotFound
from jupyter_mlops.services.reproduction.showing import as_html, as_text
from jupyter_mlops.services.submission.request import Request
from jupyter_mlops.workspace import use
from tests.integration.kernel import Kernel, running_kernel
from tests.waiting import wait_until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(autouse=True)
def workspace_of_the_place(place) -> Iterator[None]:
    """The API and the command line of this process use the place's workspace."""
    use(place.workspace)
    yield
    use(None)


@pytest.fixture
def kernel(place, tmp_path: Path) -> Iterator[Kernel]:
    with running_kernel(tmp_path, cwd=place.folder) as kernel:
        yield kernel


@pytest.fixture
def tracked(place, kernel: Kernel) -> Callable[..., RunDetail]:
    """Runs cells, the last of them tracked, and gives the run with all that was captured."""

    def run(*cells: str) -> RunDetail:
        for cell in cells:
            kernel.run(cell)
        run_id = list(kernel.runs())[-1]

        def captured() -> RunDetail | None:
            detail = place.workspace.runs.detail(run_id)
            return detail if "history" in detail.context and "packages" in detail.context else None

        return wait_until(captured)

    return run


@pytest.fixture
def reproduce(place) -> Callable[..., Reproduction]:
    def run(run_id: str, **options) -> Reproduction:
        begun = place.workspace.reproduction.start(run_id, **options)
        place.submitted.append(place.jobs.get(begun.job_id))
        report = place.workspace.reproduction.wait(begun.job_id, timeout_s=90)
        assert begun.verdict == "running"
        return report

    return run


def test_a_run_comes_out_the_same_from_the_cells_that_it_depended_on(place, tracked, reproduce):
    original = tracked(
        "import random",
        "random.seed(3)",
        "unused = 1 / 7\nprint('never again')",
        "def noisy(x):\n    return x + random.random() * scale",
        "scale = 0.5",
        "data = [1, 2, 3]",
        "data.append(4)",
        "%%track training -t team=a\nimport jupyter_mlops as mlops\ntotal = sum(noisy(x) for x in data)\n"
        "for step in range(3):\n    mlops.log(loss=1 / (step + total), step=step)",
    )
    report = reproduce(original.run.id)
    assert report.verdict == "reproduced", as_text(report)
    assert {each.name: each.matches for each in report.metrics} == {
        "loss": True,
        "total": True,
    }
    assert [each for each in report.left_out if "never again" in each or "unused" in each]
    assert (report.reasons, report.warnings) == ([], [])
    again = place.workspace.runs.detail(report.reproduced_run_id)
    assert (again.run.kind, again.run.status, again.run.name) == (RunKind.JOB, RunStatus.FINISHED, "training")
    assert again.run.tags == {"team": "a", "reproduces": original.run.id}
    assert again.source == original.source
    assert place.workspace.reproduction.reports(original.run.id) == [report]
    assert "2 of 2 metrics match" in as_text(report)
    assert "loss" in as_html(report)


def test_what_is_drawn_without_a_seed_differs_and_the_report_says_so(tracked, reproduce):
    original = tracked("import random", "%%track\nscore = random.random()")
    report = reproduce(original.run.id)
    assert report.verdict == "differs", as_text(report)
    assert [each.matches for each in report.metrics] == [False]
    assert report.reasons == ["missing seed: the cell itself: random.random()"]
    assert any("no seed" in each for each in report.warnings)


def test_changed_data_is_named(place, tracked, reproduce):
    data = place.folder / "numbers.csv"
    data.write_text("x\n1\n2\n")
    original = tracked(
        "import pandas as pd", "%%track\nframe = pd.read_csv('numbers.csv')\nmean = float(frame.x.mean())"
    )
    wait_until(lambda: place.workspace.runs.detail(original.run.id).data)
    data.write_text("x\n1\n5\n")
    report = reproduce(original.run.id)
    assert report.verdict == "differs", as_text(report)
    assert f"changed data: {data} has another content than the run read" in report.warnings
    assert any(each.startswith("changed data:") and "numbers.csv" in each for each in report.reasons)
    (mean,) = report.metrics
    assert (mean.name, mean.original, mean.reproduced, mean.matches) == ("mean", 1.5, 3.0, False)


def test_a_changed_package_is_named(place, tracked, reproduce, tmp_path):
    packages = tmp_path / "packages"
    installed = packages / "fancy_model-1.0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: fancy-model\nVersion: 1.0\n")
    (packages / "fancy_model.py").write_text("def score(): return 0.5\n")
    original = tracked(
        f"import sys\nsys.path.insert(0, {str(packages)!r})",
        "%%track\nimport fancy_model\nscore = fancy_model.score() + len([])",
    )
    assert original.context["packages"]["fancy-model"] == "1.0"
    installed.rename(packages / "fancy_model-2.0.dist-info")
    (packages / "fancy_model-2.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: fancy-model\nVersion: 2.0\n"
    )
    (packages / "fancy_model.py").write_text("def score(): return 0.75\n")
    report = reproduce(original.run.id)
    assert report.verdict == "differs", as_text(report)
    assert "changed package: fancy-model was 1.0 and is 2.0" in report.reasons


def test_a_run_that_cannot_be_made_again_failed(place, tracked, reproduce):
    (place.folder / "there.txt").write_text("5")
    original = tracked("value = int(open('there.txt').read())", "%%track\nscore = value * 2")
    (place.folder / "there.txt").unlink()
    report = reproduce(original.run.id)
    assert report.verdict == "failed"
    assert "the replay of cell 2 raised FileNotFoundError" in report.reason
    assert "failed" in as_text(report)


def test_datasets_are_those_that_the_run_read(place, kernel, tracked, reproduce):
    data = place.folder / "train.csv"
    data.write_text("x\n1\n3\n")
    original = tracked(
        "import jupyter_mlops as mlops\nmlops.register_dataset('train.csv', name='train')",
        "%%track\nscore = float(mlops.load_dataset('train').x.mean())",
    )
    data.write_text("x\n100\n300\n")
    place.workspace.registry.register_dataset(str(data), name="train")
    assert place.workspace.registry.dataset_version("train").version == 2
    report = reproduce(original.run.id)
    assert report.verdict == "reproduced", as_text(report)


def test_cells_out_of_order_and_one_that_raised_are_replayed_as_they_ran(tracked, reproduce):
    original = tracked(
        "values = []\ndef add(x):\n    values.append(x)",
        "add(1)",
        "add(2)\nraise RuntimeError('half way')",
        "add(3)",
        "%%track\nscore = sum(values) * 1.0",
    )
    assert original.run.metrics["score"].last == 6.0
    report = reproduce(original.run.id)
    assert report.verdict == "reproduced", as_text(report)
    assert any("raised, and are replayed" in each for each in report.warnings)


def test_a_job_is_reproduced_from_its_notebook(place, reproduce, tmp_path):
    notebook = new_notebook(
        cells=[
            new_code_cell("lr = 0.1", metadata={"tags": ["parameters"]}),
            new_code_cell("import jupyter_mlops as mlops\nmlops.log(loss=lr * 2)"),
        ]
    )
    path = place.folder / "train.ipynb"
    nbformat.write(notebook, path)
    submitted = place.workspace.submission.submit_notebook(path, request=Request(params={"lr": 0.25}))
    place.submitted += submitted.jobs
    job = place.wait(submitted.jobs[0])
    path.unlink()
    report = reproduce(job.run_id)
    assert report.verdict == "reproduced", as_text(report)
    assert report.metrics == [MetricMatch(name="loss", original=0.5, reproduced=0.5, matches=True)]
    assert place.workspace.runs.get(report.reproduced_run_id).params == {"lr": 0.25}


def test_a_notebook_under_papermill_is_reproduced(place, reproduce):
    import papermill

    notebook = new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        cells=[
            new_code_cell("lr = 0.1", metadata={"tags": ["parameters"]}),
            new_code_cell("import jupyter_mlops as mlops\nmlops.log(loss=lr * 2)"),
        ],
    )
    path = place.folder / "train.ipynb"
    nbformat.write(notebook, path)
    papermill.execute_notebook(
        str(path),
        str(place.folder / "out.ipynb"),
        engine_name="mlops",
        parameters={"lr": 0.5},
        kernel_name="python3",
    )
    (run,) = place.workspace.runs.search("kind = 'notebook'").runs
    report = reproduce(run.id)
    assert report.verdict == "reproduced", as_text(report)
    assert report.metrics[0].reproduced == 1.0


def test_what_cannot_be_reproduced_is_refused(place, tracked):
    tracker = place.workspace.tracker
    with tracker.start(name="script", kind=RunKind.SCRIPT) as run:
        run.log({"x": 1.0})
    with pytest.raises(InvalidInput, match="was tracked in a script"):
        place.workspace.reproduction.start(run.id)
    with tracker.start(name="old", kind=RunKind.CELL, source="x = 1") as old:
        with pytest.raises(Conflict, match="still running"):
            place.workspace.reproduction.start(old.id)
    with pytest.raises(InvalidInput, match="no recorded history"):
        place.workspace.reproduction.start(old.id)
    with pytest.raises(NotFound):
        place.workspace.reproduction.start("zzzz")
    with pytest.raises(InvalidInput, match="A tolerance is"):
        place.workspace.reproduction.start(old.id, tolerance=-1)
    assert place.jobs.search() == []


def test_the_api_gives_a_handle_that_shows_itself(place, tracked):
    original = tracked("import random\nrandom.seed(1)", "%%track\nscore = random.random()")
    handle = mlops.reproduce(original.run.id, wait=False, tolerance={"score": 1e-9}, time_limit="5m")
    place.submitted += place.jobs.search()
    assert handle.job.spec.resources.time_limit_s == 300
    assert "goes on" in repr(handle) or "reproduced" in repr(handle)
    assert handle.wait(timeout=90).verdict == "reproduced", repr(handle)
    assert handle.entity.tolerance == 1e-9
    assert [each.matches for each in handle.metrics] == [True]
    assert handle.run is not None
    assert "<table>" in handle._repr_html_()


def test_the_command_waits_prints_and_says_by_its_exit_status(place, tracked, capsys, monkeypatch):
    original = tracked("import random\nrandom.seed(1)", "%%track\nscore = random.random()")
    assert cli(["reproduce", original.run.id, "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert (report["verdict"], report["run_id"]) == ("reproduced", original.run.id)
    unseeded = tracked("random.seed()", "%%track\nscore = random.random()")
    assert cli(["reproduce", unseeded.run.id[-8:]]) == 1
    assert "differs" in capsys.readouterr().out
    place.submitted += place.jobs.search()
