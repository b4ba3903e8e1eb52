"""Pipelines, retries and what is kept of attempts, with real agents, workers and kernels."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from jupyter_mlops.entities import Cause, JobStatus, Resources, short_id
from jupyter_mlops.services.jobs.folder import JobFolder
from tests.waiting import wait_until

FAIL_ONCE = """
from pathlib import Path
marker = Path('tried')
first = not marker.exists()
marker.touch()
if first:
    raise {error}
print('done', flush=True)
"""


def attempts_of(place, job):
    kept = place.workspace._attempt_store.since(0.0)
    return [(each.attempt, each.status, each.cause) for each in kept if each.job_id == job.id]


def test_pipeline_runs_in_its_order_also_when_its_agent_is_killed(place):
    say = "with open('order', 'a') as file: file.write({!r})"
    last = place.submit(
        "import time\nfrom pathlib import Path\nwhile not Path('go').exists(): time.sleep(0.05)"
    )
    jobs = [last]
    for letter in "abc":
        jobs.append(place.submit(say.format(letter), after=[jobs[-1].id], name=letter))
    wait_until(lambda: place.jobs.get(jobs[1].id).reason == f"waits for job {short_id(last.id)}")
    place.kill_agent()
    place.jobs.refresh()
    (place.folder / "go").touch()
    assert [place.wait(job).status for job in jobs] == [JobStatus.SUCCEEDED] * 4, place.story(jobs[1])
    assert (place.folder / "order").read_text() == "abc"


def test_chain_ends_with_the_job_that_fails_and_what_follows_any_end_runs(place):
    load = place.submit("raise ValueError('no rows')", name="load")
    train = place.submit("1", after=["load"])
    report = place.submit("1", after=[train.id])
    tidy = place.submit("1", after_any=[load.id])
    assert place.wait(report).cause is Cause.DEPENDENCY
    assert place.wait(tidy).status is JobStatus.SUCCEEDED, place.story(tidy)
    assert "never ran: job" in place.wait(report).reason
    assert "ValueError: no rows" in place.wait(report).reason
    assert place.wait(train).run_id is None


def test_job_that_runs_out_of_memory_is_tried_once_more_by_itself(place):
    job = place.submit(FAIL_ONCE.format(error="MemoryError('no room')"), gpus=1)
    ended = place.wait(job)
    assert (ended.status, ended.attempt, ended.exclusive) == (JobStatus.SUCCEEDED, 2, True), place.story(job)
    assert attempts_of(place, job) == [
        (1, JobStatus.FAILED, Cause.MEMORY),
        (2, JobStatus.SUCCEEDED, None),
    ]
    assert not (JobFolder.of(place.settings.home, job.id).path / "env.json").exists()


def test_retry_waits_for_its_time_and_runs(place):
    job = place.submit(FAIL_ONCE.format(error="OSError('away')"), retries=1, retry_delay_s=3.0)
    wait_until(lambda: place.jobs.get(job.id).attempt == 2)
    waiting = place.jobs.get(job.id)
    assert waiting.reason.endswith("OSError: away; it is tried again after 3 s")
    ended = place.wait(job)
    assert ended.status is JobStatus.SUCCEEDED, place.story(job)
    first, second = [each for each in place.workspace._attempt_store.since(0.0) if each.job_id == job.id]
    assert second.started_at - first.ended_at >= 3.0


def test_failure_that_was_not_named_is_not_retried(place):
    job = place.submit("raise OSError('away')", retries=3, retry_on=[Cause.NODE, Cause.MEMORY])
    ended = place.wait(job)
    assert (ended.status, ended.attempt, ended.cause) == (JobStatus.FAILED, 1, Cause.ERROR)


def test_killed_worker_is_retried_and_both_attempts_are_kept(place):
    job = place.submit("import time\nprint('up', flush=True)\ntime.sleep(600)", retries=1, gpus=1)
    place.wait_for_log(job, "up")
    os.kill(place.worker(job).pid, signal.SIGKILL)
    wait_until(lambda: place.jobs.get(job.id).attempt == 2)
    wait_until(lambda: place.jobs.get(job.id).status is JobStatus.RUNNING)
    place.jobs.cancel(job.id)
    assert place.wait(job).status is JobStatus.CANCELLED
    assert [(number, cause) for number, _, cause in attempts_of(place, job)] == [
        (1, Cause.KILLED),
        (2, Cause.USER),
    ]


def test_worker_killed_between_its_runs_end_and_its_own_leaves_the_job_as_the_run_ended(place):
    """Its last file, ``exit.json``, cannot be written; then it is killed."""
    job = place.submit("import time\nprint('up', flush=True)\ntime.sleep(2)")
    place.wait_for_log(job, "up")
    attempt = place.attempt(job)
    worker = place.worker(job)
    run_id = place.jobs.get(job.id).run_id or attempt.started().run_id
    os.kill(place.agent_status().process.pid, signal.SIGSTOP)
    journal = place.settings.home / "runs" / run_id / "journal"

    def has_ended() -> bool:
        texts = [path.read_text() for path in Path(journal).glob("*.jsonl")]
        return any('{"k":"end"' in text for text in texts)

    wait_until(has_ended)
    os.kill(worker.pid, signal.SIGKILL)
    (attempt.path / "exit.json").unlink(missing_ok=True)  # where it was faster than the signal
    os.kill(place.agent_status().process.pid, signal.SIGCONT)
    ended = place.wait(job)
    assert (ended.status, ended.cause) == (JobStatus.SUCCEEDED, None), place.story(job)
    assert place.workspace.runs.get(run_id).status.value == "finished"


def test_many_jobs_are_started_although_only_some_fit_at_once(place):
    jobs = [place.submit("1", resources=Resources(gpus=0.5, cpus=1)) for _ in range(6)]
    assert {place.wait(job).status for job in jobs} == {JobStatus.SUCCEEDED}, place.story(jobs[0])
    wait_until(lambda: len(place.free_slots()) == 2)
