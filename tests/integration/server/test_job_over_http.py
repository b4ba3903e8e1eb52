"""The main job over HTTP alone: submit a saved notebook, watch it run, read what it left."""

from __future__ import annotations

import asyncio
import time

import pytest

from .notebook_files import save_notebook

DEADLINE_S = 120.0
OPEN = {"queued", "starting", "running"}


@pytest.fixture
def real_agent(workspace):
    """Whatever agent the test starts ends with it."""
    yield workspace.agent
    workspace.agent.stop()


async def ended(api, job_id: str) -> dict:
    """The job once it has ended."""
    deadline = time.monotonic() + DEADLINE_S
    while (job := await api.get(f"jobs/{job_id}"))["status"] in OPEN:
        if time.monotonic() > deadline:
            log = await api.get(f"jobs/{job_id}/log")
            pytest.fail(f"the job is {job['status']} after {DEADLINE_S} s; its log: {log['text']}")
        await asyncio.sleep(0.1)
    return job


async def test_a_notebook_is_submitted_run_and_read_over_http(api, real_agent, jp_root_dir):
    save_notebook(
        jp_root_dir / "sub" / "train.ipynb",
        "import os, pathlib, jupyter_mlops as mlops",
        "print('learning with', lr, 'in', pathlib.Path.cwd().name)",
        "for step in range(3):\n    mlops.log(loss=lr / (step + 1), step=step)",
        "print('gpus', len(os.environ['CUDA_VISIBLE_DEVICES'].split(',')))",
        parameters="lr = 0.1",
    )
    submitted = await api.send(
        "POST", "jobs", {"path": "sub/train.ipynb", "name": "over http", "params": {"lr": "0.6"}, "gpus": 1}
    )
    job_id = submitted["jobs"][0]["spec"]["id"]

    job = await ended(api, job_id)
    log = await api.get(f"jobs/{job_id}/log")
    assert job["status"] == "succeeded", log["text"]
    assert job["progress"]["done"] == job["progress"]["total"]
    assert "learning with 0.6 in sub" in log["text"]
    assert log["ended"]

    notebook = await api.get(f"jobs/{job_id}/notebook")
    printed = [output["text"] for cell in notebook["cells"] for output in cell.get("outputs", [])]
    assert printed == [["learning with 0.6 in sub\n"], ["gpus 1\n"]]

    run = (await api.get(f"runs/{job['run_id']}"))["run"]
    assert (run["kind"], run["status"], run["job_id"]) == ("job", "finished", job_id)
    history = await api.get(f"runs/{job['run_id']}/history", name="loss")
    assert history["values"] == pytest.approx([0.6, 0.3, 0.2])
    nodes = {node["id"] for node in (await api.get(f"jobs/{job_id}/lineage"))["nodes"]}
    assert {f"job:{job_id}", f"run:{job['run_id']}"} <= nodes


async def test_a_running_job_is_followed_and_cancelled_over_http(api, real_agent, jp_root_dir):
    save_notebook(jp_root_dir / "long.ipynb", "print('begun', flush=True)\nimport time\ntime.sleep(600)")
    submitted = await api.send("POST", "jobs", {"path": "long.ipynb"})
    job_id = submitted["jobs"][0]["spec"]["id"]
    deadline = time.monotonic() + DEADLINE_S
    while "begun" not in (await api.get(f"jobs/{job_id}/log"))["text"]:
        assert time.monotonic() < deadline, "nothing was printed"
        await asyncio.sleep(0.1)
    assert (await api.get("jobs", status="running"))["jobs"][0]["spec"]["id"] == job_id
    assert (await api.get("status"))["agent"] == {"running": True}
    assert (await api.send("POST", f"jobs/{job_id}/cancel"))["cancel_requested"] is True
    job = await ended(api, job_id)
    assert job["status"] == "cancelled"
    assert (await api.get(f"runs/{job['run_id']}"))["run"]["status"] == "cancelled"
