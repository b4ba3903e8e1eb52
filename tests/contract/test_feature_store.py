"""The SQL stores of feature views against their contracts, and by several processes at once."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jupyter_mlops.protocols.features import FeatureStore, OnlineStore
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.features import SqlFeatureStore
from jupyter_mlops.store.online import SqlOnlineStore, metadata
from jupyter_mlops.store.registry import SqlRegistryStore
from jupyter_mlops.testing.features import (
    RATING,
    FeatureStoreContract,
    OnlineStoreContract,
    materialization,
    online_row,
    online_table,
    view_version,
)

REGISTER = """
import sys
from pathlib import Path
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.features import SqlFeatureStore
from jupyter_mlops.testing.features import view_version
store = SqlFeatureStore(Database(sqlite_url(Path(sys.argv[1]))))
print("ready", flush=True)
sys.stdin.readline()
for number in range(5):
    print(store.register(view_version(digest=f"{sys.argv[2]}{number}".zfill(64))).version)
    store.register(view_version("shared", digest=str(number).zfill(64)))
"""


def _proof(store: SqlFeatureStore, online: SqlOnlineStore) -> tuple[FeatureStore, OnlineStore]:
    return store, online


class TestSqlFeatureStoreOnSqlite(FeatureStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> SqlFeatureStore:
        return SqlFeatureStore(Database(sqlite_url(tmp_path / "registry.sqlite")), clock=lambda: 1234.5)


class TestSqlFeatureStoreOnPostgres(FeatureStoreContract):
    @pytest.fixture
    def store(self, emptied: Database) -> SqlFeatureStore:
        return SqlFeatureStore(emptied, clock=lambda: 1234.5)


class TestSqlOnlineStoreOnSqlite(OnlineStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> SqlOnlineStore:
        return SqlOnlineStore(lambda: Database(sqlite_url(tmp_path / "online.sqlite")))


class TestSqlOnlineStoreOnPostgres(OnlineStoreContract):
    @pytest.fixture
    def store(self, emptied: Database) -> SqlOnlineStore:
        with emptied.write() as connection:
            metadata.drop_all(connection)
        return SqlOnlineStore(lambda: Database(emptied.url))


def test_decisions_about_views_are_in_the_audit_trail(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "registry.sqlite"))
    store = SqlFeatureStore(database, clock=lambda: 1234.5)
    view = store.register(view_version())
    found = store.materialized(materialization(view), features=RATING)
    store.online(found.view, found.source, 2, user="bob")
    store.register(view_version())
    store.materialized(found, features=RATING)
    registry = SqlRegistryStore(database)
    told = [(each.user, each.action, each.subject, each.detail) for each in registry.audit()]
    subject = "view:driver_stats@1"
    assert told == [
        ("bob", "view.online", subject, {"dataset": "driver_stats@1", "keys": 2}),
        (
            "ada",
            "view.materialize",
            subject,
            {
                "source": "rides@1",
                "dataset": "driver_stats@1",
                "digest": "1" * 64,
                "rows": 3,
                "run_id": None,
            },
        ),
        ("ada", "view.register", subject, {"digest": "a" * 64, "source": "rides", "run_id": None}),
    ]
    assert registry.verify_audit() == []
    assert registry.changes(0).views == ["driver_stats"]


def test_a_view_is_known_by_an_alias(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "registry.sqlite"))
    store = SqlFeatureStore(database)
    first = store.register(view_version())
    store.register(view_version(digest="b" * 64))
    SqlRegistryStore(database).move_alias("view", "driver_stats", "gold", 1, user="ada")
    assert store.version("driver_stats", "gold") == first


def test_processes_that_register_one_view_at_once_get_consecutive_versions(tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", REGISTER, str(path), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in (1, 2)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n", writer.communicate()[1]
    ends = [writer.communicate("go\n", timeout=100) for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0], ends
    numbers = [int(line) for output, _ in ends for line in output.split()]
    assert sorted(numbers) == list(range(1, 11))
    store = SqlFeatureStore(Database(sqlite_url(path)))
    assert [each.version for each in store.view("shared").versions] == [5, 4, 3, 2, 1]


def readers_see_whole_tables(store: SqlOnlineStore, other: SqlOnlineStore) -> None:
    """While ``store`` replaces the table, ``other`` reads rows of one table only, and never none."""
    keys = [f"[{number}]" for number in range(600)]

    def put(number: int) -> None:
        value = str(number).encode()
        store.replace(online_table(source=number), [online_row(key, value=value) for key in keys])

    put(1)
    done = threading.Event()
    failures: list[object] = []

    def read() -> None:
        while not done.is_set():
            found = other.read("driver_stats", None, keys, now_ns=10)
            values = {row.value for row in found.rows.values()}
            expected = str(found.table.source.version).encode()
            if values != {expected} or len(found.rows) != len(keys):
                failures.append((expected, values, len(found.rows)))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(2, 10):
            put(number)
    finally:
        done.set()
        reader.join()
    assert failures == []


def test_readers_of_sqlite_see_one_table_or_the_other(tmp_path: Path) -> None:
    stores = [SqlOnlineStore(lambda: Database(sqlite_url(tmp_path / "online.sqlite"))) for _ in range(2)]
    readers_see_whole_tables(*stores)


def test_readers_of_postgresql_see_one_table_or_the_other(emptied: Database) -> None:
    with emptied.write() as connection:
        metadata.drop_all(connection)
    readers_see_whole_tables(*(SqlOnlineStore(lambda: Database(emptied.url)) for _ in range(2)))


def test_an_online_table_that_was_deleted_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "online.sqlite"
    store = SqlOnlineStore(lambda: Database(sqlite_url(path)))
    store.replace(online_table(), [online_row("[1]")])
    for each in tmp_path.iterdir():
        each.unlink()
    assert store.tables() == []
    store.replace(online_table(), [online_row("[2]")])
    assert list(store.read("driver_stats", None, ["[1]", "[2]"], now_ns=10).rows) == ["[2]"]
