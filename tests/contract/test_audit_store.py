"""Stores of the audit trail keep the contract, on SQLite and on PostgreSQL."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from jupyter_mlops.entities import AuditEntry
from jupyter_mlops.store import audit
from jupyter_mlops.store.audit import SqlAuditStore
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.registry import SqlRegistryStore
from jupyter_mlops.testing.audit import Append, AuditStoreContract
from jupyter_mlops.testing.registry import model_version


def appending(database: Database) -> Append:
    def append(**values: Any) -> AuditEntry:
        with database.write() as connection:
            return audit.append(
                connection, **{"time": 1.0, "user": "ada", "action": "a", "subject": "s", **values}
            )

    return append


class SqlContract(AuditStoreContract):
    def test_rows_are_verified_in_pieces(
        self, database: Database, store: SqlAuditStore, append: Append, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(7):
            append(subject=f"job:{number}")
        monkeypatch.setattr(audit, "PAGE", 3)
        assert (store.verify().rows, store.verify().problems) == (7, [])
        with database.write() as connection:
            connection.execute(text("UPDATE audit SET subject = 'job:x' WHERE seq = 4"))
        assert store.verify().problems == ["Audit row 4 (a job:x) was changed after it was written."]

    def test_a_row_whose_detail_is_no_object_is_shown_and_named(
        self, database: Database, store: SqlAuditStore, append: Append
    ) -> None:
        append()
        with database.write() as connection:
            connection.execute(text("UPDATE audit SET detail = '[1]'"))
        assert store.newest(audit.AuditQuery(), limit=1)[0].detail == {"unreadable": "[1]"}
        assert store.verify().problems == ["Audit row 1 (a s) was changed after it was written."]

    @pytest.mark.parametrize(
        ("change", "points_to"),
        [
            ("UPDATE version_aliases SET version = 1 WHERE alias = 'champion'", "version 1"),
            ("DELETE FROM version_aliases WHERE alias = 'champion'", "no version"),
        ],
    )
    def test_an_alias_that_was_moved_past_the_registry_is_named(
        self, database: Database, store: SqlAuditStore, change: str, points_to: str
    ) -> None:
        registry = SqlRegistryStore(database)
        for alias in ("champion", "gone", "champion"):
            registry.register_model(model_version(digest=alias.zfill(64)), alias=alias)
        registry.register_model(model_version(digest="d" * 64), alias="champion")
        registry.move_alias("model", "digits", "gone", None, user="ada")
        assert store.verify().problems == registry.verify_audit() == []
        with database.write() as connection:
            connection.execute(text(change))
        (problem,) = store.verify().problems
        assert registry.verify_audit() == [problem]
        assert f"model:digits@champion points to {points_to}" in problem
        assert "is to version 4" in problem


class TestSqlAuditStore(SqlContract):
    @pytest.fixture
    def store(self, database: Database) -> SqlAuditStore:
        return SqlAuditStore(lambda: database)

    @pytest.fixture
    def append(self, database: Database) -> Append:
        return appending(database)

    def test_a_row_that_is_no_json_is_shown_and_named(
        self, database: Database, store: SqlAuditStore, append: Append
    ) -> None:
        append()
        with database.write() as connection:
            connection.execute(text("UPDATE audit SET detail = 'rubbish'"))
        assert store.newest(audit.AuditQuery(), limit=1)[0].detail == {"unreadable": "rubbish"}
        assert len(store.verify().problems) == 1


class TestSqlAuditStoreOnPostgreSQL(SqlContract):
    @pytest.fixture
    def database(self, emptied: Database) -> Database:
        return emptied

    @pytest.fixture
    def store(self, emptied: Database) -> SqlAuditStore:
        return SqlAuditStore(lambda: emptied)

    @pytest.fixture
    def append(self, emptied: Database) -> Append:
        return appending(emptied)
