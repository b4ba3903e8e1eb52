"""Stores of ended attempts keep the contract, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from jupyter_mlops.entities import JobStatus, OpenCount
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.jobs import SqlJobStore
from jupyter_mlops.store.usage import SqlAttemptStore, add_ended
from jupyter_mlops.testing.jobs import queued_job
from jupyter_mlops.testing.usage import BEGAN, AttemptStoreContract, ended_attempt


@pytest.fixture
def store(database: Database) -> SqlAttemptStore:
    return SqlAttemptStore(database)


class TestSqlAttemptStore(AttemptStoreContract):
    def test_open_jobs_are_counted_by_executor_and_status(
        self, store: SqlAttemptStore, database: Database
    ) -> None:
        jobs = SqlJobStore(database)
        queued = [jobs.add(queued_job(submitted_at=BEGAN + n)) for n in range(2)]
        for warning in ("", "its GPU is idle"):
            job = jobs.add(queued_job(submitted_at=BEGAN))
            jobs.update(job, status=JobStatus.RUNNING, warning=warning)
        jobs.update(jobs.add(queued_job()), status=JobStatus.FAILED)
        jobs.add(queued_job(executor="slurm", submitted_at=BEGAN + 9))
        assert len(queued) == 2
        assert store.open_jobs() == [
            OpenCount(executor="local", status=JobStatus.QUEUED, jobs=2, flagged=0, oldest=BEGAN),
            OpenCount(executor="local", status=JobStatus.RUNNING, jobs=2, flagged=1, oldest=BEGAN),
            OpenCount(executor="slurm", status=JobStatus.QUEUED, jobs=1, flagged=0, oldest=BEGAN + 9),
        ]

    def test_a_follower_has_waited_since_the_last_of_those_it_follows_had_ended(
        self, store: SqlAttemptStore, database: Database
    ) -> None:
        jobs = SqlJobStore(database)
        first, last = (jobs.add(queued_job(submitted_at=BEGAN - 100)) for _ in range(2))
        jobs.update(first, status=JobStatus.SUCCEEDED, ended_at=BEGAN - 50)
        jobs.update(last, status=JobStatus.SUCCEEDED, ended_at=BEGAN - 3)
        attempt = ended_attempt(queued_at=BEGAN - 90)
        with database.write() as connection:
            add_ended(connection, attempt, follows=[first.id, last.id])
        assert store.since(0.0)[0].queued_at == BEGAN - 3

    def test_a_row_is_kept_with_what_its_transaction_changes_besides(
        self, store: SqlAttemptStore, database: Database
    ) -> None:
        attempt, other = ended_attempt(), ended_attempt()
        with database.write() as connection:
            add_ended(connection, attempt)
            add_ended(connection, attempt)
            add_ended(connection, other)
        assert len(store.since(0.0)) == 2


class TestSqlAttemptStoreOnPostgreSQL(AttemptStoreContract):
    @pytest.fixture
    def store(self, emptied: Database) -> SqlAttemptStore:
        return SqlAttemptStore(emptied)
