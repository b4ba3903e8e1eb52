"""Schedules over HTTP: made with a submit, listed, looked into, paused, resumed, run, deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlops import wire
from jupyter_mlops.testing.jobs import FakeAgent

from .notebook_files import save_notebook

NOTEBOOK = "sub/train.ipynb"


@pytest.fixture(autouse=True)
def notebook(workspace, jp_root_dir) -> Path:
    workspace.agent = FakeAgent()
    return save_notebook(jp_root_dir / "sub" / "train.ipynb", "print(lr)", parameters="lr = 0.1")


async def scheduled(api, **changes):
    body = {"path": NOTEBOOK, "cron": "0 3 * * *", "timezone": "Europe/Berlin", **changes}
    return (await api.send("POST", "jobs", body))["schedule"]


async def test_a_submit_with_cron_makes_a_schedule_and_queues_nothing(api, workspace):
    body = {
        "path": NOTEBOOK,
        "name": "nightly",
        "params": {"lr": "0.5"},
        "cron": "30 2 * * 1-5",
        "timezone": "Europe/Berlin",
        "catch_up": "skip",
        "overlap": "allow",
    }
    answer = await api.send("POST", "jobs", body)
    (schedule,) = workspace.schedules.search()
    assert answer["schedule"] == wire.to_json(schedule)
    assert (answer["jobs"], answer["sweep"]) == ([], None)
    assert answer["notes"][0].startswith("At 02:30 on Monday through Friday (Europe/Berlin); next: ")
    assert answer["schedule"]["spec"]["timing"] == {
        "cron": "30 2 * * 1-5",
        "timezone": "Europe/Berlin",
        "catch_up": "skip",
        "overlap": "allow",
    }
    assert schedule.spec.template.params == {"lr": 0.5}
    assert workspace.jobs.search() == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cron": "0 3 * *"}, "has 4 fields"),
        ({"timezone": "Mars"}, "timezone: 'Mars' is none"),
        ({"catch_up": "lots"}, "There is no catch-up 'lots'"),
        ({"cron": None}, "--timezone is for schedules"),
        ({"params": {"lr": "1,2"}}, "A schedule runs one job each time"),
        ({"after": ["abcdef"]}, "A schedule follows the clock, not jobs"),
    ],
)
async def test_what_is_no_schedule_is_refused(api, workspace, changes, said):
    body = {"path": NOTEBOOK, "cron": "0 3 * * *", "timezone": "UTC", **changes}
    status, _, message = await api.refused("POST", "jobs", body)
    assert (status, said in message) == (400, True), message
    assert workspace.schedules.search() == []


async def test_a_dry_run_keeps_nothing_and_says_when_it_would_run(api, workspace):
    body = {"path": NOTEBOOK, "cron": "0 3 * * *", "timezone": "UTC", "dry_run": True}
    answer = await api.send("POST", "jobs", body)
    assert any("At 03:00 every day (UTC); next: " in note for note in answer["notes"])
    assert workspace.schedules.search() == []


async def test_schedules_are_listed_newest_first_with_and_without_the_paused_ones(api):
    first, second = await scheduled(api, name="a"), await scheduled(api, name="b")
    await api.send("POST", f"schedules/{first['spec']['id']}/pause", {})

    async def names(**query) -> list[str]:
        return [each["spec"]["name"] for each in (await api.get("schedules", **query))["schedules"]]

    assert await names() == ["b", "a"]
    assert await names(enabled=1) == ["b"]
    assert await names(enabled=0) == ["a"]
    assert await names(limit=1, offset=1) == ["a"]
    assert second["enabled"] is True


async def test_a_schedule_is_served_with_its_runs_paused_resumed_and_deleted(api, workspace):
    schedule = await scheduled(api)
    path = f"schedules/{schedule['spec']['id'][-8:]}"
    job = await api.send("POST", f"{path}/run", {})
    detail = await api.get(path)
    assert [each["spec"]["id"] for each in detail["jobs"]] == [job["spec"]["id"]]
    assert detail["text"] == "At 03:00 every day (Europe/Berlin)"
    assert len(detail["next_runs"]) == 5
    listed = await api.get("jobs", schedule_id=schedule["spec"]["id"])
    assert [each["spec"]["id"] for each in listed["jobs"]] == [job["spec"]["id"]]
    paused = await api.send("POST", f"{path}/pause", {})
    assert (paused["enabled"], paused["next_at"]) == (False, None)
    resumed = await api.send("POST", f"{path}/resume", {})
    assert (resumed["enabled"], resumed["next_at"]) == (True, schedule["next_at"])
    assert (await api.send("DELETE", path))["enabled"] is False
    assert (await api.refused("GET", path))[:2] == (404, "not_found")
    assert len(workspace.jobs.search()) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "schedules/nosuch"),
        ("DELETE", "schedules/nosuch"),
        ("POST", "schedules/nosuch/pause"),
        ("POST", "schedules/nosuch/resume"),
        ("POST", "schedules/nosuch/run"),
    ],
)
async def test_an_unknown_schedule_is_not_found(api, method, path):
    body = {} if method == "POST" else None
    assert (await api.refused(method, path, body))[:2] == (404, "not_found")
