"""SIGKILL at any of them, and what becomes of the job."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from jupyter_mlops.capture.processes import process_of
from jupyter_mlops.cli import main
from jupyter_mlops.entities import JobStatus, RunStatus
from jupyter_mlops.errors import Unavailable
from jupyter_mlops.executors.process import processes_of
from jupyter_mlops.services.jobs.folder import JobFolder
from tests.integration.jobs.conftest import notebook_of
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
    second = wait_until(
        lambda: (place.jobs.refresh(), place.agent.status())[1], message=lambda: place.story(job)
    )
    assert second.process != first
    (place.folder / "go").touch()
    assert place.wait(job).status is JobStatus.SUCCEEDED, place.story(job)
    assert place.wait(queued).status is JobStatus.SUCCEEDED, place.story(queued)


def test_queue_goes_on_when_its_agent_was_killed_and_nobody_looks(place):
    job, queued = place.submit(WAIT_FOR_A_FILE, gpus=2), place.submit("print('later')", gpus=1)
    place.wait_for_log(job, "waiting")
    place.kill_agent()
    (place.folder / "go").touch()
    wait_until(JobFolder.of(place.settings.home, queued.id).attempt(1).exit)
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


@pytest.fixture
def small_disk(tmp_path):
    """A home on a disk of 40 MiB, of which ``filler`` can take all."""
    home = tmp_path / "home"
    home.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", home], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"This user cannot mount a file system: {mounted.stderr.strip()}")
    yield home / "filler"
    subprocess.run(["umount", "-l", home], check=True)


FILL_THE_DISK = """
import os, time
from pathlib import Path
import jupyter_mlops as mlops

mlops.log(before=1)
filler = os.open(%r, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
for size in (65536, 1):
    try:
        while True:
            os.write(filler, b"x" * size)
    except OSError:
        pass
for step in range(500):
    mlops.log(during=step, step=step)
    print("x" * 200, flush=True)
Path("full").touch()
while not Path("go").exists():
    time.sleep(0.05)
mlops.log(after=1)
print("went on", flush=True)
"""


def test_full_disk_costs_a_job_what_it_printed_and_logged_meanwhile_and_nothing_else(small_disk, place):
    job = place.submit(FILL_THE_DISK % str(small_disk), "3 + 4", gpus=1)
    wait_until((place.folder / "full").exists, message=lambda: place.story(job))
    with pytest.raises(Unavailable, match="No space left on device"):
        place.submit("1")
    assert [each.status for each in place.jobs.search()] == [JobStatus.RUNNING]
    os.truncate(small_disk, 0)
    (place.folder / "go").touch()
    ended = place.wait(job)
    assert ended.status is JobStatus.SUCCEEDED, place.story(job)
    log = place.jobs.log(job.id).text
    assert "of the log could not be written ...]" in log
    assert "went on" in log
    runs = place.workspace.runs
    assert runs.get(ended.run_id).status is RunStatus.FINISHED
    during = list(runs.history(ended.run_id, "during").steps)
    assert during == list(range(len(during)))
    assert all(len(runs.history(ended.run_id, name).steps) == 1 for name in ("before", "after"))
    assert len(place.free_slots()) == 2


def test_notebook_that_is_deleted_while_its_job_waits_runs_as_it_was_submitted(place, capsys):
    ahead = place.submit(WAIT_FOR_A_FILE, gpus=2)
    place.wait_for_log(ahead, "waiting")
    notebook = place.folder / "train.ipynb"
    notebook.write_bytes(notebook_of("print('as it', 'was submitted')"))
    assert main(["submit", str(notebook), "--gpus", "1", "--json"]) == 0
    (job,) = (each for each in place.jobs.search() if each.id != ahead.id)
    place.submitted.append(job)
    notebook.unlink()
    (place.folder / "go").touch()
    assert place.wait(job).status is JobStatus.SUCCEEDED, place.story(job)
    assert "as it was submitted" in place.jobs.log(job.id).text
