"""The wish that a trial stops: from its file to the next ``log()``."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import jupyter_mlops as mlops
from jupyter_mlops.config import ATTEMPT, JOB, RUN
from jupyter_mlops.entities import RunStatus
from jupyter_mlops.errors import MlopsError, TrialPruned
from jupyter_mlops.services.tracking import pruning
from jupyter_mlops.services.tracking.endings import ending
from tests.waiting import wait_until


@pytest.fixture
def attempt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This process is one of a trial's job."""
    folder = tmp_path / "attempt"
    folder.mkdir()
    for name, value in ((ATTEMPT, str(folder)), (JOB, "job"), (RUN, "run")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(pruning, "_watched", None)
    monkeypatch.setattr(pruning, "LOOK_EVERY_S", 0.01)
    yield folder
    pruning.ask(folder, "over")  # ends the thread, before the flag is taken back
    if pruning._watched is not None:
        wait_until(lambda: pruning.flag.reason)
    pruning.flag.reason = None


def test_a_wish_reaches_the_flag_and_obeying_it_is_noted(attempt):
    pruning.allow(attempt)
    pruning.watch()
    assert (pruning.flag.reason, pruning.asked(attempt)) == (None, None)
    pruning.ask(attempt, "pruned at step 3: why")
    assert wait_until(lambda: pruning.flag.reason) == "pruned at step 3: why"
    assert not pruning.has_obeyed(attempt)
    with pytest.raises(TrialPruned, match="pruned at step 3: why"):
        pruning.obey()
    assert pruning.has_obeyed(attempt)


def test_a_job_that_is_no_trial_starts_no_thread(attempt):
    pruning.watch()
    assert pruning._watched is None


def test_the_worker_itself_starts_no_thread(attempt, monkeypatch):
    pruning.allow(attempt)
    monkeypatch.delenv(RUN)
    pruning.watch()
    assert pruning._watched is None


def test_allowing_again_leaves_a_wish_alone(attempt):
    pruning.ask(attempt, "why")
    pruning.allow(attempt)
    assert pruning.asked(attempt) == "why"


def test_log_raises_after_the_value_was_kept(tmp_path, monkeypatch):
    from jupyter_mlops.config import load_settings
    from jupyter_mlops.workspace import Workspace, use

    workspace = Workspace(load_settings({"home": tmp_path}))
    use(workspace)
    flag = pruning.Flag()
    monkeypatch.setattr("jupyter_mlops.services.tracking.writer.flag", flag)
    monkeypatch.setattr(pruning, "flag", flag)
    try:
        run = log_until_pruned(flag)
        assert workspace.runs.history(run.id, "acc").values == [0.1, 0.2]
        found = workspace.runs.get(run.id)
        assert (found.status, found.status_reason) == (RunStatus.CANCELLED, "pruned at step 1: why")
    finally:
        use(None)


def log_until_pruned(flag: pruning.Flag):
    block = mlops.track("trial")
    run = block.__enter__()
    mlops.log(acc=0.1, step=0)
    flag.reason = "pruned at step 1: why"
    with pytest.raises(TrialPruned) as caught:
        mlops.log(acc=0.2, step=1)
    block.__exit__(TrialPruned, caught.value, None)
    return run


def test_a_pruned_run_is_cancelled_and_has_no_error():
    assert ending(TrialPruned("pruned at step 1: why")) == (
        RunStatus.CANCELLED,
        "pruned at step 1: why",
        None,
    )


def test_the_exception_is_public_and_one_of_ours():
    assert mlops.TrialPruned is TrialPruned
    assert issubclass(TrialPruned, MlopsError)
    assert TrialPruned.code == "trial_pruned"


def test_a_forked_process_that_logs_looks_for_itself(tmp_path):
    program = """
    import os, sys, time
    from pathlib import Path
    import jupyter_mlops as mlops
    from jupyter_mlops.services.tracking import pruning
    from jupyter_mlops.workspace import current

    folder = Path(os.environ["JUPYTER_MLOPS_ATTEMPT"])
    folder.mkdir()
    pruning.allow(folder)
    run = current().tracker.start(name="trial", kind="script")
    mlops.log(acc=0.1, step=0)
    child = os.fork()
    if not child:
        try:
            for step in range(1000):
                mlops.log(acc=0.1, step=step)
                if step == 1:
                    pruning.ask(folder, "why")
                time.sleep(0.02)
        except mlops.TrialPruned as error:
            os._exit(7 if str(error) == "why" else 8)
        os._exit(9)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    variables = {
        **os.environ,
        "JUPYTER_MLOPS_HOME": str(tmp_path / "home"),
        ATTEMPT: str(tmp_path / "attempt"),
        JOB: "job",
        RUN: "run",
    }
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        env=variables,
        check=False,
        timeout=60,
    )
    assert result.stdout == "7\n", result.stderr
