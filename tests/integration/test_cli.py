"""The command line over a real workspace: real runs, a real registry, real jobs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

import jupyter_mlops as mlops
from jupyter_mlops import workspace
from jupyter_mlops.cli import main
from jupyter_mlops.journal.records import Displayed
from jupyter_mlops.services.jobs.agent_control import AgentControl
from jupyter_mlops.services.rows import JOB_COLUMNS, RUN_COLUMNS, SCHEDULE_COLUMNS
from jupyter_mlops.testing.jobs import job_spec
from jupyter_mlops.testing.sweeps import sweep_spec
from tests.unit.sweep_worlds import template
from tests.waiting import wait_until

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A workspace of its own; its agent is stopped at the end."""
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("JUPYTER_MLOPS_RUNTIME", str(tmp_path / "runtime"))
    monkeypatch.setenv("JUPYTER_MLOPS_LEASES", str(tmp_path / "leases"))
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.chdir(tmp_path)
    workspace.use(None)
    yield tmp_path / "home"
    AgentControl(workspace.current().settings).stop()
    workspace.use(None)


@pytest.fixture
def two_runs(home: Path) -> None:
    for lr, accuracy in ((0.1, 0.91), (0.01, 0.97)):
        with mlops.track("train", experiment="digits", params={"lr": lr}, tags={"team": "a"}):
            mlops.log(accuracy=accuracy)


def read(capsys: Capture) -> Any:
    return json.loads(capsys.readouterr().out)


def error(capsys: Capture) -> dict[str, str]:
    found: dict[str, str] = json.loads(capsys.readouterr().err)
    return found


def notebook(path: Path, *sources: str) -> Path:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    cells[0].metadata["tags"] = ["parameters"]
    made = nbformat.v4.new_notebook(cells=cells)
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(made, path)
    return path


def test_runs_as_json_have_the_columns_of_the_api_in_the_order_asked_for(two_runs: None, capsys: Capture):
    assert main(["runs", "--json", "--order-by", "metrics.accuracy desc"]) == 0
    rows = read(capsys)
    assert list(rows[0]) == [*RUN_COLUMNS, "params.lr", "metrics.accuracy", "tags.team"]
    assert [(row["params.lr"], row["metrics.accuracy"], row["tags.team"]) for row in rows] == [
        (0.01, 0.97, "a"),
        (0.1, 0.91, "a"),
    ]
    frame = mlops.runs(order_by="metrics.accuracy desc")
    assert list(rows[0]) == list(frame.columns)
    assert [row["id"] for row in rows] == list(frame["id"])


def test_runs_are_filtered_and_limited(two_runs: None, capsys: Capture):
    assert main(["runs", "-f", "metrics.accuracy > 0.95", "--json"]) == 0
    assert [row["params.lr"] for row in read(capsys)] == [0.01]
    assert main(["runs", "--limit", "1", "--json"]) == 0
    assert len(read(capsys)) == 1


def test_runs_for_people_are_a_table_with_short_ids(two_runs: None, capsys: Capture):
    assert main(["runs"]) == 0
    table = capsys.readouterr().out
    for run_id in mlops.runs()["id"]:
        assert run_id[-6:] in table
    assert "lr=0.01" in table
    assert "accuracy=0.97" in table


def test_a_filter_that_does_not_parse_is_an_error_with_its_code(home: Path, capsys: Capture):
    assert main(["runs", "-f", "metrics.accuracy >", "--json"]) == 1
    assert error(capsys)["code"] == "invalid_filter"
    assert main(["runs", "-f", "metrics.accuracy >"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.strip()


def test_the_module_is_the_command():
    asked = [sys.executable, "-m", "jupyter_mlops", "--version"]
    said = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True)
    assert said.stdout.split()[-1] == mlops.__version__


def test_usage_errors_exit_with_2(home: Path, capsys: Capture):
    for line in ([], ["nonsense"], ["runs", "--limit", "-1"], ["show"], ["agent", "restart"]):
        assert main(line) == 2
    assert "usage: jupyter mlops" in capsys.readouterr().err


def test_show_takes_the_end_of_an_id(two_runs: None, capsys: Capture):
    run_id = mlops.runs()["id"][0]
    assert main(["show", run_id[-6:], "--json"]) == 0
    detail = read(capsys)
    assert detail["run"]["id"] == run_id
    assert detail["run"]["params"] == {"lr": 0.01}
    assert main(["show", run_id[-6:]]) == 0
    assert run_id in capsys.readouterr().out


def test_show_of_an_unknown_id_says_how_to_list(home: Path, capsys: Capture):
    assert main(["show", "zzzzzz", "--json"]) == 1
    answer = error(capsys)
    assert answer["code"] == "not_found"
    assert "zzzzzz" in answer["message"]
    assert "jupyter mlops runs" in answer["message"]


def test_compare_shows_only_what_differs(two_runs: None, capsys: Capture):
    b, a = mlops.runs()["id"]
    assert main(["compare", a, b[-6:], "--json"]) == 0
    comparison = read(capsys)
    assert comparison["params"] == [{"key": "lr", "a": 0.1, "b": 0.01}]
    assert comparison["tags"] == []
    assert main(["compare", a, b]) == 0
    assert "params.lr" in capsys.readouterr().out


def test_rebuild_gives_the_same_runs(two_runs: None, capsys: Capture):
    main(["runs", "--json"])
    before = read(capsys)
    assert main(["rebuild", "--json"]) == 0
    assert read(capsys) == [{"runs": 2}]
    main(["runs", "--json"])
    assert read(capsys) == before


def test_datasets_and_models_are_listed_and_shown_by_name(home: Path, capsys: Capture):
    mlops.register_dataset(pd.DataFrame({"a": [1, 2]}), name="small")
    mlops.register_dataset(pd.DataFrame({"a": [1, 2, 3]}), name="small")
    mlops.register_model({"weights": [1.0]}, name="tiny", alias="champion")
    assert main(["datasets", "--json"]) == 0
    assert [(row["name"], row["version"], row["rows"]) for row in read(capsys)] == [
        ("small", 2, 3),
        ("small", 1, 2),
    ]
    assert main(["models", "tiny", "--json"]) == 0
    assert [(row["name"], row["version"], row["aliases"]) for row in read(capsys)] == [
        ("tiny", 1, ["champion"])
    ]
    assert main(["datasets"]) == 0
    assert main(["models"]) == 0
    tables = capsys.readouterr().out
    assert "small@2" in tables
    assert "tiny@1" in tables
    assert main(["models", "huge", "--json"]) == 1
    assert error(capsys)["code"] == "not_found"


def test_empty_lists_are_empty_arrays_and_a_hint_for_people(home: Path, capsys: Capture):
    for command in ("runs", "jobs", "datasets", "models"):
        assert main([command, "--json"]) == 0
        assert read(capsys) == []
        assert main([command]) == 0
        assert capsys.readouterr().out.startswith("No ")


def test_submitted_sweep_is_waited_for_listed_and_read(home: Path, tmp_path: Path, capsys: Capture):
    path = notebook(tmp_path / "train.ipynb", "lr = 1.0", "print('lr is', lr)")
    assert main(["submit", str(path), "-p", "lr=0.1,0.01", "--wait", "--json"]) == 0
    jobs = read(capsys)
    assert [(job["name"], job["status"], job["params.lr"]) for job in jobs] == [
        ("train", "succeeded", 0.1),
        ("train", "succeeded", 0.01),
    ]
    assert main(["jobs", "--json", "--sweep", jobs[0]["sweep_id"]]) == 0
    listed = read(capsys)
    assert sorted(job["id"] for job in listed) == sorted(job["id"] for job in jobs)
    assert set(JOB_COLUMNS) <= set(listed[0])
    assert main(["logs", "-f", jobs[0]["id"][-6:]]) == 0
    assert "lr is 0.1" in capsys.readouterr().out
    assert main(["show", jobs[0]["id"][-6:], "--json"]) == 0
    assert read(capsys)["spec"]["id"] == jobs[0]["id"]
    assert main(["cancel", jobs[0]["id"], "--json"]) == 1
    assert error(capsys)["code"] == "conflict"


def test_waiting_for_a_job_that_fails_exits_with_1_and_says_why(home: Path, tmp_path: Path, capsys: Capture):
    path = notebook(tmp_path / "broken.ipynb", "x = 1", "raise ValueError('no such luck')")
    assert main(["submit", str(path), "--wait", "--json"]) == 1
    captured = capsys.readouterr()
    (job,) = json.loads(captured.out)
    assert job["status"] == "failed"
    answer = json.loads(captured.err)
    assert answer["code"] == "job_failed"
    assert "no such luck" in answer["message"]
    assert main(["logs", "-f", job["id"]]) == 0
    assert re.search(r"^Job \w{6} failed: .*no such luck", capsys.readouterr().err)


def test_a_running_job_is_cancelled(home: Path, tmp_path: Path, capsys: Capture):
    path = notebook(tmp_path / "long.ipynb", "seconds = 600", "import time; print('up'); time.sleep(seconds)")
    assert main(["submit", str(path), "--json"]) == 0
    (job,) = read(capsys)
    wait_until(lambda: "up" in mlops.job(job["id"]).logs())
    assert main(["cancel", job["id"][-6:], "--json"]) == 0
    capsys.readouterr()
    assert mlops.job(job["id"]).wait(timeout=60).status == "cancelled"


def test_nothing_is_queued_when_the_submission_is_refused(home: Path, tmp_path: Path, capsys: Capture):
    path = notebook(tmp_path / "train.ipynb", "lr = 1.0", "lr")
    for flags, code in (
        (["-p", "rate=1"], "invalid_parameter"),
        (["-p", "lr=abc"], "invalid_parameter"),
        (["-p", "lr=1", "-p", "lr=2"], "invalid_parameter"),
        (["--memory", "much"], "invalid_input"),
        (["--gpus", "64"], "invalid_input"),
        (["--on", "moon"], "invalid_input"),
        (["--on", "local,moon"], "invalid_input"),
        (["--gpu-memory", "6G"], "invalid_input"),
        (["--slurm-partition", "gpu"], "invalid_input"),
        (["--retry-on", "memory"], "invalid_input"),
        (["--retries", "1", "--retry-on", "oom"], "invalid_input"),
        (["--after-any", "zzzzzz"], "not_found"),
        (["--cron", "0 3 * *"], "invalid_input"),
        (["--cron", "0 3 * * *", "-p", "lr=1,2"], "invalid_input"),
        (["--cron", "0 3 * * *", "--wait"], "invalid_input"),
        (["--timezone", "UTC"], "invalid_input"),
        (["--after", "zzzzzz"], "not_found"),
        (["-p", "lr=uniform(0,1)"], "invalid_parameter"),
        (["-p", "lr=uniform(0,1)", "--trials", "3"], "invalid_input"),
        (["--trials", "3", "--goal", "maximize:acc"], "invalid_input"),
        (["-p", "lr=1,2", "--goal", "acc"], "invalid_input"),
        (["--return", "model"], "invalid_input"),
    ):
        assert main(["submit", str(path), *flags, "--json"]) == 1, flags
        assert error(capsys)["code"] == code, flags
    assert main(["submit", str(tmp_path / "absent.ipynb"), "--json"]) == 1
    assert error(capsys)["code"] == "not_found"
    assert main(["jobs", "--json"]) == 0
    assert read(capsys) == []


def test_dry_run_prints_the_notebook_with_the_parameter_in_it(home: Path, tmp_path: Path, capsys: Capture):
    path = notebook(tmp_path / "train.ipynb", "lr = 1.0", "lr")
    assert main(["submit", str(path), "-p", "lr=0.5", "--dry-run"]) == 0
    made = nbformat.reads(capsys.readouterr().out, as_version=4)
    nbformat.validate(made)
    assert any("0.5" in cell.source for cell in made.cells)


def test_a_search_is_queued_with_its_flags(home: Path, tmp_path: Path, capsys: Capture):
    path = notebook(tmp_path / "train.ipynb", "lr = 1.0", "lr")
    flags = [
        "--trials",
        "3",
        "--goal",
        "minimize:loss",
        "--sampler",
        "random",
        "--seed",
        "1",
        "--parallel",
        "1",
    ]
    assert main(["submit", str(path), "-p", "lr=loguniform(1e-3,1)", *flags, "--dry-run"]) == 0
    capsys.readouterr()
    assert main(["submit", str(path), "-p", "lr=loguniform(1e-3,1)", *flags, "--json"]) == 0
    sweep = json.loads(capsys.readouterr().out)
    assert sweep["spec"]["space"]["lr"]["kind"] == "loguniform"
    assert (sweep["spec"]["trials"], sweep["spec"]["sampler"], sweep["spec"]["seed"]) == (3, "random", 1)
    assert workspace.current().sweeps.cancel(sweep["spec"]["id"]).cancel_requested


def test_a_misspelt_flag_is_a_usage_error_with_the_right_one(home: Path, capsys: Capture):
    assert main(["submit", "train.ipynb", "--gpu-memry", "6G"]) == 2
    assert "unrecognized arguments: --gpu-memry 6G (did you mean --gpu-memory?)" in capsys.readouterr().err
    assert main(["jobs", "--statsu", "queued"]) == 2
    assert "(did you mean --status?)" in capsys.readouterr().err
    assert main(["submit", "train.ipynb", "--gpus", "1.5"]) == 2
    assert "whole GPUs, or a share of one such as 0.5" in capsys.readouterr().err


def test_flags_of_the_queue_are_kept_with_the_job(home: Path, tmp_path: Path, capsys: Capture):
    path = notebook(tmp_path / "train.ipynb", "lr = 1.0", "lr")
    assert main(["submit", str(path), "--json"]) == 0
    (first,) = read(capsys)
    flags = "--retries 2 --retry-on memory,node --retry-delay 30s --priority -1 --cpus 1 --memory 1G"
    assert main(["submit", str(path), *flags.split(), "--after-any", first["id"][-6:], "--json"]) == 0
    (row,) = read(capsys)
    spec = workspace.current().jobs.get(row["id"]).spec
    assert (spec.retries, [each.value for each in spec.retry_on]) == (2, ["memory", "node"])
    assert (spec.retry_delay_s, spec.priority, spec.after_any) == (30.0, -1, [first["id"]])
    assert main(["show", row["id"]]) == 0
    shown = capsys.readouterr().out
    assert "1 CPU core, 1.0 GiB of memory" in shown


def test_a_schedule_is_made_listed_paused_run_and_deleted(home: Path, tmp_path: Path, capsys: Capture):
    path = notebook(tmp_path / "train.ipynb", "lr = 1.0", "lr")
    assert main(["schedules"]) == 0
    assert "No schedules yet" in capsys.readouterr().out
    flags = ["--cron", "0 3 1 1 *", "--timezone", "Europe/Berlin", "--catch-up", "skip"]
    assert main(["submit", str(path), *flags, "--dry-run"]) == 0
    assert main(["schedules", "--json"]) == 0
    capsys.readouterr()
    assert main(["submit", str(path), *flags, "--json"]) == 0
    (row,) = read(capsys)
    assert tuple(row) == SCHEDULE_COLUMNS
    assert (row["cron"], row["timezone"], row["catch_up"]) == ("0 3 1 1 *", "Europe/Berlin", "skip")
    short = row["id"][-6:]
    assert main(["submit", str(path), *flags]) == 0
    said = capsys.readouterr()
    assert f"To end it: jupyter mlops schedules delete {short}" in " ".join(said.err.split())
    other = next(each for each in workspace.current().schedules.search() if each.id != row["id"])
    assert main(["schedules"]) == 0
    assert short in capsys.readouterr().out
    assert main(["schedules", "pause", short, "--json"]) == 0
    assert read(capsys)[0]["status"] == "paused"
    assert main(["schedules", "run", short, "--json"]) == 0
    (job,) = read(capsys)
    assert job["schedule_id"] == row["id"]
    assert main(["jobs", "--schedule", short, "--json"]) == 0
    assert [each["id"] for each in read(capsys)] == [job["id"]]
    assert workspace.current().jobs.wait([job["id"]], timeout_s=120)[0].status.value == "succeeded"
    assert main(["schedules", "resume", short, "--json"]) == 0
    assert read(capsys)[0]["status"] == "active"
    assert main(["show", short]) == 0
    assert "At 03:00 on January 1" in " ".join(capsys.readouterr().out.split())
    assert main(["schedules", "show", short, "--json"]) == 0
    assert read(capsys)[0]["schedule"]["spec"]["id"] == row["id"]
    assert main(["schedules", "delete", short, other.id]) == 0
    capsys.readouterr()
    assert main(["schedules", "--json"]) == 0
    assert read(capsys) == []
    assert main(["schedules", "pause", short]) == 1
    assert f"No schedule {short!r}. List them: jupyter mlops schedules" in capsys.readouterr().err
    assert main(["schedules", "pause"]) == 1
    assert "Which schedule?" in capsys.readouterr().err
    assert main(["schedules", "list", short]) == 1
    assert "list takes no ID" in capsys.readouterr().err


def test_agent_is_started_shown_and_stopped(home: Path, capsys: Capture):
    assert main(["agent", "status", "--json"]) == 0
    assert read(capsys)[0]["running"] is False
    assert main(["agent", "start", "--json"]) == 0
    (started,) = read(capsys)
    assert started["running"] is True
    assert main(["agent", "status", "--json"]) == 0
    assert read(capsys) == [started]
    assert main(["agent", "stop"]) == 0
    assert main(["agent", "status", "--json"]) == 0
    capsys.readouterr()
    assert AgentControl(workspace.current().settings).status() is None


def test_agent_status_says_when_jobs_wait_for_one(home: Path, tmp_path: Path, capsys: Capture):
    jobs = workspace.current().jobs
    job = jobs.enqueue(job_spec(cwd=str(tmp_path)), b'{"cells": []}', {})
    assert main(["agent", "status"]) == 0
    assert (
        "No agent is running, and 1 job waits; start it: jupyter mlops agent start."
        in capsys.readouterr().out
    )
    jobs.cancel(job.id)


def test_agent_of_a_removed_home_ends_so_that_the_next_one_serves_the_new_home(home: Path, tmp_path: Path):
    assert main(["agent", "start"]) == 0
    control = AgentControl(workspace.current().settings)
    shutil.rmtree(home)
    workspace.use(None)
    wait_until(lambda: control.status() is None, message="the agent goes on")
    path = notebook(tmp_path / "train.ipynb", "lr = 1.0")
    assert main(["submit", str(path), "--wait"]) == 0


def test_home_option_chooses_the_workspace(two_runs: None, tmp_path: Path, capsys: Capture):
    other = tmp_path / "other"
    other.mkdir()
    assert main(["--home", str(other), "runs", "--json"]) == 0
    assert read(capsys) == []


@pytest.mark.parametrize(
    "command",
    [["runs"], ["jobs"], ["datasets"], ["models"], ["audit"], ["show", "x"], ["gc"], ["features"]],
    ids=str,
)
def test_command_that_only_looks_makes_no_home(
    home: Path, tmp_path: Path, capsys: Capture, command: list[str]
):
    before = os.environ["JUPYTER_MLOPS_HOME"]
    assert main([*command, "--home", str(tmp_path / "typo"), "--json"]) == 1
    assert error(capsys) == {
        "code": "not_found",
        "message": f"There is no workspace at {tmp_path / 'typo'}: no such folder. Look at what --home says.",
    }
    assert not (tmp_path / "typo").exists()
    assert os.environ["JUPYTER_MLOPS_HOME"] == before


def test_writing_command_begins_a_home(home: Path, tmp_path: Path, capsys: Capture):
    (tmp_path / "x.csv").write_text("a\n1\n")
    assert main(["register", str(tmp_path / "x.csv"), "x", "--home", str(tmp_path / "new")]) == 0
    assert "x@1" in capsys.readouterr().out
    assert (tmp_path / "new" / "registry.sqlite").exists()


def test_the_console_script_works_and_help_imports_nothing_heavy(home: Path):
    code = (
        "import sys; from jupyter_mlops.cli import main; status = main(['--help']); "
        "heavy = {'pandas', 'sqlalchemy', 'rich', 'papermill', 'IPython'} & set(sys.modules); "
        "sys.exit(status or (str(heavy) if heavy else 0))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "usage: jupyter mlops" in ran.stdout


def test_reader_that_goes_away_is_no_traceback(two_runs: None, home: Path):
    command = f"{sys.executable} -m jupyter_mlops.cli runs --json | head -c 1"
    ran = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert ran.stdout == "["
    assert "Traceback" not in ran.stderr


def test_runs_are_written_as_csv_and_as_parquet(two_runs: None, tmp_path: Path, capsys: Capture):
    with mlops.track("odd", params={"lr": "auto", "layers": [1, 2]}):
        pass
    assert main(["runs", "--csv", "runs.csv", "--parquet", "runs.parquet"]) == 0
    assert "3 runs written to runs.csv and runs.parquet." in capsys.readouterr().out
    rows = pd.read_csv(tmp_path / "runs.csv")
    assert rows["name"].tolist() == ["odd", "train", "train"]
    columns = pd.read_parquet(tmp_path / "runs.parquet")
    assert columns["params.lr"].tolist() == ["auto", "0.01", "0.1"]
    assert columns["metrics.accuracy"].tolist()[1:] == [0.97, 0.91]


def test_csv_goes_to_the_standard_output_as_well(two_runs: None, capsys: Capture):
    assert main(["runs", "-f", "params.lr < 0.05", "--csv", "-"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.startswith("id,name,experiment")
    assert len(rows) == 1


def test_archived_runs_are_listed_when_asked_for(two_runs: None, capsys: Capture):
    first = mlops.runs()["id"][0]
    mlops.edit_run(first, archived=True)
    assert main(["runs", "--json"]) == 0
    assert first not in {row["id"] for row in read(capsys)}
    assert main(["runs", "--archived", "--json"]) == 0
    assert first in {row["id"] for row in read(capsys)}


def test_compare_of_three_is_a_table(two_runs: None, capsys: Capture):
    with mlops.track("third", params={"lr": 1.0}):
        pass
    ids = mlops.runs()["id"].tolist()
    assert main(["compare", *ids, "--json"]) == 0
    table = read(capsys)
    assert {"kind": "params", "key": "lr", "values": [1.0, 0.01, 0.1]} in table["rows"]
    assert main(["compare", *ids]) == 0
    assert "params.lr" in capsys.readouterr().out
    assert main(["compare", ids[0], "--json"]) == 1
    assert error(capsys)["code"] == "invalid_input"


def test_a_run_goes_from_one_workspace_to_another(two_runs: None, tmp_path: Path, capsys: Capture):
    run_id = mlops.runs()["id"][0]
    assert main(["export", run_id[-6:], "run.zip"]) == 0
    assert "run.zip" in capsys.readouterr().out
    assert main(["import", "run.zip", "--home", str(tmp_path / "other"), "--json"]) == 0
    assert read(capsys) == [{"run": run_id, "name": "train", "new": True}]
    assert main(["import", "run.zip", "--home", str(tmp_path / "other")]) == 0
    assert "was here already" in capsys.readouterr().out
    assert main(["export", run_id, "run.zip", "--json"]) == 1
    assert error(capsys)["code"] == "conflict"


def test_logs_and_show_of_a_run_print_what_it_displayed(home: Path, capsys: Capture):
    with mlops.track("shows") as run:
        for number in range(100):
            text = {"text/plain": f"\x1b[31mline {number}\x1b[0m\n"}
            run.displayed(Displayed(message="stream", name="stdout", data=text))
    assert main(["logs", run.id]) == 0
    assert capsys.readouterr().out == "".join(f"line {number}\n" for number in range(100))
    assert main(["logs", run.id, "--json"]) == 0
    assert read(capsys)[0]["log"].endswith("line 99\n")
    assert main(["show", run.id]) == 0
    shown = capsys.readouterr().out
    assert "60 lines before" in shown
    assert shown.rstrip().endswith("line 99")


def test_sweep_is_listed_shown_and_cancelled_by_its_id(home: Path, tmp_path: Path, capsys: Capture):
    spec = sweep_spec(submitted_at=time.time(), cwd=str(tmp_path), trials=1)
    workspace.current().sweeps.submit(
        spec, template("lr = 0.1", "import time\ntime.sleep(60)"), dict(os.environ)
    )
    short = spec.id[-6:]
    assert main(["sweeps", "--json", "--status", "running"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["id"], row["goal"], row["trials"], row["sampler"]) == (spec.id, "maximize:acc", 1, "random")
    assert main(["sweeps"]) == 0
    assert short in capsys.readouterr().out
    assert main(["show", short]) == 0
    assert "maximize acc" in capsys.readouterr().out
    assert main(["show", "--json", short]) == 0
    assert json.loads(capsys.readouterr().out)["sweep"]["spec"]["id"] == spec.id
    assert main(["cancel", "--json", short]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["reason"].startswith("cancelled by ")
    assert workspace.current().sweeps.wait(spec.id, timeout_s=120).status.value == "cancelled"
    assert main(["cancel", short]) == 1
    assert "has ended already" in capsys.readouterr().err
    assert main(["show", "zzzzzz"]) == 1
    assert "No run, job, sweep or schedule 'zzzzzz'" in capsys.readouterr().err
