"""Jobs that follow others."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.entities import Cause, JobStatus, short_id
from jupyter_mlops.errors import InvalidInput, NotFound, Unavailable
from jupyter_mlops.testing.jobs import job_spec, queued_job

from .queue_worlds import Queue, queue_world


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    with queue_world(tmp_path) as world:
        yield world


def test_pipeline_runs_one_job_after_the_other(queue):
    jobs = [queue.submit(name="load")]
    for name in ("train", "report"):
        jobs.append(queue.submit(name=name, after=[jobs[-1].id]))
    for running in range(3):
        queue.tick()
        statuses = [queue.get(job).status.value for job in jobs]
        assert statuses == ["succeeded"] * running + ["starting"] + ["queued"] * (2 - running)
        queue.worker_begins(jobs[running])
        queue.worker_ends(jobs[running])
    queue.tick()
    assert [queue.get(job).status for job in jobs] == [JobStatus.SUCCEEDED] * 3


def test_job_waits_for_all_that_it_follows_and_names_one(queue):
    first, second = queue.running(), queue.submit()
    third = queue.submit(after=[first.id, second.id])
    queue.tick()
    assert queue.get(third).reason == f"waits for job {short_id(first.id)}"
    queue.worker_ends(first)
    queue.tick()
    assert queue.get(third).reason == f"waits for job {short_id(second.id)}"


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.SUCCEEDED, JobStatus.CANCELLED])
def test_job_that_follows_whatever_end_starts_after_it(queue, status):
    first = queue.running()
    second = queue.submit(after_any=[first.id])
    queue.tick()
    assert queue.get(second).reason == f"waits for job {short_id(first.id)}"
    queue.worker_ends(first, status, "so")
    queue.tick()
    assert queue.get(second).status is JobStatus.STARTING


def test_whole_chain_says_where_its_trouble_began(queue):
    first = queue.running(name="load")
    second = queue.submit(name="train", after=[first.id])
    third = queue.submit(name="report", after=[second.id])
    fourth = queue.submit(name="mail", after=[third.id])
    queue.worker_ends(first, JobStatus.FAILED, "cell 2 raised ValueError: no rows")
    queue.tick()
    root = f"job {short_id(first.id)} (load) failed: cell 2 raised ValueError: no rows"
    assert [queue.get(job).cause for job in (second, third, fourth)] == [Cause.DEPENDENCY] * 3
    assert queue.get(second).reason == (
        f"job {short_id(first.id)}, which it was to follow, failed: cell 2 raised ValueError: no rows"
    )
    assert queue.get(third).reason == (
        f"job {short_id(second.id)}, which it was to follow, never ran: {root}"
    )
    assert queue.get(fourth).reason.endswith(f"never ran: {root}")
    assert not (queue.folder(fourth).path / "env.json").exists()


def test_one_that_was_cancelled_takes_its_followers_with_it(queue):
    queue.running(gpus=2)
    first = queue.submit(gpus=2)
    second = queue.submit(after=[first.id])
    queue.service.cancel(first.id)
    queue.tick()
    assert queue.get(second).status is JobStatus.FAILED
    assert "was cancelled: cancelled by ada" in queue.get(second).reason


def test_end_that_a_reader_was_first_to_see_frees_the_followers(queue):
    first = queue.running()
    second = queue.submit(after=[first.id])
    queue.tick()
    queue.worker_ends(first)
    queue.service.refresh()
    assert queue.get(first).status is JobStatus.SUCCEEDED
    queue.tick()
    assert queue.get(second).status is JobStatus.STARTING


def test_new_agent_knows_who_follows_jobs_that_ended_before_it_began(queue):
    first, other = queue.running(), queue.running()
    waiting, freed = queue.submit(after=[other.id]), queue.submit(after=[first.id])
    queue.worker_ends(first)
    queue.service.refresh()
    queue.loop = queue.new_loop()
    queue.tick()
    assert (queue.get(waiting).status, queue.get(freed).status) == (JobStatus.QUEUED, JobStatus.STARTING)


def test_retried_job_is_still_waited_for(queue):
    first = queue.running(retries=1)
    second = queue.submit(after=[first.id])
    queue.worker_ends(first, JobStatus.FAILED, "no")
    queue.tick()
    assert queue.get(second).status is JobStatus.QUEUED


def test_job_whose_row_is_gone_fails_those_that_needed_it_and_frees_those_that_did_not(queue):
    needs = queue.store.add(queued_job(after=["0" * 26], user="ada"))
    frees = queue.store.add(queued_job(after_any=["0" * 26], user="ada"))
    for job in (needs, frees):
        queue.folder(job).create(job.spec, b"{}", {})
    queue.tick()
    assert queue.get(needs).reason == f"job {'0' * 26}, which it was to follow, is unknown"
    assert queue.get(frees).status is JobStatus.STARTING


def test_job_can_be_followed_by_its_name(queue):
    queue.submit(name="load")
    newest = queue.submit(name="load")
    follower = queue.submit(after=["load"], after_any=[newest.id[-6:]])
    assert (follower.spec.after, follower.spec.after_any) == ([newest.id], [newest.id])


def test_no_cycle_can_be_made(queue):
    """A job can only follow what is there already."""
    with pytest.raises(NotFound, match="later"):
        queue.submit(name="first", after=["later"])
    spec = job_spec()
    with pytest.raises(InvalidInput, match="cannot follow itself"):
        queue.service.submit(job_spec(id=spec.id, after=[spec.id]), b"{}", {})


def test_follower_that_cannot_be_ended_just_now_is_ended_later(queue):
    first = queue.running()
    second = queue.submit(after=[first.id])
    attempt = queue.attempt(second).path
    attempt.rmdir()
    attempt.write_text("in the way")
    queue.worker_ends(first, JobStatus.FAILED, "no")
    queue.tick()
    assert queue.get(second).status is JobStatus.QUEUED
    attempt.unlink()
    queue.tick()
    assert queue.get(second).cause is Cause.DEPENDENCY


def test_nothing_is_forgotten_while_the_database_is_away(queue, monkeypatch):
    first = queue.running()
    waiting, fresh = queue.submit(after=[first.id]), queue.submit()

    def refuse(*_, **__):
        raise Unavailable("The database cannot be read.")

    for method in ("changed", "open", "search"):
        with monkeypatch.context() as patch:
            patch.setattr(queue.store, method, refuse)
            queue.loop = queue.new_loop() if method == "open" else queue.loop
            with contextlib.suppress(Unavailable):
                queue.tick()
    queue.worker_ends(first)
    queue.tick()
    assert [queue.get(job).status for job in (waiting, fresh)] == [JobStatus.STARTING] * 2


def test_waiting_for_another_job_is_no_waiting_for_ones_turn(queue):
    first = queue.running()
    follower = queue.submit(after=[first.id])
    queue.clock.now += 7 * 86400
    queue.worker_ends(first)
    queue.executor.taken_by_others = {"GPU-0", "GPU-1"}
    queue.tick()
    (wish,) = (each for each in queue.executor.queued_up[-1] if each.job_id == follower.id)
    assert (wish.submitted_at, wish.ready_at) == (follower.spec.submitted_at, queue.get(first).ended_at)


def test_resting_before_a_retry_is_no_waiting_for_ones_turn(queue):
    job = queue.running(retries=1, retry_delay_s=3600.0)
    queue.worker_ends(job, JobStatus.FAILED, "it failed", cause=Cause.ERROR)
    queue.tick()
    failed_at = queue.clock()
    queue.clock.now += 3600
    queue.tick()
    (wish,) = queue.executor.queued_up[-1]
    assert wish.ready_at == failed_at + 3600
