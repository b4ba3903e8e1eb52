"""A job's folder and the environment of its processes."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jupyter_mlops.config import Settings
from jupyter_mlops.entities import Exit, JobStatus
from jupyter_mlops.errors import InvalidInput, NotFound
from jupyter_mlops.services.jobs.environment import kernel_environment, worker_environment
from jupyter_mlops.services.jobs.folder import JobFolder, create_once
from jupyter_mlops.testing.jobs import job_spec

SETTINGS = Settings(
    home=Path("/home"), runtime_dir=Path("/run"), leases_dir=Path("/leases"), user="ada", gpu_slots=2
)


def test_of_many_writers_the_first_one_wins_and_nothing_else_stays(tmp_path):
    path = tmp_path / "exit.json"
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: create_once(path, str(n).encode() * 1000), range(32)))
    assert sum(won) == 1
    assert path.read_bytes() == str(won.index(True)).encode() * 1000
    assert list(tmp_path.iterdir()) == [path]


def test_damaged_exit_is_a_failure_with_a_reason(tmp_path):
    attempt = JobFolder.of(tmp_path, "job").attempt(1)
    attempt.finish(Exit(status=JobStatus.SUCCEEDED, ended_at=1.0))
    (attempt.path / "exit.json").write_text("")
    end = attempt.exit()
    assert end is not None
    assert (end.status, "damaged" in end.reason) == (JobStatus.FAILED, True)


def test_folder_that_is_not_whole_is_none(tmp_path):
    folder = JobFolder.of(tmp_path, "job")
    assert not folder.exists()
    with pytest.raises(NotFound, match="No job in"):
        folder.spec()


def test_worker_has_the_submitted_environment_in_this_workspace_for_this_job():
    spec = job_spec(notebook="/n/a.ipynb", python_path=["/x"])
    submitted = {
        "TOKEN": "t",
        "PYTHONPATH": "/p",
        "JPY_PARENT_PID": "1",
        "JUPYTER_MLOPS_RUN": "another",
        "JUPYTER_MLOPS_JOB": "another",
        "JUPYTER_MLOPS_POOL": "0",
        "JUPYTER_MLOPS_HOME": "/elsewhere",
        "JUPYTER_MLOPS_BLOBS": "s3://elsewhere",
    }
    assert worker_environment(spec, submitted, SETTINGS, attempt=Path("/a/1")) == {
        "TOKEN": "t",
        "PYTHONPATH": "/p",
        "JUPYTER_MLOPS_HOME": "/home",
        "JUPYTER_MLOPS_RUNTIME": "/run",
        "JUPYTER_MLOPS_LEASES": "/leases",
        "JUPYTER_MLOPS_USER": "ada",
        "JUPYTER_MLOPS_GPU_SLOTS": "2",
        "JUPYTER_MLOPS_QUOTAS": SETTINGS.quotas,
        "JUPYTER_MLOPS_ACCESS": SETTINGS.access,
        "JUPYTER_MLOPS_JOB": spec.id,
        "JUPYTER_MLOPS_ATTEMPT": "/a/1",
        "JUPYTER_MLOPS_NOTEBOOK": "/n/a.ipynb",
    }


def test_kernel_has_the_run_and_the_additions_to_its_path_first():
    spec = job_spec(python_path=["/x", "/y"])
    assert kernel_environment({"PYTHONPATH": "/p:/x", "A": "b"}, spec, run_id="r") == {
        "A": "b",
        "PYTHONPATH": "/x:/y:/p",
        "JUPYTER_MLOPS_RUN": "r",
    }


def test_worker_finds_the_package_where_the_submitting_kernel_found_it():
    package = str(Path(__file__).parents[2])
    spec = job_spec(python_path=["/x", package])
    assert worker_environment(spec, {}, SETTINGS, attempt=Path("/a"))["PYTHONPATH"] == package


def test_nothing_of_a_job_stays_when_its_folder_cannot_be_written(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    folder = JobFolder.of(tmp_path, "job")
    with pytest.raises(OSError, match="No space left"):
        folder.create(job_spec(), b"{}", {"SECRET": "x"})
    assert list((tmp_path / "jobs").iterdir()) == []


def test_damaged_files_are_named(tmp_path):
    folder = JobFolder.of(tmp_path, "job")
    folder.create(job_spec(), b"{}", {"A": "1"})
    for name in ("spec.json", "env.json"):
        (folder.path / name).write_bytes(b'{"A": "\xff"}')
    with pytest.raises(InvalidInput, match=r"spec\.json is damaged"):
        folder.spec()
    with pytest.raises(InvalidInput, match=r"env\.json is damaged"):
        folder.environment()
