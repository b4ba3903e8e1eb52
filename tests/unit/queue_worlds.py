"""One home with a fake executor: a test submits, plays the worker, and turns the agent's loop.

Rows and folders are real; both clocks stand still until the test moves them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import msgspec

from jupyter_mlops.config import Settings
from jupyter_mlops.entities import Cause, Exit, Job, JobStatus, Process, RunStatus, Started
from jupyter_mlops.journal.records import End
from jupyter_mlops.protocols.jobs import Presence, Sighting
from jupyter_mlops.services.jobs.agent_loop import AgentLoop
from jupyter_mlops.services.jobs.folder import Attempt, JobFolder
from jupyter_mlops.services.jobs.service import JobService
from jupyter_mlops.services.runs.liveness import Witness
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.jobs import SqlJobStore
from jupyter_mlops.store.registry_tables import metadata
from jupyter_mlops.store.usage import SqlAttemptStore
from jupyter_mlops.testing.clocks import FakeClock
from jupyter_mlops.testing.executors import FakeExecutor
from jupyter_mlops.testing.jobs import FakeAgent, FakeRuns, job_spec
from jupyter_mlops.wire import encode

WORKER = Process(host="h", boot_id="b", pid_namespace=1, pid=1, start_ticks=1)
HERE = Process(host="here", boot_id="this boot", pid_namespace=1, pid=2, start_ticks=1)
REBOOTED = replace(HERE, boot_id="another boot")


class Queue:
    """One home with a fake executor: the test submits, plays the worker, and turns the loop."""

    def __init__(self, home: Path, database: Database) -> None:
        self.settings = Settings(
            home=home, runtime_dir=home / "run", leases_dir=home / "leases", user="ada", cancel_grace_s=5.0
        )
        self.executor = FakeExecutor()
        self.executors = {"local": self.executor}
        self.store = SqlJobStore(database)
        self.attempts = SqlAttemptStore(database)
        self.clock = FakeClock()
        self.jumped = 0.0
        self.service = JobService(
            self.store,
            self.settings,
            executors=self.executors,
            runs=FakeRuns(),
            agent=FakeAgent(),
            settle_run=self.settle,
            clock=self.clock,
            monotonic=lambda: self.clock.now - self.jumped,
        )
        self.settled: list[tuple[str, RunStatus, str]] = []
        self.disk_is_full = False
        self.booted_at = 0.0
        self.loop = self.new_loop()

    def new_loop(self, settings: Settings | None = None, *, shared_home: bool = False) -> AgentLoop:
        return AgentLoop(
            self.store,
            self.executors,
            settings or self.settings,
            settle_run=self.settle,
            shared_home=shared_home,
            witness=Witness(here=lambda: HERE, boot_time=lambda: self.booted_at),
            monotonic=lambda: self.clock.now - self.jumped,
        )

    def clock_is_set(self, seconds: float) -> None:
        """Forward, or back where it is negative; no time passes."""
        self.clock.now += seconds
        self.jumped += seconds

    def settle(self, *end) -> None:
        if self.disk_is_full:
            raise OSError("No space left on device")
        self.settled.append(end)

    def submit(self, **wanted) -> Job:
        self.clock.now += 1
        return self.service.submit(job_spec(submitted_at=self.clock(), **wanted), b"{}", {"SECRET": "x"})

    def tick(self) -> int:
        return self.loop.tick(self.clock())

    def get(self, job: Job) -> Job:
        return self.store.get(job.id)

    def folder(self, job: Job) -> JobFolder:
        return JobFolder.of(self.settings.home, job.id)

    def attempt(self, job: Job) -> Attempt:
        return self.folder(job).attempt(self.get(job).attempt)

    def worker_begins(self, job: Job, run_id: str = "run") -> None:
        gpus = [slot.uuid for slot in self.executor.launches[-1].slots]
        started = Started(process=WORKER, run_id=run_id, started_at=self.clock(), gpus=gpus)
        assert self.attempt(job).begin(started)

    def worker_ends(
        self,
        job: Job,
        status: JobStatus = JobStatus.SUCCEEDED,
        reason: str = "",
        *,
        cause: Cause | None = None,
    ) -> None:
        end = Exit(status=status, ended_at=self.clock(), reason=reason, cause=cause)
        assert self.attempt(job).finish(end)
        self.executor.end(job.id)

    def run_ends(
        self, run_id: str, status: RunStatus = RunStatus.FINISHED, reason: str | None = None
    ) -> None:
        journal = self.settings.home / "runs" / run_id / "journal" / "1.jsonl"
        journal.parent.mkdir(parents=True)
        end = End(status=status, reason=reason, t=self.clock())
        journal.write_bytes(msgspec.json.encode(end) + b"\n")

    def worker_was_last_seen(self, job: Job, *, on: Process, at: float) -> None:
        """The host boots now; ``at`` is what the clock said when the worker left its last sign of life."""
        self.booted_at = self.clock()
        path = self.attempt(job).path / "started.json"
        path.write_bytes(encode(Started(process=on, run_id="run", started_at=at)))
        os.utime(path, (at, at))
        self.executor.sightings[job.id] = Sighting(presence=Presence.UNKNOWN)

    def running(self, **wanted) -> Job:
        job = self.submit(**wanted)
        self.tick()
        self.worker_begins(job)
        self.tick()
        assert self.get(job).status is JobStatus.RUNNING
        return job


Q = TypeVar("Q", bound=Queue)


@contextmanager
def queue_world(home: Path, kind: type[Q] = Queue) -> Iterator[Q]:
    """A queue in an empty home."""
    database = Database(sqlite_url(home / "registry.sqlite"))
    metadata.create_all(database.engine)
    yield kind(home, database)
    database.close()
