"""Schedule stores keep the contract, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from jupyter_mlops.store.audit import entries, verify
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.schedules import SqlScheduleStore
from jupyter_mlops.testing.schedules import ScheduleStoreContract, active_schedule


@pytest.fixture
def store(database: Database) -> SqlScheduleStore:
    return SqlScheduleStore(database)


class TestSqlScheduleStore(ScheduleStoreContract):
    def test_changes_are_decisions_that_leave_a_trace(
        self, store: SqlScheduleStore, database: Database
    ) -> None:
        schedule = store.add(active_schedule())
        paused = store.switch(schedule, enabled=False, next_at=None, user="bob", time=7.0)
        assert paused is not None
        resumed = store.switch(paused, enabled=True, next_at=9.0, user="bob", time=8.0)
        assert resumed is not None
        ran = store.ran(resumed, "j" * 26, user="bob", time=8.5)
        assert ran is not None
        store.remove(ran, user="eve", time=9.0)
        with database.read() as connection:
            newest = entries(connection)
            assert verify(connection) == []
        subject = f"schedule:{schedule.id}"
        assert newest[1].detail == {"job": "j" * 26}
        assert [(each.user, each.action, each.subject) for each in newest] == [
            ("eve", "schedule.delete", subject),
            ("bob", "schedule.run", subject),
            ("bob", "schedule.resume", subject),
            ("bob", "schedule.pause", subject),
            ("ada", "schedule.add", subject),
        ]


class TestSqlScheduleStoreOnPostgreSQL(ScheduleStoreContract):
    @pytest.fixture
    def store(self, emptied: Database) -> SqlScheduleStore:
        return SqlScheduleStore(emptied)
