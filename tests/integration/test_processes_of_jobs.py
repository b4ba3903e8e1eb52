"""Real processes: what belongs to a job is found and killed, however it tried to get away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from jupyter_mlops.capture.processes import process_of
from jupyter_mlops.config import AGENT, JOB
from jupyter_mlops.entities import new_id
from jupyter_mlops.executors.process import descendants, kill_all, processes_of, session_members, spawn
from tests.waiting import wait_until


@pytest.fixture
def job_id() -> Iterator[str]:
    job_id = new_id(0)
    yield job_id
    assert kill_all(lambda: processes_of(job_id))


def start(job_id: str, program: str, folder: Path, **environment: str) -> subprocess.Popen[bytes]:
    """Run a Python program as a worker would be; it says ``ready`` in the log."""
    process = spawn(
        [sys.executable, "-c", textwrap.dedent(program)],
        environment={**os.environ, JOB: job_id, **environment},
        cwd=folder,
        log=folder / "log.txt",
    )
    wait_until(lambda: "ready" in (folder / "log.txt").read_text(), message="the program did not get ready")
    return process


SLEEP = "import time; print('ready', flush=True); time.sleep(600)"


def test_output_goes_to_the_end_of_the_log(tmp_path, job_id):
    (tmp_path / "log.txt").write_text("before\n")
    program = (
        "import os, sys; print('out', flush=True); print('err', file=sys.stderr); os.system('echo ready')"
    )
    start(job_id, program, tmp_path).wait()
    assert (tmp_path / "log.txt").read_text() == "before\nout\nerr\nready\n"


def test_worker_leads_a_session_of_its_own(tmp_path, job_id):
    worker = start(job_id, SLEEP, tmp_path)
    assert os.getsid(worker.pid) == worker.pid
    assert session_members(worker.pid, uid=os.getuid()) == {worker.pid}
    assert session_members(worker.pid, uid=os.getuid() + 1) == set()


def test_child_in_another_session_is_found_by_the_jobs_id(tmp_path, job_id):
    worker = start(
        job_id,
        """
        import subprocess, sys, time
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        print("ready", flush=True)
        time.sleep(600)
        """,
        tmp_path,
    )
    assert len(wait_until(lambda: len(found := processes_of(job_id)) == 2 and found)) == 2
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert len(processes_of(job_id)) == 1
    assert kill_all(lambda: processes_of(job_id))
    assert processes_of(job_id) == set()


def test_daemon_that_forked_twice_is_found(tmp_path, job_id):
    start(
        job_id,
        """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                print("ready", flush=True)
                time.sleep(600)
            os._exit(0)
        os.wait()
        """,
        tmp_path,
    ).wait()
    (daemon,) = processes_of(job_id)
    assert kill_all(lambda: processes_of(job_id))
    assert process_of(daemon) is None


def test_zombie_is_no_process_of_the_job(tmp_path, job_id):
    worker = start(job_id, SLEEP, tmp_path)
    worker.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
    assert processes_of(job_id) == set()
    worker.wait()


def test_id_that_begins_another_id_is_another_job(tmp_path, job_id):
    start(job_id, SLEEP, tmp_path)
    assert processes_of(job_id[:-1]) == set()
    assert len(processes_of(job_id)) == 1


def test_descendants_are_found_without_the_jobs_id(tmp_path, job_id):
    worker = start(
        job_id,
        """
        import subprocess, time
        subprocess.Popen(["env", "-i", "/bin/sleep", "600"])
        print("ready", flush=True)
        time.sleep(600)
        """,
        tmp_path,
    )
    (child,) = wait_until(lambda: descendants(worker.pid))
    wait_until(lambda: processes_of(job_id) == {worker.pid})
    assert kill_all(lambda: descendants(worker.pid))
    assert process_of(child) is None


def test_agent_that_a_job_started_is_no_part_of_it(tmp_path, job_id):
    worker = start(
        job_id,
        f"""
        import os, subprocess, sys, time
        agent = {{"{AGENT}": "1", "PATH": os.environ["PATH"]}}
        program = "import subprocess, time; subprocess.Popen(['sleep', '600']); time.sleep(600)"
        subprocess.Popen([sys.executable, "-c", program], env=agent)
        print("ready", flush=True)
        time.sleep(600)
        """,
        tmp_path,
    )
    children = wait_until(lambda: _children(worker.pid))
    grandchildren = wait_until(lambda: _children(next(iter(children))))
    try:
        wait_until(lambda: descendants(worker.pid) == set())
    finally:
        for pid in children | grandchildren:
            os.kill(pid, signal.SIGKILL)


def _children(pid: int) -> set[int]:
    return {each.pid for each in psutil.Process(pid).children()}
