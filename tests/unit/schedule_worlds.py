"""A home with schedules, a queue whose rows and folders are real, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlops.config import Settings
from jupyter_mlops.entities import Job, JobStatus, Schedule
from jupyter_mlops.services.jobs.service import JobService
from jupyter_mlops.services.schedules.loop import ScheduleLoop
from jupyter_mlops.services.schedules.service import ScheduleService
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.jobs import SqlJobStore
from jupyter_mlops.store.registry_tables import metadata
from jupyter_mlops.store.schedules import SqlScheduleStore
from jupyter_mlops.testing.clocks import FakeClock
from jupyter_mlops.testing.executors import FakeExecutor
from jupyter_mlops.testing.jobs import FakeAgent, FakeRuns
from jupyter_mlops.testing.schedules import schedule_spec

NOON = 1_767_268_800.0
"""2026-01-01 12:00 UTC."""
HOUR = 3600.0
DAY = 24 * HOUR


@dataclass
class Trouble:
    """What queueing meets, as long as it is set."""

    error: Exception | None = None
    tries: int = 0


class TroubledJobs(JobService):
    """A queue that fails when a test says so."""

    trouble: Trouble

    def enqueue(self, *arguments: Any, **named: Any) -> Job:
        self.trouble.tries += 1
        if self.trouble.error is not None:
            raise self.trouble.error
        return super().enqueue(*arguments, **named)


@dataclass
class World:
    settings: Settings
    store: SqlScheduleStore
    jobs: TroubledJobs
    service: ScheduleService
    agent: FakeAgent
    clock: FakeClock
    trouble: Trouble
    loop: ScheduleLoop = field(init=False)

    def __post_init__(self) -> None:
        self.new_agent()

    def new_agent(self, **changes: Any) -> None:
        """The agent before was killed."""
        self.loop = ScheduleLoop(self.store, self.jobs, self.settings, **changes)

    def add(
        self,
        notebook: bytes = b"{}",
        environment: Mapping[str, str] | None = None,
        files: Any = None,
        **changes: Any,
    ) -> Schedule:
        """A schedule of every day at 13:00 UTC, made now."""
        changes.setdefault("cron", "0 13 * * *")
        spec = schedule_spec(created_at=self.clock(), **changes)
        return self.service.add(spec, notebook, environment or {"TOKEN": "geheim"}, files=files)

    def turn(self, now: float | None = None) -> int:
        """One turn of the agent, at ``now``."""
        self.clock.now = self.clock.now if now is None else now
        return self.loop.tick(self.clock())

    def runs(self) -> list[Job]:
        """All jobs, oldest first."""
        return self.jobs.store.search(limit=1000)[::-1]

    def ends(self, job: Job, status: JobStatus = JobStatus.SUCCEEDED) -> None:
        assert self.jobs.store.update(self.jobs.store.get(job.id), status=status, ended_at=self.clock())

    def row(self, schedule: Schedule) -> Schedule:
        return self.store.get(schedule.id)


@contextmanager
def world(folder: Path) -> Iterator[World]:
    settings = Settings(
        home=folder / "home", runtime_dir=folder / "runtime", leases_dir=folder / "leases", user="ada"
    )
    settings.home.mkdir(parents=True)
    database = Database(sqlite_url(settings.home / "registry.sqlite"))
    metadata.create_all(database.engine)
    clock, agent, trouble = FakeClock(NOON), FakeAgent(), Trouble()
    jobs = TroubledJobs(
        SqlJobStore(database),
        settings,
        executors={"local": FakeExecutor()},
        runs=FakeRuns(),
        agent=agent,
        clock=clock,
        monotonic=clock,
    )
    jobs.trouble = trouble
    store = SqlScheduleStore(database)
    service = ScheduleService(store, jobs, settings, clock=clock, monotonic=clock)
    yield World(
        settings=settings,
        store=store,
        jobs=jobs,
        service=service,
        agent=agent,
        clock=clock,
        trouble=trouble,
    )
    database.close()
