"""SIGKILL at random moments, and what must hold all the same.

``MLOPS_CHAOS_KILLS`` and ``MLOPS_CHAOS_SEED`` choose how many and which: a failure names its seed.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from jupyter_mlops.config import HOME
from jupyter_mlops.entities import Job
from jupyter_mlops.executors.process import processes_of
from tests.integration.jobs.conftest import Place
from tests.waiting import wait_until

KILLS = int(os.environ.get("MLOPS_CHAOS_KILLS", "12"))
SEED = int(os.environ.get("MLOPS_CHAOS_SEED", "7"))
KILLS_A_ROUND = 12
JOBS_A_ROUND = 8
STEPS = 30
DRAIN_S = 240.0
"""For the jobs of a round."""
SIDE_FILE = "logged.txt"
VICTIMS = {
    "nursery": "jupyter_mlops.warm.nursery",
    "agent": "jupyter_mlops.agent",
    "worker": "jupyter_mlops.worker",
    "kernel": "ipykernel",
    "server": "jupyter_server",
    "submitter": "tests.integration.jobs.conftest import notebook_of",
}

LOG_STEPS = f"""
import os, time
import jupyter_mlops as mlops
side = os.open(os.environ["JUPYTER_MLOPS_ATTEMPT"] + "/{SIDE_FILE}", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
os.write(side, b"begin\\n")
for step in range({STEPS}):
    mlops.log(loss=1 / (step + 1), step=step)
    os.write(side, f"{{os.environ['JUPYTER_MLOPS_RUN']}} {{step}}\\n".encode())
    time.sleep(0.05)
"""

LEAVE_PROCESSES = """
import os, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
if os.fork() == 0:
    time.sleep(600)
    os._exit(0)
"""

SUBMIT = """
import os, sys, time
from jupyter_mlops.testing.jobs import job_spec
from jupyter_mlops.workspace import current
from tests.integration.jobs.conftest import notebook_of

for _ in range(2):
    spec = job_spec(submitted_at=time.time(), cwd=sys.argv[1], gpus=1)
    current().jobs.submit(spec, notebook_of(sys.argv[2]), os.environ)
"""


class Havoc:
    """Kills what belongs to one home."""

    def __init__(self, place: Place, seed: int) -> None:
        self.place = place
        self.random = random.Random(seed)
        self.killed: list[str] = []

    def wreak(self, kills: int) -> None:
        for _ in range(kills):
            time.sleep(self.random.uniform(0.1, 1.5))  # a random moment; nothing is waited for
            self.kill_one()

    def kill_one(self) -> None:
        """One of a random kind, and of this kind a random one."""
        if self.random.random() < 0.3:
            self.place.jobs.search()  # a reader comes by
        found = self.victims()
        if found:
            kind = self.random.choice(sorted(found))
            os.kill(self.random.choice(sorted(found[kind])), signal.SIGKILL)
            self.killed.append(kind)

    def victims(self) -> dict[str, list[int]]:
        home = str(self.place.settings.home)
        found: dict[str, list[int]] = {}
        for process in psutil.process_iter():
            try:
                command, of_home = " ".join(process.cmdline()), process.environ().get(HOME) == home
            except psutil.Error:
                continue
            kind = next((kind for kind, words in VICTIMS.items() if words in command), None)
            if kind and of_home and process.pid != os.getpid():
                found.setdefault(kind, []).append(process.pid)
        return found


@contextmanager
def running(*commands: list[str], cwd: Path) -> Iterator[None]:
    """These programs run beside the test, for as long as they live."""
    processes = [
        subprocess.Popen(each, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for each in commands
    ]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def a_server(folder: Path) -> list[str]:
    options = ["port=0", "open_browser=False", "allow_root=True", f"root_dir={folder}"]
    return [
        sys.executable,
        "-m",
        "jupyter_server",
        "--ServerApp.jpserver_extensions={'jupyter_mlops': True}",
        *(f"--ServerApp.{each}" for each in options),
    ]


def a_submitter(folder: Path) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(SUBMIT), str(folder), LOG_STEPS]


def attempts_of(place: Place, job: Job) -> list[Path]:
    return sorted((place.settings.home / "jobs" / job.id / "attempts").iterdir())


def times_run(attempt: Path) -> int:
    side = attempt / SIDE_FILE
    return side.read_text().split("\n").count("begin") if side.exists() else 0


def logged(attempt: Path) -> Counter[tuple[str, int]]:
    """What ``log()`` returned for: run and step."""
    side = attempt / SIDE_FILE
    lines = side.read_text().split("\n")[:-1] if side.exists() else []
    pairs = (line.split() for line in lines if line != "begin")
    return Counter((run_id, int(step)) for run_id, step in pairs)


def lost_metrics(place: Place, job: Job) -> set[tuple[str, int]]:
    expected = {pair for attempt in attempts_of(place, job) for pair in logged(attempt)}
    indexed = {
        (run_id, step)
        for run_id in {run_id for run_id, _ in expected}
        for step in place.workspace.runs.history(run_id, "loss").steps
    }
    return expected - indexed


@pytest.mark.timeout(300 + 60 * KILLS)
def test_nothing_is_lost_stuck_or_leaked_whatever_is_killed(place, capsys):
    havoc = Havoc(place, SEED)
    root = Path(__file__).parents[2]
    rounds = range(0, KILLS, KILLS_A_ROUND)
    for done in rounds:
        with running(a_server(place.folder), a_submitter(place.folder), cwd=root):
            for number in range(JOBS_A_ROUND - 2):
                cells = [LEAVE_PROCESSES, LOG_STEPS] if number % 3 == 0 else [LOG_STEPS]
                place.submit(*cells, gpus=number % 2, retries=number % 2)
            havoc.wreak(min(KILLS_A_ROUND, KILLS - done))
    jobs = [job.id for job in place.jobs.search(limit=len(rounds) * JOBS_A_ROUND)]
    ended = place.jobs.wait(jobs, timeout_s=DRAIN_S * len(rounds))
    with capsys.disabled():
        print(f"\n{len(jobs)} jobs; killed: {dict(Counter(havoc.killed))}")
    story = f"seed {SEED}, killed {havoc.killed}: "
    assert_nothing_is_wrong(place, ended, story)


def assert_nothing_is_wrong(place: Place, jobs: list[Job], story: str) -> None:
    for job in jobs:
        tell: Callable[[], str] = lambda job=job: story + place.story(job)  # noqa: E731
        assert job.status in ("succeeded", "failed"), tell()
        assert job.status == "succeeded" or len(job.reason) > 10, tell()
        attempts = attempts_of(place, job)
        assert len(attempts) == job.attempt <= job.spec.retries + 1, tell()
        assert all(times_run(attempt) <= 1 for attempt in attempts), tell()
        assert job.status != "succeeded" or sum(logged(attempts[-1]).values()) == STEPS, tell()
        assert lost_metrics(place, job) == set(), tell()
        wait_until(lambda job=job: not processes_of(job.id), message=tell)  # a worker ends after its job
        assert not (place.settings.home / "jobs" / job.id / "env.json").exists(), tell()
    wait_until(lambda: len(place.free_slots()) == 2, message=story + "a slot is not free")
    runs = place.workspace.runs
    before = [replace(run, seq=0) for run in runs.search(limit=10_000).runs]
    assert [run.id for run in before if run.status == "running"] == [], story
    runs.rebuild()
    assert [replace(run, seq=0) for run in runs.search(limit=10_000).runs] == before, story
