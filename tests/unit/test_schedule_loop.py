"""The agent queues the runs of schedules when they are due, each once."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_mlops.entities import CatchUp, JobStatus, Overlap, Schedule, derived_id, short_id
from jupyter_mlops.errors import InvalidInput, Unavailable
from jupyter_mlops.services.jobs.folder import JobFolder
from jupyter_mlops.services.schedules.folder import ScheduleFolder
from jupyter_mlops.services.schedules.loop import ScheduleLoop
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.registry_tables import metadata
from jupyter_mlops.store.schedules import SqlScheduleStore
from jupyter_mlops.testing.schedules import schedule_spec
from tests.unit.schedule_worlds import DAY, HOUR, NOON, World, world


@pytest.fixture
def home(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def scheduled(home: World) -> list[str]:
    return [job.spec.tags["scheduled"] for job in home.runs()]


def test_nothing_is_queued_before_its_time(home: World) -> None:
    schedule = home.add()
    assert home.turn(NOON + HOUR - 1) == 1
    assert home.runs() == []
    assert home.row(schedule).next_at == NOON + HOUR


def test_a_run_is_a_job_like_the_template_with_the_notebook_and_environment_kept(home: World) -> None:
    schedule = home.add(b'{"cells": []}', {"TOKEN": "geheim", "PATH": "/bin"})
    home.turn(NOON + HOUR + 2)
    (job,) = home.runs()
    assert job.spec == replace(
        schedule.spec.template,
        id=job.id,
        submitted_at=NOON + HOUR + 2,
        schedule_id=schedule.id,
        tags={"schedule": schedule.id, "scheduled": "2026-01-01T13:00:00+00:00"},
    )
    folder = JobFolder.of(home.settings.home, job.id)
    assert folder.input.read_bytes() == b'{"cells": []}'
    assert folder.environment() == {"TOKEN": "geheim", "PATH": "/bin"}
    row = home.row(schedule)
    assert (row.next_at, row.last_at, row.last_job_id) == (NOON + HOUR + DAY, NOON + HOUR, job.id)
    assert row.reason == ""


def test_a_run_that_was_queued_is_not_queued_again(home: World) -> None:
    home.add()
    for seconds in (1, 2, 3, 600):
        home.turn(NOON + HOUR + seconds)
    assert len(home.runs()) == 1


def test_each_day_has_its_run(home: World) -> None:
    home.add()
    for day in range(3):
        home.turn(NOON + HOUR + day * DAY + 1)
        home.ends(home.runs()[-1])
    assert scheduled(home) == [f"2026-01-0{day}T13:00:00+00:00" for day in (1, 2, 3)]


def test_an_agent_that_was_killed_between_job_and_row_makes_no_second_run(home: World) -> None:
    schedule = home.add()
    home.turn(NOON + HOUR)
    queued = home.row(schedule)
    assert home.store.update(queued, next_at=NOON + HOUR, last_at=None, last_job_id=None)
    home.new_agent()
    home.turn(NOON + HOUR + 5)
    (job,) = home.runs()
    assert home.row(schedule).last_job_id == job.id


def test_garbage_of_a_killed_agent_is_replaced(home: World) -> None:
    schedule = home.add()
    garbage = JobFolder.of(home.settings.home, derived_id(NOON + HOUR, schedule.id))
    garbage.path.mkdir(parents=True)
    (garbage.path / "input.ipynb").write_bytes(b"half")
    home.turn(NOON + HOUR)
    (job,) = home.runs()
    assert JobFolder.of(home.settings.home, job.id).input.read_bytes() == b"{}"


# runs that were missed


def test_of_missed_runs_the_last_is_caught_up_by_default(home: World) -> None:
    schedule = home.add()
    home.turn(NOON + HOUR + 3 * DAY + 2 * HOUR)
    assert scheduled(home) == ["2026-01-04T13:00:00+00:00"]
    row = home.row(schedule)
    assert (
        row.reason == "no agent was there for 4 runs up to Sun 2026-01-04 13:00 UTC: caught up with the last"
    )
    assert row.next_at == NOON + HOUR + 4 * DAY


def test_missed_runs_are_left_out_where_that_is_wanted(home: World) -> None:
    schedule = home.add(catch_up=CatchUp.SKIP)
    home.turn(NOON + HOUR + 3 * DAY + 2 * HOUR)
    assert home.runs() == []
    row = home.row(schedule)
    assert row.reason == "no agent was there for 4 runs up to Sun 2026-01-04 13:00 UTC: left out"
    assert (row.last_at, row.next_at) == (None, NOON + HOUR + 4 * DAY)
    home.turn(NOON + HOUR + 4 * DAY)
    assert scheduled(home) == ["2026-01-05T13:00:00+00:00"]
    assert home.row(schedule).reason == ""


def test_all_missed_runs_are_caught_up_one_after_the_other_where_that_is_wanted(home: World) -> None:
    schedule = home.add(catch_up=CatchUp.ALL)
    home.turn(NOON + HOUR + 2 * DAY + 2 * HOUR)
    jobs = home.runs()
    assert scheduled(home) == [f"2026-01-0{day}T13:00:00+00:00" for day in (1, 2, 3)]
    assert [job.spec.after_any for job in jobs] == [[], [jobs[0].id], [jobs[1].id]]
    assert "caught up with 3 runs" in home.row(schedule).reason


def test_caught_up_runs_may_overlap_where_that_is_allowed(home: World) -> None:
    home.add(catch_up=CatchUp.ALL, overlap=Overlap.ALLOW)
    home.turn(NOON + HOUR + 2 * DAY)
    assert [job.spec.after_any for job in home.runs()] == [[], [], []]


def test_a_month_of_missed_minutes_does_not_flood_the_queue(home: World) -> None:
    schedule = home.add(cron="* * * * *", catch_up=CatchUp.ALL, overlap=Overlap.ALLOW)
    home.turn(NOON + 30 * DAY)
    assert len(home.runs()) == 100
    assert "no agent was there for at least " in home.row(schedule).reason


def test_a_run_that_is_a_little_late_is_no_missed_one(home: World) -> None:
    schedule = home.add(catch_up=CatchUp.SKIP)
    home.turn(NOON + HOUR + 59)
    assert len(home.runs()) == 1
    assert home.row(schedule).reason == ""


# runs that take long


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.RUNNING])
def test_a_run_is_left_out_while_the_one_before_goes_on(home: World, status: JobStatus) -> None:
    schedule = home.add()
    home.turn(NOON + HOUR)
    (job,) = home.runs()
    home.jobs.store.update(job, status=status)
    home.turn(NOON + HOUR + DAY)
    assert len(home.runs()) == 1
    row = home.row(schedule)
    assert row.reason == (
        f"the run of Fri 2026-01-02 13:00 UTC was left out: job {short_id(job.id)}, the one before, was still "
        f"{status.value}"
    )
    assert row.next_at == NOON + HOUR + 2 * DAY
    home.ends(job, JobStatus.FAILED)
    home.turn(NOON + HOUR + 2 * DAY)
    assert (len(home.runs()), home.row(schedule).reason) == (2, "")


def test_runs_overlap_where_that_is_allowed(home: World) -> None:
    home.add(overlap=Overlap.ALLOW)
    home.turn(NOON + HOUR)
    home.turn(NOON + HOUR + DAY)
    assert len(home.runs()) == 2


def test_where_each_run_counts_one_that_is_due_follows_the_one_before(home: World) -> None:
    home.add(catch_up=CatchUp.ALL)
    home.turn(NOON + HOUR)
    home.turn(NOON + HOUR + DAY)
    first, second = home.runs()
    assert second.spec.after_any == [first.id]


# clocks that are wrong


def test_a_clock_that_is_set_back_an_hour_makes_no_run_twice(home: World) -> None:
    schedule = home.add()
    home.turn(NOON + HOUR + 10)
    home.turn(NOON + 10)
    home.turn(NOON + HOUR + 10)
    home.new_agent()
    home.turn(NOON + HOUR + 20)
    assert len(home.runs()) == 1
    assert home.row(schedule).next_at == NOON + HOUR + DAY


def test_a_schedule_goes_on_when_a_clock_that_was_years_ahead_is_put_right(home: World) -> None:
    schedule = home.add()
    home.turn(NOON + 1000 * DAY)
    home.ends(home.runs()[-1])
    home.turn(NOON)
    row = home.row(schedule)
    assert row.next_at == NOON + HOUR
    assert row.reason == "the clock was set back: what comes next is counted from Thu 2026-01-01 12:00 UTC"
    home.turn(NOON + HOUR)
    assert len(home.runs()) == 2


def test_a_new_agent_notices_that_the_clock_was_put_right_before_it_began(home: World) -> None:
    schedule = home.add()
    home.turn(NOON + 1000 * DAY)
    home.new_agent()
    home.turn(NOON)
    assert home.row(schedule).next_at == NOON + HOUR


# trouble


def test_a_run_that_is_refused_is_said_and_the_next_one_is_tried(home: World) -> None:
    schedule = home.add()
    home.trouble.error = InvalidInput("The job's folder /gone does not exist.")
    home.turn(NOON + HOUR)
    row = home.row(schedule)
    assert row.reason == "its run could not be queued: The job's folder /gone does not exist."
    assert row.next_at == NOON + HOUR + DAY
    home.trouble.error = None
    home.turn(NOON + HOUR + DAY)
    assert (len(home.runs()), home.row(schedule).reason) == (1, "")


@pytest.mark.parametrize("error", [Unavailable("Slurm does not answer."), OSError(28, "No space left")])
def test_a_run_waits_while_something_is_away_and_is_queued_later(home: World, error: Exception) -> None:
    schedule = home.add()
    home.trouble.error = error
    for seconds in range(10):
        home.turn(NOON + HOUR + seconds)
    assert home.trouble.tries == 1
    assert home.row(schedule).reason == f"its run waits: {error}"
    home.trouble.error = None
    home.turn(NOON + HOUR + 20)
    assert (len(home.runs()), home.row(schedule).reason) == (1, "")


def test_a_damaged_schedule_does_not_stop_the_others(home: World) -> None:
    damaged, whole = home.add(), home.add()
    (ScheduleFolder.of(home.settings.home, damaged.id).path / "template.ipynb").unlink()
    assert home.turn(NOON + HOUR) == 2
    assert [job.spec.schedule_id for job in home.runs()] == [whole.id]
    assert "template.ipynb is gone: delete the schedule" in home.row(damaged).reason


def test_an_unexpected_error_is_said_and_does_not_stop_the_others(home: World) -> None:
    schedule = home.add()
    home.trouble.error = RuntimeError("strange")
    home.turn(NOON + HOUR)
    assert home.row(schedule).reason == "its run could not be queued: RuntimeError: strange"


# pausing, deleting, other homes


def test_a_paused_schedule_queues_nothing_and_does_not_keep_the_agent(home: World) -> None:
    schedule = home.add()
    assert home.turn() == 1
    home.service.pause(schedule.id)
    assert home.turn(NOON + HOUR) == 0
    assert home.runs() == []


def test_a_resumed_schedule_goes_on_from_now(home: World) -> None:
    schedule = home.add()
    home.turn()
    home.service.pause(schedule.id)
    home.turn(NOON + 2 * DAY)
    home.service.resume(schedule.id)
    home.turn(NOON + 2 * DAY + 10)
    assert home.runs() == []
    home.turn(NOON + 2 * DAY + HOUR)
    assert len(home.runs()) == 1


def test_a_deleted_schedule_queues_nothing_and_leaves_no_secret(home: World) -> None:
    schedule = home.add()
    folder = ScheduleFolder.of(home.settings.home, schedule.id)
    assert stat.S_IMODE((folder.path / "env.json").stat().st_mode) == 0o600
    home.turn(NOON + HOUR)
    home.service.delete(schedule.id)
    assert home.turn(NOON + HOUR + DAY) == 0
    assert len(home.runs()) == 1
    assert not folder.exists()


def test_a_schedule_that_is_paused_while_it_is_looked_at_stays_paused(home: World) -> None:
    schedule = home.add()
    home.turn()
    stale = home.row(schedule)
    home.service.pause(schedule.id)
    home.loop._schedules = [stale]
    home.loop._seq = home.store.changes(0)[0]
    home.turn(NOON + HOUR)
    assert not home.row(schedule).enabled
    assert home.turn(NOON + 2 * HOUR) == 0


def test_schedules_of_another_home_with_the_same_database_are_left_alone(home: World) -> None:
    spec = schedule_spec(created_at=NOON, cron="0 13 * * *")
    home.store.add(Schedule(spec=spec, next_at=NOON + HOUR))
    assert home.turn(NOON + HOUR) == 0
    assert home.runs() == []


def test_on_a_shared_home_a_schedule_runs_where_it_was_made(home: World) -> None:
    home.add(host="elsewhere")
    home.new_agent(shared_home=True)
    assert home.turn(NOON + HOUR) == 0
    home.new_agent()
    assert home.turn(NOON + HOUR) == 1


# folders


def grow_old(home: World) -> None:
    """All folders of schedules are as old as the test."""
    for path in home.settings.home.glob("schedules/*"):
        os.utime(path, (NOON, NOON))


def folder_of(home: World, schedule: Schedule) -> ScheduleFolder:
    return ScheduleFolder.of(home.settings.home, schedule.id)


def test_the_folder_of_a_schedule_whose_row_never_came_goes_after_an_hour(home: World) -> None:
    kept, lost = home.add(), ScheduleFolder.of(home.settings.home, "0" * 26)
    lost.create(schedule_spec(id="0" * 26), b"{}", {"TOKEN": "geheim"})
    grow_old(home)
    home.turn(NOON + HOUR / 2)
    assert lost.exists()
    home.turn(NOON + 2 * HOUR)
    assert not lost.exists()
    assert folder_of(home, kept).exists()


def test_the_folder_of_a_schedule_that_was_deleted_elsewhere_goes_after_an_hour(home: World) -> None:
    schedule = home.add()
    home.store.remove(schedule, user="bob", time=NOON)
    grow_old(home)
    home.turn(NOON + HOUR / 2)
    assert folder_of(home, schedule).exists()
    home.turn(NOON + 2 * HOUR)
    assert not folder_of(home, schedule).exists()


def test_a_schedule_whose_maker_died_when_its_row_was_there_stays(
    home: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(ScheduleFolder, "finish", lambda self: None)
        schedule = home.add()
    assert folder_of(home, schedule).is_unfinished()
    grow_old(home)
    home.turn(NOON + 2 * HOUR)
    assert folder_of(home, schedule).exists()
    assert not folder_of(home, schedule).is_unfinished()


def test_an_agent_with_another_database_takes_no_schedule_away(home: World, tmp_path: Path) -> None:
    schedule = home.add(environment={"TOKEN": "geheim"})
    grow_old(home)
    other = Database(sqlite_url(tmp_path / "other.sqlite"))
    metadata.create_all(other.engine)
    assert ScheduleLoop(SqlScheduleStore(other), home.jobs, home.settings).tick(NOON + DAY) == 0
    other.close()
    assert folder_of(home, schedule).environment() == {"TOKEN": "geheim"}
    home.turn(NOON + HOUR)
    assert len(home.runs()) == 1


def test_a_folder_that_somebody_else_has_put_there_is_left_alone(home: World) -> None:
    for each in ("0" * 20 + "aabbcc", "1" * 20 + "aabbcc"):
        home.add(id=each)
    stranger = home.settings.home / "schedules/aabbcc"
    stranger.mkdir()
    grow_old(home)
    home.turn(NOON + DAY)
    assert stranger.exists()


def test_a_schedule_whose_folder_is_gone_says_so_until_it_is_back(home: World, tmp_path: Path) -> None:
    schedule = home.add()
    folder = folder_of(home, schedule)
    folder.path.rename(tmp_path / "backup")
    home.new_agent()
    assert home.turn() == 0
    row = home.row(schedule)
    assert row.reason == (
        f"it does not run: its folder {folder.path}, with its notebook and environment, is gone. Bring that "
        "back, or delete the schedule and make it anew"
    )
    home.turn()
    assert home.row(schedule) == row, "said once"
    (tmp_path / "backup").rename(folder.path)
    home.new_agent()
    home.turn(NOON + HOUR)
    assert (len(home.runs()), home.row(schedule).reason) == (1, "")


def test_a_schedule_of_another_home_of_the_same_user_is_not_taken_for_lost(home: World) -> None:
    schedule = home.store.add(
        Schedule(spec=schedule_spec(host=home.settings.host, home="/elsewhere"), next_at=NOON + HOUR)
    )
    home.turn()
    home.service.search()
    assert home.row(schedule) == schedule


def test_files_that_go_along_are_those_of_the_day_it_was_made(home: World, tmp_path: Path) -> None:
    class Files:
        def write(self, folder: Path) -> None:
            (folder / "files/tree").mkdir(parents=True)
            (folder / "files/tree/data.csv").write_text("1,2")
            (folder / "files/manifest.json").write_text(json.dumps({"cwd": "."}))

    schedule = home.add(files=Files())
    kept = ScheduleFolder.of(home.settings.home, schedule.id).files()
    assert kept is not None
    kept.write(tmp_path / "job")
    assert (tmp_path / "job/files/tree/data.csv").read_text() == "1,2"
    assert (tmp_path / "job/files/manifest.json").exists()


def test_a_turn_with_nothing_due_reads_no_schedule(home: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(20):
        home.add()
    home.turn()
    monkeypatch.setattr(home.store, "enabled", lambda: pytest.fail("read again"))
    assert home.turn(NOON + 10) == 20
