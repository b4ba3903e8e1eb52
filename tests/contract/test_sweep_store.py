"""Sweep stores keep the contract, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from jupyter_mlops.store.audit import entries, verify
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.sweeps import SqlSweepStore
from jupyter_mlops.testing.sweeps import SweepStoreContract, running_sweep


@pytest.fixture
def store(database: Database) -> SqlSweepStore:
    return SqlSweepStore(database)


class TestSqlSweepStore(SweepStoreContract):
    def test_submitting_and_cancelling_are_decisions_that_leave_a_trace(
        self, store: SqlSweepStore, database: Database
    ) -> None:
        sweep = store.add(running_sweep())
        store.request_cancel(sweep, user="bob", time=7.0)
        with database.read() as connection:
            newest = entries(connection)
            assert verify(connection) == []
        assert [(each.user, each.action, each.subject) for each in newest] == [
            ("bob", "sweep.cancel", f"sweep:{sweep.id}"),
            ("ada", "sweep.submit", f"sweep:{sweep.id}"),
        ]


class TestSqlSweepStoreOnPostgreSQL(SweepStoreContract):
    @pytest.fixture
    def store(self, emptied: Database) -> SqlSweepStore:
        return SqlSweepStore(emptied)
