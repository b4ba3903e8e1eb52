"""Who has which GPU, over HTTP."""

from __future__ import annotations

import os

import pytest

from jupyter_mlops import config
from jupyter_mlops.entities import JobStatus
from jupyter_mlops.executors.leases import Holder, lease
from jupyter_mlops.testing.jobs import FakeAgent, queued_job


@pytest.fixture(autouse=True)
def no_gpu_of_the_machine(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


async def test_gpus_are_served_with_who_has_them(api, workspace):
    first, second = workspace.machine.slots()
    holder = Holder(job_id="none-abcdef", user="bob", uid=os.getuid(), pid=os.getpid(), share=0.25)
    taken = lease(workspace.settings.leases_dir, first, holder)
    shared = await api.get("gpus")
    taken.close()
    of_both = {"name": "virtual GPU", "virtual": True, "memory_bytes": None, "free_bytes": None, "jobs": {}}
    holders = "0.25 of it taken by job abcdef of bob"
    assert shared["gpus"] == [
        {"index": 0, **of_both, "free_share": 0.75, "holders": holders, "uuid": first.uuid},
        {"index": 1, **of_both, "free_share": 1.0, "holders": "", "uuid": second.uuid},
    ]


async def test_jobs_of_this_workspace_that_have_one_are_served_by_id(api, workspace):
    workspace.agent = FakeAgent()
    store, (first, _) = workspace.jobs.store, workspace.machine.slots()
    starting, ended, _ = (store.add(queued_job(name=name, gpus=1)) for name in ("lazy", "done", "waiting"))
    store.update(starting, status=JobStatus.STARTING, gpus=[first.uuid])
    store.update(ended, status=JobStatus.SUCCEEDED, gpus=[first.uuid])
    assert [each["jobs"] for each in (await api.get("gpus"))["gpus"]] == [{starting.id: "lazy"}, {}]


async def test_users_are_served_with_their_quotas(api, tmp_path, monkeypatch, workspace):
    quotas = tmp_path / "quotas.json"
    quotas.write_text('{"gpus": 4, "gpu_hours": 100, "users": {"bob": {"gpus": 1}}}')
    object.__setattr__(workspace.settings, "quotas", str(quotas))
    (bob,) = [each for each in (await api.get("gpus"))["users"] if each["user"] == "bob"]
    assert bob == {
        "user": "bob",
        "recent_gpu_hours": 0.0,
        "used_gpu_hours": 0.0,
        "max_gpus": 1.0,
        "max_gpu_hours": 100.0,
        "window_hours": 168.0,
        "max_priority": None,
    }


async def test_folder_that_is_not_trusted_is_an_error_with_a_way_out(api, workspace):
    workspace.settings.leases_dir.write_text("no folder")
    status, code, message = await api.refused("GET", "gpus")
    assert (status, code) == (503, "unavailable")
    assert config.LEASES in message
