"""Datasets through the service, on real files."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jupyter_mlops.entities import Column, DatasetKind, DatasetVersion, VersionStatus
from jupyter_mlops.errors import Corrupt, InvalidInput, NotFound
from jupyter_mlops.services.registry.folders import store_folder

from ..registries import RUN, RecordedRun, Registry, open_registry


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
    assert registry.service.registering_runs("dataset", "train", 1) == [RUN]
