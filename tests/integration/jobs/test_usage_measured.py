"""What a worker measures of its job, and the limits that it keeps: real workers, kernels and control groups."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlops.entities import Cause, JobStatus, Resources
from jupyter_mlops.executors import cgroups
from jupyter_mlops.executors.cgroups import memory_group
from jupyter_mlops.services.jobs.environment import worker_environment
from jupyter_mlops.services.jobs.folder import JobFolder
from tests.integration.jobs.conftest import Place
from tests.integration.jobs.test_worker_process import job_folder, run_worker
from tests.waiting import wait_until

MIB = 1024**2
HOARD = "hoard = bytearray(400 * 1024**2)\nhoard[::4096] = b'x' * len(hoard[::4096])\nprint('there')\n"
WAIT = "import time; time.sleep(600)"


def limited(memory_bytes: int) -> Resources:
    return Resources(memory_bytes=memory_bytes)


@pytest.fixture
def groups_allowed() -> bool:
    """Whether control groups with a memory limit can be made here."""
    group = memory_group(f"probe-{os.getpid()}", 64 * MIB)
    if group is None:
        pytest.skip("no control group with a memory limit can be made here")
    return group.remove()


@pytest.fixture
def no_groups(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As where control groups may not be made: workers see an empty tree of them."""
    script = tmp_path / "site" / "sitecustomize.py"
    script.parent.mkdir()
    script.write_text(
        "import sys\n"
        "if 'jupyter_mlops.worker' in ' '.join(sys.orig_argv):\n"
        "    import pathlib\n"
        "    from jupyter_mlops.executors import cgroups\n"
        f"    cgroups.memory_group.__kwdefaults__['own'] = pathlib.Path({str(tmp_path / 'nowhere')!r})\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(script.parent))


def start_worker(place: Place, folder: JobFolder) -> subprocess.Popen[bytes]:
    path = folder.attempt(1).path
    path.mkdir(parents=True, exist_ok=True)
    environment = worker_environment(folder.spec(), folder.environment(), place.settings, attempt=path)
    command = [sys.executable, "-m", "jupyter_mlops.worker", str(folder.path), "1"]
    return subprocess.Popen(
        command, env=environment, cwd=path, stdout=subprocess.DEVNULL, start_new_session=True
    )


def left_groups(job_id: str) -> list[Path]:
    return [each for each in cgroups.ROOT.rglob(f"{cgroups.PREFIX}{job_id}*") if each.is_dir()]


def test_a_job_tells_what_it_used(place):
    burn = "import time\nend = time.process_time() + 1.0\nwhile time.process_time() < end: pass"
    folder = job_folder(place, HOARD, burn)
    run_worker(place, folder)
    end = folder.attempt(1).exit()
    assert (end.status, end.cause) == (JobStatus.SUCCEEDED, None), end
    assert 400 * MIB < end.used.memory_bytes < 700 * MIB
    assert 1.0 < end.used.cpu_s < 30.0
    assert (end.used.gpu_memory_bytes, end.used.gpu_load, end.used.gpu_idle_s) == (None, None, None)


def test_children_that_have_ended_count_with_their_cpu_time(place):
    burn = "import time\nend = time.process_time() + 2.0\nwhile time.process_time() < end: pass"
    folder = job_folder(place, f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])")
    run_worker(place, folder)
    assert folder.attempt(1).exit().used.cpu_s > 2.0


def test_a_worker_that_is_killed_leaves_what_it_had_used_by_then(place, monkeypatch):
    monkeypatch.setenv("JUPYTER_MLOPS_HEARTBEAT_S", "0")
    folder = job_folder(place, HOARD, WAIT)
    worker = start_worker(place, folder)
    attempt = folder.attempt(1)

    def hoarded() -> bool:
        used = attempt.used()
        return used is not None and (used.memory_bytes or 0) > 400 * MIB

    wait_until(hoarded)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert attempt.exit() is None
    assert attempt.used().memory_bytes > 400 * MIB


def test_memory_is_limited_by_a_control_group_where_one_can_be_made(place, groups_allowed):
    folder = job_folder(place, HOARD, WAIT, resources=limited(300 * MIB))
    run_worker(place, folder)
    end = folder.attempt(1).exit()
    assert (end.status, end.cause) == (JobStatus.FAILED, Cause.MEMORY), end
    assert end.reason.endswith(" MiB, and had asked for 300.0 MiB"), end
    used = float(end.reason.split("used ")[1].split(" MiB")[0])
    assert 300 <= used < 310  # files' pages, which the group does not count, may be among it
    assert not left_groups(folder.spec().id)


def test_the_end_of_one_process_for_want_of_memory_ends_the_job(place, groups_allowed):
    """A killed child, such as a data loader's worker, would leave the notebook waiting for ever."""
    child = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {HOARD!r}])"
    folder = job_folder(place, child, WAIT, resources=limited(300 * MIB))
    run_worker(place, folder)
    end = folder.attempt(1).exit()
    assert (end.status, end.cause) == (JobStatus.FAILED, Cause.MEMORY), end
    assert "out of memory" in end.reason


def test_memory_is_watched_where_no_control_group_can_be_made(place, no_groups):
    folder = job_folder(place, HOARD, WAIT, resources=limited(300 * MIB))
    run_worker(place, folder)
    end = folder.attempt(1).exit()
    assert (end.status, end.cause) == (JobStatus.FAILED, Cause.MEMORY), end
    used = float(end.reason.split("used ")[1].split(" MiB")[0])
    assert 300 <= used < 700  # it is seen while it takes more, or after


def test_what_was_learned_from_the_past_is_no_limit(place):
    folder = job_folder(place, HOARD, resources=limited(300 * MIB), learned=["memory_bytes"])
    run_worker(place, folder)
    assert folder.attempt(1).exit().status is JobStatus.SUCCEEDED


def test_an_agent_that_a_job_starts_is_not_confined_with_it(place, groups_allowed):
    program = "import os, time; open('agent-groups', 'w').write(str(os.getpid())); time.sleep(60)"
    start = (
        "import os, subprocess, sys\n"
        f"agent = subprocess.Popen([sys.executable, '-c', {program!r}], start_new_session=True,\n"
        "    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={'JUPYTER_MLOPS_AGENT': '1'})\n"
        "import time; time.sleep(3)"
    )
    folder = job_folder(place, start, resources=limited(1024 * MIB))
    run_worker(place, folder)
    pid = int((place.folder / "agent-groups").read_text())
    try:
        assert folder.attempt(1).exit().status is JobStatus.SUCCEEDED
        assert cgroups.PREFIX not in Path(f"/proc/{pid}/cgroup").read_text()
        assert not left_groups(folder.spec().id)
    finally:
        os.kill(pid, signal.SIGKILL)


def test_memory_that_a_job_gave_back_counts_with_its_peak(place):
    """Also where whoever started the worker had more, which Linux takes over into the worker's ``ru_maxrss``."""
    hoard = bytearray(600 * MIB)
    hoard[::4096] = b"x" * len(hoard[::4096])
    folder = job_folder(place, HOARD, "del hoard", "print('done')")
    run_worker(place, folder)
    assert 400 * MIB < folder.attempt(1).exit().used.memory_bytes < 600 * MIB


def test_what_was_used_is_in_the_folder_as_json(place, monkeypatch):
    monkeypatch.setenv("JUPYTER_MLOPS_HEARTBEAT_S", "0")
    folder = job_folder(place, "import time; time.sleep(2)")
    run_worker(place, folder)
    used = json.loads((folder.attempt(1).path / "used.json").read_text())
    assert set(used) == {"memory_bytes", "cpu_s", "gpu_memory_bytes", "gpu_load", "gpu_idle_s"}
