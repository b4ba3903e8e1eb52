"""Schedules as people make and change them, and as they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.entities import Job, Overlap, Schedule, ScheduleDetail, short_id
from jupyter_mlops.errors import Ambiguous, Conflict, InvalidInput, NotFound
from jupyter_mlops.services.lookup import anything
from jupyter_mlops.services.rows import SCHEDULE_COLUMNS, schedule_row
from jupyter_mlops.services.schedules.folder import ScheduleFolder
from jupyter_mlops.services.schedules.service import ScheduleService
from jupyter_mlops.services.showing.schedules import schedule_text, schedules_table
from jupyter_mlops.testing.schedules import active_schedule, schedule_spec
from tests.unit.schedule_worlds import DAY, HOUR, NOON, World, world


@pytest.fixture
def home(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


class Nothing:
    """Runs, sweeps: none."""

    def detail(self, short: str) -> None:
        raise NotFound(short)


def test_a_schedule_is_kept_and_an_agent_is_there_for_it(home: World) -> None:
    schedule = home.add()
    assert home.service.get(schedule.id[-6:]) == schedule
    assert (schedule.enabled, schedule.next_at, schedule.spec.user) == (True, NOON + HOUR, "ada")
    assert (schedule.spec.host, schedule.spec.home) == (home.settings.host, str(home.settings.home))
    assert schedule.spec.template.schedule_id == schedule.id
    assert home.agent.asked


def test_whoever_looks_at_schedules_sees_to_it_that_there_is_an_agent(home: World) -> None:
    schedule = home.add()
    home.agent.asked.clear()
    later = ScheduleService(home.store, home.jobs, home.settings, clock=home.clock, monotonic=home.clock)
    assert later.search() == [schedule]
    assert len(home.agent.asked) == 1
    later.search()
    assert len(home.agent.asked) == 1, "not at each look"
    later.pause(schedule.id)
    home.clock.now += 60
    later.search()
    assert len(home.agent.asked) == 1, "a paused one needs none"


def test_whoever_looks_at_schedules_is_told_of_one_whose_folder_is_gone(home: World) -> None:
    schedule = home.add()
    folder = ScheduleFolder.of(home.settings.home, schedule.id)
    folder.remove()
    home.agent.asked.clear()
    later = ScheduleService(home.store, home.jobs, home.settings, clock=home.clock, monotonic=home.clock)
    (shown,) = later.search()
    assert f"its folder {folder.path}, with its notebook and environment, is gone" in shown.reason
    assert home.agent.asked == [], "no agent could run it"
    with pytest.raises(NotFound, match="delete the schedule, and make it anew"):
        later.run_now(schedule.id)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"template": {"cwd": "/no/such/folder"}}, "/no/such/folder"),
        ({"template": {"executor": "moon"}}, "No executor 'moon'"),
    ],
)
def test_what_can_never_run_is_refused_and_leaves_nothing(
    home: World, changes: dict[str, dict[str, str]], said: str
) -> None:
    template = replace(schedule_spec().template, **changes["template"])
    with pytest.raises(InvalidInput, match=said):
        home.add(template=template)
    assert home.store.search() == []
    assert not (home.settings.home / "schedules").exists()


def test_a_schedule_that_cannot_be_kept_leaves_no_folder(home: World) -> None:
    schedule = home.add()
    (home.settings.home / "schedules" / schedule.id).rename(home.settings.home / "aside")
    with pytest.raises(Conflict):
        home.add(id=schedule.id)
    assert not ScheduleFolder.of(home.settings.home, schedule.id).exists()


def test_its_maker_is_told_when_it_runs_and_of_schedules_like_it(home: World) -> None:
    first = home.add()
    spec = schedule_spec(created_at=NOON, cron="30 2 * * 1-5", timezone="Europe/Berlin")
    assert home.service.notes(spec) == [
        "At 02:30 on Monday through Friday (Europe/Berlin); next: Fri 2026-01-02 02:30 CET, "
        "Mon 2026-01-05 02:30 CET. Each run gets the notebook as it is now.",
        f"{short_id(first.id)} of the same name goes on besides. To end it: %mlops schedules delete "
        f"{short_id(first.id)}",
    ]
    assert len(home.service.notes(schedule_spec(name="other"))) == 1


def test_pausing_and_resuming_twice_changes_nothing(home: World) -> None:
    schedule = home.add()
    paused = home.service.pause(schedule.id)
    assert (paused.enabled, paused.next_at, paused.reason) == (False, None, "paused by ada")
    assert home.service.pause(schedule.id) == paused
    home.clock.now = NOON + 5 * DAY
    resumed = home.service.resume(schedule.id)
    assert (resumed.enabled, resumed.next_at, resumed.reason) == (True, NOON + 5 * DAY + HOUR, "")
    assert home.service.resume(schedule.id) == resumed


def test_a_run_more_is_queued_at_once_also_of_a_paused_schedule(home: World) -> None:
    schedule = home.service.pause(home.add().id)
    job = home.service.run_now(schedule.id)
    assert (job.spec.schedule_id, job.spec.tags["scheduled"]) == (schedule.id, "2026-01-01T12:00:00+00:00")
    assert home.row(schedule).last_job_id == job.id
    assert [each.id for each in home.service.jobs(schedule.id)] == [job.id]
    home.clock.now += 1
    assert home.service.run_now(schedule.id).id != job.id


def test_a_scheduled_run_is_left_out_while_one_that_somebody_began_goes_on(home: World) -> None:
    schedule = home.add()
    home.service.run_now(schedule.id)
    home.turn(NOON + HOUR)
    assert len(home.runs()) == 1
    assert "was left out" in home.row(schedule).reason


def test_a_schedule_of_another_home_is_run_there(home: World) -> None:
    other = home.store.add(active_schedule(host="elsewhere", home="/home/ada/mlops"))
    with pytest.raises(Conflict, match=r"lies in another home \(elsewhere:/home/ada/mlops\): run it there"):
        home.service.run_now(other.id)


def test_a_run_at_once_of_a_schedule_that_is_deleted_meanwhile_is_a_run(
    home: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = home.add()
    enqueue = home.jobs.enqueue

    def deleted_meanwhile(*arguments: Any, **named: Any) -> Job:
        job = enqueue(*arguments, **named)
        home.service.delete(schedule.id)
        return job

    monkeypatch.setattr(home.jobs, "enqueue", deleted_meanwhile)
    home.agent.asked.clear()
    job = home.service.run_now(schedule.id)
    assert home.runs() == [job]
    assert len(home.agent.asked) == 1


def test_deleting_leaves_the_runs(home: World) -> None:
    schedule = home.add()
    job = home.service.run_now(schedule.id)
    gone = home.service.delete(schedule.id[-6:])
    assert (gone.id, gone.enabled, gone.next_at) == (schedule.id, False, None)
    assert [each.id for each in home.runs()] == [job.id]
    with pytest.raises(NotFound, match="%mlops schedules"):
        home.service.delete(schedule.id)


def test_a_detail_has_the_next_and_the_newest_runs(home: World) -> None:
    schedule = home.add()
    job = home.service.run_now(schedule.id)
    detail = home.service.detail(schedule.id)
    assert detail == ScheduleDetail(
        schedule=home.row(schedule),
        text="At 13:00 every day (UTC)",
        next_runs=[NOON + HOUR + day * DAY for day in range(5)],
        jobs=[job],
    )
    home.service.pause(schedule.id)
    assert home.service.detail(schedule.id).next_runs == []


def test_a_schedule_is_shown_as_text(home: World) -> None:
    schedule = home.add(timezone="Europe/Berlin", overlap=Overlap.ALLOW)
    home.service.run_now(schedule.id)
    text = schedule_text(home.service.detail(schedule.id))
    assert f"schedule     {schedule.id}" in text
    assert "when         At 13:00 every day (Europe/Berlin), cron 0 13 * * *" in text
    assert "next         Fri 2026-01-02 13:00 CET, " in text
    assert "missed runs  latest" in text
    assert "2026-01-01T13:00:00+01:00" in text
    line = schedules_table([home.service.pause(schedule.id)]).splitlines()[2]
    assert line.split()[:3] == [short_id(schedule.id), "nightly", "paused"]
    assert line.endswith("paused by ada")


def test_a_row_has_the_columns(home: World) -> None:
    row = schedule_row(home.add())
    assert tuple(row) == SCHEDULE_COLUMNS
    assert (row["status"], row["next"]) == ("active", "2026-01-01T13:00:00.000+00:00")


def test_an_id_may_name_a_schedule(home: World) -> None:
    schedule = home.add()
    job = home.service.run_now(schedule.id)
    found = anything(Nothing(), home.jobs, Nothing(), home.service, schedule.id[-8:])
    assert isinstance(found, ScheduleDetail)
    assert anything(Nothing(), home.jobs, Nothing(), home.service, job.id[-8:]).id == job.id
    with pytest.raises(NotFound, match="No run, job, sweep or schedule 'zzzz'"):
        anything(Nothing(), home.jobs, Nothing(), home.service, "zzzz")
    twin = Schedule(spec=schedule_spec(id="0" * 20 + job.id[-6:]))
    home.store.add(twin)
    with pytest.raises(Ambiguous, match=twin.id):
        anything(Nothing(), home.jobs, Nothing(), home.service, job.id[-6:])


def test_news_name_schedules_that_changed(home: World) -> None:
    schedule = home.add()
    seq, ids = home.service.changes(0)
    assert ids == [schedule.id]
    home.service.pause(schedule.id)
    assert home.service.changes(seq)[1] == [schedule.id]
