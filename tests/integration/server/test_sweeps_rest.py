"""Sweeps over HTTP: real rows and a real queue, with nobody to work on them."""

from __future__ import annotations

import pytest

from jupyter_mlops import wire
from jupyter_mlops.entities import JobStatus, SweepStatus
from jupyter_mlops.testing.jobs import FakeAgent, job_spec
from jupyter_mlops.testing.sweeps import sweep_spec

from .journals import RunFiles


@pytest.fixture(autouse=True)
def agent(workspace) -> FakeAgent:
    workspace.agent = FakeAgent()
    return workspace.agent


@pytest.fixture
def queued(workspace, tmp_path):
    """Submit the template's job for each point, and make a sweep of them."""

    def put(*rates: float, **changes):
        spec = sweep_spec(cwd=str(tmp_path), **changes)
        jobs = [
            workspace.jobs.submit(
                job_spec(cwd=str(tmp_path), sweep_id=spec.id, trial=number, params={"lr": rate}), b"{}", {}
            )
            for number, rate in enumerate(rates)
        ]
        return workspace.sweeps.grid(spec, jobs), jobs

    return put


async def test_sweeps_are_listed_newest_first_by_status_and_page(api, queued, workspace):
    for at, name in enumerate(("a", "b", "c")):
        queued(0.1, name=name, submitted_at=1_700_000_000.0 + at)
    newest = (await api.get("sweeps"))["sweeps"]
    assert [each["spec"]["name"] for each in newest] == ["c", "b", "a"]
    assert newest[0] == wire.to_json(workspace.sweeps.get(newest[0]["spec"]["id"]))
    await api.send("POST", f"sweeps/{newest[0]['spec']['id']}/cancel", {})
    end_cancelled(workspace)

    async def names(**query) -> list[str]:
        return [each["spec"]["name"] for each in (await api.get("sweeps", **query))["sweeps"]]

    assert await names(status="cancelled") == ["c"]
    assert await names(status="running") == ["b", "a"]
    assert await names(limit=1, offset=1) == ["b"]


async def test_a_sweep_is_served_with_its_trials_by_number_and_their_values(api, queued, workspace):
    sweep, jobs = queued(0.1, 0.2)
    run_id = RunFiles(workspace.settings.home).finished(job_id=jobs[1].id, metrics={"acc": [0.5, 0.75]})
    workspace.jobs.store.update(jobs[1], status=JobStatus.SUCCEEDED, run_id=run_id, ended_at=2.0)
    detail = await api.get(f"sweeps/{sweep.id}")
    assert detail["sweep"]["spec"]["goal"] == {"metric": "acc", "direction": "maximize"}
    assert [(each["number"], each["params"], each["job_id"]) for each in detail["trials"]] == [
        (0, {"lr": 0.1}, jobs[0].id),
        (1, {"lr": 0.2}, jobs[1].id),
    ]
    assert [(each["status"], each["value"], each["run_id"]) for each in detail["trials"]] == [
        ("queued", None, None),
        ("finished", 0.75, run_id),
    ]
    assert await api.get(f"sweeps/{sweep.id[-6:]}") == detail


async def test_cancelling_a_sweep_cancels_its_queued_jobs_and_is_refused_once_it_has_ended(
    api, queued, workspace
):
    sweep, jobs = queued(0.1, 0.2)
    assert (await api.send("POST", f"sweeps/{sweep.id}/cancel", {}))["cancel_requested"] is True
    assert {workspace.jobs.get(job.id).status.value for job in jobs} == {"cancelled"}
    end_cancelled(workspace)
    refusal = await api.refused("POST", f"sweeps/{sweep.id}/cancel", {})
    assert refusal[:2] == (409, "conflict")
    assert "cancelled" in refusal[2]


@pytest.mark.parametrize(("verb", "path"), [("GET", "sweeps/zzzzzz"), ("POST", "sweeps/zzzzzz/cancel")])
async def test_an_unknown_sweep_is_not_found(api, verb, path):
    status, code, message = await api.refused(verb, path)
    assert (status, code) == (404, "not_found")
    assert "zzzzzz" in message


@pytest.mark.parametrize(
    ("query", "word"),
    [({"status": "done"}, "done"), ({"limit": "many"}, "many"), ({"limit": 0}, "at least 1")],
)
async def test_a_list_that_cannot_be_made_is_refused(api, query, word):
    status, code, message = await api.refused("GET", "sweeps", **query)
    assert (status, code) == (400, "invalid_input")
    assert word in message


def end_cancelled(workspace) -> None:
    """What the agent does with sweeps that were asked to end."""
    store = workspace.sweeps.store
    for sweep in store.open():
        if sweep.cancel_requested:
            store.update(sweep, status=SweepStatus.CANCELLED, ended_at=1.0)
