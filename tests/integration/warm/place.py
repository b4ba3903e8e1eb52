"""A nursery of the test's own, and jobs that are forked from it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_mlops.config import Settings, load_settings
from jupyter_mlops.entities import Exit, JobSpec
from jupyter_mlops.executors.process import kill_all, processes_of
from jupyter_mlops.executors.warm import Nurseries
from jupyter_mlops.notebooks.kernels import launcher
from jupyter_mlops.services.jobs.environment import worker_environment
from jupyter_mlops.services.jobs.folder import Attempt, JobFolder
from jupyter_mlops.testing.jobs import job_spec
from jupyter_mlops.warm.client import Forked, Nursery
from tests.waiting import wait_until

TIMEOUT_S = 60.0
TRIES = 5
OF_THIS_PROCESS = ("JUPYTER_MLOPS_RUN", "JUPYTER_MLOPS_WARM_IMPORTS", "PYTEST_CURRENT_TEST")


class Place:
    """One home; ``fork`` forks the worker of a new job."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        self.settings: Settings = replace(
            load_settings(
                {name: folder / name for name in ("home", "runtime_dir", "leases_dir")}, environ={"PATH": ""}
            ),
            **settings,
        )
        self.settings.runtime_dir.mkdir()
        self.nurseries = Nurseries(self.settings)
        self.jobs: list[str] = []

    def launch(
        self, *cells: str, environment: Mapping[str, str] | None = None, **wanted: object
    ) -> tuple[JobFolder, dict[str, object]]:
        """A job that could be started: its folder, and what ``Nurseries.spawn`` is to be given."""
        wanted.setdefault("cwd", str(self.folder))
        wanted.setdefault("kernel_argv", launcher(sys.executable))
        spec: JobSpec = job_spec(
            id=f"job-{os.getpid()}-{len(self.jobs)}",
            submitted_at=time.time(),
            interpreter=sys.executable,
            **wanted,
        )
        self.jobs.append(spec.id)
        folder = JobFolder.of(self.settings.home, spec.id)
        submitted = {name: value for name, value in os.environ.items() if name not in OF_THIS_PROCESS}
        notebook = nbformat.writes(new_notebook(cells=[new_code_cell(cell) for cell in cells]))
        folder.create(spec, notebook.encode(), {**submitted, **(environment or {})})
        attempt = folder.attempt(1)
        return folder, {
            "command": [sys.executable, "-m", "jupyter_mlops.worker", str(folder.path), "1"],
            "environment": worker_environment(
                spec, folder.environment(), self.settings, attempt=attempt.path
            ),
            "cwd": attempt.path,
            "log": attempt.log,
        }

    def warm_up(self, environment: Mapping[str, str] | None = None) -> Nursery:
        """A nursery that is ready, for jobs with this environment."""
        _, how = self.launch("1", environment=environment)
        assert self.nurseries.spawn(**how) is None
        assert self.nurseries.spawn(**how) is None
        nursery = self.nurseries.alive[-1]
        self.await_ready()
        return nursery

    def fork(self, *cells: str, environment: Mapping[str, str] | None = None, **wanted: object) -> Job:
        """Other tries are granted: a nursery makes way for another when a file changes that it has loaded, and
        on a busy machine its answer may come too late.
        """
        folder, how = self.launch(*cells, environment=environment, **wanted)
        for _ in range(TRIES):
            worker = self.nurseries.spawn(**how)
            if worker is not None:
                return Job(folder.attempt(1), worker)
            self.await_ready()
        raise AssertionError("it was to be forked")

    def await_ready(self) -> bool:
        """Wait for the nursery that was started last."""
        if not self.nurseries.alive:
            return False
        nursery = self.nurseries.alive[-1]
        wait_until(
            lambda: nursery.listen() or (nursery.is_ready and nursery.answers) or nursery.is_gone,
            timeout_s=TIMEOUT_S,
        )
        return nursery.is_ready

    def close(self) -> None:
        for nursery in self.nurseries.alive:
            nursery.end()
        for job_id in self.jobs:
            assert kill_all(lambda job_id=job_id: processes_of(job_id))


class Job:
    """A forked worker and its attempt."""

    def __init__(self, attempt: Attempt, worker: Forked) -> None:
        self.attempt, self.worker = attempt, worker

    @property
    def log(self) -> str:
        return self.attempt.log.read_text()

    def wait(self) -> Exit:
        wait_until(lambda: self.worker.poll() is not None, timeout_s=TIMEOUT_S, message=lambda: self.log)
        end = self.attempt.exit()
        assert end is not None, self.log
        return end

    def wait_for(self, text: str) -> str:
        return wait_until(
            lambda: self.log if text in self.log else "", timeout_s=TIMEOUT_S, message=lambda: self.log
        )

    def said(self) -> str:
        """What its cells printed, when it has succeeded."""
        end = self.wait()
        assert end.status == "succeeded", f"{end}\n{self.log}"
        return self.log
