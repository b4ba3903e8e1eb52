"""What the agent keeps of the queue in memory is what a new agent would find in the rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlops.entities import Exit, Job, JobStatus, Resources
from jupyter_mlops.services.jobs.backlog import Backlog
from jupyter_mlops.services.jobs.lines import IN_ALL, OF_A_LINE, Lines
from jupyter_mlops.services.jobs.open_jobs import OpenJobs
from jupyter_mlops.services.usage.attempts import ended_attempt
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.jobs import SqlJobStore
from jupyter_mlops.store.registry_tables import metadata
from jupyter_mlops.testing.clocks import FakeClock
from jupyter_mlops.testing.executors import FakeExecutor
from jupyter_mlops.testing.jobs import queued_job

EXECUTORS = {"local": FakeExecutor(), "slurm": FakeExecutor(keeps_queue=True)}
PLACES = [["local"], ["slurm"], ["local", "slurm"], ["moon"]]


class Memory:
    """An agent's, brought up to date by what the rows say."""

    def __init__(self, store: SqlJobStore, clock: FakeClock) -> None:
        self.clock = clock
        self.jobs = OpenJobs(store, is_ours=lambda job: job.spec.user != "eve")
        self.backlog = Backlog(store, self.jobs, EXECUTORS, monotonic=clock)

    def look(self) -> dict[str, Any]:
        """What it knows after a turn."""
        self.jobs.refresh()
        self.backlog.note(self.jobs.take_changes())
        failed = self.backlog.settle(self.clock())
        self.backlog.wake()
        return {
            "open": sorted(job.id for job in self.jobs),
            "begun": sorted(job.id for job in self.jobs.begun()),
            "machines": in_line(self.backlog.machines),
            "outbox": in_line(self.backlog.outbox),
            "undecided": [wish.job_id for wish in self.backlog.undecided.heads()],
            "failed": {each.job.id for each in failed},
        }


def in_line(lines: dict[str, Lines]) -> dict[str, list[str]]:
    return {name: [wish.job_id for wish in each.heads()] for name, each in lines.items() if len(each)}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlJobStore]:
    database = Database(sqlite_url(tmp_path / "registry.sqlite"))
    metadata.create_all(database.engine)
    yield SqlJobStore(database)
    database.close()


def submit(store: SqlJobStore, jobs: list[Job], draw: Any) -> Job:
    earlier = [job.id for job in jobs]
    follows = st.lists(st.sampled_from(earlier), max_size=2, unique=True) if earlier else st.just([])
    places = draw(st.sampled_from(PLACES))
    return store.add(
        queued_job(
            submitted_at=float(len(jobs)),
            after=draw(follows),
            after_any=draw(follows),
            executor=places[0],
            executors=places if len(places) > 1 else [],
            priority=draw(st.integers(0, 2)),
            user=draw(st.sampled_from(["ada", "bob", "eve"])),
            resources=Resources(gpus=draw(st.sampled_from([0, 0.5, 2]))),
            retry_delay_s=10.0,
        )
    )


def start(store: SqlJobStore, job: Job) -> None:
    store.update(job, status=JobStatus.STARTING, executor=job.executor or job.spec.executors[0])


def hand_over(store: SqlJobStore, job: Job) -> None:
    store.update(job, handed_over=True, executor="slurm")


def succeed(store: SqlJobStore, job: Job) -> None:
    end = Exit(status=JobStatus.SUCCEEDED, ended_at=1.0)
    store.finish(job, ended_attempt(job, None, end), status=JobStatus.SUCCEEDED, ended_at=1.0)


def fail(store: SqlJobStore, job: Job) -> None:
    store.update(job, status=JobStatus.FAILED)


def retry(store: SqlJobStore, job: Job) -> None:
    again = {"status": JobStatus.QUEUED, "handed_over": False, "attempt": job.attempt + 1}
    store.update(job, **again, not_before=1_700_000_005.0, exclusive=True)


def cancel(store: SqlJobStore, job: Job) -> None:
    store.request_cancel(job, user="ada", time=1.0)


def explain(store: SqlJobStore, job: Job) -> None:
    store.explain([(job, "waits")])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_memory_follows_whatever_happens_to_the_rows(tmp_path_factory, data):
    database = Database(sqlite_url(tmp_path_factory.mktemp("queue") / "registry.sqlite"))
    metadata.create_all(database.engine)
    store, clock = SqlJobStore(database), FakeClock()
    memory, jobs = Memory(store, clock), []
    steps = st.sampled_from([start, hand_over, succeed, fail, retry, cancel, explain, None])
    for _ in range(data.draw(st.integers(1, 12))):
        for _ in range(data.draw(st.integers(1, 3))):
            step = data.draw(steps) if jobs else None
            if step is None:
                jobs.append(submit(store, jobs, data.draw))
            elif not (job := store.get(data.draw(st.sampled_from(jobs)).id)).status.ended:
                step(store, job)
        kept, found = memory.look(), Memory(store, clock).look()
        known_failures = kept.pop("failed")
        assert known_failures <= found.pop("failed")  # what cannot start is told once
        assert kept == found
    database.close()


def test_rows_are_read_whole_again_when_an_older_database_is_put_in_place(store):
    memory = Memory(store, FakeClock())
    jobs = [store.add(queued_job(submitted_at=float(n))) for n in range(3)]
    memory.look()
    memory.jobs._seq = 10**6
    store.update(jobs[0], status=JobStatus.FAILED)
    assert memory.look()["open"] == sorted(job.id for job in jobs[1:])


def test_only_the_heads_of_lines_are_looked_at():
    lines = Lines()
    alike = [queued_job(submitted_at=float(n)) for n in range(3 * OF_A_LINE)]
    for job in alike:
        lines.add(job)
    urgent = queued_job(submitted_at=1e6, priority=5)
    lines.add(urgent)
    heads = [wish.job_id for wish in lines.heads()]
    assert heads == [urgent.id, *(job.id for job in alike[:OF_A_LINE])]
    lines.remove(alike[0].id)
    assert lines.heads()[-1].job_id == alike[OF_A_LINE].id
    assert (len(lines), alike[0].id in lines, urgent.id in lines) == (3 * OF_A_LINE, False, True)


def test_as_many_heads_as_there_are_lines_are_still_few():
    lines = Lines()
    for number in range(IN_ALL + 10):
        lines.add(queued_job(submitted_at=float(number), expected_s=float(number)))
    assert len(lines.heads()) == IN_ALL
