"""A workspace of the test's own, with a real agent, real workers and real kernels."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_mlops.capture.processes import process_of
from jupyter_mlops.config import load_settings
from jupyter_mlops.entities import GpuSlot, Job, Process, short_id
from jupyter_mlops.executors.process import kill_all, processes_of
from jupyter_mlops.services.jobs.agent_control import AgentStatus
from jupyter_mlops.services.jobs.folder import Attempt, JobFolder
from jupyter_mlops.services.jobs.origin import Origin
from jupyter_mlops.testing.executors import whole_slots
from jupyter_mlops.testing.jobs import job_spec
from jupyter_mlops.workspace import Workspace
from tests.waiting import wait_until

TIMEOUT_S = 120.0


def notebook_of(*cells: str) -> bytes:
    """A notebook of code cells, as it is submitted."""
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    text: str = nbformat.writes(notebook)
    return text.encode()


class Place:
    """One home, to submit to and to break things in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workspace = Workspace(load_settings())
        self.settings = self.workspace.settings
        self.jobs = self.workspace.jobs
        self.agent = self.workspace.agent
        self.submitted: list[Job] = []

    def submit(self, *cells: str, environment: dict[str, str] | None = None, **wanted) -> Job:
        wanted.setdefault("kernel_argv", Origin.here().kernel_argv)
        wanted.setdefault("cwd", str(self.folder))
        spec = job_spec(submitted_at=time.time(), **wanted)
        job = self.jobs.submit(spec, notebook_of(*cells), {**os.environ, **(environment or {})})
        self.submitted.append(job)
        return job

    def wait(self, job: Job) -> Job:
        (ended,) = self.jobs.wait([job.id], timeout_s=TIMEOUT_S)
        return ended

    def wait_for_log(self, job: Job, text: str) -> str:
        """The log, once it holds ``text``."""

        def found() -> str:
            log = self.jobs.log(job.id).text
            return log if text in log else ""

        return wait_until(found, timeout_s=TIMEOUT_S, message=lambda: self.story(job))

    def attempt(self, job: Job) -> Attempt:
        return JobFolder.of(self.settings.home, job.id).attempt(self.jobs.get(job.id).attempt)

    def worker(self, job: Job) -> Process:
        started = wait_until(lambda: self.attempt(job).started(), timeout_s=TIMEOUT_S)
        return started.process

    def free_slots(self) -> list[GpuSlot]:
        return whole_slots(self.workspace.machine)

    def agent_status(self) -> AgentStatus:
        return wait_until(self.agent.status, message="no agent")

    def kill_agent(self) -> None:
        pid = self.agent_status().process.pid
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: process_of(pid) is None)

    def story(self, job: Job) -> str:
        """What is known of a job, for a failing test."""
        return f"{self.jobs.get(job.id)}\n{self.jobs.log(job.id).text}\n{self.agent.log_path.read_text()}"

    def close(self) -> None:
        if self.submitted:
            self.agent.start()  # one that is just starting could not be stopped
        self.agent.stop()
        for job in self.submitted:
            assert kill_all(lambda job=job: processes_of(job.id)), f"{short_id(job.id)} lives on"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("JUPYTER_MLOPS_RUNTIME", str(tmp_path / "runtime"))
    monkeypatch.setenv("JUPYTER_MLOPS_LEASES", str(tmp_path / "leases"))
    monkeypatch.setenv("JUPYTER_MLOPS_GPU_SLOTS", "2")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.delenv("JUPYTER_MLOPS_RUN", raising=False)
    folder = tmp_path / "project"
    folder.mkdir()
    place = Place(folder)
    yield place
    place.close()
