"""Databases with the registry's tables: SQLite, and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.migrations import migrate
from jupyter_mlops.store.registry_tables import counters, metadata
from tests import postgresql


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(sqlite_url(tmp_path / "registry.sqlite"))
    migrate(database)
    yield database
    database.close()


@pytest.fixture(scope="module")
def postgres() -> Iterator[Database]:
    with postgresql.server() as url:
        database = Database(url)
        migrate(database)
        yield database
        database.close()


@pytest.fixture
def emptied(postgres: Database) -> Database:
    """It, as the migrations leave it: with no row in any table but those of the counters."""
    with postgres.write() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete() if table is not counters else table.update().values(value=0))
    return postgres
