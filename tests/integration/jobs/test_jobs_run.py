"""Jobs from submission to their end, with nothing faked."""

from __future__ import annotations

import json
import sys

import nbformat
import pytest

from jupyter_mlops.entities import JobStatus, Progress, RunKind, RunStatus
from jupyter_mlops.errors import Conflict, NotFound, WaitTimeout
from tests.waiting import wait_until


def test_job_runs_as_a_run_with_its_environment_and_its_gpu(place):
    extra = place.folder / "extra"
    extra.mkdir()
    (extra / "my_module.py").write_text("ANSWER = 42")
    job = place.submit(
        "import json, os, sys, my_module\n"
        "names = ['CUDA_VISIBLE_DEVICES', 'TOKEN', 'JUPYTER_MLOPS_JOB', 'JUPYTER_MLOPS_RUN', 'JUPYTER_MLOPS_NOTEBOOK']\n"
        "print('FACTS', json.dumps([*(os.environ.get(n) for n in names), os.getcwd(), sys.executable]))",
        "print('second', my_module.ANSWER)",
        gpus=1,
        params={"lr": 0.1, "api_key": "sk-1234567890abcdef"},
        notebook=str(place.folder / "train.ipynb"),
        python_path=[str(extra)],
        environment={"TOKEN": "of-the-kernel", "JUPYTER_MLOPS_RUN": "another"},
        parent_run_id="0" * 26,
        sweep_id="1" * 26,
    )
    ended = place.wait(job)
    assert (ended.status, ended.reason, ended.attempt) == (JobStatus.SUCCEEDED, "", 1), place.story(job)
    assert ended.progress == Progress(done=2, total=2)
    (slot,) = ended.gpus
    facts = place.wait_for_log(job, "second 42").split("FACTS ")[1].splitlines()[0]
    assert json.loads(facts) == [
        slot,
        "of-the-kernel",
        job.id,
        ended.run_id,
        str(place.folder / "train.ipynb"),
        str(place.folder),
        sys.executable,
    ]
    detail = place.workspace.runs.detail(ended.run_id)
    run = detail.run
    assert (run.kind, run.status, run.name, run.experiment) == (
        RunKind.JOB,
        RunStatus.FINISHED,
        "train",
        "digits",
    )
    assert (run.job_id, run.parent_id, run.sweep_id) == (job.id, "0" * 26, "1" * 26)
    assert "papermill" in detail.context["packages"]
    assert (run.params["lr"], detail.params_from["lr"]) == (0.1, "parameters")
    assert "sk-1234567890abcdef" not in (place.settings.home / "jobs" / job.id / "spec.json").read_text()
    assert [each.name for each in detail.artifacts] == ["output.ipynb"]
    executed = nbformat.read(place.jobs.output_notebook(job.id), as_version=4)
    assert executed.cells[1].outputs[0].text == "second 42\n"
    assert not (place.settings.home / "jobs" / job.id / "env.json").exists()
    wait_until(lambda: len(place.free_slots()) == 2)


def test_failing_cell_fails_the_job_and_a_retry_may_succeed(place):
    job = place.submit(
        "from pathlib import Path\n"
        "first = not Path('seen').exists()\n"
        "Path('seen').touch()\n"
        "print('first' if first else 'second')\n"
        "assert not first, 'not yet'",
        retries=1,
    )
    ended = place.wait(job)
    assert (ended.status, ended.attempt, ended.reason) == (JobStatus.SUCCEEDED, 2, ""), place.story(job)
    log = place.jobs.log(job.id).text
    assert log.index("first\n") < log.index("AssertionError: not yet") < log.index("\nsecond\n")
    runs = place.workspace.runs.search("kind = 'job'").runs
    assert sorted(run.status for run in runs) == ["failed", "finished"]


def test_reason_of_a_failure_names_cell_and_error(place):
    ended = place.wait(place.submit("1 / 0"))
    assert ended.status is JobStatus.FAILED
    assert "ZeroDivisionError" in ended.reason


def test_jobs_wait_for_their_turn_and_are_listed(place):
    jobs = [place.submit(f"print({n})", gpus=2) for n in range(2)]
    with pytest.raises(WaitTimeout, match="2 of 2 jobs go on"):
        place.jobs.wait([job.id for job in jobs], timeout_s=0)
    ended = place.jobs.wait([job.id[-6:] for job in jobs], timeout_s=120)
    assert [job.status for job in ended] == ["succeeded", "succeeded"]
    assert ended[0].ended_at <= ended[1].started_at
    assert [job.id for job in place.jobs.search(status="succeeded")] == [jobs[1].id, jobs[0].id]
    with pytest.raises(Conflict, match="ended already"):
        place.jobs.cancel(jobs[0].id)


def test_cancelled_job_is_interrupted_and_leaves_nothing_running(place):
    job = place.submit(
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
        "print('sleeping', flush=True)\n"
        "time.sleep(600)",
        "print('never')",
        gpus=1,
    )
    place.wait_for_log(job, "sleeping")
    place.jobs.cancel(job.id)
    ended = place.wait(job)
    assert (ended.status, ended.cancel_requested) == (JobStatus.CANCELLED, True), place.story(job)
    assert "never" not in place.jobs.log(job.id).text
    assert "KeyboardInterrupt" in place.jobs.output_notebook(job.id).read_text()
    assert place.workspace.runs.get(ended.run_id).status is RunStatus.CANCELLED
    from jupyter_mlops.executors.process import processes_of

    wait_until(lambda: not processes_of(job.id))
    wait_until(lambda: len(place.free_slots()) == 2)


def test_cell_that_ignores_interrupts_is_killed(place):
    job = place.submit(
        "import time\n"
        "print('stubborn', flush=True)\n"
        "while True:\n"
        "    try:\n"
        "        time.sleep(600)\n"
        "    except KeyboardInterrupt:\n"
        "        print('no', flush=True)"
    )
    place.wait_for_log(job, "stubborn")
    place.jobs.cancel(job.id)
    assert place.wait(job).status is JobStatus.CANCELLED


def test_time_limit_ends_the_job(place):
    job = place.submit("import time; time.sleep(600)", time_limit_s=2.0)
    ended = place.wait(job)
    assert (ended.status, ended.reason) == (JobStatus.FAILED, "exceeded its time limit of 2 s"), place.story(
        job
    )
    assert place.workspace.runs.get(ended.run_id).status_reason == ended.reason


def test_memory_limit_ends_the_job(place):
    from dataclasses import replace

    from jupyter_mlops.testing.jobs import job_spec

    resources = replace(job_spec().resources, memory_bytes=300 * 1024**2)
    job = place.submit("import time; hoard = b'x' * 400_000_000; time.sleep(600)", resources=resources)
    ended = place.wait(job)
    assert ended.status is JobStatus.FAILED
    assert "had asked for 300.0 MiB" in ended.reason


def test_result_and_notebook_of_a_job_that_has_none(place):
    job = place.submit("1", cpus=1, after=[place.submit("import time; time.sleep(600)").id])
    assert not place.jobs.result_path(job.id).exists()
    with pytest.raises(NotFound, match="no executed notebook yet: it is queued"):
        place.jobs.output_notebook(job.id)
    place.jobs.cancel(job.id)
