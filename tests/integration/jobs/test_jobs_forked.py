"""Jobs of a real agent are forked from its nursery, and nothing that happens to that harms them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

import psutil
import pytest

from jupyter_mlops.capture.processes import process_of
from jupyter_mlops.entities import Job, JobStatus
from jupyter_mlops.warm.notes import Note, ready_nurseries
from tests.integration.jobs.conftest import TIMEOUT_S, Place
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks jobs from a warm process")

Forked = Callable[..., Job]


def nursery_of(place: Place) -> Note:
    """The one that is ready; two quick jobs have it started."""
    for _ in range(2):
        assert place.wait(place.submit("print('cold')")).status is JobStatus.SUCCEEDED
    (note,) = wait_until(lambda: ready_nurseries(place.settings.runtime_dir), timeout_s=TIMEOUT_S)
    return note


def running(place: Place, note: Note, **wanted: object) -> tuple[Job, int]:
    """A job that waits for the file ``gate``, and its worker's pid."""
    job = place.submit(
        "import os, time\nprint('on', flush=True)\nwhile not os.path.exists('gate'): time.sleep(0.01)",
        **wanted,
    )
    place.wait_for_log(job, "on")
    pid = place.worker(job).pid
    assert psutil.Process(pid).ppid() == note.process.pid, "it was to be forked"
    return job, pid


def test_jobs_outlive_their_nursery_and_the_next_ones_get_another(place: Place) -> None:
    first = nursery_of(place)
    job, _ = running(place, first, gpus=1)
    os.kill(first.process.pid, signal.SIGKILL)
    wait_until(lambda: process_of(first.process.pid) is None)
    assert place.wait(place.submit("print('cold again')")).status is JobStatus.SUCCEEDED
    (place.folder / "gate").touch()
    ended = place.wait(job)
    assert (ended.status, ended.reason, ended.attempt) == (JobStatus.SUCCEEDED, "", 1), place.story(job)
    wait_until(lambda: len(place.free_slots()) == 2)
    assert nursery_of(place).process.pid != first.process.pid


def test_forked_job_outlives_its_agent_and_the_next_agent_takes_it_over(place: Place) -> None:
    job, worker = running(place, nursery_of(place), gpus=1)
    place.kill_agent()
    place.agent.start()
    assert process_of(worker) is not None
    assert place.jobs.get(job.id).status is JobStatus.RUNNING
    (place.folder / "gate").touch()
    ended = place.wait(job)
    assert (ended.status, ended.attempt) == (JobStatus.SUCCEEDED, 1), place.story(job)
    wait_until(lambda: len(place.free_slots()) == 2)


def test_forked_worker_that_is_killed_is_said_to_be(place: Place) -> None:
    job, worker = running(place, nursery_of(place), gpus=1)
    os.kill(worker, signal.SIGKILL)
    ended = place.wait(job)
    assert ended.status is JobStatus.FAILED
    assert "SIGKILL" in ended.reason
    wait_until(lambda: len(place.free_slots()) == 2)
