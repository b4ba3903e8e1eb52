"""The SQL store of gates and approvals against its contract."""

from __future__ import annotations

import pytest

from jupyter_mlops.protocols.promotion import PromotionStore
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.promotion import SqlPromotionStore
from jupyter_mlops.store.registry import SqlRegistryStore
from jupyter_mlops.testing.promotion import PromotionStoreContract


def _proof(store: SqlPromotionStore) -> PromotionStore:
    return store


class TestSqlPromotionStoreOnSqlite(PromotionStoreContract):
    @pytest.fixture
    def registry(self, database: Database) -> SqlRegistryStore:
        return SqlRegistryStore(database, clock=lambda: 1234.5)

    @pytest.fixture
    def store(self, database: Database) -> SqlPromotionStore:
        return SqlPromotionStore(database, clock=lambda: 1234.5)


class TestSqlPromotionStoreOnPostgres(PromotionStoreContract):
    @pytest.fixture
    def registry(self, emptied: Database) -> SqlRegistryStore:
        return SqlRegistryStore(emptied, clock=lambda: 1234.5)

    @pytest.fixture
    def store(self, emptied: Database) -> SqlPromotionStore:
        return SqlPromotionStore(emptied, clock=lambda: 1234.5)
