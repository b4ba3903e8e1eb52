"""Schedules with a real agent, real workers and real kernels."""

from __future__ import annotations

import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_mlops.entities import Job, JobStatus, Schedule
from jupyter_mlops.services.jobs.origin import Origin
from jupyter_mlops.services.submission.request import Request, request_of
from tests.waiting import wait_until

from .conftest import Place

YEARLY = "0 0 1 1 *"
"""Due when a test says so, and not by itself."""


@pytest.fixture
def notebook(place: Place) -> Path:
    cells = [new_code_cell("lr = 0.1"), new_code_cell("import os\nprint('token', os.environ['TOKEN'], lr)")]
    cells[0].metadata["tags"] = ["parameters"]
    path = place.folder / "nightly.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path


def scheduled(place: Place, notebook: Path, monkeypatch: pytest.MonkeyPatch, **timing: str) -> Schedule:
    monkeypatch.setenv("TOKEN", "geheim")
    origin = Origin.here(cwd=str(place.folder))
    monkeypatch.delenv("TOKEN")
    request: Request = request_of(cron=YEARLY, timezone="UTC", params={"lr": 0.5}, **timing)
    submitted = place.workspace.submission.submit_notebook(notebook, origin=origin, request=request)
    assert submitted.schedule is not None
    return submitted.schedule


def comes_due(place: Place, schedule: Schedule) -> None:
    store = place.workspace.schedules.store
    assert store.update(store.get(schedule.id), next_at=time.time() - 1)


def runs(place: Place, schedule: Schedule, count: int = 1) -> list[Job]:
    """Its runs, once there are so many."""

    def found() -> list[Job]:
        jobs = place.workspace.schedules.jobs(schedule.id)
        return jobs if len(jobs) >= count else []

    jobs = wait_until(found, message="no run was queued")
    place.submitted.extend(job for job in jobs if job not in place.submitted)
    return jobs


def test_a_run_that_is_due_runs_with_the_notebook_and_environment_of_the_schedule(
    place: Place, notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = scheduled(place, notebook, monkeypatch)
    notebook.unlink()
    comes_due(place, schedule)
    (job,) = runs(place, schedule)
    ended = place.wait(job)
    assert ended.status is JobStatus.SUCCEEDED, place.story(job)
    assert "token geheim 0.5" in place.jobs.log(job.id).text
    run = place.workspace.runs.get(ended.run_id or "")
    assert run.tags["schedule"] == schedule.id
    row = place.workspace.schedules.get(schedule.id)
    assert (row.last_job_id, row.next_at) == (job.id, schedule.next_at)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that ends as soon as there is nothing to do."""
    monkeypatch.setenv("JUPYTER_MLOPS_AGENT_IDLE_S", "0.1")


@pytest.mark.usefixtures("impatient")
def test_the_agent_stays_for_a_schedule_and_goes_when_it_is_paused(
    place: Place, notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = scheduled(place, notebook, monkeypatch)
    process = place.agent_status().process
    comes_due(place, schedule)
    place.wait(runs(place, schedule)[0])
    assert place.agent_status().process == process
    place.workspace.schedules.pause(schedule.id)
    wait_until(lambda: place.agent.status() is None)


def test_after_the_agent_was_killed_whoever_looks_starts_another_which_catches_up(
    place: Place, notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = scheduled(place, notebook, monkeypatch)
    place.kill_agent()
    comes_due(place, schedule)
    (job,) = runs(place, schedule)
    assert place.wait(job).status is JobStatus.SUCCEEDED, place.story(job)
    assert len(place.workspace.schedules.jobs(schedule.id)) == 1


def test_a_run_at_once_needs_no_time(place: Place, notebook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = scheduled(place, notebook, monkeypatch)
    job = place.workspace.schedules.run_now(schedule.id)
    place.submitted.append(job)
    assert place.wait(job).status is JobStatus.SUCCEEDED, place.story(job)
