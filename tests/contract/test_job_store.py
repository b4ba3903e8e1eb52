"""Job stores keep the contract."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from jupyter_mlops.entities import JobStatus
from jupyter_mlops.errors import InvalidInput
from jupyter_mlops.store.audit import entries, verify
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.jobs import SqlJobStore
from jupyter_mlops.store.sweeps import SqlSweepStore
from jupyter_mlops.testing.jobs import JobStoreContract, queued_job
from jupyter_mlops.testing.sweeps import running_sweep


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

    def test_an_id_in_the_spec_of_a_row_says_nothing(self, store: SqlJobStore, database: Database) -> None:
        job = store.add(queued_job())
        with database.write() as connection:
            (spec,) = connection.scalars(text("SELECT spec FROM jobs"))
            forged = str(spec).replace(job.id, "../../elsewhere")
            connection.execute(text("UPDATE jobs SET spec = :spec"), {"spec": forged})
        assert [each.id for each in store.search()] == [job.id]
        assert store.get(job.id).id == job.id

    def test_the_trials_of_a_sweep_leave_one_trace_together(
        self, store: SqlJobStore, database: Database
    ) -> None:
        trials = [store.add(queued_job(sweep_id="s" * 26, trial=number)) for number in range(3)]
        store.request_cancel(trials[0], user="bob", time=7.0)
        sweeps = SqlSweepStore(database)
        sweep = sweeps.add(running_sweep(id="s" * 26))
        sweeps.request_cancel(sweep, user="eve", time=8.0)
        for trial in trials[1:]:
            store.request_cancel(trial, user="eve", time=8.0)
        with database.read() as connection:
            newest = entries(connection)
            assert verify(connection) == []
        assert [(each.user, each.action, each.subject) for each in newest] == [
            ("eve", "sweep.cancel", f"sweep:{sweep.id}"),
            ("ada", "sweep.submit", f"sweep:{sweep.id}"),
            ("bob", "job.cancel", f"job:{trials[0].id}"),
            ("ada", "job.submit", f"sweep:{sweep.id}"),
        ]

    def test_a_schedules_run_says_whose_it_is(self, store: SqlJobStore, database: Database) -> None:
        store.add(queued_job(schedule_id="c" * 26))
        with database.read() as connection:
            (entry,) = entries(connection)
        assert entry.detail == {
            "name": "train",
            "notebook": None,
            "executor": "local",
            "schedule": "c" * 26,
        }

    def test_no_parameter_and_no_environment_is_in_the_trail(
        self, store: SqlJobStore, database: Database
    ) -> None:
        store.add(queued_job(name="with sk-abcdef1234567890abcdef1234567890", params={"password": "hunter2"}))
        with database.read() as connection:
            text = str(entries(connection))
        assert "hunter2" not in text
        assert "sk-abcdef" not in text

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
