"""A job that is forked is as one that was started."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from jupyter_mlops.capture.processes import process_of
from jupyter_mlops.entities import Cause, JobStatus, RunStatus
from jupyter_mlops.executors.process import processes_of
from jupyter_mlops.workspace import Workspace
from tests.waiting import wait_until

from .place import Place

FACTS = """
import json, os, sys
print("FACTS", json.dumps({
    "token": os.environ.get("TOKEN"), "job": os.environ["JUPYTER_MLOPS_JOB"], "cwd": os.getcwd(),
    "executable": sys.executable, "path": sys.path, "argv": sys.argv[1:2], "main": __name__,
    "parent": os.getppid(), "pid": os.getpid(), "group": os.getpgrp(), "session": os.getsid(0),
    "mask": os.umask(0o22), "stdin": sys.stdin is None or os.fstat(0).st_rdev,
}))
"""


def facts(text: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(text.split("FACTS ")[1].splitlines()[0])
    return found


def test_forked_kernel_has_the_jobs_environment_folder_and_path(warm: Place) -> None:
    extra = warm.folder / "extra"
    extra.mkdir()
    (extra / "my_module.py").write_text("ANSWER = 42")
    job = warm.fork(
        FACTS,
        "import my_module; print('answer', my_module.ANSWER)",
        environment={"TOKEN": "of-the-kernel"},
        python_path=[str(extra)],
    )
    said = job.said()
    found = facts(said)
    assert "answer 42" in said
    assert found["token"] == "of-the-kernel"
    assert found["job"] == warm.jobs[-1]
    assert found["cwd"] == str(warm.folder)
    assert found["executable"] == sys.executable
    assert found["path"][0] == str(extra)
    assert "" in found["path"]
    assert str(warm.settings.home) not in "".join(found["path"])
    assert found["argv"] == ["-f"]
    assert found["parent"] == job.worker.pid
    assert found["pid"] == found["group"] == found["session"]


def test_two_jobs_share_nothing(warm: Place) -> None:
    first = warm.fork("import os, builtins\nbuiltins.mark = os.environ['MARK'] = 'first'\nos.chdir('/')")
    first.said()
    second = warm.fork(
        "import os, builtins\nprint(hasattr(builtins, 'mark'), 'MARK' in os.environ, os.getcwd())"
    )
    assert f"False False {warm.folder}" in second.said()


def test_forked_jobs_draw_different_numbers(warm: Place) -> None:
    cell = "import random, uuid, numpy\nprint('drew', random.random(), uuid.uuid4(), numpy.random.rand())"
    drawn = [warm.fork(cell).said().split("drew ")[1].split() for _ in range(2)]
    assert not set(drawn[0]) & set(drawn[1])


def test_processes_of_a_forked_job_carry_its_id_where_others_look_for_it(warm: Place) -> None:
    job = warm.fork(
        "import subprocess, sys, os\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print('PIDS', os.getpid(), child.pid, flush=True)\nimport time; time.sleep(600)"
    )
    kernel, child = map(int, job.wait_for("PIDS ").split("PIDS ")[1].split()[:2])
    assert processes_of(warm.jobs[-1]) >= {job.worker.pid, kernel, child}
    assert psutil.Process(job.worker.pid).cmdline()[1:3] == ["-m", "jupyter_mlops.worker"]
    assert psutil.Process(kernel).cmdline()[1:4] == ["-m", "ipykernel_launcher", "-f"]
    os.kill(job.worker.pid, signal.SIGTERM)
    assert job.wait().status is JobStatus.CANCELLED
    wait_until(lambda: not processes_of(warm.jobs[-1]))


def test_forked_kernel_dies_with_its_worker(warm: Place) -> None:
    job = warm.fork("import os, time; print('PID', os.getpid(), flush=True); time.sleep(600)")
    kernel = int(job.wait_for("PID ").split("PID ")[1].split()[0])
    os.kill(job.worker.pid, signal.SIGKILL)
    wait_until(lambda: process_of(kernel) is None)
    wait_until(lambda: job.worker.poll() == -signal.SIGKILL)


def test_jobs_live_on_when_their_nursery_is_killed(tmp_path: Path) -> None:
    place = Place(tmp_path)
    try:
        nursery = place.warm_up()
        gate = place.folder / "gate"
        job = place.fork(
            f"import os, time\nprint('on', flush=True)\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)"
        )
        job.wait_for("on")
        os.kill(nursery.pid, signal.SIGKILL)
        wait_until(lambda: job.worker.is_lost)
        gate.touch()
        end = wait_until(job.attempt.exit)
        assert (end.status, end.reason) == (JobStatus.SUCCEEDED, ""), job.log
        place.nurseries.look()
        assert place.nurseries.alive == []
    finally:
        place.close()


def test_nursery_ends_when_nobody_holds_it_and_its_jobs_go_on(tmp_path: Path) -> None:
    place = Place(tmp_path)
    try:
        nursery = place.warm_up()
        job = place.fork("import time; print('on', flush=True); time.sleep(1); print('done')")
        job.wait_for("on")
        nursery.retire()
        wait_until(lambda: nursery.is_gone)
        assert wait_until(job.attempt.exit).status is JobStatus.SUCCEEDED
        assert "done" in job.log
    finally:
        place.close()


def test_nursery_that_is_idle_for_long_ends(tmp_path: Path) -> None:
    place = Place(tmp_path, agent_idle_s=0.3)
    try:
        nursery = place.warm_up()
        wait_until(lambda: nursery.is_gone)
        place.nurseries.look()
        assert place.nurseries.alive == []
    finally:
        place.close()


def test_what_a_forked_kernel_has_not_written_yet_is_written_at_its_end(warm: Place) -> None:
    job = warm.fork(
        "import atexit, weakref\n"
        "file = open('unclosed.txt', 'w'); file.write('all of it')\n"
        "class Last:\n    def __del__(self): open('deleted.txt', 'w').write('deleted')\n"
        "last = Last()\n"
        "atexit.register(lambda: open('at_exit.txt', 'w').write('handled'))\n"
        "import threading, time\n"
        "threading.Thread(target=lambda: (time.sleep(0.3), open('thread.txt', 'w').write('awaited'))).start()"
    )
    job.said()
    texts = [
        (warm.folder / f"{name}.txt").read_text() for name in ("unclosed", "deleted", "at_exit", "thread")
    ]
    assert texts == ["all of it", "deleted", "handled", "awaited"]


def test_error_in_a_forked_kernel_is_the_jobs(warm: Place) -> None:
    end = warm.fork("def f():\n    raise ValueError('too small')\nf()").wait()
    assert (end.status, end.cause) == (JobStatus.FAILED, Cause.ERROR)
    assert end.reason == "cell 0 raised ValueError: too small"


def test_forked_kernel_that_leaves_says_its_status(warm: Place) -> None:
    end = warm.fork("import os; os._exit(7)").wait()
    assert (end.status, end.reason) == (JobStatus.FAILED, "The kernel exited with status 7.")


def test_forked_kernel_has_loaded_nothing_that_only_workers_need(warm: Place) -> None:
    said = warm.fork(
        "import sys; print('FOUND', [n for n in ('papermill', 'nbclient', 'nbformat') if n in sys.modules])"
    ).said()
    assert "FOUND []" in said
    again = warm.fork(
        "import nbformat, nbclient, papermill, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "import tqdm.autonotebook\n"
        "print(nbformat.v4.new_notebook().nbformat, tqdm.autonotebook.tqdm.__name__)"
    )
    assert "4 tqdm_notebook" in again.said(), "tqdm finds out when it is imported that it is in a notebook"


def test_lease_reaches_a_forked_worker_under_its_number_and_nobody_else(warm: Place, tmp_path: Path) -> None:
    import fcntl

    path = tmp_path / "lease"
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(fd, fcntl.LOCK_EX)
    folder, how = warm.launch("import time; print('on', flush=True); time.sleep(600)")
    how["command"] = [*how["command"], "--leases", str(fd)]
    worker = warm.nurseries.spawn(**how, pass_fds=[fd])
    assert worker is not None
    os.close(fd)
    wait_until(lambda: "on" in folder.attempt(1).log.read_text())
    other = os.open(path, os.O_RDWR)
    try:
        assert not _can_lock(other), "the worker holds it"
        assert _holders(path) == {worker.pid, os.getpid()}
        os.kill(worker.pid, signal.SIGKILL)
        wait_until(lambda: _can_lock(other))
    finally:
        os.close(other)


def _can_lock(fd: int) -> bool:
    import fcntl

    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holders(path: Path) -> set[int]:
    """The processes that have the file open."""
    found = set()
    for process in psutil.process_iter():
        if str(path) in {_target(link) for link in Path(f"/proc/{process.pid}/fd").glob("*")}:
            found.add(process.pid)
    return found


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:  # closed meanwhile
        return ""


def test_forked_job_is_a_run_that_logs(warm: Place) -> None:
    job = warm.fork("%load_ext jupyter_mlops", "import jupyter_mlops as mlops\nmlops.log(loss=0.5, step=1)")
    job.said()
    runs = Workspace(warm.settings).runs
    run = runs.get(job.attempt.started().run_id)
    assert (run.status, run.job_id) == (RunStatus.FINISHED, warm.jobs[-1])
    assert runs.history(run.id, "loss").values == [0.5]


@pytest.mark.parametrize(
    ("cell", "cause"),
    [
        ("raise MemoryError", Cause.MEMORY),
        ("raise RuntimeError('CUDA out of memory. Tried to allocate 20.00 GiB')", Cause.GPU_MEMORY),
        ("class OutOfMemoryError(RuntimeError): pass\nraise OutOfMemoryError('no room')", Cause.GPU_MEMORY),
        ("raise KeyError('x')", Cause.ERROR),
    ],
)
def test_cause_of_a_failure_is_told(warm: Place, cell: str, cause: Cause) -> None:
    end = warm.fork(cell).wait()
    assert (end.status, end.cause) == (JobStatus.FAILED, cause)


def test_log_of_a_job_is_capped(tmp_path: Path) -> None:
    place = Place(tmp_path, log_cap_bytes=20_000)
    try:
        place.warm_up()
        job = place.fork("for i in range(20_000): print('line', i)")
        said = job.said()
        assert job.attempt.log.stat().st_size <= 20_000
        assert "line 0\n" in said
        assert "line 19999\n" in said
        assert "of the log are cut out here" in said
    finally:
        place.close()
