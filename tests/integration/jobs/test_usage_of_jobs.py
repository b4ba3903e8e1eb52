"""What jobs used, from the worker through the agent to those who ask: nothing faked."""

from __future__ import annotations

import os
import signal

from jupyter_mlops.entities import Cause, JobStatus, Resources
from tests.waiting import wait_until

MIB = 1024**2
FAILS_AT_FIRST = (
    "from pathlib import Path\n"
    "first = not Path('seen').exists()\n"
    "Path('seen').touch()\n"
    "hoard = b'x' * (300 * 1024**2)\n"
    "assert not first, 'not yet'"
)


def test_every_attempt_of_a_job_leaves_what_it_used(place):
    job = place.submit(FAILS_AT_FIRST, retries=1, gpus=1)
    ended = place.wait(job)
    assert ended.status is JobStatus.SUCCEEDED, place.story(job)
    assert 300 * MIB < ended.used.memory_bytes < 600 * MIB
    first, second = place.workspace._attempt_store.since(0.0)
    assert [(each.job_id, each.attempt) for each in (first, second)] == [(job.id, 1), (job.id, 2)]
    assert (first.status, first.cause, second.cause) == (JobStatus.FAILED, Cause.ERROR, None)
    assert (second.gpus, second.cpus, second.executor, second.used) == (1.0, 1, "local", ended.used)
    assert job.spec.submitted_at <= first.queued_at <= first.started_at <= first.ended_at
    assert first.ended_at <= second.queued_at <= second.started_at
    total = place.workspace.usage.report().total
    assert (total.attempts, total.succeeded, total.failed, total.measured) == (2, 1, 1, 2)
    assert total.gpu_hours > 0


def test_the_next_job_of_a_notebook_knows_its_size(place):
    place.wait(place.submit("hoard = b'x' * (300 * 1024**2)", name="big"))
    size = place.workspace.sizing.suggest(user="ada", name="big", notebook=None)
    assert (size.runs, size.cpus or 1) == (1, 1)
    assert 300 * MIB < size.peak_bytes < size.memory_bytes < 800 * MIB
    assert 0 < size.expected_s < 60


def test_a_job_that_runs_out_of_memory_says_so(place):
    job = place.submit("hoard = b'x' * (600 * 1024**2)", resources=Resources(memory_bytes=400 * MIB))
    ended = place.wait(job)
    assert (ended.status, ended.cause) == (JobStatus.FAILED, Cause.MEMORY), place.story(job)
    assert ended.reason.startswith("out of memory: used 4")  # files' pages may be among it
    assert ended.reason.endswith(" MiB, and had asked for 400.0 MiB")
    assert place.workspace.runs.get(ended.run_id).status_reason == ended.reason


def test_of_a_worker_that_was_killed_is_known_what_it_had_used(place, monkeypatch):
    job = place.submit(
        "hoard = b'x' * (300 * 1024**2)",
        "import time; time.sleep(600)",
        environment={"JUPYTER_MLOPS_HEARTBEAT_S": "0"},
    )
    attempt = place.attempt(job)

    def hoarded() -> bool:
        used = attempt.used()
        return used is not None and (used.memory_bytes or 0) > 300 * MIB

    wait_until(hoarded, message=lambda: place.story(job))
    os.kill(place.worker(job).pid, signal.SIGKILL)
    ended = place.wait(job)
    assert (ended.status, ended.cause) == (JobStatus.FAILED, Cause.KILLED), place.story(job)
    assert ended.used.memory_bytes > 300 * MIB


def test_a_warning_is_shown_as_long_as_the_job_runs(place):
    job = place.submit("print('there', flush=True)\nimport time; time.sleep(600)")
    place.wait_for_log(job, "there")
    place.attempt(job).warn("its GPU has been idle for 10 min")
    wait_until(lambda: place.jobs.get(job.id).warning == "its GPU has been idle for 10 min")
    assert place.workspace.usage.report().total.running == 1
    place.jobs.cancel(job.id)
    ended = place.wait(job)
    assert (ended.status, ended.cause, ended.warning) == (JobStatus.CANCELLED, Cause.USER, "")
