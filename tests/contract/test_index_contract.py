"""The SQL index keeps the contract, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from jupyter_mlops.protocols.runs import RunIndex
from jupyter_mlops.store import index_texts
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.index import SqlRunIndex
from jupyter_mlops.store.index_tables import FACTS, marks
from jupyter_mlops.testing.index import RunIndexContract
from jupyter_mlops.testing.index_searching import SearchContract

from .. import postgresql


class TestOnSqlite(RunIndexContract):
    @pytest.fixture
    def index(self, tmp_path: Path) -> Iterator[RunIndex]:
        database = Database(sqlite_url(tmp_path / "index.sqlite"))
        yield SqlRunIndex(database)
        database.close()


class TestSearchWithoutFullText(SearchContract):
    """As on a SQLite that was built without FTS5, or before it had trigrams."""

    @pytest.fixture
    def index(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunIndex]:
        monkeypatch.setattr(index_texts, "create", lambda connection: None)
        database = Database(sqlite_url(tmp_path / "index.sqlite"))
        yield SqlRunIndex(database)
        database.close()


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with postgresql.server() as url:
        database = Database(url)
        SqlRunIndex(database)
        yield database
        database.close()


class TestOnPostgresql(RunIndexContract):
    @pytest.fixture
    def index(self, database: Database) -> RunIndex:
        names = ", ".join(table.name for table in [*FACTS, marks])
        with database.write() as connection:  # new tables for each test would take a second each
            connection.execute(text(f"TRUNCATE {names}"))
            connection.execute(text("UPDATE index_state SET value = NULL WHERE name = 'scanned'"))
        return SqlRunIndex(database)
