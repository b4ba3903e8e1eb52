"""The SQL stores of profiles and of expectations against their contracts."""

from __future__ import annotations

import pytest

from jupyter_mlops.protocols.expectations import ExpectationStore
from jupyter_mlops.protocols.profiles import ProfileStore
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.expectations import SqlExpectationStore
from jupyter_mlops.store.profiles import SqlProfileStore
from jupyter_mlops.store.registry import SqlRegistryStore
from jupyter_mlops.testing.expectations import NOW, ExpectationStoreContract, Trail
from jupyter_mlops.testing.profiles import ProfileStoreContract


def _proof(
    profiles: SqlProfileStore, expectations: SqlExpectationStore
) -> tuple[ProfileStore, ExpectationStore]:
    return profiles, expectations


def _trail(database: Database) -> Trail:
    return SqlRegistryStore(database).audit


class TestSqlProfileStoreOnSqlite(ProfileStoreContract):
    @pytest.fixture
    def store(self, database: Database) -> SqlProfileStore:
        return SqlProfileStore(lambda: database)


class TestSqlProfileStoreOnPostgres(ProfileStoreContract):
    @pytest.fixture
    def store(self, emptied: Database) -> SqlProfileStore:
        return SqlProfileStore(lambda: emptied)


class TestSqlExpectationStoreOnSqlite(ExpectationStoreContract):
    @pytest.fixture
    def store(self, database: Database) -> SqlExpectationStore:
        return SqlExpectationStore(lambda: database, clock=lambda: NOW)

    @pytest.fixture
    def trail(self, database: Database) -> Trail:
        return _trail(database)


class TestSqlExpectationStoreOnPostgres(ExpectationStoreContract):
    @pytest.fixture
    def store(self, emptied: Database) -> SqlExpectationStore:
        return SqlExpectationStore(lambda: emptied, clock=lambda: NOW)

    @pytest.fixture
    def trail(self, emptied: Database) -> Trail:
        return _trail(emptied)
