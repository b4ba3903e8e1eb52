"""Stores of seals keep the contract."""

from __future__ import annotations

import pytest

from jupyter_mlops.protocols.sealing import SealStore
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.jobs import SqlJobStore
from jupyter_mlops.store.sealing import SqlSealStore
from jupyter_mlops.testing.sealing import SealStoreContract


def _proof(store: SqlSealStore) -> SealStore:
    return store


class TestOnSqlite(SealStoreContract):
    @pytest.fixture
    def seals(self, database: Database) -> SqlSealStore:
        return SqlSealStore(database)

    @pytest.fixture
    def jobs(self, database: Database) -> SqlJobStore:
        return SqlJobStore(database)


class TestOnPostgres(SealStoreContract):
    @pytest.fixture
    def seals(self, emptied: Database) -> SqlSealStore:
        return SqlSealStore(emptied)

    @pytest.fixture
    def jobs(self, emptied: Database) -> SqlJobStore:
        return SqlJobStore(emptied)
