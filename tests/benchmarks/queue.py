"""The agent's queue: a turn over ten thousand jobs, and what an agent with nothing to do costs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from jupyter_mlops.entities import Job, JobStatus, Resources
from jupyter_mlops.services.jobs.agent_loop import AgentLoop
from jupyter_mlops.services.jobs.folder import JobFolder
from jupyter_mlops.testing.executors import FakeExecutor
from jupyter_mlops.testing.jobs import job_spec
from jupyter_mlops.workspace import Workspace

from .figures import Benchmark, Figure
from .measuring import seconds_of, temporary_workspace

QUEUED = 10_000
FIRST = 600
TURNS = 50
IDLE_S = 30.0


def turns() -> Iterator[Figure]:
    """Turns with all GPUs taken: nothing happens, then one job ends in each."""
    with temporary_workspace() as workspace:
        executor = FakeExecutor(gpus=2, cpus=64)
        store = workspace.jobs.store
        for number in range(QUEUED):
            store.add(_queued(workspace.settings.home, number))
        loop = AgentLoop(
            store,
            {"local": executor},
            workspace.settings,
            settle_run=lambda *_: None,
            monotonic=time.monotonic,
        )
        first = seconds_of(lambda: loop.tick(time.time()))
        for _ in range(TURNS):  # until the first in line have been told why they wait
            loop.tick(time.time())
        still = sorted(seconds_of(lambda: loop.tick(time.time())) for _ in range(TURNS))
        busy = sorted(seconds_of(lambda: _turn_after_an_end(workspace, loop, executor)) for _ in range(TURNS))
    name = f"agent's turn, {QUEUED:,} queued jobs"
    yield Figure(what=f"{name}, nothing has changed", value=still[TURNS // 2] * 1e3, unit="ms", goal=20)
    yield Figure(what=f"{name}, one ends and one starts", value=busy[TURNS // 2] * 1e3, unit="ms", goal=20)
    yield Figure(what=f"{name}, the first of an agent", value=first * 1e3, unit="ms")


def _queued(home: Path, number: int) -> Job:
    """Various requests; of those that will not start, the folder is only there."""
    wanted = Resources(gpus=(1, 2, 0.5)[number % 3], memory_bytes=(number % 7 + 1) * 2**30)
    spec = job_spec(submitted_at=1_700_000_000.0 + number, resources=wanted, priority=number % 4, cwd="/tmp")
    folder = JobFolder.of(home, spec.id)
    if number < FIRST:
        folder.create(spec, b"{}", {})
    else:
        folder.path.mkdir()
        (folder.path / "spec.json").touch()
    return Job(spec=spec, status=JobStatus.QUEUED)


def _turn_after_an_end(workspace: Workspace, loop: AgentLoop, executor: FakeExecutor) -> None:
    alive = [launch for launch in executor.launches if executor.is_alive(launch.job_id)]
    if alive:
        executor.end(alive[0].job_id)
    loop.tick(time.time())


def idle() -> Iterator[Figure]:
    """A real agent without jobs."""
    with temporary_workspace(gpu_slots=2) as workspace:
        status = workspace.agent.start()
        try:
            process = psutil.Process(status.process.pid)
            time.sleep(5.0)
            before = process.cpu_times()
            time.sleep(IDLE_S)
            after = process.cpu_times()
        finally:
            workspace.agent.stop()
    spent = (after.user - before.user) + (after.system - before.system)
    yield Figure(what="idle agent, of one CPU core", value=100 * spent / IDLE_S, unit="%", goal=0.2)


BENCHMARKS: dict[str, Benchmark] = {"queue": turns, "idle": idle}
