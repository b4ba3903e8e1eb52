"""Registering without a registry, while cells are replayed, and around crashes."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jupyter_mlops.entities import VersionStatus
from jupyter_mlops.errors import InvalidInput, Unavailable
from jupyter_mlops.journal.records import Register
from jupyter_mlops.protocols.registry import RegistryStore

from ..registries import RUN, RecordedRun, Registry, open_registry

FRAME = pd.DataFrame({"x": [1, 2]})


class Unreachable:
    """A registry behind a network that is down."""

    def __init__(self, store: RegistryStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        def refuse(*_: Any, **__: Any) -> None:
            raise Unavailable("The registry cannot be reached: no route to host.")

        return refuse


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return open_registry(tmp_path / "home")


@pytest.fixture
def node(tmp_path: Path) -> Registry:
    """The same home, seen from where no registry can be reached."""
    return open_registry(tmp_path / "home", wrap=Unreachable)


def test_version_is_pending_until_the_runs_record_is_applied(registry: Registry, node: Registry) -> None:
    node.run = run = RecordedRun()
    data = node.service.register_dataset(FRAME, name="train")
    model = node.service.register_model({"w": 1}, name="digits", alias="champion", metrics={"acc": 0.5})
    assert (data.version, data.status) == (None, VersionStatus.PENDING)
    assert (model.version, model.status, model.run_id) == (None, VersionStatus.PENDING, RUN)
    assert registry.service.models() == []

    for _ in range(2):  # ingest may see them twice
        assert [registry.service.apply(key, record, RUN, "ada") for key, record in run.registered] == [1, 1]
    applied = registry.service.model_version("digits@champion")
    assert applied == replace(model, version=1, status=VersionStatus.READY, aliases=["champion"])
    assert registry.service.dataset_version("train") == replace(data, version=1, status=VersionStatus.READY)
    assert registry.service.load_model("digits") == {"w": 1}
    pd.testing.assert_frame_equal(registry.service.load_dataset("train"), FRAME)
    assert registry.service.verify_audit() == []


def test_record_applied_at_once_is_not_applied_again(registry: Registry) -> None:
    registry.run = run = RecordedRun()
    registry.service.register_model({"w": 1}, name="digits")
    ((key, record),) = run.registered
    assert registry.service.apply(key, record, RUN, "ada") == 1
    assert len(registry.service.model("digits").versions) == 1


def test_without_a_run_an_unreachable_registry_is_an_error(node: Registry) -> None:
    with pytest.raises(Unavailable):
        node.service.register_dataset(FRAME, name="train")


def test_run_that_cannot_write_is_no_promise(node: Registry, registry: Registry) -> None:
    node.run = RecordedRun(writes=False)
    with pytest.raises(Unavailable):
        node.service.register_dataset(FRAME, name="train")
    registry.run = RecordedRun(writes=False)
    assert registry.service.register_model({"w": 1}, name="digits").version == 1
    assert registry.service.register_model({"w": 2}, name="digits").version == 2


def test_replayed_cells_register_nothing_and_read_what_is_there(registry: Registry) -> None:
    service = registry.service
    data = service.register_dataset(FRAME, name="train")
    model = service.register_model({"w": 1}, name="digits", alias="champion")
    service.register_model({"w": 2}, name="digits")
    before = (service.datasets(), service.models(), service.audit())

    registry.replaying = True
    registry.run = run = RecordedRun()
    assert service.register_dataset(FRAME, name="train") == data
    assert service.register_model({"w": 1}, name="digits", alias="champion") == model
    fresh = service.register_model({"w": 3}, name="digits", alias="champion")
    assert (fresh.version, fresh.status) == (None, VersionStatus.PENDING)
    assert service.set_alias("digits", "champion", 2).aliases == {"champion": 1}
    assert service.delete_alias("digits", "champion").aliases == {"champion": 1}
    assert (service.datasets(), service.models(), service.audit()) == before
    assert run.registered == []
    assert run.inputs == [("dataset", "train", 1, data.digest), ("model", "digits", 1, model.digest)]


@pytest.mark.parametrize(
    "record",
    [
        Register(kind="thing", version={}),
        Register(kind="model", version={"name": "x"}),
        Register(kind="dataset", version={}, alias="latest"),
    ],
)
def test_record_that_no_registry_can_take_is_refused(registry: Registry, record: Register) -> None:
    with pytest.raises(InvalidInput):
        registry.service.apply(f"{RUN}/w/1", record, RUN, "ada")


def test_record_with_a_name_that_is_none_is_refused(registry: Registry) -> None:
    registry.run = run = RecordedRun()
    registry.service.register_model({"w": 1}, name="digits")
    ((_, record),) = run.registered
    forged = Register(kind="model", version={**record.version, "name": "../../etc"})
    with pytest.raises(InvalidInput, match="etc"):
        registry.service.apply(f"{RUN}/w/2", forged, RUN, "ada")


def test_applied_version_is_its_runs_users_whatever_the_record_says(registry: Registry) -> None:
    registry.run = run = RecordedRun()
    registry.service.register_model({"w": 1}, name="digits")
    ((_, record),) = run.registered
    number = registry.service.apply("other/w/1", record, "other", "bob")
    version = registry.service.model_version(f"digits@{number}")
    assert (version.created_by, version.run_id) == ("bob", "other")


CRASH = """
import os, signal, sys
from pathlib import Path
from jupyter_mlops.entities import RunKind
from jupyter_mlops.journal import JournalWriter
from jupyter_mlops.journal.records import Register
from jupyter_mlops.store.registry import SqlRegistryStore
from tests.registries import RUN, RecordedRun, open_registry
home = Path(sys.argv[1])
registry = open_registry(home)
journal = JournalWriter(home, RUN, writer="w")
class Run(RecordedRun):
    def register(self, kind, version, alias):
        return f"{RUN}/w/{journal.append(Register(kind=kind, version=version, alias=alias))}"
if sys.argv[2] == "run":
    registry.run = Run()
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
where = sys.argv[3]
setattr(SqlRegistryStore, where, die)
registry.service.register_model({"w": 1}, name="digits", alias="champion")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
@pytest.mark.parametrize("where", ["register_model", "_move", "_trace_registration"])
@pytest.mark.parametrize("within", ["run", "no run"])
def test_kill_between_blob_and_row_leaves_no_half_version(
    registry: Registry, tmp_path: Path, where: str, within: str
) -> None:
    from jupyter_mlops.journal import JournalKey, read_chunk

    home = tmp_path / "home"
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, "-c", CRASH, str(home), within, where], cwd=root, capture_output=True, timeout=100
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert registry.service.models() == []
    assert registry.service.audit() == []
    assert len(list(registry.blobs.root.glob("??/*"))) == 2, "the model, and what is installed"

    records = read_chunk(JournalKey(RUN, "w").path(home)).records
    assert len(records) == (1 if within == "run" else 0)
    for record in records:
        assert isinstance(record, Register)
        assert registry.service.apply(f"{RUN}/w/{record.n}", record, RUN, "ada") == 1
        assert registry.service.load_model("digits@champion") == {"w": 1}
    assert registry.service.register_model({"w": 1}, name="digits").version == len(records) + 1
    assert registry.service.verify_audit() == []
