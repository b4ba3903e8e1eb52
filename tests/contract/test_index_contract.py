"""The SQL index keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.protocols.runs import RunIndex
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.index import SqlRunIndex
from jupyter_mlops.testing.index import RunIndexContract


@pytest.fixture
def index(tmp_path: Path) -> Iterator[RunIndex]:
    database = Database(sqlite_url(tmp_path / "index.sqlite"))
    yield SqlRunIndex(database)
    database.close()


class TestSqlRunIndex(RunIndexContract):
    pass
