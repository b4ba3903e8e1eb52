"""The SQL registry store against its contract, by several processes, and when it cannot be reached."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from jupyter_mlops.protocols.registry import RegistryStore
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.registry import SqlRegistryStore
from jupyter_mlops.testing.registry import RegistryStoreContract, model_version

REGISTER = """
import sys
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.registry import SqlRegistryStore
from jupyter_mlops.testing.registry import dataset_version, model_version
store = SqlRegistryStore(Database(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(5):
    digest = f"{sys.argv[2]}{number}".zfill(64)
    print(store.register_dataset(dataset_version(digest=digest)).version)
    store.register_model(model_version(digest=digest), alias="champion")
    store.register_dataset(dataset_version("shared", digest=str(number).zfill(64)))
"""
MOVE = """
import sys
from jupyter_mlops.errors import Conflict
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.registry import SqlRegistryStore
store = SqlRegistryStore(Database(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(20):
    seen = store.model("digits").aliases["champion"]
    try:
        store.move_alias("model", "digits", "champion", 3 - seen, user=sys.argv[2], expected=seen)
    except Conflict:
        print("conflict")
    else:
        print("moved")
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


@pytest.fixture(params=["sqlite", "postgresql"])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where several processes open one registry; on SQLite they create it at once, too."""
    if request.param == "sqlite":
        return str(sqlite_url(tmp_path / "registry.sqlite"))
    url: str = request.getfixturevalue("emptied").url.render_as_string(hide_password=False)
    return url


def together(program: str, url: str, names: Sequence[object]) -> list[str]:
    """What processes that were let go at once have printed."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", program, url, str(name)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n", writer.communicate()[1]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    ends = [writer.communicate(timeout=100) for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * len(writers), ends
    return [line for output, _ in ends for line in output.split()]


def test_registry_processes_that_register_one_name_at_once_get_consecutive_versions(shared_url: str) -> None:
    numbers = together(REGISTER, shared_url, (1, 2, 3))
    assert sorted(map(int, numbers)) == list(range(1, 16))
    store = SqlRegistryStore(Database(shared_url))
    assert [each.version for each in store.dataset("train").versions] == list(range(15, 0, -1))
    assert [each.version for each in store.dataset("shared").versions] == [5, 4, 3, 2, 1]
    assert store.model("digits").aliases == {"champion": 15}
    assert store.verify_audit() == []


def test_registry_processes_that_move_one_alias_at_once_never_undo_each_other_unseen(shared_url: str) -> None:
    store = SqlRegistryStore(Database(shared_url))
    for digest in "ab":
        store.register_model(model_version(digest=digest * 64), alias="champion")
    told = together(MOVE, shared_url, ("ada", "bob"))
    moves = store.moves("model", "digits", "champion")
    assert told.count("moved") + told.count("conflict") == 40
    assert len(moves) == told.count("moved") + 2
    ends = [(move.before, move.after) for move in reversed(moves)]
    assert all(one[1] == other[0] for one, other in pairwise(ends))
    assert store.model("digits").aliases == {"champion": ends[-1][1]}
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
