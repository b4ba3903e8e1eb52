"""Execute a notebook with papermill in a process of its own, and show how far it has come."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from ..entities import Job, Run, RunStatus
from ..errors import MlopsError
from ..workspace import Workspace
from .tables import console

POLL_S = 0.5
STOP_GRACE_S = 20.0
TAIL_LINES = 15


@dataclass(slots=True, kw_only=True)
class Execution:
    """One execution of the notebook, found again among all that is in the workspace."""

    notebook: Path
    began: float = field(default_factory=time.time)
    error: str = ""

    def run(self, workspace: Workspace) -> Run | None:
        """The notebook's run; None before it has begun."""
        page = workspace.runs.search("kind = 'notebook'", order_by="started desc", limit=20)
        for run in page.runs:
            if (
                run.started_at >= self.began
                and run.notebook
                and Path(run.notebook).name == self.notebook.name
            ):
                return run
        return None

    def jobs(self, workspace: Workspace) -> list[Job]:
        """The jobs that the notebook submitted, in order."""
        run = self.run(workspace)
        if run is None:
            return []
        return workspace.jobs.search(parent_run_id=run.id, limit=1000)[::-1]

    def runs(self, workspace: Workspace, jobs: list[Job]) -> list[Run]:
        """The notebook's run, its tracked cells and the runs of its jobs, in order."""
        run = self.run(workspace)
        if run is None:
            return []
        below = workspace.runs.children(run.id)
        of_jobs = workspace.runs.of_jobs([job.id for job in jobs]).values()
        found = {each.id: each for each in [run, *below, *of_jobs]}
        return sorted(found.values(), key=lambda each: (each.started_at, each.id))


def execute(workspace: Workspace, notebook: Path, output: Path, folder: Path, *, quiet: bool) -> Execution:
    """Run the notebook to its end, or to the first cell that fails; ``folder`` is its directory.

    Whatever goes wrong is in the result's ``error``. Interrupted, it takes its jobs with it.
    """
    execution = Execution(notebook=notebook)
    log = folder / "papermill.log"
    command = [
        *(sys.executable, "-m", "papermill", str(notebook), str(output), "--engine", "mlops"),
        *("--kernel", "python3", "--cwd", str(folder), "--no-progress-bar"),
    ]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT
        )
        try:
            with _display(quiet) as update:
                _follow(process, workspace, execution, update)
        except BaseException:
            _stop(process)
            _cancel_jobs(workspace, execution)
            raise
    if process.returncode != 0:
        execution.error = _explain(workspace, execution, log, process.returncode)
        _cancel_jobs(workspace, execution)
    return execution


Update = Callable[[Run | None, list[Job]], None]


def _follow(
    process: subprocess.Popen[bytes], workspace: Workspace, execution: Execution, update: Update
) -> None:
    while process.poll() is None:
        update(execution.run(workspace), execution.jobs(workspace))
        try:
            process.wait(timeout=POLL_S)
        except subprocess.TimeoutExpired:
            continue
    update(execution.run(workspace), execution.jobs(workspace))


@contextmanager
def _display(quiet: bool) -> Iterator[Update]:
    """Bars for cells and jobs on a terminal; elsewhere a line for each step."""
    if quiet:
        yield lambda run, jobs: None
    elif console().is_terminal:
        with _Bars() as bars:
            yield bars.update
    else:
        yield _Lines().update


class _Bars:
    def __init__(self) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f} {task.fields[note]}"),
            TimeElapsedColumn(),
            console=console(),
        )
        self._cells = self._progress.add_task("cells of quickstart.ipynb", total=1, note="starting")
        self._jobs: TaskID | None = None

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def update(self, run: Run | None, jobs: list[Job]) -> None:
        if run and run.progress:
            done, total = run.progress.done, run.progress.total
            self._progress.update(self._cells, completed=done, total=total, note="")
        if jobs:
            if self._jobs is None:
                self._jobs = self._progress.add_task("jobs of the sweep", total=len(jobs), note="")
            ended = sum(job.status.ended for job in jobs)
            self._progress.update(self._jobs, completed=ended, total=len(jobs), note=_tally(jobs))


class _Lines:
    def __init__(self) -> None:
        self._said: set[str] = set()

    def update(self, run: Run | None, jobs: list[Job]) -> None:
        if run and run.progress and run.progress.done:
            self._say(f"cell {run.progress.done} of {run.progress.total}")
        if jobs:
            self._say(f"jobs: {_tally(jobs)}")

    def _say(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            console().print(line)


def _tally(jobs: list[Job]) -> str:
    statuses = sorted({job.status.value for job in jobs})
    return ", ".join(f"{sum(job.status.value == each for job in jobs)} {each}" for each in statuses)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """papermill gets the time to interrupt its kernel and to end its run."""
    process.terminate()
    try:
        process.wait(STOP_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _cancel_jobs(workspace: Workspace, execution: Execution) -> None:
    for job in execution.jobs(workspace):
        if not job.status.ended:
            try:
                workspace.jobs.cancel(job.id)
            except MlopsError:  # it has ended meanwhile
                continue


def _explain(workspace: Workspace, execution: Execution, log: Path, status: int) -> str:
    """What the failed cell raised, else the end of what papermill said."""
    run = execution.run(workspace)
    if run and run.status is not RunStatus.FINISHED:
        error = workspace.runs.detail(run.id).error
        if error:
            return f"a cell failed: {error.name}: {error.message}\n{error.traceback}"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return f"papermill ended with status {status}:\n" + "\n".join(lines[-TAIL_LINES:])
