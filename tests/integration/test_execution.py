"""A notebook is executed in a real kernel: watched, stoppable, and on disk whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from jupyter_mlops.entities import RunStatus
from jupyter_mlops.notebooks import execution
from jupyter_mlops.notebooks.execution import ExecutionHandle, KernelChoice, Outcome, execute_notebook
from jupyter_mlops.notebooks.kernels import launcher
from tests.waiting import wait_until

from .kernel import environment
from .recorder import RememberingRecorder

OWN = KernelChoice(name="python3", argv=launcher(sys.executable))


@dataclass
class Execution:
    """Executes notebooks below a folder and keeps what they tell."""

    folder: Path
    recorder: RememberingRecorder = field(default_factory=RememberingRecorder)
    log: list[str] = field(default_factory=list)
    handle: ExecutionHandle = field(default_factory=ExecutionHandle)

    def of(self, *cells: str | NotebookNode, kernel: KernelChoice = OWN, **variables: str) -> Outcome:
        made = [new_code_cell(each) if isinstance(each, str) else each for each in cells]
        path = self.folder / "input.ipynb"
        nbformat.write(new_notebook(cells=made), path)
        return execute_notebook(
            path,
            self.output_path,
            recorder=self.recorder,
            kernel=kernel,
            environment=environment(self.folder, **variables),
            cwd=self.folder,
            log=self.log.append,
            handle=self.handle,
        )

    @property
    def output_path(self) -> Path:
        return self.folder / "output.ipynb"

    @property
    def text(self) -> str:
        return "".join(self.log)

    def output(self) -> NotebookNode:
        return nbformat.read(self.output_path, as_version=4)

    def in_thread(self, *cells: str) -> Callable[[], Outcome]:
        """Starts executing; the answer waits for the outcome."""
        outcomes: list[Outcome] = []
        thread = threading.Thread(target=lambda: outcomes.append(self.of(*cells)))
        thread.start()

        def outcome() -> Outcome:
            thread.join(60)
            return outcomes[0]

        return outcome


@pytest.fixture
def execution_of(tmp_path: Path) -> Execution:
    return Execution(tmp_path)


def test_cells_run_in_order_and_every_step_is_told(execution_of: Execution) -> None:
    outcome = execution_of.of(new_markdown_cell("# title"), "x = 1", "", "print(x)\nx + 1")
    assert outcome == Outcome(status=RunStatus.FINISHED)
    assert execution_of.recorder.progress == [(0, 2), (1, 2), (2, 2)]
    assert execution_of.recorder.timed == [(1, True), (3, True)]
    assert execution_of.text == "1\n2\n"
    written = execution_of.output()
    assert [cell.get("execution_count") for cell in written.cells] == [None, 1, None, 2]
    assert written.cells[3].outputs[1].data["text/plain"] == "2"
    assert written.cells[1].metadata.papermill.status == "completed"


def test_a_failing_cell_ends_it_and_its_error_comes_back(execution_of: Execution) -> None:
    outcome = execution_of.of("x = 1", "def f():\n    raise ValueError('too small')\nf()", "never = 1")
    assert outcome.status is RunStatus.FAILED
    assert outcome.reason == "cell 1 raised ValueError: too small"
    assert outcome.error is not None
    assert (outcome.error.name, outcome.error.message) == ("ValueError", "too small")
    assert "raise ValueError('too small')" in outcome.error.traceback
    assert "\x1b" not in outcome.error.traceback
    assert outcome.error.traceback in execution_of.text
    assert execution_of.recorder.timed == [(0, True), (1, False)]
    assert execution_of.output().cells[1].outputs[0].ename == "ValueError"


def test_a_cell_that_is_expected_to_raise_does_not_end_it(execution_of: Execution) -> None:
    expected = new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]})
    assert execution_of.of(expected, "x = 1").status is RunStatus.FINISHED
    assert execution_of.recorder.timed == [(0, False), (1, True)]


@pytest.mark.parametrize(
    ("cell", "status"),
    [
        ("import sys; sys.exit()", RunStatus.FINISHED),
        ("import sys; sys.exit(0)", RunStatus.FINISHED),
        ("import sys; sys.exit(3)", RunStatus.FAILED),
        ("raise KeyboardInterrupt", RunStatus.CANCELLED),
        ("import asyncio; raise asyncio.CancelledError", RunStatus.CANCELLED),
    ],
)
def test_a_cell_that_leaves_decides_how_it_ends(
    execution_of: Execution, cell: str, status: RunStatus
) -> None:
    assert execution_of.of(cell, "print('never')").status is status
    assert "never" not in execution_of.text


@pytest.mark.parametrize(
    ("death", "reason"),
    [
        ("os.kill(os.getpid(), 9)", "The kernel was killed by SIGKILL (out of memory?)."),
        ("os._exit(7)", "The kernel exited with status 7."),
        ("import ctypes; ctypes.string_at(0)", "The kernel was killed by SIGSEGV."),
    ],
)
def test_a_kernel_that_dies_is_a_failure_with_its_reason(
    execution_of: Execution, death: str, reason: str
) -> None:
    outcome = execution_of.of("import os", death, "never = 1")
    assert outcome == Outcome(status=RunStatus.FAILED, reason=reason)
    assert execution_of.recorder.timed == [(0, True), (1, False)]
    assert execution_of.output().cells[0].execution_count == 1


def test_a_kernel_that_is_not_installed_is_a_failure(execution_of: Execution) -> None:
    outcome = execution_of.of("1", kernel=KernelChoice(name="no-such-kernel"))
    assert outcome.status is RunStatus.FAILED
    assert (
        outcome.reason
        == "No kernel 'no-such-kernel' is installed here. Installed ones: jupyter kernelspec list."
    )


def test_a_kernel_whose_program_is_missing_is_a_failure(execution_of: Execution) -> None:
    outcome = execution_of.of(
        "1", kernel=KernelChoice(name="python3", argv=["/no/such/python", "{connection_file}"])
    )
    assert outcome.status is RunStatus.FAILED
    assert "The kernel exited with status 1." in (outcome.reason or "")


def test_a_notebook_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "broken.ipynb"
    path.write_text("{")
    outcome = execute_notebook(
        path,
        tmp_path / "output.ipynb",
        recorder=RememberingRecorder(),
        kernel=OWN,
        environment={},
        cwd=tmp_path,
        log=print,
    )
    assert outcome.status is RunStatus.FAILED
    assert f"The notebook {path} cannot be read" in (outcome.reason or "")


def test_the_kernel_has_the_given_environment_and_folder(execution_of: Execution) -> None:
    execution_of.of(
        "import os; print(os.environ['GREETING'], os.environ.get('UNWANTED'), os.getcwd() == os.environ['PLACE'])",
        GREETING="hello",
        PLACE=str(execution_of.folder),
    )
    assert execution_of.text == "hello None True\n"


def test_output_is_streamed_while_a_cell_runs(execution_of: Execution) -> None:
    gate = execution_of.folder / "gate"
    outcome = execution_of.in_thread(
        f"import os, time\nprint('waiting', flush=True)\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)"
    )
    wait_until(lambda: "waiting\n" in execution_of.text)
    assert execution_of.recorder.timed == []
    gate.touch()
    assert outcome().status is RunStatus.FINISHED


def test_it_can_be_stopped_while_a_cell_runs(execution_of: Execution) -> None:
    outcome = execution_of.in_thread(
        "import time\nprint('on', flush=True)\ntime.sleep(600)", "print('never')"
    )
    wait_until(lambda: "on\n" in execution_of.text)
    execution_of.handle.stop(RunStatus.CANCELLED, "cancelled by ada")
    execution_of.handle.stop(RunStatus.FAILED, "too late")
    found = outcome()
    assert (found.status, found.reason) == (RunStatus.CANCELLED, "cancelled by ada")
    assert found.error is not None
    assert found.error.name == "KeyboardInterrupt"
    assert "never" not in execution_of.text


def test_a_cell_that_ignores_the_interrupt_is_killed_after_the_grace(execution_of: Execution) -> None:
    outcome = execution_of.in_thread(
        "import time\nprint('on', flush=True)\n"
        "while True:\n    try:\n        time.sleep(600)\n    except KeyboardInterrupt:\n        print('no', flush=True)"
    )
    wait_until(lambda: "on\n" in execution_of.text)
    execution_of.handle.stop(RunStatus.FAILED, "time limit", grace_s=0.2)
    assert outcome() == Outcome(status=RunStatus.FAILED, reason="time limit")
    assert execution_of.output().cells[0].outputs[0].text.startswith("on\n")


def test_a_cell_that_swallows_the_interrupt_is_the_last_one(execution_of: Execution) -> None:
    outcome = execution_of.in_thread(
        "import time\nprint('on', flush=True)\ntry:\n    time.sleep(600)\nexcept KeyboardInterrupt: print('caught')",
        "print('never')",
    )
    wait_until(lambda: "on\n" in execution_of.text)
    execution_of.handle.stop(RunStatus.CANCELLED, "cancelled")
    assert outcome() == Outcome(status=RunStatus.CANCELLED, reason="cancelled")
    assert "caught" in execution_of.text
    assert "never" not in execution_of.text


def test_it_can_be_stopped_before_it_begins(execution_of: Execution) -> None:
    execution_of.handle.stop(RunStatus.CANCELLED, "cancelled")
    assert execution_of.of("print('never')") == Outcome(status=RunStatus.CANCELLED, reason="cancelled")
    assert execution_of.text == ""


def test_an_execution_that_had_ended_well_is_not_cancelled_any_more(execution_of: Execution) -> None:
    outcome = execution_of.of("1")
    execution_of.handle.stop(RunStatus.CANCELLED, "too late")
    assert outcome.status is RunStatus.FINISHED


def test_the_notebook_is_written_while_it_runs(
    execution_of: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "SAVE_EVERY_S", 0.05)
    gate = execution_of.folder / "gate"
    outcome = execution_of.in_thread(
        "'first'",
        f"import os, time\nwhile not os.path.exists({str(gate)!r}): print('x', flush=True); time.sleep(0.02)",
    )

    def on_disk() -> bool:
        cells = (
            json.loads(execution_of.output_path.read_text())["cells"]
            if execution_of.output_path.exists()
            else []
        )
        return bool(cells and cells[0]["outputs"] and cells[1]["outputs"])

    wait_until(on_disk)
    gate.touch()
    assert outcome().status is RunStatus.FINISHED


def test_the_notebook_is_not_written_after_every_cell(
    execution_of: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []
    write = execution.write_notebook
    monkeypatch.setattr(execution, "write_notebook", lambda nb, path: (written.append(path), write(nb, path)))
    execution_of.of(*["1"] * 10)
    assert len(written) == 2  # at the start and at the end


def test_a_folder_that_cannot_be_written_does_not_stop_the_notebook(execution_of: Execution) -> None:
    execution_of.output_path.mkdir()
    assert execution_of.of("print(1)").status is RunStatus.FINISHED
    assert execution_of.text == "1\n"


def test_many_small_prints_become_few_outputs(execution_of: Execution) -> None:
    execution_of.of("import sys\nfor i in range(300):\n    print(i); sys.stdout.flush()")
    (output,) = execution_of.output().cells[0].outputs
    assert output.text == "".join(f"{i}\n" for i in range(300))


def test_what_a_cell_prints_beyond_a_bound_is_in_the_log_only(
    execution_of: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_mlops.notebooks.client.STREAM_CAP_CHARACTERS", 1000)
    execution_of.of(
        "import sys\nfor i in range(100):\n    print('x' * 99); sys.stdout.flush()", "print('small')"
    )
    assert len(execution_of.text) == 100 * 100 + len("small\n")
    first, second = execution_of.output().cells
    kept = "".join(output.text for output in first.outputs)
    assert 1000 <= len(kept) < 2500
    assert kept.endswith("[the rest of this cell's text is in the log only]\n")
    assert second.outputs[0].text == "small\n"


def test_figures_and_tables_are_told_as_text(execution_of: Execution) -> None:
    execution_of.of("from IPython.display import HTML\nHTML('<b>x</b>')")
    assert execution_of.text == "<IPython.core.display.HTML object>\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process to its parent")
def test_the_kernel_dies_with_its_parent(tmp_path: Path) -> None:
    nbformat.write(
        new_notebook(
            cells=[new_code_cell("import os, time; print('pid', os.getpid(), flush=True)\ntime.sleep(600)")]
        ),
        tmp_path / "input.ipynb",
    )
    program = textwrap.dedent(
        """
        import os, sys
        from pathlib import Path
        from jupyter_mlops.notebooks.execution import KernelChoice, execute_notebook
        from tests.integration.recorder import RememberingRecorder
        execute_notebook(
            Path("input.ipynb"), Path("output.ipynb"), recorder=RememberingRecorder(),
            kernel=KernelChoice(name="python3"), environment=os.environ, cwd=Path("."),
            log=lambda text: print(text, end="", flush=True),
        )
        """
    )
    root = str(Path(__file__).parents[2])
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment(tmp_path, PYTHONPATH=root),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    try:
        kernel = int(next(line for line in child.stdout if line.startswith("pid")).split()[1])
        os.kill(child.pid, signal.SIGKILL)
        wait_until(
            lambda: not Path(f"/proc/{kernel}").exists() or _is_zombie(kernel), message="the kernel lives on"
        )
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
