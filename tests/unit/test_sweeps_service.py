"""Sweeps as people see them: submitted, looked into, waited for, cancelled."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_mlops.entities import Distribution, Goal, JobStatus, SweepStatus
from jupyter_mlops.errors import Ambiguous, Conflict, InvalidInput, NotFound, WaitTimeout
from jupyter_mlops.services.lookup import job_or_sweep, run_job_or_sweep
from jupyter_mlops.services.sweeps.folder import SweepFolder
from jupyter_mlops.services.sweeps.service import SweepService
from jupyter_mlops.testing.jobs import job_spec
from jupyter_mlops.testing.sweeps import sweep_spec

from .sweep_worlds import SweepWorld, sweep_world, template


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SweepWorld]:
    with sweep_world(tmp_path) as world:
        yield world


def plain_grid(world: SweepWorld, *, goal: Goal | None = None, values=(0.1, 0.2, 0.3)):
    spec = sweep_spec(
        submitted_at=world.clock(),
        space={"lr": Distribution(kind="choice", choices=list(values))},
        goal=goal,
        sampler="grid",
    )
    jobs = [
        world.jobs.submit(
            job_spec(submitted_at=world.clock(), params={"lr": lr}, sweep_id=spec.id, trial=number),
            template(),
            {},
        )
        for number, lr in enumerate(values)
    ]
    return world.sweeps.grid(spec, jobs)


def test_a_submitted_sweep_has_a_row_and_a_folder_and_an_agent_is_asked_for(world):
    sweep = world.submit(gpus=1)
    assert world.sweeps.get(sweep.id[-6:]) == sweep
    assert SweepFolder.of(world.home, sweep.id).is_search
    assert world.agent.asked == [1, 1]


def test_the_submitter_is_noted(world):
    spec = world.submit(user="", host="").spec
    assert (spec.user, spec.host, spec.template.sweep_id) == ("ada", world.settings.host, spec.id)


@pytest.mark.parametrize("changes", [{"trials": 0}, {"gpus": 9}, {"cpus": 99}, {"cwd": "/no/such/folder"}])
def test_a_refused_sweep_leaves_neither_row_nor_folder(world, changes):
    with pytest.raises(InvalidInput):
        world.submit(**changes)
    assert world.sweeps.search() == []
    assert not (world.home / "sweeps").exists()


def test_values_of_secrets_are_kept_out_of_the_row_and_reach_the_trials(world):
    spec = sweep_spec(submitted_at=world.clock(), trials=1)
    spec = replace(spec, template=replace(spec.template, params={"api_token": "abcd1234efgh5678", "n": 1}))
    sweep = world.sweeps.submit(spec, template(), {})
    assert sweep.spec.template.params["api_token"] != "abcd1234efgh5678"
    assert sweep.spec.template.params["n"] == 1


def test_a_plain_grid_gets_its_row_its_best_trial_and_its_table_without_optuna(world):
    sweep = plain_grid(world, goal=Goal(metric="acc", direction="minimize"))
    ended = world.run_to_its_end(sweep)
    assert (ended.status, ended.counts) == (SweepStatus.FINISHED, {"finished": 3})
    assert (ended.best, ended.best_value, ended.best_params) == (0, 0.1, {"lr": 0.1})
    assert (world.opened, world.studies.exists()) == (0, False)
    assert [trial.params for trial in world.sweeps.trials(sweep.id)] == [{"lr": lr} for lr in (0.1, 0.2, 0.3)]
    assert world.sweeps.detail(sweep.id).dashboard is None


def test_a_plain_grid_without_a_goal_has_no_best_trial_and_needs_no_metric(world):
    sweep = plain_grid(world)
    world.tick()
    for job in world.under_way(sweep):
        world.begin(job)
        world.end(job)
    ended = world.run_to_its_end(sweep)
    assert (ended.status, ended.best, ended.counts) == (SweepStatus.FINISHED, None, {"finished": 3})
    assert world.sweeps.detail(sweep.id).importance is None


def test_a_plain_grid_whose_jobs_were_all_cancelled_by_hand_has_failed(world):
    sweep = plain_grid(world)
    for job in world.trials_jobs(sweep):
        world.jobs.cancel(job.id)
    ended = world.run_to_its_end(sweep)
    assert ended.status is SweepStatus.FAILED
    assert ended.reason == "none of 3 trials succeeded; trial 0: cancelled by ada"


def test_cancelling_a_plain_grid_cancels_its_queued_jobs_at_once(world):
    sweep = plain_grid(world)
    world.sweeps.cancel(sweep.id)
    assert {job.status for job in world.trials_jobs(sweep)} == {JobStatus.CANCELLED}
    assert world.run_to_its_end(sweep).status is SweepStatus.CANCELLED


def test_a_grid_without_jobs_is_refused(world):
    with pytest.raises(InvalidInput, match="at least one job"):
        world.sweeps.grid(sweep_spec(), [])


def test_a_sweep_that_has_ended_cannot_be_cancelled(world):
    sweep = world.submit(trials=1)
    world.run_to_its_end(sweep)
    with pytest.raises(Conflict, match="has ended already; its status is finished"):
        world.sweeps.cancel(sweep.id)


def test_waiting_ends_with_the_sweep_or_says_how_far_it_has_come(world):
    sweep = world.submit(trials=2, parallel=1)
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        world.tick()

    service = SweepService(
        world.sweeps.store,
        world.jobs,
        world.runs,
        world.settings,
        study_path=world.studies,
        monotonic=lambda: now,
        sleep=sleep,
    )
    with pytest.raises(WaitTimeout, match=f"After 5 s, sweep {sweep.id[-6:]} goes on: 1 queued"):
        service.wait(sweep.id, timeout_s=5)
    world.run_to_its_end(sweep)
    assert service.wait(sweep.id, timeout_s=5).status is SweepStatus.FINISHED


def test_reading_has_an_agent_started_where_a_sweep_is_open(world):
    sweep = world.submit(trials=1)
    asked = len(world.agent.asked)
    world.sweeps.refresh()
    assert len(world.agent.asked) == asked + 1
    world.run_to_its_end(sweep)
    asked = len(world.agent.asked)
    world.sweeps.refresh()
    assert len(world.agent.asked) == asked


def test_a_running_trial_shows_its_value_so_far(world):
    sweep = world.submit(trials=1)
    world.tick()
    (job,) = world.under_way(sweep)
    world.begin(job)
    world.runs.log(job, 0.25, step=1)
    world.tick()
    world.tick()
    (trial,) = world.sweeps.trials(sweep.id)
    assert (trial.status.value, trial.value, trial.job_id, trial.run_id) == ("running", 0.25, job.id, job.id)


def test_importance_is_told_once_four_trials_have_finished(world):
    space = {
        "lr": Distribution(kind="uniform", low=0, high=1),
        "noise": Distribution(kind="uniform", low=0, high=1),
    }
    sweep = world.submit(trials=20, space=space)
    for _ in range(4):
        world.tick()
    assert world.sweeps.importance(sweep.id) is None
    world.run_to_its_end(sweep)
    found = world.sweeps.importance(sweep.id)
    assert sum(found.values()) == pytest.approx(1)
    assert found["lr"] > found["noise"]


def test_changes_and_statuses_are_listed(world):
    sweep = world.submit(trials=1)
    seq, ids = world.sweeps.changes(0)
    assert ids == [sweep.id]
    world.run_to_its_end(sweep)
    assert world.sweeps.changes(seq)[1] == [sweep.id]
    assert [each.id for each in world.sweeps.search(status="finished")] == [sweep.id]
    assert world.sweeps.search(status="running") == []
    with pytest.raises(InvalidInput, match="No sweep status 'done'"):
        world.sweeps.search(status="done")


class NoRuns:
    def detail(self, run_id: str) -> None:
        raise NotFound("no run")


def test_an_id_names_a_run_a_job_or_a_sweep(world):
    sweep = world.submit(trials=1)
    world.tick()
    (job,) = world.trials_jobs(sweep)
    found = run_job_or_sweep(NoRuns(), world.jobs, world.sweeps, sweep.id[-8:])
    assert found.sweep.id == sweep.id
    assert run_job_or_sweep(NoRuns(), world.jobs, world.sweeps, job.id[-8:]).id == job.id
    assert job_or_sweep(world.jobs, world.sweeps, sweep.id) == ("sweep", sweep.id)
    assert job_or_sweep(world.jobs, world.sweeps, job.id) == ("job", job.id)
    with pytest.raises(NotFound, match="No run, job or sweep 'zzzz'"):
        run_job_or_sweep(NoRuns(), world.jobs, world.sweeps, "zzzz")
    with pytest.raises(NotFound, match="No job or sweep 'zzzz'"):
        job_or_sweep(world.jobs, world.sweeps, "zzzz")


def test_an_id_that_ends_a_job_and_a_sweep_is_ambiguous(world):
    world.submit(id="0" * 20 + "aabbcc")
    world.jobs.submit(job_spec(id="1" * 20 + "aabbcc"), template(), {})
    with pytest.raises(Ambiguous, match="sweep"):
        run_job_or_sweep(NoRuns(), world.jobs, world.sweeps, "aabbcc")
    with pytest.raises(Ambiguous, match="of job aabbcc and of sweep aabbcc"):
        job_or_sweep(world.jobs, world.sweeps, "aabbcc")


def test_neither_the_server_nor_an_agent_without_a_search_imports_optuna(tmp_path):
    program = (
        "import sys, jupyter_mlops.server.extension, jupyter_mlops.server.sweeps\n"
        "from jupyter_mlops.agent import _compose\n"
        "from jupyter_mlops.workspace import current\n"
        "loop, slots, pusher = _compose()\n"
        "loop.tick(1.0)\n"
        "current().sweeps.search(); current().sweeps.changes(0)\n"
        "print('optuna' in sys.modules)"
    )
    variables = {"JUPYTER_MLOPS_HOME": str(tmp_path), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=variables,
        check=False,
        timeout=60,
    )
    assert result.stdout == "False\n", result.stderr
