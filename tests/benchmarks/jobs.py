"""Jobs: how soon they begin, how many go through, and what they cost over plain nbclient and papermill.

Everything is real: an agent, workers, kernels. The agent ends with each benchmark.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_mlops.entities import Job, JobStatus
from jupyter_mlops.services.jobs.folder import JobFolder
from jupyter_mlops.services.jobs.origin import Origin
from jupyter_mlops.testing.jobs import job_spec
from jupyter_mlops.workspace import Workspace
from tests.integration.kernel import Kernel, running_kernel
from tests.waiting import wait_until

from .figures import HIGHER, Benchmark, Figure
from .measuring import seconds_of, temporary_folder, temporary_workspace

WAIT_S = 300.0
ROUNDS = 7
NOTEBOOKS = 100
SLOTS = 2
PAPERMILLS = 10
"""Enough of them to know their rate."""
CELLS = 200
EXECUTED_CELLS = 500
STAMP = "import time; print('at', time.time())"
TRIVIAL = "print(1 + 1)"
SETTLED_S = 2.5
"""How long an agent that was just started, or has just been idle, needs to be ready for more."""
NBCLIENT = """
import sys
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[1])
"""


def first_cell() -> Iterator[Figure]:
    """From ``submit()`` until the first user cell runs: with nothing running at all, and after other jobs."""
    cold = []
    for _ in range(3):
        with _agent() as workspace:
            cold.append(_seconds_to_first_cell(workspace))
    yield Figure(
        what="submit → first user cell, no agent running", unit="s", value=statistics.median(cold), goal=2.0
    )
    with _agent() as workspace:
        _warm_up(workspace)
        warm = [_seconds_to_first_cell(workspace) for _ in range(ROUNDS)]
    yield Figure(what="submit → first user cell, warm", unit="s", value=statistics.median(warm), goal=0.3)


def many_notebooks() -> Iterator[Figure]:
    """Trivial notebooks through two slots, and through two loops of papermill processes."""
    with _agent(gpu_slots=SLOTS) as workspace:
        _warm_up(workspace)
        began = time.time()
        jobs = [_submit(workspace, TRIVIAL, gpus=1) for _ in range(NOTEBOOKS)]
        ended = _ended(workspace, jobs)
        rate = NOTEBOOKS / (max(job.ended_at or 0.0 for job in ended) - began)
    papermill = _papermill_rate()
    yield Figure(
        what=f"{NOTEBOOKS} trivial notebooks on {SLOTS} slots",
        unit="notebooks/s",
        value=rate,
        goal=10 * papermill,
        better=HIGHER,
        limit=papermill,
        limit_is=f"{SLOTS} loops of papermill",
    )


def cells_of_a_notebook() -> Iterator[Figure]:
    """A notebook of many cells by a worker and by nbclient, in processes that have imported what they need."""
    with _agent() as workspace:
        _warm_up(workspace)
        ours = statistics.median(_seconds_in_cells(workspace) for _ in range(3))
    theirs = statistics.median(_nbclient_seconds() for _ in range(3))
    yield Figure(
        what=f"{CELLS} cells, first to last",
        unit="ms",
        value=ours * 1e3,
        goal=theirs * 1.1e3,
        limit=theirs * 1e3,
        limit_is="nbclient",
    )


def submit_call() -> Iterator[Figure]:
    """``%%submit`` after many executed cells, until the front end has its last message.

    One job holds the only slot meanwhile, so that those which are submitted do not run.
    """
    with temporary_folder() as folder:
        (folder / "project").mkdir()
        with running_kernel(folder, cwd=folder / "project", JUPYTER_MLOPS_GPU_SLOTS="1") as kernel:
            for number in range(EXECUTED_CELLS):
                assert kernel.run(f"x{number} = {number}\ny{number} = x{number} + 1").ok
            _run(
                kernel,
                "held = get_ipython().run_cell_magic('submit', 'held --gpus 1', 'import time; time.sleep(600)')",
            )
            time.sleep(SETTLED_S)
            submit = "%%submit bench --gpus 1\nlr = 0.1\nprint(y{} * lr)"
            spent = [
                seconds_of(lambda number=number: _run(kernel, submit.format(EXECUTED_CELLS - 1 - number)))
                for number in range(ROUNDS)
            ]
            _run(
                kernel,
                "import jupyter_mlops as mlops\nfor each in mlops.jobs()['id']: mlops.job(each).cancel()",
            )
    yield Figure(
        what=f"%%submit after {EXECUTED_CELLS} executed cells",
        unit="ms",
        value=statistics.median(spent[1:]) * 1e3,
        goal=50,
    )


def _run(kernel: Kernel, cell: str) -> None:
    reply = kernel.run(cell)
    assert reply.ok, reply.errors


@contextmanager
def _agent(*, gpu_slots: int | None = None) -> Iterator[Workspace]:
    """A new workspace, whose agent ends with it."""
    with temporary_workspace(gpu_slots=gpu_slots, agent_idle_s=30.0) as workspace:
        try:
            yield workspace
        finally:
            workspace.agent.start()  # one that is just starting could not be stopped
            workspace.agent.stop()


def _submit(workspace: Workspace, *cells: str, gpus: int = 0) -> Job:
    spec = job_spec(
        submitted_at=time.time(),
        cwd=str(workspace.settings.home.parent),
        kernel_argv=Origin.here().kernel_argv,
        interpreter=sys.executable,
        gpus=gpus,
    )
    return workspace.jobs.submit(spec, _notebook(*cells), dict(os.environ))


def _notebook(*cells: str) -> bytes:
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    text: str = nbformat.writes(notebook)
    return text.encode()


def _ended(workspace: Workspace, jobs: list[Job]) -> list[Job]:
    ended = workspace.jobs.wait([job.id for job in jobs], timeout_s=WAIT_S)
    assert all(job.status is JobStatus.SUCCEEDED for job in ended), [job.reason for job in ended]
    return ended


def _warm_up(workspace: Workspace) -> None:
    """Jobs until one of them did not have to import anything."""
    for _ in range(3):
        _ended(workspace, [_submit(workspace, TRIVIAL)])
        time.sleep(SETTLED_S)


def _seconds_to_first_cell(workspace: Workspace) -> float:
    began = time.time()
    job = _submit(workspace, STAMP)
    _ended(workspace, [job])
    return _stamps(workspace, job)[0] - began


def _stamps(workspace: Workspace, job: Job) -> list[float]:
    log = wait_until(lambda: JobFolder.of(workspace.settings.home, job.id).attempt(1).log.read_text())
    return [float(line.split()[1]) for line in log.splitlines() if line.startswith("at ")]


def _seconds_in_cells(workspace: Workspace) -> float:
    job = _submit(workspace, *[STAMP] * CELLS)
    _ended(workspace, [job])
    stamps = _stamps(workspace, job)
    return stamps[-1] - stamps[0]


def _nbclient_seconds() -> float:
    with temporary_folder() as folder:
        path = folder / "cells.ipynb"
        path.write_bytes(_notebook(*[STAMP] * CELLS))
        subprocess.run(
            [sys.executable, "-c", NBCLIENT, str(path)], check=True, cwd=folder, capture_output=True
        )
        cells = nbformat.read(path, as_version=4).cells
        texts = ["".join(output.text for output in cell.outputs) for cell in cells]
        stamps = [float(text.split()[1]) for text in texts]
    return stamps[-1] - stamps[0]


def _papermill_rate() -> float:
    """Notebooks per second of loops that each start one papermill after the other."""
    with temporary_folder() as folder, ThreadPoolExecutor(SLOTS) as pool:
        path = folder / "trivial.ipynb"
        path.write_bytes(_notebook(TRIVIAL))

        def loop(number: int) -> None:
            for _ in range(PAPERMILLS // SLOTS):
                command = [
                    "-m",
                    "papermill",
                    "--no-progress-bar",
                    "-k",
                    "python3",
                    str(path),
                    f"{folder}/{number}.ipynb",
                ]
                subprocess.run([sys.executable, *command], check=True, cwd=folder, capture_output=True)

        spent = seconds_of(lambda: list(pool.map(loop, range(SLOTS))))
    return PAPERMILLS / spent


BENCHMARKS: dict[str, Benchmark] = {
    "first-cell": first_cell,
    "notebooks": many_notebooks,
    "cells": cells_of_a_notebook,
    "submit": submit_call,
}
