"""Two homes with an agent each share one machine; nothing is faked but that its GPUs are virtual."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.entities import Job, JobStatus, short_id
from tests.integration.jobs.conftest import TIMEOUT_S, Place
from tests.waiting import wait_until

UNTIL = "import os, time\nwhile not os.path.exists({path!r}): time.sleep(0.02)"


class Door:
    """Jobs that wait before it run on when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cell = UNTIL.format(path=str(path))

    def open(self) -> None:
        self.path.touch()


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path / "door")


@pytest.fixture
def other(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Another home on the same machine."""
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(tmp_path / "other"))
    monkeypatch.setenv("JUPYTER_MLOPS_RUNTIME", str(tmp_path / "other-runtime"))
    other = Place(place.folder)
    yield other
    other.close()


def until(place: Place, job: Job, status: JobStatus) -> Job:
    def there() -> bool:
        return place.jobs.get(job.id).status is status

    wait_until(there, timeout_s=TIMEOUT_S, message=lambda: place.story(job))
    return place.jobs.get(job.id)


def until_waiting_for(place: Place, job: Job, words: str) -> None:
    def said() -> bool:
        return words in place.jobs.get(job.id).reason

    wait_until(said, timeout_s=TIMEOUT_S, message=lambda: f"not {words!r}: {place.story(job)}")


def test_halves_share_a_gpu_and_whole_ones_are_had_alone(place, door):
    halves = [place.submit(door.cell, gpus=0.5) for _ in range(2)]
    first, second = (until(place, job, JobStatus.RUNNING).gpus for job in halves)
    assert first == second
    both = place.submit("1", gpus=2)
    until_waiting_for(place, both, f"waits for 2 GPUs (0: 0.5 of it taken by job {short_id(halves[0].id)} of")
    door.open()
    assert [place.wait(job).status for job in (*halves, both)] == [JobStatus.SUCCEEDED] * 3
    wait_until(lambda: len(place.free_slots()) == 2)


def test_job_of_another_home_is_waited_for_and_not_overtaken(place, other, door, tmp_path):
    holds = place.submit(door.cell, gpus=1)
    until(place, holds, JobStatus.RUNNING)
    both = other.submit("1", gpus=2)
    until_waiting_for(other, both, f"taken by job {short_id(holds.id)} of")
    later = place.submit("1", gpus=1)
    until_waiting_for(place, later, f"waits for job {short_id(both.id)} of")
    door.open()
    assert other.wait(both).status is JobStatus.SUCCEEDED
    ended = place.wait(later)
    assert ended.status is JobStatus.SUCCEEDED
    assert ended.started_at >= other.jobs.get(both.id).ended_at


def test_short_job_of_another_home_fills_the_gap(place, other, door):
    holds = place.submit(door.cell, gpus=1, time_limit_s=3600.0)
    until(place, holds, JobStatus.RUNNING)
    both = place.submit("1", gpus=2)
    until_waiting_for(place, both, "waits for 2 GPUs")
    long, short = (other.submit("1", gpus=1, time_limit_s=limit) for limit in (7200.0, 60.0))
    assert other.wait(short).status is JobStatus.SUCCEEDED
    until_waiting_for(other, long, f"waits for job {short_id(both.id)} of")
    assert place.jobs.get(both.id).status is JobStatus.QUEUED
    door.open()
    assert place.wait(both).status is JobStatus.SUCCEEDED
    assert other.wait(long).status is JobStatus.SUCCEEDED


def test_cores_that_jobs_of_another_home_hold_are_not_given_twice(place, other, door):
    all_cores = place.workspace.machine.cpus()
    holds = place.submit(door.cell, cpus=all_cores)
    until(place, holds, JobStatus.RUNNING)
    waits = other.submit("1")
    until_waiting_for(other, waits, "waits for 1 CPU core")
    place.kill_agent()
    door.open()
    assert other.wait(waits).status is JobStatus.SUCCEEDED
    assert place.wait(holds).status is JobStatus.SUCCEEDED
