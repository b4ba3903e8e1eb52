"""Datasets through the service, on real files."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jupyter_mlops.entities import Column, DatasetKind, DatasetVersion, Details, VersionRef, VersionStatus
from jupyter_mlops.errors import Corrupt, ExpectationsFailed, InvalidInput, NotFound, Unavailable
from jupyter_mlops.hashing import digest_of
from jupyter_mlops.services.registry.folders import store_folder

from ..datasets import workspace_in
from ..registries import RUN, RecordedRun, Registry, open_registry

FRAME = pd.DataFrame({"x": [1, 2, 3], "y": ["a", None, "ü"]})


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return open_registry(tmp_path / "home")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Nested, with an empty folder, a link to a file outside, a linked folder and odd names."""
    root = tmp_path / "images"
    (root / "cats" / "small").mkdir(parents=True)
    (root / "empty" / "within").mkdir(parents=True)
    (root / "cats" / "1.png").write_bytes(b"cat")
    (root / "cats" / "small" / "same.png").write_bytes(b"cat")
    (root / " odd\nnäme 🐈.txt").write_bytes(b"odd")
    (root / "nothing").write_bytes(b"")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "far.bin").write_bytes(b"far")
    (root / "link.bin").symlink_to(outside / "far.bin")
    (root / "linked").symlink_to(outside, target_is_directory=True)
    return root


def contents(root: Path) -> dict[bytes, bytes]:
    found = {}
    for folder, _, names in os.walk(os.fsencode(root), followlinks=True):
        for path in (os.path.join(folder, name) for name in names):
            found[os.path.relpath(path, os.fsencode(root))] = Path(os.fsdecode(path)).read_bytes()
    return found


def test_dataframe_is_registered_with_its_shape_and_loaded_as_it_was(registry: Registry) -> None:
    frame = pd.DataFrame({"x": [1, 2], "label": pd.Categorical(["a", "b"])})
    version = registry.service.register_dataset(frame, name="train", description="first")
    blob = registry.blobs.path(version.digest)
    assert version == DatasetVersion(
        name="train",
        version=1,
        kind=DatasetKind.TABLE,
        digest=version.digest,
        size_bytes=blob.stat().st_size,
        file_name="train.parquet",
        created_at=1000.0,
        created_by="ada",
        rows=2,
        columns=[
            Column(name="x", type="int64"),
            Column(name="label", type=version.columns[1].type if version.columns else ""),
        ],
        source="pandas.DataFrame",
        description="first",
        status=VersionStatus.READY,
    )
    pd.testing.assert_frame_equal(registry.service.load_dataset("train"), frame)
    path = registry.service.load_dataset("train@1", as_path=True)
    assert path.name == "train.parquet"
    pd.testing.assert_frame_equal(pd.read_parquet(path), frame)


def test_same_content_is_the_existing_version_and_other_content_the_next(registry: Registry) -> None:
    service = registry.service
    first = service.register_dataset(pd.DataFrame({"x": [1, 2]}), name="train")
    registry.now = 2000.0
    assert service.register_dataset(pd.DataFrame({"x": [1, 2]}), name="train") == first
    assert service.register_dataset(pd.DataFrame({"x": [1, 3]}), name="train").version == 2
    assert service.register_dataset(pd.DataFrame({"x": [1, 2]}), name="other").version == 1
    assert [each.version for each in service.dataset("train").versions] == [2, 1]
    assert [each.name for each in service.datasets()] == ["other", "train"]
    assert service.load_dataset("train@1")["x"].tolist() == [1, 2]
    assert service.load_dataset("train@latest")["x"].tolist() == [1, 3]


def test_csv_file_keeps_its_bytes_and_its_name(registry: Registry, tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    path.write_text("x,y\n1,a\n2,b\n")
    version = registry.service.register_dataset(str(path), name="train")
    assert (version.kind, version.rows, version.size_bytes) == (DatasetKind.FILE, 2, 12)
    assert version.columns == [Column(name="x", type="int64"), Column(name="y", type="string")]
    assert version.source == str(path)
    path.write_text("gone")
    assert registry.service.load_dataset("train").to_dict("list") == {"x": [1, 2], "y": ["a", "b"]}
    loaded = registry.service.load_dataset("train", as_path=True)
    assert (loaded.name, loaded.read_text()) == ("train.csv", "x,y\n1,a\n2,b\n")
    assert loaded.stat().st_mode & 0o222 == 0


def test_other_file_is_loaded_as_a_path(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"\x00\x01")
    version = registry.service.register_dataset(tmp_path / "weights.bin", name="weights")
    assert (version.rows, version.columns) == (None, None)
    loaded = registry.service.load_dataset("weights")
    assert isinstance(loaded, Path)
    assert loaded.read_bytes() == b"\x00\x01"
    assert registry.service.load_dataset("weights") == loaded


def test_one_content_of_two_names_has_both_names(registry: Registry, tmp_path: Path) -> None:
    for name in ("a.bin", "b.bin"):
        (tmp_path / name).write_bytes(b"same")
        registry.service.register_dataset(tmp_path / name, name=name)
    loaded = [registry.service.load_dataset(name) for name in ("a.bin", "b.bin")]
    assert [path.name for path in loaded] == ["a.bin", "b.bin"]
    assert [path.read_bytes() for path in loaded] == [b"same", b"same"]


def test_folder_comes_back_whole_and_read_only(registry: Registry, folder: Path) -> None:
    version = registry.service.register_dataset(folder, name="images")
    assert (version.kind, version.file_name, version.size_bytes) == (DatasetKind.FOLDER, "images", 15)
    loaded = registry.service.load_dataset("images")
    assert loaded.name == "images"
    assert contents(loaded) == contents(folder)
    assert (loaded / "empty" / "within").is_dir()
    assert not any(path.is_symlink() for path in loaded.rglob("*"))
    assert all(path.stat().st_mode & 0o222 == 0 for path in (loaded, *loaded.rglob("*")))


@pytest.mark.skipif(sys.platform == "darwin", reason="APFS takes only UTF-8 names")
def test_name_that_is_not_utf8_comes_back(registry: Registry, folder: Path) -> None:
    with open(os.fsencode(folder) + b"/caf\xe9.txt", "wb") as file:
        file.write(b"latin")
    registry.service.register_dataset(folder, name="images")
    assert contents(registry.service.load_dataset("images"))[b"caf\xe9.txt"] == b"latin"


def test_folder_identity_is_paths_and_contents_alone(
    registry: Registry, folder: Path, tmp_path: Path
) -> None:
    first = registry.service.register_dataset(folder, name="images")
    copy = tmp_path / "copy" / "images"
    shutil.copytree(folder, copy)  # with files in place of the links
    assert registry.service.register_dataset(copy, name="images") == first
    (copy / "cats" / "1.png").rename(copy / "cats" / "2.png")
    assert registry.service.register_dataset(copy, name="images").version == 2


def test_folder_with_a_broken_link_is_refused_naming_it(registry: Registry, folder: Path) -> None:
    (folder / "broken").symlink_to(folder / "nowhere")
    with pytest.raises(InvalidInput, match="broken"):
        registry.service.register_dataset(folder, name="images")
    assert registry.service.datasets() == []


def test_folder_that_contains_itself_is_refused(registry: Registry, folder: Path) -> None:
    (folder / "cats" / "up").symlink_to(folder, target_is_directory=True)
    with pytest.raises(InvalidInput, match="up"):
        registry.service.register_dataset(folder, name="images")


@pytest.mark.skipif(sys.platform == "win32", reason="has no named pipes in folders")
def test_folder_with_a_pipe_is_refused_without_waiting_for_it(registry: Registry, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(InvalidInput, match="pipe"):
        registry.service.register_dataset(folder, name="images")


def test_manifest_that_leads_out_of_its_folder_is_corrupt(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    digest = store_folder(tmp_path / "f", registry.blobs).digest
    payload = registry.blobs.put(b"#!/bin/sh")
    bad = (
        b'{"empty_folders":[],"files":[{"digest":"%s","path":"../../evil","size":9}],"version":1}'
        % payload.digest.encode()
    )
    service = registry.service
    version = service.register_dataset(tmp_path / "f", name="fine")
    assert version.digest == digest
    evil = registry.blobs.put(bad)
    registry.store.register_dataset(replace(version, name="evil", digest=evil.digest))
    with pytest.raises(Corrupt, match="evil"):
        service.load_dataset("evil")
    assert not list(tmp_path.rglob("evil"))


def test_file_name_of_a_row_cannot_lead_out_of_the_cache(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"a")
    version = registry.service.register_dataset(tmp_path / "a.bin", name="a")
    for number, name in enumerate(("../../../evil", "..", "", "/etc/evil")):
        registry.store.register_dataset(replace(version, name=f"n{number}", file_name=name))
        loaded = registry.service.load_dataset(f"n{number}")
        assert loaded.parent == tmp_path / "home" / "cache" / version.digest


def test_damaged_blob_is_reported(registry: Registry, tmp_path: Path) -> None:
    version = registry.service.register_dataset(pd.DataFrame({"x": [1]}), name="train")
    blob = registry.blobs.path(version.digest)
    os.chmod(blob, 0o644)
    blob.write_bytes(b"damaged")
    with pytest.raises(Corrupt, match=version.digest):
        registry.service.load_dataset("train")


@pytest.mark.parametrize("data", ["/no/such/file", Path("nothing here")])
def test_missing_path_is_not_found(registry: Registry, data: Any) -> None:
    with pytest.raises(NotFound, match="No file or folder"):
        registry.service.register_dataset(data, name="train")


@pytest.mark.parametrize("data", [[1, 2], {"x": [1]}, None, 3])
def test_object_that_is_no_data_is_refused_saying_what_is(registry: Registry, data: Any) -> None:
    with pytest.raises(InvalidInput, match="DataFrame"):
        registry.service.register_dataset(data, name="train")


def test_name_is_checked_before_anything_is_stored(registry: Registry) -> None:
    with pytest.raises(InvalidInput, match="a/b"):
        registry.service.register_dataset(pd.DataFrame({"x": [1]}), name="a/b")
    assert not registry.blobs.root.exists()


def test_unknown_dataset_suggests_the_nearest(registry: Registry) -> None:
    registry.service.register_dataset(pd.DataFrame({"x": [1]}), name="train")
    with pytest.raises(NotFound, match="Did you mean 'train'"):
        registry.service.load_dataset("trian")
    with pytest.raises(NotFound, match="versions are 1 to 1"):
        registry.service.load_dataset("train@2")


def test_run_that_registers_and_reads_is_linked(registry: Registry) -> None:
    registry.run = run = RecordedRun()
    version = registry.service.register_dataset(pd.DataFrame({"x": [1]}), name="train")
    registry.service.load_dataset("train")
    assert version.run_id == RUN
    assert [(key, record.kind) for key, record in run.registered] == [(f"{RUN}/writer/1", "dataset")]
    assert run.inputs == [("dataset", "train", 1, version.digest)]


# what is said of datasets, and their aliases


def test_registering_says_and_points(registry: Registry) -> None:
    service = registry.service
    version = service.register_dataset(
        FRAME,
        name="train",
        description="first",
        alias="golden",
        tags={"source": "lab", "year": 2024},  # type: ignore[dict-item]
        owner="ada",
        licence="CC-BY-4.0",
    )
    assert (version.aliases, version.tags) == (["golden"], {"source": "lab", "year": "2024"})
    assert version.description == "first"
    assert service.dataset("train").details == Details(owner="ada", licence="CC-BY-4.0")
    again = service.register_dataset(FRAME, name="train", description="the same", tags={"checked": "yes"})
    assert (again.version, again.description) == (1, "the same")
    assert again.tags == {"source": "lab", "year": "2024", "checked": "yes"}
    pd.testing.assert_frame_equal(service.load_dataset("train@golden"), FRAME)
    service.register_dataset(FRAME * 2, name="train", alias="golden")
    assert service.dataset("train").aliases == {"golden": 2}
    assert [(move.before, move.after) for move in service.moves("train", "golden", kind="dataset")] == [
        (1, 2),
        (None, 1),
    ]
    assert service.verify_audit() == []


BAD_WORDS: list[tuple[dict[str, Any], str]] = [
    ({"tags": "x"}, "tags= is a dict of texts, such as .*, not 'x'"),
    ({"tags": ["x"]}, "tags= is a dict of texts"),
    ({"tags": {1: "x"}}, "tags= is a dict of texts"),
    ({"tags": {"": "x"}}, "tags= is a dict of texts"),
    ({"description": 5}, "description= is text, not 5"),
    ({"owner": 5}, "owner= is text, not 5"),
    ({"licence": ["MIT"]}, r"licence= is text, not \['MIT'\]"),
]


@pytest.mark.parametrize(("said", "why"), BAD_WORDS, ids=str)
def test_what_is_no_text_is_refused_before_anything_is_stored(
    registry: Registry, said: dict[str, Any], why: str
) -> None:
    service = registry.service
    with pytest.raises(InvalidInput, match=why):
        service.register_dataset(FRAME, name="train", **said)
    assert service.datasets() == []
    service.register_dataset(FRAME, name="train")
    with pytest.raises(InvalidInput, match=why):
        service.edit("dataset", "train@1", **said)
    assert service.dataset_version("train").tags == {}


@pytest.mark.parametrize("kind", ["dataset", "model"])
def test_tag_of_none_is_refused_where_there_is_none_to_take_away(registry: Registry, kind: str) -> None:
    register = getattr(registry.service, f"register_{kind}")
    with pytest.raises(InvalidInput, match="The tag 'b' is None, which takes a tag away"):
        register(FRAME, name="x", tags={"a": 1, "b": None})
    assert registry.service.datasets() == registry.service.models() == []
    assert register(FRAME, name="x", tags={"a": 1}).tags == {"a": "1"}


@pytest.mark.parametrize("kind", ["dataset", "model"])
def test_edit_that_changes_nothing_says_what_can_be_changed(registry: Registry, kind: str) -> None:
    getattr(registry.service, f"register_{kind}")(FRAME, name="x")
    for said in ({}, {"tags": {}}):
        with pytest.raises(InvalidInput, match="Nothing to change of 'x@1': give description, tags, owner"):
            registry.service.edit(kind, "x@1", **said)


def test_copy_is_a_truth(registry: Registry) -> None:
    with pytest.raises(InvalidInput, match=r"copy= is True, False, or None .* not 'yes'"):
        registry.service.register_dataset(FRAME, name="train", copy="yes")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["dataset", "model"])
def test_latest_is_no_alias(registry: Registry, kind: str) -> None:
    registry.service.register_dataset(FRAME, name="train")
    registry.service.register_model({"w": 1}, name="train")
    with pytest.raises(InvalidInput, match="'latest' cannot be an alias: NAME@latest is always the newest"):
        registry.service.set_alias("train", "latest", 1, kind=kind)


def test_tags_are_not_lost_when_the_registry_goes_away_after_the_number(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def describe(*arguments: object, **more: object) -> None:
        raise Unavailable("the database went away")

    monkeypatch.setattr(registry.store, "describe", describe)
    registry.service.register_dataset(FRAME, name="train", tags={"a": "1"})
    assert registry.service.dataset_version("train").tags == {"a": "1"}
    with pytest.raises(Unavailable):
        registry.service.register_dataset(FRAME, name="train", tags={"b": "2"}, owner="ada")
    assert registry.service.dataset_version("train").tags == {"a": "1", "b": "2"}


def test_alias_that_roles_keep_is_told_and_the_version_is_registered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    roles = tmp_path / "roles.json"
    roles.write_text(json.dumps({"default": "contributor", "aliases": {"golden": "admin"}}))
    workspace = workspace_in(tmp_path / "home", access=str(roles))
    version = workspace.registry.register_dataset(FRAME, name="train", alias="golden", tags={"a": "1"})
    assert (version.version, version.aliases, version.tags) == (1, [], {"a": "1"})
    assert "Dataset train@1 is registered, and the alias 'golden' stays where it is:" in caplog.text
    assert workspace.registry.audit(limit=1)[0].action == "alias.refuse"


def test_bad_alias_is_refused_before_anything_is_stored(registry: Registry) -> None:
    with pytest.raises(InvalidInput, match="latest"):
        registry.service.register_dataset(FRAME, name="train", alias="latest")
    assert registry.service.datasets() == []
    assert not registry.blobs.root.exists()


def test_editing_a_name_or_a_version(registry: Registry) -> None:
    service = registry.service
    service.register_dataset(FRAME, name="train", alias="golden", tags={"a": "1", "b": "2"})
    service.register_dataset(FRAME * 2, name="train")
    service.edit("dataset", "train", description="all of it", owner="bob")
    service.edit("dataset", "train@golden", description="clean", tags={"a": None, "c": "3"})
    dataset = service.dataset("train")
    assert dataset.details == Details(description="all of it", owner="bob")
    assert [(each.description, each.tags) for each in dataset.versions] == [
        ("", {}),
        ("clean", {"b": "2", "c": "3"}),
    ]
    for missing in ("nothing", "train@9", "train@champion"):
        with pytest.raises(NotFound):
            service.edit("dataset", missing, description="x")


def test_pending_version_gets_its_alias_and_tags_when_it_is_applied_and_keeps_what_was_decided_later(
    registry: Registry,
) -> None:
    registry.run = run = RecordedRun()
    registry.service.register_dataset(FRAME, name="train", alias="golden", tags={"a": "1"})
    ((key, record),) = run.registered
    other = open_registry(registry.settings.home.parent / "other")
    assert other.service.apply(key, record, RUN, "ada") == 1
    assert other.service.dataset_version("train@golden").tags == {"a": "1"}
    registry.service.edit("dataset", "train@1", tags={"a": "2"})
    registry.service.delete_alias("train", "golden", kind="dataset")
    assert registry.service.apply(key, record, RUN, "ada") == 1
    assert registry.service.dataset("train").aliases == {}
    assert registry.service.dataset_version("train").tags == {"a": "2"}


# DataFrames that know where they are from


def test_loaded_frame_is_known_as_what_it_is(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n1,a\n2,\n")
    service = registry.service
    table = service.register_dataset(FRAME, name="table")
    file = service.register_dataset(tmp_path / "t.csv", name="file")
    for version in (table, file):
        frame = service.load_dataset(version.name)
        ref = VersionRef(kind="dataset", name=version.name, version=1, digest=version.digest)
        assert frame.attrs == {
            "jupyter_mlops": {"name": version.name, "version": 1, "digest": version.digest}
        }
        assert service.dataset_of(frame) == ref
        assert service.dataset_of(frame.copy()) == ref
    assert service.register_dataset(service.load_dataset("table"), name="table") == table


def _in_place(frame: pd.DataFrame) -> pd.DataFrame:
    frame.loc[1, "x"] = 7
    return frame


@pytest.mark.parametrize(
    "derive",
    [
        _in_place,
        lambda frame: frame.head(1),
        lambda frame: frame.iloc[::-1],
        lambda frame: frame[["x"]],
        lambda frame: frame.rename(columns={"x": "z"}),
        lambda frame: frame.astype({"x": "int32"}),
        lambda frame: frame.set_index("x"),
        lambda frame: frame.rename_axis("i"),
        lambda frame: frame.assign(x=frame["x"] + 0.5),
        lambda frame: frame.merge(frame, on="x"),
        lambda frame: pd.concat([frame, frame]),
        lambda frame: frame["x"],
    ],
)
def test_changed_or_derived_frame_does_not_claim_to_be_the_dataset(
    registry: Registry, derive: Callable[[pd.DataFrame], Any]
) -> None:
    registry.service.register_dataset(FRAME, name="train")
    assert registry.service.dataset_of(derive(registry.service.load_dataset("train"))) is None


def test_derived_frame_is_registered_with_what_it_was_made_from(registry: Registry) -> None:
    service = registry.service
    origin = service.register_dataset(FRAME, name="raw")
    frame = service.load_dataset("raw")
    version = service.register_dataset(frame[frame["x"] > 1], name="clean")
    ref = VersionRef(kind="dataset", name="raw", version=1, digest=origin.digest)
    assert version.inputs == [ref]
    assert service.register_dataset(frame, name="same").inputs == []
    forged = FRAME * 3
    forged.attrs["jupyter_mlops"] = {"name": "raw", "version": 1, "digest": "0" * 64}
    assert service.register_dataset(forged, name="forged").inputs == []


@pytest.mark.parametrize("said", [None, 3, {}, {"name": 1}, {"name": "x", "version": 1, "digest": "d"}])
def test_attrs_of_another_meaning_are_no_dataset(registry: Registry, said: Any) -> None:
    frame = FRAME.copy()
    frame.attrs["jupyter_mlops"] = said
    assert registry.service.dataset_of(frame) is None
    assert registry.service.dataset_of(FRAME) is None
    assert registry.service.dataset_of("train") is None
    assert registry.service.register_dataset(frame, name="x").inputs == []


def test_attrs_do_not_count(registry: Registry, tmp_path: Path) -> None:
    plain = registry.service.register_dataset(FRAME, name="train")
    frame = FRAME.copy()
    frame.attrs["unit"] = "kg"
    frame.attrs["object"] = object()
    assert registry.service.register_dataset(frame, name="train") == plain
    assert frame.attrs["unit"] == "kg"
    loaded = registry.service.load_dataset("train")
    loaded.to_parquet(tmp_path / "x.parquet")  # attrs are written as JSON
    assert pd.read_parquet(tmp_path / "x.parquet").attrs == loaded.attrs


# who is asked


@dataclass
class Watch:
    """A guard that keeps what it sees, and refuses what it is told to."""

    seen: list[tuple[str, int | None, str]] = field(default_factory=list)
    refuse: str = ""

    def registering(self, version: DatasetVersion, content: Callable[[], Path]) -> None:
        self._see("registering", version, content())

    def registered(self, version: DatasetVersion) -> None:
        self.seen.append(("registered", version.version, ""))

    def loading(self, version: DatasetVersion, content: Callable[[], Path]) -> None:
        self._see("loading", version, content())

    def _see(self, what: str, version: DatasetVersion, path: Path) -> None:
        found = "folder" if path.is_dir() else digest_of(path.read_bytes())
        assert found in ("folder", version.digest)
        self.seen.append((what, version.version, path.name))
        if self.refuse == what:
            raise ExpectationsFailed(f"{version.name} is not as expected.")


def test_guard_sees_contents_before_they_are_registered_and_loaded(registry: Registry, folder: Path) -> None:
    registry.guard = watch = Watch()
    service = registry.service
    service.register_dataset(FRAME, name="train")
    service.register_dataset(FRAME, name="train")
    service.load_dataset("train")
    service.register_dataset(folder, name="images", copy=False)
    assert watch.seen == [
        ("registering", None, "train.parquet"),
        ("registered", 1, ""),
        ("registering", None, "train.parquet"),
        ("registered", 1, ""),
        ("loading", 1, "train.parquet"),
        ("registering", None, "images"),
        ("registered", 1, ""),
    ]
    watch.refuse = "registering"
    with pytest.raises(ExpectationsFailed):
        service.register_dataset(FRAME * 2, name="train")
    assert len(service.dataset("train").versions) == 1
    watch.refuse = "loading"
    registry.run = run = RecordedRun()
    with pytest.raises(ExpectationsFailed):
        service.load_dataset("train")
    assert run.inputs == []
    registry.replaying = True
    watch.seen.clear()
    service.register_dataset(FRAME * 3, name="train")
    assert watch.seen == []


# trouble


def _register(home: Path, number: int) -> None:
    service = open_registry(home).service
    service.register_dataset(pd.DataFrame({"x": [number % 3]}), name="train", alias="golden")


def test_processes_that_register_one_name_at_once_agree(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_register, args=(tmp_path / "home", number)) for number in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 6
    service = open_registry(tmp_path / "home").service
    dataset = service.dataset("train")
    assert sorted(each.version or 0 for each in dataset.versions) == [1, 2, 3]
    assert len({each.digest for each in dataset.versions}) == 3
    assert dataset.aliases["golden"] in (1, 2, 3)
    assert service.verify_audit() == []


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.registries import open_registry
registry = open_registry(Path(sys.argv[1]))
registry.store.register_dataset = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
registry.service.register_dataset(Path(sys.argv[2]), name="images")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
def test_killed_between_contents_and_row_leaves_no_version(
    registry: Registry, folder: Path, tmp_path: Path
) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "home"), str(folder)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert registry.service.datasets() == []
    assert registry.service.audit() == []
    left = {each.digest for each in registry.blobs.stored()}
    assert left, "contents that nobody refers to: gc takes them away"
    version = registry.service.register_dataset(folder, name="images")
    assert version.version == 1
    assert {each.digest for each in registry.blobs.stored()} == left


def test_full_disk_registers_nothing(
    registry: Registry, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        for data in (FRAME, folder, folder / "cats" / "1.png"):
            with pytest.raises(OSError, match="No space left"):
                registry.service.register_dataset(data, name="train")
    assert registry.service.datasets() == []
    assert registry.service.register_dataset(FRAME, name="train").version == 1


@pytest.mark.parametrize(
    "name", ["数据 🚀", "Ω" * 200, "-rf", "con", ".hidden", "a b.csv", "%2e%2e", "ǅ\u200b"]
)
def test_any_name_keeps_its_files_in_the_home(registry: Registry, tmp_path: Path, name: str) -> None:
    before = set(tmp_path.iterdir())
    registry.service.register_dataset(FRAME, name=name)
    pd.testing.assert_frame_equal(registry.service.load_dataset(name), FRAME)
    assert set(tmp_path.iterdir()) - before <= {tmp_path / "home"}


@pytest.mark.parametrize("name", ["../x", "a/b", "a\\b", "..", "", "a\0b", "a@2"])
def test_name_of_a_path_is_refused(registry: Registry, name: str) -> None:
    with pytest.raises(InvalidInput):
        registry.service.register_dataset(FRAME, name=name)
    assert not registry.blobs.root.exists()
