"""The agent's turns over sweeps, with a fake executor and a clock that stands still."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import nbformat
import optuna
import pytest

from jupyter_mlops.entities import Distribution, Goal, JobStatus, SweepStatus, TrialStatus
from jupyter_mlops.services.jobs.folder import JobFolder
from jupyter_mlops.services.sweeps.folder import SweepFolder
from jupyter_mlops.services.sweeps.loop import capacity_of
from jupyter_mlops.services.sweeps.study import Study
from jupyter_mlops.services.tracking import pruning
from jupyter_mlops.testing.executors import FakeExecutor
from jupyter_mlops.testing.jobs import job_spec

from .sweep_worlds import SweepWorld, sweep_world, template

CHOICES = {
    "lr": Distribution(kind="choice", choices=[0.1, 0.2, 0.3]),
    "n": Distribution(kind="int", low=1, high=2),
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SweepWorld]:
    with sweep_world(tmp_path) as world:
        yield world


def states(world: SweepWorld, sweep) -> list[str]:
    return [trial.status.value for trial in world.sweeps.trials(sweep.id)]


def told(world: SweepWorld, sweep) -> list[tuple[str, float | None]]:
    """State and value of the trials as Optuna's own reader of the file has them."""
    name = f"{sweep.spec.name} {sweep.id}"
    study = optuna.load_study(study_name=name, storage=f"sqlite:///{world.studies}")
    return [(trial.state.name, trial.value) for trial in study.trials]


def test_a_search_goes_from_its_submission_to_its_best_trial(world):
    sweep = world.submit(trials=5, seed=3)
    assert (sweep.status, sweep.counts, sweep.best) == (SweepStatus.RUNNING, {}, None)
    ended = world.run_to_its_end(sweep)
    trials = world.sweeps.trials(sweep.id)
    assert [trial.number for trial in trials] == [0, 1, 2, 3, 4]
    assert [trial.value for trial in trials] == [trial.params["lr"] for trial in trials]
    best = max(trials, key=lambda trial: trial.value)
    assert (ended.status, ended.reason, ended.counts) == (SweepStatus.FINISHED, "", {"finished": 5})
    assert (ended.best, ended.best_value, ended.best_params) == (best.number, best.value, best.params)
    assert told(world, sweep) == [("COMPLETE", trial.value) for trial in trials]
    assert world.tick() == 0


def test_each_trial_runs_the_notebook_with_its_values_after_those_that_are_fixed(world):
    cells = ("lr = 0.1\nepochs = 5\ndata = 'a'", "epochs = 7\ndata = ('x', 1)", "print(lr, epochs, data)")
    notebook = nbformat.reads(template(*cells).decode(), as_version=4)
    notebook.cells[1].metadata["tags"] = ["injected-parameters"]
    notebook.metadata["papermill"] = {"parameters": {"epochs": 7, "data": ["x", 1]}}
    spec = world.submit().spec
    from dataclasses import replace

    sweep = world.sweeps.submit(
        replace(spec, id=spec.id[:-1] + "0", trials=1), nbformat.writes(notebook).encode(), {}
    )
    world.tick()
    (job,) = world.trials_jobs(sweep)
    made = nbformat.reads(JobFolder.of(world.home, job.id).input.read_text(), as_version=4)
    namespace: dict = {}
    for cell in made.cells[:-1]:
        exec(cell.source, namespace)
    assert (namespace["lr"], namespace["epochs"]) == (job.spec.params["lr"], 7)
    assert namespace["data"] == ("x", 1)
    assert made.metadata.papermill.parameters == {"lr": job.spec.params["lr"], "epochs": 7, "data": ["x", 1]}
    assert (job.spec.sweep_id, job.spec.trial, job.spec.tags) == (sweep.id, 0, {"trial": "0"})


def test_as_many_trials_are_open_as_cores_allow(world):
    sweep = world.submit(trials=9, cpus=2)
    for _ in range(3):
        world.tick()
    assert len(world.trials_jobs(sweep)) == 2
    assert len(world.under_way(sweep)) == 2


def test_as_many_trials_are_open_as_gpus_allow(tmp_path):
    with sweep_world(tmp_path, cpus=16, gpus=3) as world:
        sweep = world.submit(trials=9, gpus=1)
        for _ in range(3):
            world.tick()
        assert len(world.under_way(sweep)) == 3


def test_search_on_a_cluster_has_eight_trials_open_where_nobody_says_how_many():
    executors = {"local": FakeExecutor(gpus=2, cpus=4), "slurm": FakeExecutor(gpus=0, keeps_queue=True)}
    assert capacity_of(job_spec(gpus=1, executor="slurm"), executors) == 8
    assert capacity_of(job_spec(gpus=1, executors=["local", "slurm"]), executors) == 10


def test_parallel_says_how_many_trials_are_open(world):
    sweep = world.submit(trials=9, parallel=1)
    for _ in range(3):
        world.tick()
    assert len(world.trials_jobs(sweep)) == 1
    world.work(sweep)
    world.tick()
    world.tick()
    assert states(world, sweep) == ["finished", "queued"]


def test_a_seed_makes_the_same_trials_also_when_the_agent_is_replaced(world):
    one, other = world.submit(trials=4, parallel=1, seed=11), world.submit(trials=4, parallel=1, seed=11)
    world.run_to_its_end(one)
    for _ in range(40):
        if not world.tick():
            break
        world.work(other)
        world.new_agent()
    params = [[trial.params for trial in world.sweeps.trials(each.id)] for each in (one, other)]
    assert params[0] == params[1]
    assert len({each["lr"] for each in params[0]}) == 4


@pytest.mark.parametrize("sampler", ["tpe", "random", "cmaes"])
def test_every_sampler_searches(world, sampler):
    space = {
        "lr": Distribution(kind="loguniform", low=1e-4, high=1e-1),
        "wd": Distribution(kind="uniform", low=0.0, high=1.0),
        "layers": Distribution(kind="int", low=2, high=8, step=2),
        "width": Distribution(kind="logint", low=8, high=512),
        "kind": Distribution(kind="choice", choices=["a", None, True, 3, 0.5]),
    }
    sweep = world.submit(trials=6, sampler=sampler, space=space)
    assert world.run_to_its_end(sweep).status is SweepStatus.FINISHED
    for trial in world.sweeps.trials(sweep.id):
        assert set(trial.params) == set(space)
        assert 1e-4 <= trial.params["lr"] <= 1e-1
        assert trial.params["layers"] in (2, 4, 6, 8)
        assert isinstance(trial.params["width"], int)
        assert trial.params["kind"] in space["kind"].choices


def test_a_grid_with_a_goal_goes_through_all_its_points_once(world):
    sweep = world.submit(trials=100, sampler="grid", space=CHOICES, pruner="median")
    assert sweep.spec.trials == 6
    assert world.run_to_its_end(sweep).counts == {"finished": 6}
    found = [tuple(trial.params.values()) for trial in world.sweeps.trials(sweep.id)]
    assert found == [(lr, n) for lr in (0.1, 0.2, 0.3) for n in (1, 2)]


def test_the_least_value_is_the_best_when_the_goal_is_to_minimize(world):
    sweep = world.submit(trials=4, goal=Goal(metric="acc", direction="minimize"))
    ended = world.run_to_its_end(sweep)
    assert ended.best_value == min(trial.value for trial in world.sweeps.trials(sweep.id))


def test_a_failed_trial_is_told_as_failed_and_the_others_go_on(world):
    sweep = world.submit(trials=3, parallel=1)
    world.tick()
    (job,) = world.under_way(sweep)
    world.begin(job)
    world.end(job, JobStatus.FAILED, "the submitted cell raised ValueError: no")
    ended = world.run_to_its_end(sweep)
    assert (ended.status, ended.counts) == (SweepStatus.FINISHED, {"finished": 2, "failed": 1})
    assert [state for state, _ in told(world, sweep)] == ["FAIL", "COMPLETE", "COMPLETE"]
    assert world.sweeps.trials(sweep.id)[0].reason == "the submitted cell raised ValueError: no"


def test_a_sweep_has_failed_when_none_of_its_trials_succeeded(world):
    sweep = world.submit(trials=2)
    world.tick()
    for job in world.under_way(sweep):
        world.begin(job)
        world.end(job, JobStatus.FAILED, "no data")
    ended = world.run_to_its_end(sweep)
    assert (ended.status, ended.best) == (SweepStatus.FAILED, None)
    assert ended.reason == "none of 2 trials succeeded; trial 0: no data"


def test_a_trial_that_never_logged_the_goal_has_failed_and_says_what_it_logged(world):
    sweep = world.submit(trials=1)
    world.tick()
    (job,) = world.under_way(sweep)
    world.begin(job)
    world.runs.log(job, 0.5, metric="acc1")
    world.end(job)
    assert world.run_to_its_end(sweep).status is SweepStatus.FAILED
    (trial,) = world.sweeps.trials(sweep.id)
    assert (trial.status, trial.reason) == (
        TrialStatus.FAILED,
        "never logged 'acc', only acc1; did you mean 'acc1'?",
    )
    assert told(world, sweep) == [("FAIL", None)]


def test_a_trial_that_logged_nothing_says_how_to(world):
    sweep = world.submit(trials=1)
    world.tick()
    world.begin(world.under_way(sweep)[0])
    world.end(world.trials_jobs(sweep)[0])
    world.run_to_its_end(sweep)
    assert world.sweeps.trials(sweep.id)[0].reason == (
        "never logged 'acc', nor any other metric: mlops.log(acc=...)"
    )


def test_a_search_for_a_metric_that_no_trial_logs_ends_after_three_trials(world):
    sweep = world.submit(trials=40, parallel=1)
    for _ in range(5):
        world.tick()
        for job in world.under_way(sweep):
            world.begin(job)
            world.runs.log(job, 0.5, metric="acc1")
            world.end(job)
    ended = world.run_to_its_end(sweep)
    assert (ended.status, ended.counts) == (SweepStatus.FAILED, {"failed": 3})
    assert ended.reason == (
        "none of 3 trials succeeded, and the other 37 were not tried; "
        "trial 0: never logged 'acc', only acc1; did you mean 'acc1'?"
    )


def test_a_search_goes_on_when_one_of_its_trials_has_logged_the_goal(world):
    sweep = world.submit(trials=6, parallel=2)
    world.tick()
    world.work(sweep)
    for _ in range(5):
        world.tick()
        for job in world.under_way(sweep):
            world.begin(job)
            world.end(job)
    assert world.run_to_its_end(sweep).counts == {"finished": 2, "failed": 4}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_is_told_as_failed_and_an_infinite_one_counts(world, value):
    sweep = world.submit(trials=1)
    world.tick()
    world.work(sweep, value=value)
    ended = world.run_to_its_end(sweep)
    (trial,) = world.sweeps.trials(sweep.id)
    if math.isnan(value):
        assert (trial.status, trial.reason) == (TrialStatus.FAILED, "acc was NaN at the end")
        assert (ended.status, told(world, sweep)) == (SweepStatus.FAILED, [("FAIL", None)])
    else:
        assert (trial.status, ended.best_value) == (TrialStatus.FINISHED, value)
        assert told(world, sweep) == [("COMPLETE", value)]


def test_the_last_value_counts_and_a_run_within_the_jobs_run_will_do(world):
    sweep = world.submit(trials=2)
    world.tick()
    first, second = world.under_way(sweep)
    for value in (0.9, 0.2):
        world.runs.log(first, value)
    world.runs.within[second.id] = {"acc": 0.4}
    for job in (first, second):
        world.begin(job)
        world.end(job)
    world.run_to_its_end(sweep)
    assert [trial.value for trial in world.sweeps.trials(sweep.id)] == [0.2, 0.4]


def finish(world: SweepWorld, sweep, count: int, values: list[float]) -> None:
    """So many trials run to their ends, each with these values by step."""
    for _ in range(count):
        world.tick()
        (job,) = world.under_way(sweep)
        world.begin(job)
        for step, value in enumerate(values):
            world.runs.log(job, value, step=step)
        world.tick()
        world.tick()
        world.end(job)
        world.tick()


def test_a_trial_that_lags_behind_is_asked_to_stop_and_is_told_as_pruned(world):
    sweep = world.submit(trials=7, parallel=1, pruner="median")
    finish(world, sweep, 5, [0.5, 0.6, 0.7])
    world.tick()
    (job,) = world.under_way(sweep)
    world.begin(job)
    folder = world.attempt(job).path
    pruning.allow(folder)
    world.runs.log(job, 0.1, step=0)
    world.tick()
    world.tick()
    assert pruning.asked(folder) == "pruned at step 0: acc=0.1 (median pruner)"
    world.runs.log(job, 0.2, step=1)
    world.tick()
    world.end(job, JobStatus.CANCELLED, pruning.asked(folder) or "")
    ended = world.run_to_its_end(sweep)
    trial = world.sweeps.trials(sweep.id)[5]
    assert (trial.status, trial.reason) == (TrialStatus.PRUNED, "pruned at step 0: acc=0.1 (median pruner)")
    assert ended.counts == {"finished": 6, "pruned": 1}
    assert told(world, sweep)[5] == ("PRUNED", 0.1)


def test_a_trial_that_ends_before_it_sees_the_wish_has_finished(world):
    sweep = world.submit(trials=6, parallel=1, pruner="median")
    finish(world, sweep, 5, [0.5, 0.6])
    world.tick()
    (job,) = world.under_way(sweep)
    world.begin(job)
    world.runs.log(job, 0.1, step=0)
    world.tick()
    world.tick()
    assert pruning.asked(world.attempt(job).path)
    world.end(job)
    assert world.run_to_its_end(sweep).counts == {"finished": 6}
    assert told(world, sweep)[5] == ("COMPLETE", 0.1)


def test_a_trial_that_does_well_is_let_be(world):
    sweep = world.submit(trials=6, parallel=1, pruner="median")
    finish(world, sweep, 5, [0.5, 0.6])
    world.tick()
    (job,) = world.under_way(sweep)
    world.begin(job)
    world.runs.log(job, 0.9, step=0)
    world.tick()
    world.tick()
    assert pruning.asked(world.attempt(job).path) is None


def test_hyperband_prunes_too(world):
    sweep = world.submit(trials=12, parallel=1, pruner="hyperband", sampler="random")
    asked = 0
    for number in range(12):
        world.tick()
        (job,) = world.under_way(sweep)
        world.begin(job)
        for step in range(1, 28):
            world.runs.log(job, (12 - number) * step / 100, step=step)
            if step in (1, 3, 9, 27):
                world.tick()
            if pruning.asked(world.attempt(job).path):
                break
        wish = pruning.asked(world.attempt(job).path)
        asked += wish is not None
        world.end(job, JobStatus.CANCELLED if wish else JobStatus.SUCCEEDED, wish or "")
        world.tick()
    ended = world.run_to_its_end(sweep)
    assert asked > 0
    assert ended.counts == {"finished": 12 - asked, "pruned": asked}


def test_a_new_agent_reports_no_step_twice_and_prunes_as_the_old_one_would_have(world):
    sweep = world.submit(trials=6, parallel=1, pruner="median")
    finish(world, sweep, 5, [0.5, 0.6, 0.7])
    world.tick()
    (job,) = world.under_way(sweep)
    world.begin(job)
    world.runs.log(job, 0.9, step=0)
    world.tick()
    world.new_agent()
    world.runs.log(job, 0.1, step=1)
    world.runs.log(job, 0.1, step=2)
    world.tick()
    name = f"{sweep.spec.name} {sweep.id}"
    study = optuna.load_study(study_name=name, storage=f"sqlite:///{world.studies}")
    assert study.trials[5].intermediate_values == {0: 0.9, 1: 0.1, 2: 0.1}


def test_cancelling_a_sweep_cancels_its_open_trials_and_makes_no_more(world):
    sweep = world.submit(trials=9, parallel=2)
    world.tick()
    world.tick()
    running, starting = world.under_way(sweep)
    world.begin(running)
    world.tick()
    world.sweeps.cancel(sweep.id)
    assert all(job.cancel_requested for job in world.trials_jobs(sweep))
    world.tick()
    world.end(running, JobStatus.CANCELLED, "cancelled")
    world.end(starting, JobStatus.CANCELLED, "cancelled")
    ended = world.run_to_its_end(sweep)
    assert (ended.status, ended.reason) == (SweepStatus.CANCELLED, "cancelled by ada")
    assert ended.counts == {"cancelled": 2}
    assert [state for state, _ in told(world, sweep)] == ["FAIL", "FAIL"]


def test_a_job_that_somebody_cancels_is_one_cancelled_trial(world):
    sweep = world.submit(trials=2, parallel=1)
    world.tick()
    (job,) = world.under_way(sweep)
    world.begin(job)
    world.end(job, JobStatus.CANCELLED, "cancelled")
    ended = world.run_to_its_end(sweep)
    assert (ended.status, ended.counts) == (SweepStatus.FINISHED, {"finished": 1, "cancelled": 1})


def test_the_environment_is_handed_to_the_trials_and_forgotten_at_the_end(world):
    sweep = world.submit(trials=1)
    folder = SweepFolder.of(world.home, sweep.id)
    assert (folder.path / "env.json").stat().st_mode & 0o777 == 0o600
    world.tick()
    (job,) = world.trials_jobs(sweep)
    assert JobFolder.of(world.home, job.id).environment() == {"SECRET": "x"}
    world.run_to_its_end(sweep)
    assert not (folder.path / "env.json").exists()


def test_a_sweep_whose_working_directory_is_gone_ends_and_says_so(world, tmp_path):
    cwd = tmp_path / "project"
    cwd.mkdir()
    sweep = world.submit(trials=3, parallel=1, cwd=str(cwd))
    world.tick()
    world.work(sweep)
    cwd.rmdir()
    world.tick()
    world.tick()
    ended = world.get(sweep)
    assert ended.status is SweepStatus.FAILED
    assert "no further trial can be made" in ended.reason
    assert str(cwd) in ended.reason


def test_a_study_that_cannot_be_read_is_told_in_the_row_and_tried_again(world):
    sweep = world.submit(trials=1)
    world.studies.write_bytes(b"no database at all, but more bytes than a header has: " * 20)
    world.tick()
    assert "cannot go on" in world.get(sweep).reason
    world.studies.unlink()
    assert world.run_to_its_end(sweep).status is SweepStatus.FINISHED
    assert world.get(sweep).reason == ""


def test_a_study_that_was_deleted_is_made_anew_from_the_jobs(world):
    sweep = world.submit(trials=6, parallel=2)
    for _ in range(3):
        world.tick()
        world.work(sweep)
    world.tick()
    before = {trial.job_id: trial.params for trial in world.sweeps.trials(sweep.id)}
    for path in world.home.glob("optuna.sqlite*"):
        path.unlink()
    world.new_agent()
    assert world.run_to_its_end(sweep).counts == {"finished": 6}
    trials = world.sweeps.trials(sweep.id)
    assert [trial.number for trial in trials] == list(range(6))
    assert before.items() <= {trial.job_id: trial.params for trial in trials}.items()
    assert told(world, sweep) == [("COMPLETE", trial.value) for trial in trials]


def test_a_sweep_of_another_host_is_left_to_that_host_where_the_home_is_shared(world):
    sweep = world.submit(trials=1, host="another")
    world.new_agent(shared_home=True)
    assert world.tick() == 0
    world.new_agent()
    assert world.tick() > 0
    assert len(world.trials_jobs(sweep)) == 1


def test_a_sweep_of_another_home_in_the_same_database_is_left_alone(world):
    sweep = world.submit(trials=1)
    SweepFolder.of(world.home, sweep.id).remove()
    assert world.tick() == 0


def test_a_look_that_has_nothing_new_to_see_opens_no_study_and_asks_for_no_runs(world, monkeypatch):
    sweep = world.submit(trials=1)
    world.tick()
    world.begin(world.under_way(sweep)[0])
    for _ in range(3):
        world.tick()
    monkeypatch.setattr(Study, "trials", lambda *_: pytest.fail("nothing has changed"))
    monkeypatch.setattr(world.runs, "of_jobs", lambda *_: pytest.fail("nothing has changed"))
    assert [world.tick() for _ in range(3)] == [2, 2, 2]


# ------------------------------------------------------------ kill -9


class Killed(BaseException):
    """The agent ends here."""


class Guillotine:
    """Counts what the agent does to the study, the queue and the rows; at a given count it falls."""

    def __init__(self, at: int) -> None:
        self.at, self.count = at, 0

    def __call__(self) -> None:
        self.count += 1
        if self.count == self.at:
            raise Killed

    def guard(self, monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
        original = getattr(owner, name)

        def before_and_after(*args, **kwargs):
            self()
            result = original(*args, **kwargs)
            self()
            return result

        monkeypatch.setattr(owner, name, before_and_after)


STORAGE = ("create_new_trial", "set_trial_param", "set_trial_user_attr", "set_trial_state_values")


@pytest.mark.parametrize("sampler", ["random", "grid"])
def test_nothing_is_lost_or_done_twice_wherever_the_agent_is_killed(tmp_path, monkeypatch, sampler):
    at, fell = 0, True
    while fell:
        at += 1
        home = tmp_path / str(at)
        home.mkdir()
        with sweep_world(home) as world, monkeypatch.context() as patch:
            if at > 1:
                (home / "optuna.sqlite").write_bytes((tmp_path / "empty.sqlite").read_bytes())
            sweep = world.submit(trials=3, parallel=2, sampler=sampler, space=CHOICES, seed=5)
            if at == 1:
                world.study(sweep).close()
                (tmp_path / "empty.sqlite").write_bytes((home / "optuna.sqlite").read_bytes())
            guillotine = Guillotine(at)
            for name in STORAGE:
                guillotine.guard(patch, optuna.storages.RDBStorage, name)
            guillotine.guard(patch, world.jobs, "enqueue")
            guillotine.guard(patch, world.sweeps.store, "update")
            fell = turn_until_killed(world, sweep)
            if fell:
                world.new_agent()
                assert not turn_until_killed(world, sweep)
            assert world.get(sweep).status is SweepStatus.FINISHED, at
            trials = world.sweeps.trials(sweep.id)
            assert [(trial.number, trial.status.value) for trial in trials] == [
                (number, "finished") for number in range(3)
            ], at
            assert told(world, sweep) == [("COMPLETE", trial.value) for trial in trials], at
            assert len({trial.job_id for trial in trials}) == 3
            assert sorted(path.name for path in (home / "jobs").iterdir()) == sorted(
                trial.job_id for trial in trials
            ), at
            assert len(world.executor.launches) == 3, at
    assert at > 20


def turn_until_killed(world: SweepWorld, sweep) -> bool:
    try:
        world.run_to_its_end(sweep)
    except Killed:
        return True
    return False


def test_a_folder_that_a_killed_agent_left_without_a_row_is_made_anew(world):
    sweep = world.submit(trials=1)
    world.tick()
    (job,) = world.trials_jobs(sweep)
    asked = world.study(sweep).trials()[0]
    assert asked.job_id == job.id
    other = world.submit(trials=1)
    study = world.study(other)
    study.ask("0" * 25 + "1")
    folder = JobFolder.of(world.home, "0" * 25 + "1")
    folder.path.mkdir()
    (folder.path / "input.ipynb").write_text("half of a notebo")
    world.tick()
    assert [job.id for job in world.trials_jobs(other)] == ["0" * 25 + "1"]
    assert folder.spec().params == study.trials()[0].params
