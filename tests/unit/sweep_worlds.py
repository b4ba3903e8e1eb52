"""A home whose agent has sweeps, with a fake executor and a clock that stands still.

The rows, folders and Optuna's study are real; the test plays the workers and says what their runs logged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_mlops.config import Settings
from jupyter_mlops.entities import (
    Exit,
    History,
    Job,
    JobStatus,
    MetricSummary,
    Process,
    Run,
    RunKind,
    RunStatus,
    Started,
    Sweep,
    SweepSpec,
)
from jupyter_mlops.services.jobs.agent_loop import AgentLoop
from jupyter_mlops.services.jobs.folder import Attempt, JobFolder
from jupyter_mlops.services.jobs.service import JobService
from jupyter_mlops.services.sweeps.loop import SweepLoop, capacity_of
from jupyter_mlops.services.sweeps.opening import study_of
from jupyter_mlops.services.sweeps.service import SweepService
from jupyter_mlops.services.sweeps.study import Study
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.jobs import SqlJobStore
from jupyter_mlops.store.registry_tables import metadata
from jupyter_mlops.store.sweeps import SqlSweepStore
from jupyter_mlops.testing.clocks import FakeClock
from jupyter_mlops.testing.executors import FakeExecutor
from jupyter_mlops.testing.jobs import FakeAgent
from jupyter_mlops.testing.sweeps import sweep_spec

WORKER = Process(host="h", boot_id="b", pid_namespace=1, pid=1, start_ticks=1)
CELLS = ("lr = 0.1", "import jupyter_mlops as mlops\nmlops.log(acc=lr)")


def template(*cells: str) -> bytes:
    """A notebook whose first cell has the parameters."""
    made = [new_code_cell(cell) for cell in cells or CELLS]
    made[0].metadata["tags"] = ["parameters"]
    text: str = nbformat.writes(new_notebook(cells=made))
    return text.encode()


class FakeRuns:
    """The points that a test says runs have logged; a run is named after its job."""

    def __init__(self) -> None:
        self.points: dict[str, dict[str, list[tuple[int | None, float]]]] = {}
        self.within: dict[str, dict[str, float]] = {}
        """Last values of a run within a job's run, by job id."""

    def log(self, job: Job, value: float, *, step: int | None = None, metric: str = "acc") -> None:
        self.points.setdefault(job.id, {}).setdefault(metric, []).append((step, value))

    def of_jobs(self, job_ids: Sequence[str]) -> dict[str, Run]:
        return {each: self._run(each) for each in job_ids}

    def children(self, run_id: str) -> list[Run]:
        values = self.within.get(run_id)
        return [] if values is None else [self._with("child", values)]

    def histories(self, run_ids: Sequence[str], names: Sequence[str]) -> list[History]:
        found = [(run, name, self.points.get(run, {}).get(name)) for run in run_ids for name in names]
        return [
            History(
                run_id=run,
                name=name,
                steps=[step for step, _ in points],
                times=[0.0] * len(points),
                values=[value for _, value in points],
            )
            for run, name, points in found
            if points
        ]

    def _run(self, job_id: str) -> Run:
        logged = self.points.get(job_id, {})
        return self._with(job_id, {name: points[-1][1] for name, points in logged.items()})

    def _with(self, run_id: str, values: dict[str, float]) -> Run:
        return Run(
            id=run_id,
            name="train",
            experiment="digits",
            kind=RunKind.JOB,
            status=RunStatus.RUNNING,
            started_at=0.0,
            metrics={
                name: MetricSummary(last=value, min=value, max=value, count=1)
                for name, value in values.items()
            },
        )


class SweepWorld:
    """One home: the test submits, turns the agent's loop and plays the workers."""

    def __init__(self, home: Path, *, cpus: int = 4, gpus: int = 2) -> None:
        self.home = home
        self.settings = Settings(
            home=home, runtime_dir=home / "run", leases_dir=home / "leases", user="ada", cancel_grace_s=5.0
        )
        self.database = Database(sqlite_url(home / "registry.sqlite"))
        metadata.create_all(self.database.engine)
        self.executor = FakeExecutor(cpus=cpus, gpus=gpus)
        self.runs = FakeRuns()
        self.agent = FakeAgent()
        self.clock = FakeClock()
        self.studies = home / "optuna.sqlite"
        self.jobs = JobService(
            SqlJobStore(self.database),
            self.settings,
            executors={"local": self.executor},
            runs=self.runs,
            agent=self.agent,
            clock=self.clock,
        )
        self.sweeps = SweepService(
            SqlSweepStore(self.database),
            self.jobs,
            self.runs,
            self.settings,
            study_path=self.studies,
            clock=self.clock,
        )
        self.opened = 0
        self.new_agent()

    def new_agent(self, settings: Settings | None = None, *, shared_home: bool = False) -> None:
        """The agent before was killed; this one knows nothing of what it did."""
        self.sweep_loop = SweepLoop(
            self.sweeps.store,
            self.jobs,
            self.runs,
            settings or self.settings,
            open_study=self._open,
            capacity=lambda spec: capacity_of(spec, {"local": self.executor}),
            shared_home=shared_home,
        )
        self.loop = AgentLoop(
            self.jobs.store,
            {"local": self.executor},
            self.settings,
            settle_run=lambda *_: None,
            sweeps=self.sweep_loop,
        )

    def _open(self, spec: SweepSpec) -> Study:
        self.opened += 1
        return study_of(spec, self.studies)

    def submit(self, *cells: str, **changes) -> Sweep:
        spec = sweep_spec(submitted_at=self.clock(), **changes)
        return self.sweeps.submit(spec, template(*cells), {"SECRET": "x"})

    def tick(self, seconds: float = 1.0) -> int:
        self.clock.now += seconds
        return self.loop.tick(self.clock())

    def get(self, sweep: Sweep) -> Sweep:
        return self.sweeps.store.get(sweep.id)

    def trials_jobs(self, sweep: Sweep) -> list[Job]:
        return self.sweeps.jobs(sweep.id)

    def attempt(self, job: Job) -> Attempt:
        return JobFolder.of(self.home, job.id).attempt(self.jobs.store.get(job.id).attempt)

    def begin(self, job: Job) -> None:
        """Its worker begins; its run has the job's id."""
        self.attempt(job).path.mkdir(parents=True, exist_ok=True)
        self.attempt(job).begin(Started(process=WORKER, run_id=job.id, started_at=self.clock()))

    def end(self, job: Job, status: JobStatus = JobStatus.SUCCEEDED, reason: str = "") -> None:
        """Its worker ends."""
        self.attempt(job).finish(Exit(status=status, ended_at=self.clock(), reason=reason))
        self.executor.end(job.id)

    def under_way(self, sweep: Sweep) -> list[Job]:
        return [job for job in self.trials_jobs(sweep) if job.status in ("starting", "running")]

    def work(self, sweep: Sweep, *, value: float | None = None) -> None:
        """All jobs that were started run to a good end; ``acc`` is ``value``, else the trial's lr."""
        for job in self.under_way(sweep):
            self.begin(job)
            self.runs.log(job, job.spec.params["lr"] if value is None else value)
            self.end(job)

    def run_to_its_end(self, sweep: Sweep, *, most: int = 100) -> Sweep:
        for _ in range(most):
            if not self.tick():
                break
            self.work(sweep)
        return self.get(sweep)

    def study(self, sweep: Sweep) -> Study:
        return study_of(sweep.spec, self.studies)

    def close(self) -> None:
        self.database.close()


@contextmanager
def sweep_world(home: Path, **changes) -> Iterator[SweepWorld]:
    world = SweepWorld(home, **changes)
    try:
        yield world
    finally:
        world.close()


def with_host(settings: Settings, host: str) -> Settings:
    """Settings of another host with the same home."""

    class Elsewhere(Settings):
        @property
        def host(self) -> str:
            return host

    return Elsewhere(**{name: getattr(settings, name) for name in settings.__dataclass_fields__})


__all__ = ["FakeRuns", "SweepWorld", "replace", "sweep_world", "template", "with_host"]
