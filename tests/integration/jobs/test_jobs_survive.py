"""SIGKILL at any of them, and what becomes of the job."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

from jupyter_mlops.capture.processes import process_of
from jupyter_mlops.entities import JobStatus, RunStatus
from jupyter_mlops.executors.process import processes_of
from tests.waiting import wait_until

WAIT_FOR_A_FILE = """
import time
from pathlib import Path
print('waiting', flush=True)
while not Path('go').exists():
    time.sleep(0.05)
print('went', flush=True)
"""


def test_job_goes_on_when_its_agent_is_killed_and_the_next_agent_takes_over(place):
    job, queued = place.submit(WAIT_FOR_A_FILE, gpus=2), place.submit("print('later')", gpus=1)
    place.wait_for_log(job, "waiting")
    first = place.agent_status().process
    place.kill_agent()
    place.jobs.refresh()
    assert place.agent_status().process != first
    (place.folder / "go").touch()
    assert place.wait(job).status is JobStatus.SUCCEEDED, place.story(job)
    assert place.wait(queued).status is JobStatus.SUCCEEDED, place.story(queued)


def test_job_that_ended_while_no_agent_lived_is_seen_to_have_ended(place):
    job = place.submit(WAIT_FOR_A_FILE)
    place.wait_for_log(job, "waiting")
    worker = place.worker(job)
    place.kill_agent()
    (place.folder / "go").touch()
    wait_until(lambda: process_of(worker.pid) is None)
    assert place.wait(job).status is JobStatus.SUCCEEDED


def test_killed_worker_fails_the_job_and_leaves_neither_processes_nor_leases(place):
    job = place.submit(
        "import os, subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        time.sleep(600)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)",
        gpus=2,
    )
    place.wait_for_log(job, "ready")
    assert place.free_slots() == []
    assert len(processes_of(job.id)) >= 4
    os.kill(place.worker(job).pid, signal.SIGKILL)
    ended = place.wait(job)
    assert ended.status is JobStatus.FAILED, place.story(job)
    assert ended.reason == "its worker was killed by SIGKILL, perhaps for want of memory"
    assert processes_of(job.id) == set()
    assert len(place.free_slots()) == 2
    run = place.workspace.runs.get(ended.run_id)
    assert (run.status, run.status_reason) == (RunStatus.FAILED, ended.reason)


def test_worker_and_agent_killed_together(place):
    job = place.submit("import time; print('ready', flush=True); time.sleep(600)", gpus=1)
    place.wait_for_log(job, "ready")
    worker = place.worker(job).pid
    place.kill_agent()
    os.kill(worker, signal.SIGKILL)
    ended = place.wait(job)
    assert (ended.status, "was killed" in ended.reason) == (JobStatus.FAILED, True), place.story(job)
    assert f"process {worker}" in ended.reason
    assert len(place.free_slots()) == 2


def test_killed_kernel_fails_the_job(place):
    job = place.submit("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    ended = place.wait(job)
    assert ended.status is JobStatus.FAILED
    assert "SIGKILL" in ended.reason
    assert place.workspace.runs.get(ended.run_id).status is RunStatus.FAILED


def test_job_goes_on_when_the_process_that_submitted_it_is_killed(place):
    program = """
    import os, signal, sys, time
    from jupyter_mlops.testing.jobs import job_spec
    from jupyter_mlops.workspace import current
    from tests.integration.jobs.conftest import notebook_of

    spec = job_spec(submitted_at=time.time(), cwd=sys.argv[1])
    job = current().jobs.submit(spec, notebook_of("import time; time.sleep(1); print('done')"), os.environ)
    print(job.id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
    """
    submitter = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(place.folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert submitter.returncode == -signal.SIGKILL, submitter.stderr
    job = place.jobs.get(submitter.stdout.strip())
    place.submitted.append(job)
    assert place.wait(job).status is JobStatus.SUCCEEDED, place.story(job)
