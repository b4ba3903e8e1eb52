"""Attempts that fail, and what follows: retries, their delays, and what is kept of each attempt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.entities import (
    Cause,
    Exit,
    Job,
    JobStatus,
    Resources,
    RunStatus,
    Started,
    Used,
)
from jupyter_mlops.services.jobs.retries import LONGEST_DELAY_S, cause_of, retry_of
from jupyter_mlops.testing.jobs import job_spec

from .queue_worlds import WORKER, Queue, queue_world


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    with queue_world(tmp_path) as world:
        yield world


def fail(queue: Queue, job: Job, *, cause: Cause | None = Cause.ERROR, reason: str = "no") -> Job:
    """Its present attempt begins and fails."""
    queue.tick()
    queue.worker_begins(job)
    queue.worker_ends(job, JobStatus.FAILED, reason, cause=cause)
    queue.tick()
    return queue.get(job)


def test_retries_wait_longer_each_time(queue):
    job = queue.submit(retries=3, retry_delay_s=30.0)
    for delay in (30, 60, 120):
        failed = fail(queue, job, reason="cell 3 raised OSError")
        assert (failed.status, failed.not_before) == (JobStatus.QUEUED, queue.clock() + delay)
        assert f"cell 3 raised OSError; it is tried again after {delay // 60 or delay} " in failed.reason
        queue.clock.now += delay - 1
        queue.tick()
        assert queue.get(job).status is JobStatus.QUEUED
        assert queue.loop.pause_s <= 1
        queue.clock.now += 1
        queue.tick()
        assert queue.get(job).status is JobStatus.STARTING
    assert fail(queue, job).status is JobStatus.FAILED
    assert queue.get(job).attempt == 4


def test_only_the_causes_that_were_named_are_retried(queue):
    job = queue.submit(retries=5, retry_on=[Cause.NODE])
    queue.tick()
    queue.worker_begins(job)
    queue.executor.end(job.id, "its node was lost", Cause.NODE)
    queue.tick()
    assert queue.get(job).attempt == 2
    failed = fail(queue, job, cause=Cause.ERROR)
    assert (failed.status, failed.cause) == (JobStatus.FAILED, Cause.ERROR)


def test_job_that_ran_out_of_gpu_memory_is_tried_once_more_alone(queue):
    job = queue.submit(resources=Resources(gpus=0.5))
    failed = fail(queue, job, cause=Cause.GPU_MEMORY, reason="CUDA out of memory")
    assert (failed.attempt, failed.exclusive) == (2, True)
    queue.tick()
    assert queue.executor.launches[-1].exclusive
    again = fail(queue, job, cause=Cause.GPU_MEMORY, reason="CUDA out of memory")
    assert (again.status, again.cause) == (JobStatus.FAILED, Cause.GPU_MEMORY)
    assert again.reason == "CUDA out of memory (also with its GPUs alone)"


def test_reason_says_why_it_is_tried_once_more(queue):
    job = queue.submit(gpus=2)
    queue.tick()
    queue.worker_begins(job)
    queue.attempt(job).finish(
        Exit(
            status=JobStatus.FAILED,
            ended_at=queue.clock(),
            reason="CUDA out of memory",
            cause=Cause.GPU_MEMORY,
        )
    )
    queue.service.refresh()
    assert queue.get(job).reason == (
        "attempt 1 failed: CUDA out of memory; "
        "it ran out of memory and is tried once more with its GPUs alone"
    )


def test_job_that_exceeded_the_memory_it_asked_for_is_not_tried_again(queue):
    job = queue.submit(resources=Resources(memory_bytes=10**9))
    assert fail(queue, job, cause=Cause.MEMORY).status is JobStatus.FAILED


def test_job_that_exceeded_what_was_only_learned_is(queue):
    job = queue.submit(resources=Resources(memory_bytes=10**9), learned=["memory_bytes"])
    assert fail(queue, job, cause=Cause.MEMORY).attempt == 2


def test_extra_attempt_takes_none_of_the_retries(queue):
    job = queue.submit(gpus=1, retries=1)
    fail(queue, job, cause=Cause.GPU_MEMORY)
    assert fail(queue, job, cause=Cause.ERROR).attempt == 3
    assert fail(queue, job, cause=Cause.ERROR).status is JobStatus.FAILED


@pytest.mark.parametrize("cause", [Cause.USER, Cause.DEPENDENCY, Cause.PRUNED, Cause.START, Cause.IDLE])
def test_ends_that_another_attempt_would_meet_again_are_not_retried(cause):
    job = Job(spec=job_spec(retries=3), status=JobStatus.RUNNING)
    end = Exit(status=JobStatus.FAILED, ended_at=1.0, cause=cause)
    assert retry_of(job, end, Started(process=WORKER, run_id="r", started_at=0.0)) is None


def test_start_is_retried_where_it_was_named():
    job = Job(spec=job_spec(retries=3, retry_on=[Cause.START]), status=JobStatus.STARTING)
    assert retry_of(job, Exit(status=JobStatus.FAILED, ended_at=1.0, cause=Cause.START), None) is not None


def test_delay_is_a_day_at_most_however_many_retries():
    job = Job(spec=job_spec(retries=10**6, retry_delay_s=1.0), status=JobStatus.RUNNING, attempt=10**5)
    end = Exit(status=JobStatus.FAILED, ended_at=5.0, cause=Cause.ERROR)
    retry = retry_of(job, end, Started(process=WORKER, run_id="r", started_at=0.0))
    assert retry is not None
    assert retry.not_before == 5.0 + LONGEST_DELAY_S


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (JobStatus.SUCCEEDED, None),
        (JobStatus.FAILED, Cause.ERROR),
        (JobStatus.CANCELLED, Cause.USER),
        (JobStatus.LOST, Cause.NODE),
    ],
)
def test_end_that_names_no_cause_has_the_plainest(queue, status, cause):
    assert cause_of(Exit(status=status, ended_at=1.0)) is cause
    job = queue.running()
    queue.worker_ends(job, status)
    queue.tick()
    assert queue.get(job).cause is cause


def test_every_attempt_that_ended_is_kept(queue):
    job = queue.submit(gpus=1, retries=1, notebook="/n/train.ipynb")
    submitted = queue.clock()
    queue.clock.now += 5
    queue.tick()
    queue.worker_begins(job)
    began = queue.clock()
    queue.attempt(job).note_used(Used(memory_bytes=7))
    queue.clock.now += 10
    queue.executor.end(job.id, "its worker was killed by SIGKILL", Cause.KILLED)
    queue.tick()
    queue.clock.now += 1
    queue.worker_begins(job)
    used = Used(memory_bytes=9, cpu_s=3.0)
    queue.attempt(job).finish(Exit(status=JobStatus.SUCCEEDED, ended_at=queue.clock(), used=used))
    queue.tick()
    first, second = queue.attempts.since(0.0)
    assert (first.attempt, first.status, first.cause) == (1, JobStatus.FAILED, Cause.KILLED)
    assert (first.queued_at, first.started_at, first.ended_at) == (submitted, began, began + 10)
    assert (first.used, first.gpus, first.executor, first.notebook) == (
        Used(memory_bytes=7),
        1.0,
        "local",
        "/n/train.ipynb",
    )
    assert (second.attempt, second.status, second.cause, second.used) == (2, JobStatus.SUCCEEDED, None, used)
    assert queue.get(job).used == used


def test_attempt_is_kept_once_whoever_sees_its_end_first(queue):
    job = queue.running()
    queue.worker_ends(job)
    queue.service.refresh()
    queue.loop.tick(queue.clock())
    queue.new_loop().tick(queue.clock())
    assert [each.job_id for each in queue.attempts.since(0.0)] == [job.id]


def test_worker_that_was_killed_after_its_run_had_ended_ended_as_its_run_did(queue):
    job = queue.running()
    queue.run_ends("run", RunStatus.FINISHED)
    queue.executor.end(job.id, "its worker was killed by SIGKILL", Cause.KILLED)
    queue.tick()
    assert (queue.get(job).status, queue.get(job).reason) == (JobStatus.SUCCEEDED, "")
    assert queue.settled == []


def test_run_that_failed_before_its_worker_was_killed_says_why(queue):
    job = queue.running(retries=1)
    queue.run_ends("run", RunStatus.FAILED, "cell 3 raised ValueError")
    queue.executor.end(job.id, "its worker was killed by SIGKILL", Cause.KILLED)
    queue.tick()
    assert queue.get(job).attempt == 2
    assert queue.executor.killed == [job.id]


def test_reader_that_sees_an_end_first_ends_the_run_with_it(queue):
    """The worker found the disk full when it was to end the run, and no agent was there."""
    job = queue.running()
    queue.worker_ends(job, JobStatus.FAILED, "No space left on device")
    queue.service.refresh()
    assert queue.settled == [("run", RunStatus.FAILED, "No space left on device")]


def test_agent_ends_the_run_of_a_job_whose_end_a_process_without_runs_has_seen(queue):
    job = queue.running()
    queue.worker_ends(job, JobStatus.FAILED, "No space left on device")
    queue.service._run_ends = None
    queue.service.refresh()
    assert queue.settled == []
    queue.tick()
    assert queue.settled == [("run", RunStatus.FAILED, "No space left on device")]


def test_warning_of_the_worker_is_shown_while_it_runs(queue):
    job = queue.running()
    queue.attempt(job).warn("its GPU has been idle for 10 min")
    queue.tick()
    assert queue.get(job).warning == "its GPU has been idle for 10 min"
    queue.attempt(job).warn("")
    queue.tick()
    assert queue.get(job).warning == ""
    queue.attempt(job).warn("idle")
    queue.tick()
    queue.worker_ends(job)
    queue.tick()
    assert queue.get(job).warning == ""


def test_scancel_by_somebody_is_a_cancelling(queue):
    job = queue.running()
    queue.executor.end(job.id, "cancelled by bob with scancel", Cause.USER)
    queue.tick()
    cancelled = queue.get(job)
    assert (cancelled.status, cancelled.reason) == (JobStatus.CANCELLED, "cancelled by bob with scancel")
