"""Job stores keep the contract."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jupyter_mlops.entities import JobStatus
from jupyter_mlops.errors import InvalidInput
from jupyter_mlops.store.audit import entries, verify
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.jobs import SqlJobStore
from jupyter_mlops.store.registry_tables import metadata
from jupyter_mlops.testing.jobs import JobStoreContract, queued_job


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(sqlite_url(tmp_path / "registry.sqlite"))
    metadata.create_all(database.engine)
    yield database
    database.close()


@pytest.fixture
def store(database: Database) -> SqlJobStore:
    return SqlJobStore(database)


class TestSqlJobStore(JobStoreContract):
    def test_submitting_and_cancelling_are_decisions_that_leave_a_trace(
        self, store: SqlJobStore, database: Database
    ) -> None:
        job = store.add(queued_job(notebook="train.ipynb"))
        store.request_cancel(job, user="bob", time=7.0)
        with database.read() as connection:
            newest = entries(connection)
            assert verify(connection) == []
        assert [(each.user, each.action, each.subject) for each in newest] == [
            ("bob", "job.cancel", f"job:{job.id}"),
            ("ada", "job.submit", f"job:{job.id}"),
        ]

    def test_of_many_updates_at_once_one_is_made(self, store: SqlJobStore) -> None:
        job = store.add(queued_job())
        with ThreadPoolExecutor(8) as pool:
            changed = list(pool.map(lambda _: store.update(job, status=JobStatus.STARTING), range(8)))
        assert sum(each is not None for each in changed) == 1


class TestSqlJobStoreOnPostgreSQL(JobStoreContract):
    @pytest.fixture
    def store(self, emptied: Database) -> SqlJobStore:
        return SqlJobStore(emptied)

    def test_what_the_database_cannot_hold_is_refused(self, store: SqlJobStore) -> None:
        with pytest.raises(InvalidInput, match="NUL"):
            store.get("abcd\0")
