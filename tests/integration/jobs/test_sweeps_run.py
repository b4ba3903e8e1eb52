"""Sweeps with a real agent, real workers and real kernels, and with SIGKILL in the midst of them."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import pytest

import jupyter_mlops as mlops
from jupyter_mlops.entities import (
    Distribution,
    Goal,
    Job,
    JobStatus,
    RunStatus,
    Sweep,
    SweepStatus,
    TrialStatus,
    new_id,
)
from jupyter_mlops.errors import NotFound
from jupyter_mlops.services.jobs.origin import Origin
from jupyter_mlops.services.tracking import pruning
from jupyter_mlops.testing.jobs import job_spec
from jupyter_mlops.testing.sweeps import sweep_spec
from jupyter_mlops.workspace import use
from tests.unit.sweep_worlds import template
from tests.waiting import wait_until

LONG_S = 150.0
FOREVER = """
import time
import jupyter_mlops as mlops
for step in range(10_000):
    mlops.log(acc=0.5, step=step)
    time.sleep(0.01)
"""
GOOD = (0.9, 0.91, 0.92, 0.93, 0.94, 0.95)
"""More than the median pruner waits for, also when another trial is open beside the one that is pruned."""
TRAINING = """
import time
from pathlib import Path
import jupyter_mlops as mlops
with Path('ran.txt').open('a') as file:
    file.write(f'{quality}\\n')
for step in range(3 if quality > 0.5 else 10_000):
    mlops.log(acc=quality + step / 1000, step=step)
    time.sleep(0.01)
"""


@pytest.fixture
def sweeps(place):
    """The place's sweeps; all that they have submitted is looked after at the end."""
    use(place.workspace)
    yield place.workspace.sweeps
    place.submitted.extend(place.jobs.search(limit=1000))
    use(None)


def submit(place, *cells: str, **changes) -> Sweep:
    job = job_spec(
        submitted_at=time.time(), cwd=str(place.folder), kernel_argv=Origin.here().kernel_argv, name="train"
    )
    spec = sweep_spec(submitted_at=time.time(), template=job, **changes)
    return place.workspace.sweeps.submit(spec, template(*cells), dict(os.environ))


def trial_that_runs(place, *cells: str) -> Job:
    """A trial that has logged something."""
    job = place.submit(*cells, trial=0, sweep_id=new_id(time.time()))

    def logged() -> bool:
        run_id = place.jobs.get(job.id).run_id
        with contextlib.suppress(NotFound):  # the job is known to have a run before the run is read
            return run_id is not None and "acc" in place.workspace.runs.get(run_id).metrics
        return False

    wait_until(logged, message=lambda: place.story(job))
    return job


@pytest.mark.timeout(400)
def test_sweep_prunes_what_lags_behind_and_loses_nothing_when_its_agent_is_killed(place, sweeps):
    sweep = submit(
        place,
        "quality = 0.5",
        TRAINING,
        space={"quality": Distribution(kind="choice", choices=[*GOOD, 0.1])},
        sampler="grid",
        trials=7,
        pruner="median",
        parallel=2,
    )
    wait_until(lambda: Path(place.folder / "ran.txt").exists())
    for ended in (1, 3):
        place.kill_agent()
        wait_until(
            lambda ended=ended: sum(each.status.ended for each in sweeps.trials(sweep.id)) >= ended,
            timeout_s=LONG_S,
            message=lambda: place.agent.log_path.read_text(),
        )
    handle = mlops.sweep(sweep.id)
    assert handle.wait(LONG_S) is handle
    assert (handle.status, handle.reason) == ("finished", ""), place.agent.log_path.read_text()
    assert sorted(map(float, (place.folder / "ran.txt").read_text().split())) == [0.1, *GOOD]
    assert [trial.status for trial in handle.trials] == [*["finished"] * 6, "pruned"]
    assert (handle.best_value, handle.best_params) == (0.952, {"quality": 0.95})
    assert handle.best().params == {"quality": 0.95}
    assert handle.best("acc", goal="minimize").params == {"quality": 0.1}
    assert handle.importance() == {"quality": 1.0}
    table = handle.table()
    assert list(table.columns[:4]) == ["trial", "status", "value", "params.quality"]
    assert list(table["params.quality"]) == [*GOOD, 0.1]
    assert len(handle) == len(handle.runs()) == 7
    assert {axis.key for axis in handle.parallel().axes} >= {"params.quality", "metrics.acc"}
    assert list(mlops.sweeps()["best_value"]) == [0.952]
    pruned = handle[6]
    assert pruned.status == "cancelled"
    assert pruned.reason.startswith("pruned at step ")
    run = place.workspace.runs.get(pruned.entity.run_id)
    assert (run.status, run.status_reason, run.tags["pruned"]) == (
        RunStatus.CANCELLED,
        pruned.reason,
        "true",
    )
    assert handle.dashboard == f"optuna-dashboard sqlite:///{place.settings.home}/optuna.sqlite"


def test_trial_stops_at_its_next_log_within_about_a_second(place, sweeps):
    job = trial_that_runs(place, FOREVER)
    pruning.ask(place.attempt(job).path, "pruned at step 3: acc=0.5 (median pruner)")
    asked_at = time.time()
    ended = place.wait(job)
    assert (ended.status, ended.reason) == (
        JobStatus.CANCELLED,
        "pruned at step 3: acc=0.5 (median pruner)",
    ), place.story(job)
    last = place.workspace.runs.history(ended.run_id, "acc").times[-1]
    assert last - asked_at < 5.0  # half a second where nobody else wants the machine


def test_trial_that_catches_the_exception_and_goes_on_is_pruned_all_the_same(place, sweeps):
    job = trial_that_runs(
        place,
        f"import jupyter_mlops\ntry:\n    exec({FOREVER!r})\nexcept jupyter_mlops.TrialPruned:\n    1",
        "2",
    )
    pruning.ask(place.attempt(job).path, "pruned at step 3: why")
    ended = place.wait(job)
    assert (ended.status, ended.reason) == (JobStatus.CANCELLED, "pruned at step 3: why"), place.story(job)


def test_trial_that_logs_from_a_child_process_is_pruned_there(place, sweeps):
    (place.folder / "train.py").write_text(FOREVER)
    job = trial_that_runs(
        place, "import subprocess, sys\nsubprocess.run([sys.executable, 'train.py'], check=True)"
    )
    pruning.ask(place.attempt(job).path, "pruned at step 3: why")
    ended = place.wait(job)
    assert (ended.status, ended.reason) == (JobStatus.CANCELLED, "pruned at step 3: why"), place.story(job)


def test_cancelled_sweep_stops_its_trials_and_leaves_no_process(place, sweeps):
    sweep = submit(place, "lr = 0.1", FOREVER, trials=20, parallel=2)
    wait_until(
        lambda: any(each.status is TrialStatus.RUNNING for each in sweeps.trials(sweep.id)), timeout_s=60
    )
    assert mlops.sweep(sweep.id).cancel().entity.cancel_requested
    ended = sweeps.wait(sweep.id, timeout_s=120)
    assert ended.status is SweepStatus.CANCELLED
    assert set(ended.counts) == {"cancelled"}
    assert all(job.status is JobStatus.CANCELLED for job in sweeps.jobs(sweep.id))


def test_goal_may_be_a_scalar_that_the_cell_computes(place, sweeps):
    sweep = submit(
        place,
        "lr = 0.1",
        "%load_ext jupyter_mlops",
        "%%track\nscore = lr * 2",
        trials=1,
        goal=Goal(metric="score", direction="maximize"),
    )
    ended = sweeps.wait(sweep.id, timeout_s=120)
    (trial,) = sweeps.trials(sweep.id)
    assert ended.status is SweepStatus.FINISHED, (trial, place.agent.log_path.read_text())
    assert trial.value == pytest.approx(2 * trial.params["lr"])
