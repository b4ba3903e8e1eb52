"""The SQL registry store against its contract, by several processes, and when it cannot be reached."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlops.errors import Unavailable
from jupyter_mlops.protocols.registry import RegistryStore
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.registry import SqlRegistryStore
from jupyter_mlops.testing.registry import RegistryStoreContract, dataset_version, model_version

REGISTER = """
import sys
from pathlib import Path
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.registry import SqlRegistryStore
from jupyter_mlops.testing.registry import dataset_version, model_version
store = SqlRegistryStore(Database(sqlite_url(Path(sys.argv[1]))))
print("ready", flush=True)
sys.stdin.readline()
for number in range(5):
    digest = f"{sys.argv[2]}{number}".zfill(64)
    print(store.register_dataset(dataset_version(digest=digest)).version)
    store.register_model(model_version(digest=digest), alias="champion")
    store.register_dataset(dataset_version("shared", digest=str(number).zfill(64)))
"""


def _proof(store: SqlRegistryStore) -> RegistryStore:
    return store


def sqlite_store(path: Path) -> SqlRegistryStore:
    return SqlRegistryStore(Database(sqlite_url(path)), clock=lambda: 1234.5)


class TestSqlRegistryStoreOnSqlite(RegistryStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> SqlRegistryStore:
        return sqlite_store(tmp_path / "registry.sqlite")


class TestSqlRegistryStoreOnPostgres(RegistryStoreContract):
    @pytest.fixture
    def store(self, emptied: Database) -> SqlRegistryStore:
        return SqlRegistryStore(emptied, clock=lambda: 1234.5)


def test_registry_processes_that_register_one_name_at_once_get_consecutive_versions(tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"  # not there yet: they create it at once, too
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", REGISTER, str(path), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in (1, 2, 3)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n", writer.communicate()[1]
    ends = [writer.communicate("go\n", timeout=100) for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0], ends
    numbers = [int(line) for output, _ in ends for line in output.split()]
    assert sorted(numbers) == list(range(1, 16))
    store = sqlite_store(path)
    assert [each.version for each in store.dataset("train").versions] == list(range(15, 0, -1))
    assert [each.version for each in store.dataset("shared").versions] == [5, 4, 3, 2, 1]
    assert store.model("digits").aliases == {"champion": 15}
    assert store.verify_audit() == []


def test_registry_transaction_that_fails_leaves_no_half_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = sqlite_store(tmp_path / "registry.sqlite")
    store.register_model(model_version(), alias="champion")
    before = (store.models(), store.audit(), store.changes(0))

    def fail(*_: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(SqlRegistryStore, "_move", fail)
    with pytest.raises(RuntimeError):
        store.register_model(model_version(), alias="champion", key="run/w/1")
    assert (store.models(), store.audit(), store.changes(0)) == before


def test_registry_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "registry.sqlite").write_bytes(b"this is no database, whatever its name says" * 100)
    with pytest.raises(Unavailable):
        SqlRegistryStore(lambda: Database(sqlite_url(tmp_path / "registry.sqlite"))).models()


def test_registry_without_its_driver_is_unavailable() -> None:
    store = SqlRegistryStore(lambda: Database("oracle://nowhere/x"))
    with pytest.raises(Unavailable, match=r"(?i)oracle"):
        store.register_dataset(dataset_version())


def test_registry_below_a_file_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable):
        SqlRegistryStore(lambda: Database(sqlite_url(tmp_path / "file" / "registry.sqlite"))).datasets()
