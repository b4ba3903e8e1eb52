"""Usage as readers get it: the API, the command line, and jobs that are still running."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

import jupyter_mlops as mlops
from jupyter_mlops.cli import main
from jupyter_mlops.config import load_settings
from jupyter_mlops.entities import JobStatus, Used
from jupyter_mlops.errors import InvalidInput
from jupyter_mlops.services.jobs.folder import JobFolder
from jupyter_mlops.testing.jobs import queued_job
from jupyter_mlops.testing.usage import ended_attempt
from jupyter_mlops.workspace import Workspace, use

HOUR = 3600.0


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "250")
    workspace = Workspace(load_settings())
    use(workspace)
    yield workspace
    use(None)


def ran(workspace: Workspace, *, ended_ago: float = 0.0, hours: float = 1.0, **changes) -> None:
    end = time.time() - ended_ago
    begin = end - hours * HOUR
    workspace._attempt_store.add(
        ended_attempt(queued_at=begin - 60, started_at=begin, ended_at=end, **changes)
    )


def test_the_last_days_are_shown_and_older_attempts_are_not(workspace):
    ran(workspace, ended_ago=HOUR)
    ran(workspace, ended_ago=8 * 24 * HOUR)
    assert workspace.usage.report().total.attempts == 1
    assert workspace.usage.report(since="30d").total.attempts == 2
    assert workspace.usage.report(since=1800).total.attempts == 0
    assert workspace.usage.report(since="all").total == workspace.usage.report(since=None).total


def test_one_users_usage_is_shown(workspace):
    ran(workspace)
    ran(workspace, user="bob")
    report = workspace.usage.report(user="bob")
    assert [each.group for each in report.usage] == ["bob"]
    assert report.total.attempts == 1


def test_a_running_job_counts_as_far_as_it_has_come(workspace):
    job = workspace._job_store.add(queued_job(gpus=2, submitted_at=time.time() - 3 * HOUR))
    workspace._job_store.update(job, status=JobStatus.RUNNING, started_at=time.time() - 2 * HOUR)
    attempt = JobFolder.of(workspace.settings.home, job.id).attempt(1)
    attempt.path.mkdir(parents=True)
    attempt.note_used(Used(cpu_s=HOUR, gpu_load=0.5, gpu_idle_s=HOUR))
    (row,) = workspace.usage.report().usage
    assert (row.attempts, row.running, row.measured) == (1, 1, 1)
    assert (round(row.gpu_hours, 2), round(row.gpu_idle_hours, 2), row.gpu_load) == (4.0, 2.0, 0.5)
    assert (round(row.cpu_hours, 2), round(row.wait_mean_s)) == (1.0, 3600)
    assert workspace.usage.report(user="bob").usage == []


def test_a_job_that_waits_has_used_nothing(workspace):
    workspace._job_store.add(queued_job(gpus=2))
    assert workspace.usage.report().usage == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"by": "gpu"}, "user, notebook, executor or day, not 'gpu'"), ({"since": "soon"}, "'soon'")],
)
def test_what_cannot_be_shown_is_refused(workspace, wrong, words):
    with pytest.raises(InvalidInput, match=words):
        workspace.usage.report(**wrong)


def test_usage_is_a_table(workspace):
    ran(workspace, hours=2.0, cpu_s=HOUR, gpu_idle_s=HOUR, gpu_load=0.4)
    ran(workspace, notebook=None, name="probe", gpus=0.0)
    table = mlops.usage("notebook")
    assert list(table.columns[:3]) == ["notebook", "attempts", "running"]
    assert list(table["notebook"]) == ["/home/ada/train.ipynb", "probe"]
    first = table.iloc[0]
    assert (round(first.gpu_hours, 3), round(first.gpu_idle_hours, 3), round(first.cpu_hours, 3)) == (2, 1, 1)
    assert list(mlops.usage(since=1.0, user="eve").columns)[:2] == ["user", "attempts"]


def test_usage_is_shown_in_the_terminal(workspace, capsys):
    ran(workspace, hours=2.0, cpu_s=HOUR, gpu_idle_s=HOUR, gpu_load=0.4, memory_bytes=2**30, peak=2**28)
    ran(workspace, user="bob", gpus=0.001)
    assert main(["usage"]) == 0
    shown = capsys.readouterr().out
    for word in ("Usage by user", "ada", "bob", "2.00", "40 %", "25 %", "<0.01", "1 min 00 s", "total"):
        assert word in shown
    assert "Measured: 1 of 2 attempts." in shown
    assert main(["usage", "--by", "executor", "--user", "ada", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["executor"], row["attempts"], row["cpu_hours"]) == ("local", 1, 1.0)


def test_nothing_to_show_is_said(workspace, capsys):
    assert main(["usage", "--since", "all"]) == 0
    assert capsys.readouterr().out == "No job has run in that time.\n"
    assert main(["usage", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["usage", "--since", "soon"]) == 1
    assert "Not a duration: 'soon'" in capsys.readouterr().err


def test_a_size_is_learned_from_what_has_run(workspace):
    assert workspace.sizing.suggest(user="ada", name="train", notebook="/home/ada/train.ipynb") is None
    for hours in (1.0, 2.0, 3.0):
        ran(workspace, hours=hours, peak=2**31)
    size = workspace.sizing.suggest(user="ada", name="train", notebook="/home/ada/train.ipynb")
    assert (size.runs, round(size.expected_s), size.peak_bytes) == (3, 7200, 2**31)
    assert workspace.sizing.suggest(user="bob", name="train", notebook="/home/ada/train.ipynb") is None
