"""``papermill --engine mlops``: the whole notebook is a run, its tracked cells are child runs."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_mlops.entities import CellTiming, RunKind, RunStatus
from jupyter_mlops.journal.records import AnyRecord, Artifacts, Context, Source, Start, Step
from jupyter_mlops.notebooks.engine import notebook_path
from tests.waiting import wait_until

from .kernel import end, environment, metrics, of, params, runs_in

LOAD = "%load_ext jupyter_mlops\nimport jupyter_mlops as mlops"


@dataclass
class Papermill:
    """The command line program, in a folder of its own."""

    folder: Path

    def write(self, *cells: str, parameters: str | None = None) -> Path:
        made = [new_code_cell(source) for source in cells]
        if parameters is not None:
            made.insert(0, new_code_cell(parameters, metadata={"tags": ["parameters"]}))
        metadata = {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        }
        path = self.folder / "digits.ipynb"
        nbformat.write(new_notebook(cells=made, metadata=metadata), path)
        return path

    def start(self, arguments: Sequence[str] = (), *, engine: bool = True) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "papermill", "digits.ipynb", "out.ipynb", "--no-progress-bar"]
        return subprocess.Popen(
            [*command, *(("--engine", "mlops") if engine else ()), *arguments],
            cwd=self.folder,
            env=environment(self.folder, JUPYTER_MLOPS_USER="ada"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # what runs in the background ignores it
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def run(self, *arguments: str, engine: bool = True) -> tuple[int, str]:
        """Exit status and output."""
        process = self.start(arguments, engine=engine)
        text, _ = process.communicate(timeout=120)
        return process.returncode, text

    def runs(self) -> list[list[AnyRecord]]:
        return list(runs_in(self.folder / "home").values())


@pytest.fixture
def papermill(tmp_path: Path) -> Papermill:
    return Papermill(tmp_path)


def start(records: list[AnyRecord]) -> Start:
    (found,) = of(records, Start)
    return found  # type: ignore[no-any-return]


def test_the_notebook_is_a_run_and_its_tracked_cells_are_child_runs(papermill: Papermill) -> None:
    path = papermill.write(
        LOAD,
        "mlops.log(outside=lr)",
        "%%track child\nmlops.log(inside=epochs)",
        parameters="lr = 0.05\nepochs = 3  # how long",
    )
    status, text = papermill.run("-p", "lr", "0.1")
    assert status == 0, text
    notebook, child = papermill.runs()
    begun = start(notebook)
    assert (begun.name, begun.kind, begun.notebook) == ("digits", RunKind.NOTEBOOK, str(path))
    assert params(notebook) == {"lr": 0.1, "epochs": 3}
    assert metrics(notebook) == {"outside": 0.1}
    assert end(notebook).status is RunStatus.FINISHED
    assert start(child).kind is RunKind.CELL
    assert start(child).parent_id == next(iter(runs_in(papermill.folder / "home")))
    assert start(child).notebook == str(path)
    assert metrics(child) == {"inside": 3}


def test_the_executed_notebook_and_cell_timings_are_kept(papermill: Papermill) -> None:
    papermill.write("1 + 1", "'second'")
    assert papermill.run()[0] == 0
    (notebook,) = papermill.runs()
    (artifact,) = of(notebook, Artifacts)
    blob = papermill.folder / "home" / "blobs" / artifact.digest[:2] / artifact.digest
    kept = nbformat.reads(blob.read_text(), as_version=4)
    assert artifact.name == "notebook.ipynb"
    assert [cell["outputs"][0]["data"]["text/plain"] for cell in kept.cells] == ["2", "'second'"]
    timings: list[CellTiming] = [step.cell for step in of(notebook, Step) if step.cell]
    assert [(cell.index, cell.ok) for cell in timings] == [(0, True), (1, True)]
    assert of(notebook, Source)[0].text == "# %%\n1 + 1\n\n# %%\n'second'"


def test_the_notebook_records_where_it_ran(papermill: Papermill) -> None:
    papermill.write("1")
    assert papermill.run()[0] == 0
    (notebook,) = papermill.runs()
    context = {key: value for record in of(notebook, Context) for key, value in record.values.items()}
    assert context["packages"]["papermill"]
    assert context["python"] == platform.python_version()


def test_a_notebook_from_standard_input_has_no_path() -> None:
    assert notebook_path("-") is None


def test_a_failing_cell_fails_the_run_and_papermill(papermill: Papermill) -> None:
    papermill.write(LOAD, "%%track child\nraise ValueError('too small')", "print('never')")
    status, text = papermill.run()
    assert status != 0
    assert "PapermillExecutionError" in text
    assert "ValueError: too small" in text
    notebook, child = papermill.runs()
    ended = end(notebook)
    assert (ended.status, ended.reason) == (RunStatus.FAILED, "cell 1 raised ValueError: too small")
    assert ended.error is not None
    assert ended.error.name == "ValueError"
    assert end(child).status is RunStatus.FAILED
    output = nbformat.read(papermill.folder / "out.ipynb", as_version=4)
    assert "An Exception was encountered" in output.cells[0].source


def test_a_dead_kernel_fails_the_run_with_its_reason(papermill: Papermill) -> None:
    papermill.write("import os; os._exit(5)")
    status, text = papermill.run()
    assert status != 0
    assert "The kernel exited with status 5." in text
    (notebook,) = papermill.runs()
    assert (end(notebook).status, end(notebook).reason) == (
        RunStatus.FAILED,
        "The kernel exited with status 5.",
    )


def test_leaving_without_an_error_is_a_success(papermill: Papermill) -> None:
    papermill.write("import sys; sys.exit(0)", "print('never')")
    assert papermill.run()[0] == 0
    (notebook,) = papermill.runs()
    assert end(notebook).status is RunStatus.FINISHED


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_papermill_cancels_the_runs(papermill: Papermill, number: signal.Signals) -> None:
    ready = papermill.folder / "ready"
    papermill.write(LOAD, f"%%track child\nimport time\nopen({str(ready)!r}, 'w').close()\ntime.sleep(600)")
    process = papermill.start()
    try:
        wait_until(ready.exists)
        os.kill(process.pid, number)
        process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode != 0
    notebook, child = papermill.runs()
    assert end(notebook).status is RunStatus.CANCELLED
    assert end(child).status is RunStatus.CANCELLED


def test_without_the_engine_tracked_cells_are_tracked_all_the_same(papermill: Papermill) -> None:
    papermill.write(LOAD, "%%track alone\nmlops.log(acc=1)")
    assert papermill.run(engine=False)[0] == 0
    (cell,) = papermill.runs()
    assert (start(cell).kind, start(cell).parent_id) == (RunKind.CELL, None)


def test_without_the_engine_logging_outside_of_a_tracked_cell_is_an_error(papermill: Papermill) -> None:
    papermill.write(LOAD, "mlops.log(acc=1)")
    status, text = papermill.run(engine=False)
    assert status != 0
    assert "NoActiveRun" in text


def test_importing_papermill_loads_nothing_of_ours_but_the_engines_module() -> None:
    program = (
        "import sys, papermill; print(*(name for name in sys.modules if name.startswith('jupyter_mlops.')))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(answer.stdout.split()) <= {"jupyter_mlops._version", "jupyter_mlops.engine"}


def test_the_engine_can_be_imported_before_papermill() -> None:
    program = "import jupyter_mlops.engine, papermill.engines as e; print(e.papermill_engines.get_engine('mlops').__name__)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "MlopsEngine"
