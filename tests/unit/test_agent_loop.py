"""The agent's turns: what becomes of jobs, from the queue to their ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from jupyter_mlops.entities import Cause, Exit, GpuSlot, Job, JobStatus, RunStatus, Started
from jupyter_mlops.errors import Unavailable
from jupyter_mlops.protocols.jobs import Presence, Sighting
from jupyter_mlops.services.jobs.attending import WRAP_UP_S
from jupyter_mlops.services.jobs.folder import JobFolder
from jupyter_mlops.store.registry_tables import jobs
from jupyter_mlops.testing.jobs import job_spec
from jupyter_mlops.wire import to_json

from .queue_worlds import REBOOTED, WORKER, Queue, queue_world


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    with queue_world(tmp_path) as world:
        yield world


def test_job_goes_from_queued_to_succeeded(queue):
    job = queue.submit(gpus=1)
    assert queue.tick() == 1
    assert (queue.get(job).status, queue.get(job).gpus) == (JobStatus.STARTING, ["GPU-0"])
    queue.worker_begins(job)
    queue.tick()
    running = queue.get(job)
    assert (running.status, running.run_id, running.started_at) == (JobStatus.RUNNING, "run", queue.clock())
    queue.worker_ends(job)
    queue.tick()
    assert queue.get(job).status is JobStatus.SUCCEEDED
    assert queue.tick() == 0


def test_environment_is_handed_over_and_forgotten_at_the_end(queue):
    job = queue.running(notebook="/n/train.ipynb")
    environment = queue.executor.launches[0].environment
    assert environment["SECRET"] == "x"
    assert environment["JUPYTER_MLOPS_JOB"] == job.id
    assert environment["JUPYTER_MLOPS_NOTEBOOK"] == "/n/train.ipynb"
    assert environment["JUPYTER_MLOPS_HOME"] == str(queue.settings.home)
    kept = queue.folder(job).path / "env.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    queue.worker_ends(job)
    queue.tick()
    assert not kept.exists()


def test_what_runs_is_what_the_folder_says_not_the_row(queue):
    """In a team's database everybody can write the row."""
    job = queue.submit()
    forged = replace(job.spec, interpreter="/tmp/evil", python_path=["/tmp/evil"])
    with queue.store._database.write() as connection:
        connection.execute(update(jobs).values(spec=to_json(forged)))
    queue.loop = queue.new_loop()
    queue.tick()
    (launch,) = queue.executor.launches
    assert launch.spec == job.spec
    assert "/tmp/evil" not in str(launch.environment)


def test_row_whose_id_leads_out_of_the_home_is_none_of_its_jobs(queue):
    outside = JobFolder(queue.settings.home.parent / "evil")
    spec = job_spec(id="../../evil")
    outside.create(spec, b"{}", {})
    queue.store.add(Job(spec=spec, status=JobStatus.QUEUED))
    shared = replace(queue.settings, database="postgresql+psycopg://db/team")
    queue.new_loop(shared).tick(queue.clock())
    assert queue.executor.launches == []


def test_one_turn_starts_as_many_as_fit(queue):
    jobs = [queue.submit(gpus=1) for _ in range(3)]
    queue.tick()
    assert [queue.get(job).status for job in jobs] == ["starting", "starting", "queued"]
    assert queue.get(jobs[2]).reason == "waits for 1 GPU"


def test_slot_of_another_home_is_waited_for(queue):
    queue.executor.taken_by_others = {"GPU-0"}
    job = queue.submit(gpus=1)
    queue.tick()
    assert (queue.get(job).status, queue.get(job).gpus) == (JobStatus.QUEUED, [])
    queue.executor.taken_by_others = set()
    queue.tick()
    assert queue.get(job).status is JobStatus.STARTING


def test_worker_that_cannot_be_started_fails_the_job_with_the_reason(queue):
    queue.executor.start_fails = "The worker cannot be started with /no/python: No such file or directory."
    job = queue.submit(retries=3)
    queue.tick()
    assert (queue.get(job).status, queue.get(job).reason) == (JobStatus.FAILED, queue.executor.start_fails)


def test_job_that_cannot_be_started_for_a_reason_nobody_thought_of_is_not_tried_for_ever(queue, caplog):
    def start(launch):
        raise UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed")

    queue.executor.start = start
    job = queue.submit()
    queue.tick()
    failed = queue.get(job)
    assert (failed.status, failed.cause) == (JobStatus.FAILED, Cause.START)
    assert "UnicodeEncodeError" in failed.reason
    assert "surrogates not allowed" in caplog.text


def test_killed_worker_fails_the_job_after_its_strays_are_dead(queue):
    job = queue.running()
    queue.executor.unkillable = True
    queue.executor.end(job.id, "its worker was killed by SIGKILL")
    queue.tick()
    assert queue.get(job).status is JobStatus.RUNNING
    queue.executor.unkillable = False
    queue.tick()
    assert queue.executor.killed == [job.id, job.id]
    failed = queue.get(job)
    assert (failed.status, failed.reason) == (JobStatus.FAILED, "its worker was killed by SIGKILL")
    assert queue.attempt(job).exit().written_by == "agent"
    assert queue.settled == [("run", RunStatus.FAILED, "its worker was killed by SIGKILL")]


def test_worker_that_wrote_its_end_is_believed(queue):
    job = queue.running()
    queue.attempt(job).finish(Exit(status=JobStatus.SUCCEEDED, ended_at=queue.clock()))
    queue.run_ends("run")
    queue.executor.end(job.id, "its worker was killed by SIGKILL")
    queue.tick()
    assert queue.get(job).status is JobStatus.SUCCEEDED
    assert queue.settled == []


@pytest.mark.parametrize(
    ("status", "run_status"),
    [
        (JobStatus.SUCCEEDED, RunStatus.FINISHED),
        (JobStatus.FAILED, RunStatus.FAILED),
        (JobStatus.CANCELLED, RunStatus.CANCELLED),
    ],
)
def test_run_whose_end_found_the_disk_full_ends_as_its_job_did(queue, status, run_status):
    job = queue.running()
    queue.worker_ends(job, status, "why")
    queue.tick()
    queue.tick()
    assert (queue.get(job).status, queue.settled) == (status, [("run", run_status, "why")])


def test_job_ends_also_when_the_end_of_its_run_cannot_be_written(queue, caplog):
    job = queue.running()
    queue.disk_is_full = True
    queue.worker_ends(job)
    queue.tick()
    assert queue.get(job).status is JobStatus.SUCCEEDED
    assert "The end of run run cannot be written" in caplog.text


def test_job_is_gone_when_it_was_silent_since_before_this_host_booted(queue):
    job = queue.running()
    queue.worker_was_last_seen(job, on=REBOOTED, at=queue.clock() - 1)
    queue.loop = queue.new_loop()
    queue.tick()
    gone = queue.get(job)
    assert (gone.status, gone.reason) == (JobStatus.FAILED, "the machine was restarted while it ran")


def test_job_of_another_host_with_this_ones_name_is_left_alone(queue):
    job = queue.running()
    queue.worker_was_last_seen(job, on=REBOOTED, at=queue.clock() + 1)
    queue.clock.now += 2
    queue.tick()
    assert (queue.get(job).status, queue.executor.killed) == (JobStatus.RUNNING, [])


def test_gpus_that_cannot_be_leased_are_said_and_do_not_keep_other_jobs_from_starting(queue, monkeypatch):
    def refuse() -> list[GpuSlot]:
        raise Unavailable("The folder of the GPU leases is a link.")

    monkeypatch.setattr(queue.executor, "room", refuse)
    on_gpu, on_cpu = queue.submit(gpus=1), queue.submit()
    queue.tick()
    waiting = queue.get(on_gpu)
    assert (waiting.status, waiting.reason) == (JobStatus.QUEUED, "The folder of the GPU leases is a link.")
    assert queue.get(on_cpu).status is JobStatus.STARTING


def test_failed_attempt_is_retried_as_often_as_asked(queue):
    job = queue.running(retries=1)
    queue.worker_ends(job, JobStatus.FAILED, "cell 3 raised ValueError")
    queue.tick()
    again = queue.get(job)
    assert (again.status, again.attempt, again.run_id) == (JobStatus.STARTING, 2, None)
    assert (queue.folder(job).path / "env.json").exists()
    queue.worker_begins(job, run_id="second")
    queue.worker_ends(job, JobStatus.FAILED, "cell 3 raised KeyError")
    queue.tick()
    failed = queue.get(job)
    assert (failed.status, failed.run_id) == (JobStatus.FAILED, "second")
    assert failed.reason == "cell 3 raised KeyError"


def test_cancelled_job_is_not_retried(queue):
    job = queue.running(retries=5)
    queue.service.cancel(job.id)
    queue.executor.end(job.id)
    queue.tick()
    assert queue.get(job).status is JobStatus.CANCELLED


def test_queued_job_is_cancelled_at_once(queue):
    job = queue.submit()
    assert queue.service.cancel(job.id).status is JobStatus.CANCELLED
    assert not (queue.folder(job).path / "env.json").exists()
    assert queue.tick() == 0
    assert queue.executor.launches == []


def test_running_job_is_asked_to_stop_once_and_killed_when_it_does_not(queue):
    job = queue.running()
    queue.service.cancel(job.id)
    queue.tick()
    queue.clock.now += queue.settings.cancel_grace_s + WRAP_UP_S
    queue.tick()
    assert (queue.executor.interrupted, queue.executor.killed) == ([job.id], [])
    queue.clock.now += 1
    queue.tick()
    assert queue.executor.killed == [job.id]
    assert queue.get(job).status is JobStatus.CANCELLED


def test_worker_that_stops_in_time_says_how_it_ended(queue):
    job = queue.running()
    queue.service.cancel(job.id)
    queue.tick()
    queue.worker_ends(job, JobStatus.CANCELLED, "cancelled")
    queue.tick()
    assert (queue.get(job).status, queue.executor.killed) == (JobStatus.CANCELLED, [])


def test_worker_that_does_not_keep_its_time_limit_is_killed(queue):
    job = queue.running(time_limit_s=60.0)
    queue.clock.now += 60 + queue.settings.cancel_grace_s + WRAP_UP_S
    queue.tick()
    assert queue.get(job).status is JobStatus.RUNNING
    queue.clock.now += 1
    queue.tick()
    failed = queue.get(job)
    assert (failed.status, failed.reason) == (JobStatus.FAILED, "exceeded its time limit of 1 min")


def test_new_agent_carries_on_where_a_killed_one_stopped(queue):
    job = queue.running()
    queue.loop = queue.new_loop()
    queue.tick()
    assert queue.get(job).status is JobStatus.RUNNING
    queue.service.cancel(job.id)
    queue.tick()
    assert queue.executor.interrupted == [job.id]


def test_job_that_a_killed_agent_was_about_to_start_is_started_by_the_next(queue):
    job = queue.submit()
    queue.store.update(queue.get(job), status=JobStatus.STARTING)
    queue.tick()
    assert queue.get(job).status is JobStatus.STARTING
    assert [each.job_id for each in queue.executor.launches] == [job.id]


def test_worker_that_shows_up_late_is_taken_for_what_it_is(queue):
    job = queue.submit()
    queue.attempt(job).begin(Started(process=WORKER, run_id="late", started_at=1.0))
    queue.executor.sightings[job.id] = Sighting(presence=Presence.ALIVE)
    queue.tick()
    assert (queue.get(job).status, queue.executor.launches) == (JobStatus.RUNNING, [])


def test_worker_out_of_sight_is_lost_only_after_long_silence(queue):
    job = queue.running()
    queue.executor.sightings[job.id] = Sighting(presence=Presence.UNKNOWN)
    beat = queue.attempt(job).path / "started.json"
    os.utime(beat, (queue.clock(), queue.clock()))
    queue.clock.now += queue.settings.silent_after_s + 1
    queue.tick()
    doubted = queue.get(job)
    assert (doubted.status, doubted.reason) == (JobStatus.RUNNING, "no sign of life for more than 10 min")
    queue.tick()
    assert queue.get(job) == doubted
    queue.clock.now += queue.settings.lost_after_s
    queue.tick()
    assert queue.get(job).status is JobStatus.LOST


def test_job_waits_for_those_it_is_to_follow(queue):
    first = queue.running()
    second = queue.submit(after=[first.id[-6:]])
    queue.tick()
    assert (queue.get(second).status, queue.get(second).reason) == (
        "queued",
        f"waits for job {first.id[-6:]}",
    )
    queue.worker_ends(first)
    queue.tick()
    assert queue.get(second).status is JobStatus.STARTING


def test_job_fails_for_good_when_one_that_it_is_to_follow_does(queue):
    first = queue.running()
    second = queue.submit(after=[first.id], retries=2)
    third = queue.submit(after=[second.id])
    queue.worker_ends(first, JobStatus.FAILED, "no")
    for _ in range(3):
        queue.tick()
    reason = f"job {first.id[-6:]}, which it was to follow, failed: no"
    assert (queue.get(second).status, queue.get(second).reason) == (JobStatus.FAILED, reason)
    assert queue.get(third).status is JobStatus.FAILED


def test_damaged_job_does_not_stop_the_others(queue):
    damaged, sound = queue.submit(), queue.submit()
    (queue.attempt(damaged).path / "started.json").write_text("{")
    queue.tick()
    assert queue.get(sound).status is JobStatus.STARTING


def test_job_without_its_environment_fails_and_says_so(queue):
    job = queue.submit()
    queue.folder(job).forget_environment()
    queue.tick()
    assert queue.get(job).status is JobStatus.FAILED
    assert "env.json, is gone" in queue.get(job).reason


def test_job_whose_folder_was_deleted_is_lost(queue):
    job = queue.running()
    queue.folder(job).remove()
    queue.tick()
    lost = queue.get(job)
    assert (lost.status, lost.reason) == (JobStatus.LOST, f"its folder {queue.folder(job).path} is gone")


def test_jobs_of_other_homes_in_a_shared_database_are_left_alone(queue, tmp_path):
    job = queue.submit()
    elsewhere = replace(queue.settings, home=tmp_path / "other", database="postgresql://team")
    assert queue.new_loop(elsewhere).tick(queue.clock()) == 0
    assert queue.get(job).status is JobStatus.QUEUED


def test_in_a_home_of_several_hosts_a_job_starts_where_it_was_submitted(queue):
    here, there = queue.submit(), queue.submit(host="another-host")
    shared = queue.new_loop(shared_home=True)
    assert shared.tick(queue.clock()) == 1
    assert (queue.get(here).status, queue.get(there).status) == (JobStatus.STARTING, JobStatus.QUEUED)
    queue.tick()  # the only agent there is takes all: hosts change their names
    assert queue.get(there).status is JobStatus.STARTING


def test_worker_that_dies_before_it_begins_is_quoted(queue):
    job = queue.submit(retries=3)
    queue.tick()
    queue.attempt(job).log.write_text("Traceback\nModuleNotFoundError: No module named 'jupyter_mlops'\n\n")
    queue.executor.end(job.id, "its worker ended with status 1 before the notebook began")
    queue.tick()
    failed = queue.get(job)
    assert (failed.status, failed.attempt) == (JobStatus.FAILED, 1)
    assert failed.reason.endswith(
        "before the notebook began: ModuleNotFoundError: No module named 'jupyter_mlops'"
    )


def test_started_json_that_is_damaged_ends_the_job_and_never_runs_it_again(queue):
    job = queue.submit()
    (queue.attempt(job).path / "started.json").write_bytes(b'{"run_id": "\xff')
    queue.tick()
    assert not queue.attempt(job).begin(Started(process=WORKER, run_id="second", started_at=1.0))
    queue.attempt(job).log.write_text("Another worker has begun this attempt already.\n")
    queue.executor.end(job.id, "its worker ended with status 3 before the notebook began")
    queue.tick()
    failed = queue.get(job)
    assert failed.status is JobStatus.FAILED
    assert failed.reason.endswith("Another worker has begun this attempt already.")


def test_environment_that_is_damaged_ends_its_job_and_the_others_start(queue):
    damaged, sound = queue.submit(), queue.submit()
    path = queue.folder(damaged).path / "env.json"
    path.write_bytes(b'{"A": "\xff"}')
    queue.tick()
    assert queue.get(damaged).status is JobStatus.FAILED
    assert queue.get(damaged).reason.startswith(f"{path} is damaged")
    assert queue.get(sound).status is JobStatus.STARTING


def test_job_that_cannot_be_ended_just_now_does_not_keep_the_others_from_starting(queue):
    stuck, sound = queue.submit(), queue.submit()
    queue.folder(stuck).forget_environment()
    attempt = queue.attempt(stuck).path
    attempt.rmdir()
    attempt.write_text("in the way")  # as root no permission and no full disk can be had in a unit test
    queue.tick()
    assert queue.get(sound).status is JobStatus.STARTING
    attempt.unlink()
    queue.tick()
    assert queue.get(stuck).status is JobStatus.FAILED


def test_environments_that_killed_processes_left_behind_are_forgotten(queue):
    waiting, cancelled = queue.submit(after=[queue.running().id]), queue.submit()
    orphan = JobFolder.of(queue.settings.home, "without-a-row")
    orphan.create(job_spec(), b"{}", {"SECRET": "x"})
    queue.store.request_cancel(cancelled, user="ada", time=queue.clock())  # then its process was killed
    kept = [each.path / "env.json" for each in (queue.folder(waiting), queue.folder(cancelled), orphan)]
    for path in kept:
        os.utime(path, (queue.clock(), queue.clock()))
    queue.loop = queue.new_loop()
    queue.tick()
    assert [path.exists() for path in kept] == [True, True, True]
    queue.clock.now += 3601
    queue.tick()
    assert [path.exists() for path in kept] == [True, False, False]


def test_environments_of_jobs_in_another_database_are_kept(queue, tmp_path):
    job = queue.submit(after=[queue.running().id])
    kept = queue.folder(job).path / "env.json"
    os.utime(kept, (queue.clock(), queue.clock()))
    queue.clock.now += 7200
    (tmp_path / "other").mkdir()
    with queue_world(tmp_path / "other") as other:
        other.clock.now = queue.clock.now
        other.settings = queue.settings
        other.new_loop().tick(other.clock())
    assert kept.exists()


def test_environment_of_a_job_whose_submitter_died_when_its_row_was_there_is_kept(queue, monkeypatch):
    with monkeypatch.context() as killed:
        killed.setattr(JobFolder, "finish", lambda self: None)
        job = queue.submit(after=[queue.running().id])
    folder = queue.folder(job)
    assert folder.is_unfinished()
    os.utime(folder.path / "env.json", (queue.clock(), queue.clock()))
    queue.clock.now += 3601
    queue.loop = queue.new_loop()
    queue.tick()
    assert folder.environment()
    assert not folder.is_unfinished()
