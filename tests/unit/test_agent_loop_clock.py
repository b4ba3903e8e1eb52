"""The wall clock is set back or forward: nothing ends, starts or repeats because of that."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.entities import Cause, JobStatus
from jupyter_mlops.protocols.jobs import Presence, Sighting
from jupyter_mlops.services.jobs.attending import WRAP_UP_S

from .queue_worlds import Queue, queue_world

YEAR_S = 365 * 86400.0
JUMPS = [YEAR_S, -YEAR_S]


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    with queue_world(tmp_path) as world:
        yield world


@pytest.mark.parametrize("jump", JUMPS)
def test_job_with_a_time_limit_runs_on(queue, jump):
    job = queue.running(time_limit_s=60.0)
    queue.clock_is_set(jump)
    queue.tick()
    assert queue.get(job).status is JobStatus.RUNNING
    queue.clock.now += 60 + queue.settings.cancel_grace_s + WRAP_UP_S + 1
    queue.tick()
    assert (queue.get(job).status, queue.get(job).cause) == (JobStatus.FAILED, Cause.TIME)


@pytest.mark.parametrize("jump", JUMPS)
def test_new_agent_gives_a_job_its_whole_time(queue, jump):
    job = queue.running(time_limit_s=60.0)
    queue.clock_is_set(jump)
    queue.loop = queue.new_loop()
    queue.tick()
    assert queue.get(job).status is JobStatus.RUNNING


@pytest.mark.parametrize("jump", JUMPS)
def test_worker_that_was_asked_to_stop_keeps_its_time_of_grace(queue, jump):
    job = queue.running()
    queue.service.cancel(job.id)
    queue.tick()
    queue.clock_is_set(jump)
    queue.tick()
    assert queue.executor.killed == []
    queue.clock.now += queue.settings.cancel_grace_s + WRAP_UP_S + 1
    queue.tick()
    assert queue.executor.killed == [job.id]


@pytest.mark.parametrize("jump", JUMPS)
def test_worker_out_of_sight_is_not_lost_by_it_and_is_lost_after_its_silence(queue, jump):
    job = queue.running()
    queue.executor.sightings[job.id] = Sighting(presence=Presence.UNKNOWN)
    queue.tick()
    queue.clock_is_set(jump)
    queue.tick()
    assert (queue.get(job).status, queue.get(job).reason) == (JobStatus.RUNNING, "")
    queue.clock.now += queue.settings.lost_after_s + 1
    queue.tick()
    assert (queue.get(job).status, queue.get(job).cause) == (JobStatus.LOST, Cause.NODE)


def test_worker_out_of_sight_that_leaves_signs_of_life_is_never_lost(queue):
    job = queue.running()
    queue.executor.sightings[job.id] = Sighting(presence=Presence.UNKNOWN)
    started = queue.attempt(job).path / "started.json"
    for beat in range(30):
        queue.clock.now += queue.settings.silent_after_s - 1
        os.utime(started, (beat, beat))  # its clock says something else than ours
        queue.tick()
    assert (queue.get(job).status, queue.get(job).reason) == (JobStatus.RUNNING, "")


def test_doubt_goes_away_with_the_next_sign_of_life(queue):
    job = queue.running()
    queue.executor.sightings[job.id] = Sighting(presence=Presence.UNKNOWN)
    queue.tick()
    queue.clock.now += queue.settings.silent_after_s + 1
    queue.tick()
    assert "no sign of life" in queue.get(job).reason
    os.utime(queue.attempt(job).path / "started.json", (7.0, 7.0))
    queue.tick()
    assert queue.get(job).reason == ""


@pytest.mark.parametrize("jump", JUMPS)
def test_retry_comes_after_its_delay(queue, jump):
    job = queue.running(retries=1, retry_delay_s=30.0)
    queue.worker_ends(job, JobStatus.FAILED, "no")
    queue.tick()
    queue.clock_is_set(jump)
    queue.clock.now += 29
    queue.tick()
    assert queue.get(job).status is JobStatus.QUEUED
    queue.clock.now += 1
    queue.tick()
    assert queue.get(job).status is JobStatus.STARTING


def test_retry_waits_no_longer_than_its_delay_for_an_agent_that_comes_after_the_clock_was_set_back(queue):
    job = queue.running(retries=1, retry_delay_s=30.0)
    queue.worker_ends(job, JobStatus.FAILED, "no")
    queue.tick()
    queue.clock_is_set(-YEAR_S)
    queue.loop = queue.new_loop()
    queue.tick()
    assert queue.get(job).status is JobStatus.QUEUED
    queue.clock.now += 30
    queue.tick()
    assert queue.get(job).status is JobStatus.STARTING


@pytest.mark.parametrize("jump", JUMPS)
def test_queued_jobs_start_once_and_in_their_order(queue, jump):
    first, second = queue.submit(gpus=2), queue.submit(gpus=2)
    queue.tick()
    queue.clock_is_set(jump)
    queue.tick()
    queue.worker_begins(first)
    queue.worker_ends(first)
    for _ in range(3):
        queue.tick()
    assert [launch.job_id for launch in queue.executor.launches] == [first.id, second.id]


def test_attempt_that_ended_before_it_began_has_taken_no_time(queue):
    job = queue.running()
    queue.clock_is_set(-3600.0)
    queue.worker_ends(job)
    queue.tick()
    (ended,) = queue.attempts.since(0.0)
    assert (queue.get(job).status, ended.duration_s) == (JobStatus.SUCCEEDED, 0.0)
