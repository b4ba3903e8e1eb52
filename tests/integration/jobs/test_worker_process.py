"""The worker's process by itself, started as any executor would."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from jupyter_mlops.capture.processes import current_process
from jupyter_mlops.entities import Exit, JobStatus, Started, new_id
from jupyter_mlops.executors.leases import Holder, read_holder, write_holder
from jupyter_mlops.services.jobs.environment import worker_environment
from jupyter_mlops.services.jobs.folder import JobFolder
from jupyter_mlops.testing.jobs import job_spec
from tests.integration.jobs.conftest import Place, notebook_of

ANOTHER_WORKER = 3


def job_folder(place: Place, *cells: str, **changes) -> JobFolder:
    spec = job_spec(submitted_at=time.time(), cwd=str(place.folder), **changes)
    folder = JobFolder.of(place.settings.home, spec.id)
    folder.create(spec, notebook_of(*cells), os.environ)
    return folder


def run_worker(
    place: Place, folder: JobFolder, *, attempt: int = 1, lease: int | None = None
) -> subprocess.CompletedProcess[str]:
    leases = [] if lease is None else ["--leases", str(lease)]
    path = folder.attempt(attempt).path
    path.mkdir(parents=True, exist_ok=True)
    environment = worker_environment(folder.spec(), folder.environment(), place.settings, attempt=path)
    return subprocess.run(
        [sys.executable, "-m", "jupyter_mlops.worker", str(folder.path), str(attempt), *leases],
        pass_fds=[] if lease is None else [lease],
        env=environment,
        cwd=path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_worker_needs_nothing_but_the_folder(place):
    folder = job_folder(place, "print('hello')")
    worker = run_worker(place, folder)
    assert worker.returncode == 0, worker.stderr
    assert "hello" in worker.stdout
    attempt = folder.attempt(1)
    assert attempt.exit().status is JobStatus.SUCCEEDED
    assert attempt.exit().written_by == "worker"
    assert attempt.output.exists()
    assert not Path(folder.path / "env.json").exists()


def test_worker_that_finds_no_agent_ends_well_though_the_queue_cannot_be_read(place):
    folder = job_folder(place, "print('hello')")
    database = place.settings.home / "registry.sqlite"
    database.unlink(missing_ok=True)
    database.mkdir()
    worker = run_worker(place, folder)
    assert (worker.returncode, folder.attempt(1).exit().status) == (0, JobStatus.SUCCEEDED)
    assert "The queue cannot be looked at" in worker.stderr
    assert "Traceback" not in worker.stderr
    database.rmdir()


def test_second_worker_of_an_attempt_does_nothing(place):
    folder = job_folder(place, "print('hello')")
    first = Started(process=current_process(), run_id=new_id(0), started_at=0.0)
    assert folder.attempt(1).begin(first)
    worker = run_worker(place, folder)
    assert (worker.returncode, worker.stdout) == (ANOTHER_WORKER, "")
    assert folder.attempt(1).started() == first
    assert folder.attempt(1).exit() is None


def test_second_worker_leaves_the_lease_to_the_first(place, tmp_path):
    folder = job_folder(place, "print('hello')")
    first = Holder(job_id=folder.spec().id, user="ada", uid=os.getuid(), pid=os.getpid())
    with (tmp_path / "GPU.lock").open("w+b") as lease:
        write_holder(lease.fileno(), first)
        # it is there and cannot be read: as if it came between the look at it and the worker's own
        (folder.attempt(1).path / "started.json").write_text("{")
        assert run_worker(place, folder, lease=lease.fileno()).returncode == ANOTHER_WORKER
        assert read_holder(lease.fileno()) == first


def test_worker_of_a_job_that_was_cancelled_before_does_nothing(place):
    folder = job_folder(place, "print('hello')")
    folder.attempt(1).finish(Exit(status=JobStatus.CANCELLED, ended_at=0.0))
    assert run_worker(place, folder).returncode == ANOTHER_WORKER


def test_kernel_that_cannot_be_started_fails_the_attempt_with_a_reason(place):
    folder = job_folder(place, "1", kernel_argv=["/no/such/python", "{connection_file}"])
    worker = run_worker(place, folder)
    end = folder.attempt(1).exit()
    assert (worker.returncode, end.status) == (0, JobStatus.FAILED)
    assert end.reason


def test_damaged_notebook_fails_the_attempt_with_a_reason(place):
    folder = job_folder(place, "1")
    folder.input.write_text("not a notebook")
    run_worker(place, folder)
    end = folder.attempt(1).exit()
    assert (end.status, "cannot be read" in end.reason) == (JobStatus.FAILED, True)


def test_environment_is_kept_for_a_retry(place):
    folder = job_folder(place, "1 / 0", retries=1)
    run_worker(place, folder)
    run_worker(place, folder, attempt=2)
    assert folder.attempt(2).exit().status is JobStatus.FAILED
    assert folder.environment(), "who decides that there is no other attempt forgets it"
