"""Crashes, damage and names that want to be somewhere else: nothing half is seen, nothing escapes."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jupyter_mlops.config import Settings
from jupyter_mlops.entities import RunKind, RunStatus, new_id
from jupyter_mlops.errors import Corrupt, InvalidInput, MlopsError, NotFound
from jupyter_mlops.journal import JournalWriter
from jupyter_mlops.journal.records import Artifacts, Close, End, Start
from jupyter_mlops.services.registry.cache import DatasetCache
from jupyter_mlops.services.registry.folders import encode_manifest, read_manifest
from jupyter_mlops.services.registry.names import checked_alias, checked_name, parse_reference
from jupyter_mlops.services.runs.export.manifest import check_path
from jupyter_mlops.services.sealing.packing import checked_id, checked_path
from jupyter_mlops.workspace import Workspace

from ..registries import Registry, open_registry

# Dies as power cuts do: by SIGKILL, at one moment between the first byte of a version and its row's commit.
DIE = """
import os, signal, sys
from pathlib import Path
from jupyter_mlops.store import audit
from jupyter_mlops.store.registry import SqlRegistryStore
from tests.registries import open_registry

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

home, moment, data = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
if moment == "before the row":
    SqlRegistryStore.register_dataset = die
elif moment == "before the commit":
    audit.append = die
else:
    os.replace = die
open_registry(home).service.register_dataset(str(data), name="train", copy=True)
"""
NASTY = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.sampled_from(["..", ".", "/", "\\", "a", "\0", "~", "C:", "\u202e", "\ud800", "ä"]), max_size=8
    ).map("".join),
)
settings.register_profile("names", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = settings.get_profile("names")


@pytest.mark.parametrize("moment", ["before the blob", "before the row", "before the commit"])
def test_a_process_killed_while_it_registers_leaves_no_half_version(tmp_path: Path, moment: str) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    data.mkdir()
    (data / "a.bin").write_bytes(b"x" * 5000)
    open_registry(home).service.datasets()  # the tables are there
    command = [sys.executable, "-c", DIE, str(home), moment, str(data)]
    killed = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60
    )
    assert killed.returncode == -9, killed.stderr
    registry = open_registry(home)
    assert registry.service.datasets() == []
    assert [entry.action for entry in registry.service.audit()] == []
    assert registry.store.verify_audit() == []
    assert registry.service.register_dataset(str(data), name="train", copy=True).version == 1
    files = Path(registry.service.load_dataset("train", as_path=True))
    assert (files / "a.bin").read_bytes() == b"x" * 5000
    for blob in registry.blobs.stored():
        registry.blobs.get(blob.digest)


def test_a_damaged_content_is_never_loaded(tmp_path: Path) -> None:
    registry = open_registry(tmp_path / "home")
    (tmp_path / "a.csv").write_text("a\n1\n")
    version = registry.service.register_dataset(str(tmp_path / "a.csv"), name="train", copy=True)
    place = registry.blobs.path(version.digest)
    os.chmod(place, 0o644)
    place.write_bytes(b"a\n2\n")
    (tmp_path / "a.csv").unlink()
    with pytest.raises(Corrupt, match=version.digest):
        open_registry(tmp_path / "home").service.load_dataset("train")


# ---------------------------------------------------------------------- names


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return open_registry(tmp_path_factory.mktemp("names") / "home")


@given(name=NASTY)
@example(name="../../etc/passwd")
@example(name="train\u202etxt")
@settings(NAMES, max_examples=150)
def test_a_name_is_refused_or_comes_back_as_it_is(registry: Registry, name: str) -> None:
    around = registry.settings.home.parent
    data = around / "data.csv"
    data.write_text("a\n1\n")
    before = sorted(around.iterdir())
    try:
        version = registry.service.register_dataset(str(data), name=name, copy=True)
    except InvalidInput:
        with pytest.raises(InvalidInput):
            checked_name(name)
    else:
        assert version.name == checked_name(name) == unicodedata.normalize("NFC", name)
        assert not {"/", "\\", "\0", "@"} & set(version.name)
        assert registry.service.dataset_version(f"{version.name}@1").name == version.name
        assert parse_reference(version.name).name == version.name
        assert registry.service.load_dataset(version.name, as_path=True).read_text() == "a\n1\n"
    assert sorted(around.iterdir()) == before


@given(alias=NASTY)
@settings(NAMES)
def test_an_alias_is_refused_or_means_only_itself(alias: str) -> None:
    try:
        kept = checked_alias(alias)
    except InvalidInput:
        return
    assert parse_reference(f"digits@{kept}").selector == kept


@given(path=NASTY)
@example(path="a/../../b")
@example(path="/etc/passwd")
@settings(NAMES, max_examples=200)
def test_paths_that_others_wrote_stay_below_their_folder(tmp_path: Path, path: str) -> None:
    root = tmp_path / "root"
    for check in (check_path, checked_path, checked_id):
        try:
            place = os.path.normpath(os.path.join(root, check(path)))
        except (InvalidInput, ValueError):
            continue
        assert place.startswith(f"{root}{os.sep}")


@given(path=NASTY)
@example(path="../up")
@settings(NAMES, max_examples=100)
def test_files_of_a_manifest_stay_below_its_folder(registry: Registry, tmp_path: Path, path: str) -> None:
    blob = registry.blobs.put(b"content")
    try:
        manifest = encode_manifest([{"path": path, "digest": blob.digest, "size": 7}], [])
        digest = registry.blobs.put(manifest).digest
        ((read, _),) = read_manifest(digest, registry.blobs)[0].items()
    except (MlopsError, ValueError, UnicodeError):
        return
    assert read == path
    cache = DatasetCache(tmp_path / "cache", registry.blobs)
    try:
        folder = cache.folder(digest, path)
    except (MlopsError, OSError, ValueError, UnicodeError):
        return
    assert folder.resolve().is_relative_to((tmp_path / "cache").resolve())
    assert [each for each in folder.rglob("*") if not each.resolve().is_relative_to(folder.resolve())] == []


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("runs")
    return Workspace(
        Settings(home=folder / "home", runtime_dir=folder / "r", leases_dir=folder / "l", user="ada")
    )


@given(name=NASTY)
@example(name="../../../etc/cron.d/evil")
@example(name="CON")
@settings(NAMES, max_examples=25)
def test_artifacts_of_any_name_are_exported_below_the_export_and_come_back(
    workspace: Workspace, tmp_path: Path, name: str
) -> None:
    name = name.encode("utf-8", "replace").decode()  # a journal is UTF-8
    blob = workspace.blobs.put(b"content")
    journal = JournalWriter(workspace.settings.home, new_id(1e9))
    journal.append(Start(name=name or "run", experiment="e", kind=RunKind.CELL, user="ada"))
    journal.append(Artifacts(name=name, digest=blob.digest, size_bytes=blob.size_bytes))
    journal.append(End(status=RunStatus.FINISHED))
    journal.append(Close())
    journal.close()
    file = BytesIO()
    workspace.exports.write_zip(journal.key.run_id, file)
    with zipfile.ZipFile(file) as export:
        for each in export.namelist():
            check_path(each)
    assert workspace.runs.artifact(journal.key.run_id, name) == b"content"
    with pytest.raises(NotFound):
        workspace.runs.artifact(journal.key.run_id, f"{name}-not-there")
