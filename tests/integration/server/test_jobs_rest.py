"""Jobs over HTTP: a real queue, with nobody to work on it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from jupyter_mlops import wire
from jupyter_mlops.entities import Distribution, Exit, Goal, JobStatus
from jupyter_mlops.services.jobs.folder import JobFolder
from jupyter_mlops.services.schedules.occurrences import local_timezone
from jupyter_mlops.testing.jobs import FakeAgent

from .journals import RunFiles
from .notebook_files import save_notebook


@pytest.fixture
def agent(workspace) -> FakeAgent:
    workspace.agent = FakeAgent()
    return workspace.agent


@pytest.fixture
def notebook(agent, jp_root_dir) -> Path:
    return save_notebook(
        jp_root_dir / "sub" / "train.ipynb",
        "print(lr)",
        parameters="lr = 0.1  # the learning rate\nepochs = 3",
    )


NOTEBOOK = "sub/train.ipynb"


async def test_a_saved_notebook_becomes_a_job(api, notebook, agent, workspace):
    answer = await api.send(
        "POST",
        "jobs",
        {"path": NOTEBOOK, "name": "try", "params": {"lr": "0.5"}, "gpus": 1, "memory": "1M", "time": "2h"},
    )
    (job,) = answer["jobs"]
    assert answer == {
        "jobs": [wire.to_json(workspace.jobs.get(job["spec"]["id"]))],
        "sweep_id": None,
        "sweep": None,
        "schedule": None,
        "notes": ["On local: 2 of 2 GPUs are free."],
    }
    spec = job["spec"]
    assert (spec["name"], spec["user"], spec["params"]) == ("try", "ada", {"lr": 0.5})
    assert (spec["notebook"], spec["cwd"]) == (str(notebook), str(notebook.parent))
    assert spec["interpreter"] == sys.executable
    assert spec["resources"] == {
        "gpus": 1,
        "gpu_memory_bytes": None,
        "cpus": 1,
        "memory_bytes": 1024**2,
        "time_limit_s": 7200.0,
    }
    assert job["status"] == "queued"
    assert agent.asked[0] == 1


async def test_submitting_answers_201(api, notebook):
    assert (await api.fetch("POST", "jobs", {"path": NOTEBOOK})).code == 201


async def test_commas_make_a_sweep(api, notebook):
    answer = await api.send("POST", "jobs", {"path": NOTEBOOK, "params": {"lr": "0.1,0.2", "epochs": "1,2"}})
    assert [job["spec"]["params"] for job in answer["jobs"]] == [
        {"lr": 0.1, "epochs": 1},
        {"lr": 0.1, "epochs": 2},
        {"lr": 0.2, "epochs": 1},
        {"lr": 0.2, "epochs": 2},
    ]
    assert {job["spec"]["sweep_id"] for job in answer["jobs"]} == {answer["sweep_id"]}
    listed = await api.get("jobs", sweep_id=answer["sweep_id"])
    assert len(listed["jobs"]) == 4


async def test_several_values_are_kept_as_a_sweep(api, notebook, workspace):
    answer = await api.send(
        "POST", "jobs", {"path": NOTEBOOK, "params": {"lr": "0.1,0.2"}, "goal": "maximize:a"}
    )
    sweep = workspace.sweeps.get(answer["sweep_id"])
    assert answer["sweep"]["spec"]["id"] == sweep.id
    assert (sweep.spec.sampler, sweep.spec.trials, sweep.spec.goal.metric) == ("grid", 2, "a")
    assert [job["spec"]["trial"] for job in answer["jobs"]] == [0, 1]


async def test_a_search_has_no_jobs_yet(api, notebook, workspace):
    answer = await api.send(
        "POST",
        "jobs",
        {
            "path": NOTEBOOK,
            "params": {"lr": "loguniform(1e-4, 1)", "epochs": "5"},
            "trials": 3,
            "goal": "minimize:loss",
            "sampler": "random",
            "pruner": "median",
            "seed": 7,
            "parallel": 1,
        },
    )
    assert answer["jobs"] == []
    spec = workspace.sweeps.get(answer["sweep_id"]).spec
    assert spec.space == {"lr": Distribution(kind="loguniform", low=1e-4, high=1)}
    assert (spec.trials, spec.sampler, spec.pruner, spec.seed, spec.parallel) == (3, "random", "median", 7, 1)
    assert spec.goal == Goal(metric="loss", direction="minimize")
    assert spec.template.params == {"epochs": 5}


async def test_a_job_can_wait_for_others_and_keep_variables(api, notebook):
    (first,) = (await api.send("POST", "jobs", {"path": NOTEBOOK}))["jobs"]
    body = {"path": NOTEBOOK, "after": [first["spec"]["id"]], "returns": ["lr"]}
    (second,) = (await api.send("POST", "jobs", body))["jobs"]
    assert (second["spec"]["after"], second["spec"]["returns"]) == ([first["spec"]["id"]], ["lr"])


async def test_a_job_says_how_it_shares_a_gpu_and_what_is_tried_again(api, notebook):
    body = {
        "path": NOTEBOOK,
        "gpus": 0.5,
        "gpu_memory": "1G",
        "retries": 3,
        "retry_on": ["memory", "node"],
        "retry_delay": "30s",
    }
    first = (await api.send("POST", "jobs", {"path": NOTEBOOK}))["jobs"][0]["spec"]["id"]
    (job,) = (await api.send("POST", "jobs", {**body, "after_any": [first]}))["jobs"]
    spec = job["spec"]
    assert (spec["resources"]["gpus"], spec["resources"]["gpu_memory_bytes"]) == (0.5, 1024**3)
    assert (spec["retries"], spec["retry_on"], spec["retry_delay_s"]) == (3, ["memory", "node"], 30)
    assert (spec["after"], spec["after_any"]) == ([], [first])


async def test_a_dry_run_queues_nothing(api, notebook, workspace):
    answer = await api.send("POST", "jobs", {"path": NOTEBOOK, "params": {"lr": "0.5"}, "dry_run": True})
    assert answer["jobs"] == 1
    assert "".join(answer["notebook"]["cells"][1]["source"]) == "# Parameters\nlr = 0.5"
    assert workspace.jobs.search() == []


async def test_json_values_are_taken_as_they_are(api, notebook):
    answer = await api.send("POST", "jobs", {"path": NOTEBOOK, "params": {"lr": 0.25, "epochs": [1, 2]}})
    assert [job["spec"]["params"] for job in answer["jobs"]] == [
        {"lr": 0.25, "epochs": 1},
        {"lr": 0.25, "epochs": 2},
    ]


async def test_a_job_gets_the_servers_environment_without_its_secrets(api, notebook, workspace, monkeypatch):
    monkeypatch.setenv("JUPYTER_TOKEN", "opens the server")
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "opens the hub")
    monkeypatch.setenv("DATA_FOLDER", "/data")
    answer = await api.send("POST", "jobs", {"path": NOTEBOOK})
    job_id = answer["jobs"][0]["spec"]["id"]
    environment = JobFolder.of(workspace.settings.home, job_id).environment()
    assert environment["DATA_FOLDER"] == "/data"
    assert environment["PATH"] == os.environ["PATH"]
    assert not {"opens the server", "opens the hub"} & set(environment.values())


@pytest.mark.parametrize(
    ("body", "status", "code", "words"),
    [
        ({"path": "sub/other.ipynb"}, 404, "not_found", "Save it first"),
        ({"path": "sub"}, 400, "invalid_input", "must end in .ipynb"),
        ({"path": ""}, 400, "invalid_input", "path of a notebook is missing"),
        ({"path": "../outside.ipynb"}, 400, "invalid_input", "leads out of"),
        ({"path": "sub/../../outside.ipynb"}, 400, "invalid_input", "leads out of"),
        ({"path": "link.ipynb"}, 400, "invalid_input", "leads out of"),
        ({"path": "/etc/x.ipynb"}, 404, "not_found", "Save it first"),
        ({"path": "a\0b.ipynb"}, 400, "invalid_input", "path of a notebook"),
        ({"path": "broken.ipynb"}, 400, "invalid_input", "broken.ipynb"),
        ({"path": NOTEBOOK, "params": {"rl": "1"}}, 400, "invalid_parameter", "Known: lr, epochs"),
        ({"path": NOTEBOOK, "params": {"epochs": "many"}}, 400, "invalid_parameter", "many"),
        ({"path": NOTEBOOK, "params": {"not a name": "1"}}, 400, "invalid_parameter", "not a name"),
        ({"path": NOTEBOOK, "params": {"lr": "1,,2"}}, 400, "invalid_parameter", "1,,2"),
        ({"path": NOTEBOOK, "gpus": 3}, 400, "invalid_input", "3 GPUs"),
        ({"path": NOTEBOOK, "gpus": -1}, 400, "invalid_input", "-1"),
        ({"path": NOTEBOOK, "gpus": 1.5}, 400, "invalid_input", "whole GPUs, or a share of one"),
        ({"path": NOTEBOOK, "gpu_memory": "6G"}, 400, "invalid_input", "add a GPU or a share of one"),
        ({"path": NOTEBOOK, "executor": "local,mars"}, 400, "invalid_input", "No executor 'mars'"),
        (
            {"path": NOTEBOOK, "options": {"slurm": {"partition": "gpu"}}},
            400,
            "invalid_input",
            "--slurm-partition is for jobs on slurm",
        ),
        ({"path": NOTEBOOK, "retries": 1, "retry_on": ["oom"]}, 400, "invalid_input", "called 'oom'"),
        ({"path": NOTEBOOK, "retry_delay": "1m"}, 400, "invalid_input", "add how often"),
        ({"path": NOTEBOOK, "after_any": ["nosuch"]}, 404, "not_found", "nosuch"),
        ({"path": NOTEBOOK, "memory": "much"}, 400, "invalid_input", "much"),
        ({"path": NOTEBOOK, "time": "soon"}, 400, "invalid_input", "soon"),
        ({"path": NOTEBOOK, "retries": -1}, 400, "invalid_input", "-1"),
        ({"path": NOTEBOOK, "executor": "moon"}, 400, "invalid_input", "moon"),
        ({"path": NOTEBOOK, "goal": "acc"}, 400, "invalid_input", "Write maximize:METRIC"),
        (
            {"path": NOTEBOOK, "trials": 3, "goal": "maximize:a"},
            400,
            "invalid_input",
            "nothing to search over",
        ),
        ({"path": NOTEBOOK, "params": {"lr": "uniform(0,1)"}}, 400, "invalid_parameter", "how many trials"),
        ({"path": NOTEBOOK, "params": {"lr": "uniform(1,0)"}}, 400, "invalid_parameter", "comes first"),
        ({"path": NOTEBOOK, "after": ["nosuchjob"]}, 404, "not_found", "nosuchjob"),
        ({"path": NOTEBOOK, "returns": ["model"]}, 400, "invalid_input", "no cell of the job sets 'model'"),
    ],
)
async def test_what_cannot_run_is_refused_before_anything_is_queued(
    api, notebook, jp_root_dir, tmp_path, body, status, code, words
):
    outside = save_notebook(tmp_path / "outside.ipynb")
    (jp_root_dir / "link.ipynb").symlink_to(outside)
    (jp_root_dir / "broken.ipynb").write_text("{")
    refusal = await api.refused("POST", "jobs", body)
    assert refusal[:2] == (status, code)
    assert words in refusal[2]
    assert await api.get("jobs") == {"jobs": []}


async def test_jobs_are_listed_newest_first_by_status_and_page(api, notebook, workspace):
    for name in ("a", "b", "c"):
        await api.send("POST", "jobs", {"path": NOTEBOOK, "name": name})
    newest = (await api.get("jobs"))["jobs"]
    assert [job["spec"]["name"] for job in newest] == ["c", "b", "a"]
    await api.send("POST", f"jobs/{newest[0]['spec']['id']}/cancel", {})

    async def names(**query) -> list[str]:
        return [job["spec"]["name"] for job in (await api.get("jobs", **query))["jobs"]]

    assert await names(status="queued") == ["b", "a"]
    assert await names(status="cancelled") == ["c"]
    assert await names(limit=1, offset=1) == ["b"]


async def test_a_queued_job_is_cancelled_once(api, notebook):
    job_id = (await api.send("POST", "jobs", {"path": NOTEBOOK}))["jobs"][0]["spec"]["id"]
    assert (await api.send("POST", f"jobs/{job_id}/cancel"))["status"] == "cancelled"
    assert (await api.get(f"jobs/{job_id[-6:]}"))["status"] == "cancelled"
    assert (await api.refused("POST", f"jobs/{job_id}/cancel"))[:2] == (409, "conflict")


@pytest.mark.parametrize("path", ["", "/log", "/notebook", "/lineage"])
async def test_an_unknown_job_is_not_found(api, agent, path):
    status, code, message = await api.refused("GET", f"jobs/zzzzzz{path}")
    assert (status, code) == (404, "not_found")
    assert "zzzzzz" in message


async def test_a_log_is_read_on_from_where_the_last_part_ended(api, notebook, workspace):
    job_id = (await api.send("POST", "jobs", {"path": NOTEBOOK}))["jobs"][0]["spec"]["id"]
    assert await api.get(f"jobs/{job_id}/log") == {"text": "", "next_offset": 0, "ended": False}
    attempt = JobFolder.of(workspace.settings.home, job_id).attempt(1)
    attempt.log.write_text("first\nsecond\n")
    part = await api.get(f"jobs/{job_id}/log", limit=6)
    assert part == {"text": "first\n", "next_offset": 6, "ended": False}
    workspace.jobs.store.update(workspace.jobs.get(job_id), status=JobStatus.RUNNING)
    attempt.finish(Exit(status=JobStatus.FAILED, ended_at=1.0, reason="test"))
    workspace.jobs.refresh()
    rest = await api.get(f"jobs/{job_id}/log", offset=part["next_offset"], limit=10**9)
    assert rest == {"text": "second\n", "next_offset": 13, "ended": True}


async def test_the_executed_notebook_is_served_as_far_as_it_has_come(api, notebook, workspace):
    job_id = (await api.send("POST", "jobs", {"path": NOTEBOOK}))["jobs"][0]["spec"]["id"]
    status, code, message = await api.refused("GET", f"jobs/{job_id}/notebook")
    assert (status, code) == (404, "not_found")
    assert "queued" in message
    output = JobFolder.of(workspace.settings.home, job_id).attempt(1).output
    output.write_bytes(notebook.read_bytes())
    assert await api.get(f"jobs/{job_id}/notebook") == json.loads(notebook.read_text())


async def test_lineage_of_a_job_has_it_in_its_focus(api, notebook, workspace):
    job_id = (await api.send("POST", "jobs", {"path": NOTEBOOK}))["jobs"][0]["spec"]["id"]
    run_id = RunFiles(workspace.settings.home).finished(job_id=job_id)
    lineage = await api.get(f"jobs/{job_id}/lineage")
    assert lineage["focus"] == f"job:{job_id}"
    assert {f"job:{job_id}", f"run:{run_id}"} <= {node["id"] for node in lineage["nodes"]}


async def test_a_notebook_tells_its_parameters_and_there_are_slots_for_it(api, notebook):
    assert await api.get("notebooks/parameters", path=NOTEBOOK) == {
        "parameters": [
            {"name": "lr", "default": 0.1, "type": "float", "help": "the learning rate"},
            {"name": "epochs", "default": 3, "type": "int", "help": ""},
        ],
        "tagged": True,
        "proposals": [],
        "language": "python",
        "gpus": 2,
        "virtual": True,
        "executors": ["local", "ray", "slurm"],
        "timezone": local_timezone(),
    }


@pytest.mark.parametrize(
    "path", ["../outside.ipynb", "sub/train.py", "%2e%2e/outside.ipynb", "nowhere.ipynb"]
)
async def test_parameters_of_what_is_no_notebook_here_are_refused(api, notebook, tmp_path, path):
    save_notebook(tmp_path / "outside.ipynb", parameters="secret = 1")
    status, _, message = await api.refused("GET", "notebooks/parameters", path=path)
    assert status in {400, 404}
    assert "secret" not in message
