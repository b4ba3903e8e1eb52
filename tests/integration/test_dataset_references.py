"""Datasets that stay where they are: found, verified, and refused when they have changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from jupyter_mlops.entities import DatasetKind, Storage
from jupyter_mlops.errors import Conflict, ContentChanged, Corrupt, InvalidInput, NotFound
from jupyter_mlops.services.registry import folders
from jupyter_mlops.services.registry.hashes import FOLDER
from jupyter_mlops.services.registry.travelling import FILE, TravellingStore, plan

from ..registries import RecordedRun, Registry, open_registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return open_registry(tmp_path / "home")


@pytest.fixture
def limited(tmp_path: Path) -> Registry:
    """One that copies no more than 10 bytes."""
    registry = open_registry(tmp_path / "home")
    return replace(registry, settings=replace(registry.settings, copy_dataset_bytes=10))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "train.csv"
    path.write_text("x,y\n1,2\n3,4\n")
    return path


@pytest.fixture
def images(tmp_path: Path) -> Path:
    root = tmp_path / "images"
    (root / "cats").mkdir(parents=True)
    (root / "empty").mkdir()
    for number in range(200):
        (root / "cats" / f"{number}.png").write_bytes(b"cat %d" % number)
    return root


def test_what_is_larger_than_the_limit_stays(limited: Registry, table: Path, images: Path) -> None:
    (table.parent / "small.csv").write_text("x\n1\n")
    service = limited.service
    small = service.register_dataset(table.parent / "small.csv", name="small")
    large = service.register_dataset(table, name="large")
    folder = service.register_dataset(images, name="images")
    glob = service.register_dataset(f"{images}/cats/*.png", name="cats")
    assert (small.storage, small.uri) == (Storage.COPY, None)
    assert (large.storage, large.uri, large.rows) == (Storage.REFERENCE, str(table), 2)
    assert (folder.storage, folder.uri, folder.files) == (Storage.REFERENCE, str(images), 200)
    assert (glob.storage, glob.uri) == (Storage.REFERENCE, f"{images}/cats/*.png")
    assert service.register_dataset(table, name="copied", copy=True).storage is Storage.COPY
    kept = {each.digest for each in limited.blobs.stored()}
    assert kept == {small.digest, large.digest, folder.digest, glob.digest}, "of folders only their manifests"


def test_reference_is_loaded_from_its_place(limited: Registry, table: Path, images: Path) -> None:
    service = limited.service
    limited.run = run = RecordedRun()
    version = service.register_dataset(table, name="train")
    service.register_dataset(images, name="images")
    assert service.load_dataset("train").to_dict("list") == {"x": [1, 3], "y": [2, 4]}
    assert service.load_dataset("train", as_path=True) == table
    assert service.load_dataset("images") == images
    assert run.inputs[:2] == [("dataset", "train", 1, version.digest)] * 2


def test_glob_is_a_folder_of_links_to_just_its_files(registry: Registry, images: Path) -> None:
    (images / "cats" / "notes.txt").write_text("not of it")
    registry.service.register_dataset(f"{images}/cats/1*.png", name="some", copy=False)
    for _ in range(2):
        loaded = registry.service.load_dataset("some")
        assert len(list(loaded.iterdir())) == 111
        assert (loaded / "17.png").resolve() == images / "cats" / "17.png"
    (images / "cats" / "1x.png").write_bytes(b"one more")
    with pytest.raises(ContentChanged, match=r"1\*\.png"):
        registry.service.load_dataset("some")


def test_links_of_a_glob_are_never_taken_for_a_copy(registry: Registry, images: Path) -> None:
    service = registry.service
    service.register_dataset(f"{images}/cats/*.png", name="stays", copy=False)
    service.load_dataset("stays")
    service.register_dataset(f"{images}/cats/*.png", name="copied", copy=True)
    (images / "cats" / "1.png").write_bytes(b"dog")
    assert (service.load_dataset("copied") / "1.png").read_bytes() == b"cat 1"
    assert (service.load_dataset("stays") / "1.png").read_bytes() == b"cat 1", "the blobs have it by now"


def _edit(path: Path) -> None:
    path.write_text("x,y\n1,2\n3,5\n")


def _keep_times(path: Path) -> None:
    """As tools do that restore the time of the last change."""
    seen = path.stat()
    _edit(path)
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def _replace(path: Path) -> None:
    _edit(path.with_name("new"))
    os.replace(path.with_name("new"), path)


@pytest.mark.parametrize("change", [_edit, _keep_times, _replace])
def test_changed_file_is_refused_and_its_old_content_is_taken_again(
    registry: Registry, table: Path, change: Callable[[Path], None]
) -> None:
    service = registry.service
    version = service.register_dataset(table, name="train", copy=False)
    before = table.read_bytes()
    service.load_dataset("train")
    change(table)
    with pytest.raises(ContentChanged) as caught:
        service.load_dataset("train")
    second = service.register_dataset(table, name="train", copy=False)
    message = caught.value.message
    for told in (
        "train@1",
        str(table),
        version.digest,
        second.digest,
        "copy=True",
        "next version of 'train'",
    ):
        assert told in message
    assert isinstance(caught.value, Corrupt)
    assert second.version == 2
    table.write_bytes(before)
    assert service.load_dataset("train@1")["y"].tolist() == [2, 4]


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "cats" / "7.png").write_bytes(b"dog"),
        lambda root: (root / "cats" / "7.png").unlink(),
        lambda root: (root / "more").write_bytes(b"more"),
        lambda root: (root / "empty").rmdir(),
        lambda root: (root / "cats" / "7.png").rename(root / "7.png"),
        lambda root: (root / "broken").symlink_to(root / "nowhere"),
    ],
)
def test_changed_folder_is_refused(
    registry: Registry, images: Path, change: Callable[[Path], object]
) -> None:
    registry.service.register_dataset(images, name="images", copy=False)
    assert registry.service.load_dataset("images") == images
    change(images)
    with pytest.raises(ContentChanged, match="images@1"):
        registry.service.load_dataset("images")


def test_file_that_is_gone_is_not_found_saying_what_to_do(
    registry: Registry, table: Path, images: Path
) -> None:
    for name, path in (("train", table), ("images", images), ("cats", f"{images}/cats/*.png")):
        registry.service.register_dataset(path, name=name, copy=False)
    table.unlink()
    images.rename(images.with_name("moved"))
    for name in ("train", "images", "cats"):
        with pytest.raises(NotFound, match=f"{name}@1 refers to .* not there any more"):
            registry.service.load_dataset(name)


def test_content_that_was_moved_is_found_when_it_is_registered_again(registry: Registry, table: Path) -> None:
    service = registry.service
    first = service.register_dataset(table, name="train", copy=False)
    moved = table.rename(table.with_name("moved.csv"))
    assert service.register_dataset(moved, name="train", copy=False) == first
    assert service.load_dataset("train", as_path=True) == moved
    moved.write_text("other")
    with pytest.raises(NotFound, match=r"train\.csv"):
        service.load_dataset("train")


def test_content_that_is_copied_later_is_found_there(registry: Registry, table: Path, images: Path) -> None:
    service = registry.service
    for name, path in (("train", table), ("images", images)):
        first = service.register_dataset(path, name=name, copy=False)
        assert service.register_dataset(path, name=name, copy=True) == first
    table.write_text("other")
    (images / "cats" / "1.png").unlink()
    assert service.load_dataset("train")["y"].tolist() == [2, 4]
    assert (service.load_dataset("images") / "cats" / "1.png").read_bytes() == b"cat 1"


def test_unchanged_files_are_not_read_again(
    registry: Registry, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (images, *images.rglob("*")):
        os.utime(path, ns=(10**18, 10**18))
    read: list[str] = []
    read_unchanged = folders.read_unchanged
    monkeypatch.setattr(
        folders,
        "read_unchanged",
        lambda path, stamp: read.append(Path(path).name) or read_unchanged(path, stamp),
    )
    service = registry.service
    _settle(images)
    service.register_dataset(images, name="images", copy=False)
    assert len(read) == 200
    service.load_dataset("images")
    service.register_dataset(images, name="images")
    assert len(read) == 400, "to be copied they are read once more"
    service.register_dataset(images, name="images")
    (images / "cats" / "new.png").write_bytes(b"new")
    assert service.register_dataset(images, name="images").version == 2
    assert read[400:] == ["new.png"]
    (cached,) = (tmp_path / "home" / "cache" / FOLDER).iterdir()
    cached.write_bytes(b"damaged")
    service.register_dataset(images, name="images", copy=False)
    assert len(read) == 401 + 201


def _settle(root: Path) -> None:
    """Wait until the clock that stamps files has gone on since the youngest of them was changed."""
    from jupyter_mlops.services.registry.hashes import _file_clock_ns

    youngest = max(path.stat().st_ctime_ns for path in root.rglob("*"))
    while _file_clock_ns() <= youngest:
        pass


def test_file_written_within_one_tick_of_its_hashing_is_read_again(
    registry: Registry, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stamps of a second write in the same tick would be the same: here they are made so."""
    frozen = 1_700_000_000_123_456_789
    monkeypatch.setattr("jupyter_mlops.services.registry.hashes._file_clock_ns", lambda: frozen)
    stamp = "jupyter_mlops.hashing.Stamp.of"
    real = os.stat(table)
    from jupyter_mlops.hashing import Stamp

    same = Stamp(real.st_dev, real.st_ino, real.st_size, frozen, frozen)
    monkeypatch.setattr(stamp, lambda status: same)
    registry.service.register_dataset(table, name="train", copy=False)
    _edit(table)
    with pytest.raises(ContentChanged):
        registry.service.load_dataset("train")


def test_folder_that_changes_while_it_is_read_is_refused(
    registry: Registry, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = folders.scan

    def scan_and_change(root: Path) -> object:
        found = scan(root)
        (root / "cats" / "3.png").write_bytes(b"another content")
        return found

    monkeypatch.setattr("jupyter_mlops.services.registry.sources.paths.scan", scan_and_change)
    for copy in (True, False):
        with pytest.raises(Conflict, match=r"3\.png"):
            registry.service.register_dataset(images, name="images", copy=copy)
    assert registry.service.datasets() == []


def test_links_to_themselves_and_unreadable_folders_are_refused_naming_them(
    registry: Registry, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (images / "self").symlink_to(images / "self")
    for copy in (True, False):
        with pytest.raises(InvalidInput, match="self"):
            registry.service.register_dataset(images, name="images", copy=copy)
    with pytest.raises(InvalidInput, match="self"):
        registry.service.register_dataset(images / "self", name="images")
    (images / "self").unlink()
    (images / "cats" / "a").symlink_to(images / "dogs")
    (images / "dogs").mkdir()
    (images / "dogs" / "b").symlink_to(images / "cats")
    with pytest.raises(InvalidInput, match="above it"):
        registry.service.register_dataset(images, name="images")


def test_unreadable_file_is_refused_naming_it(
    registry: Registry, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def refuse(path: object, flags: int, *arguments: int, **more: int) -> int:  # root may read everything
        if str(path).endswith("3.png"):
            raise PermissionError(13, "Permission denied")
        return opened(path, flags, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("os.open", refuse)
    for data in (images, images / "cats" / "3.png"):
        for copy in (True, False):
            with pytest.raises(InvalidInput, match=r"3\.png.*Permission"):
                registry.service.register_dataset(data, name="images", copy=copy)


def test_name_that_is_not_utf8_can_stay(registry: Registry, tmp_path: Path) -> None:
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    os.mkdir(odd)
    for path in (f"{odd}/a\udce9.csv", f"{odd}/b.csv"):
        Path(path).write_text("x\n1\n")
    service = registry.service
    service.register_dataset(odd, name="folder", copy=False)
    service.register_dataset(f"{odd}/a\udce9.csv", name="file", copy=False)
    assert service.load_dataset("folder") == Path(odd)
    assert service.load_dataset("file")["x"].tolist() == [1]
    assert service.dataset_version("file").uri == f"{odd}/a\udce9.csv"


def test_frame_of_a_reference_knows_where_it_is_from(registry: Registry, table: Path) -> None:
    registry.service.register_dataset(table, name="train", copy=False)
    frame = registry.service.load_dataset("train")
    found = registry.service.dataset_of(frame)
    assert found is not None
    assert (found.name, found.version) == ("train", 1)
    table.write_text("x,y\n1,2\n3,5\n")
    assert registry.service.dataset_of(frame) is None, "there is nothing left to compare it with"


# travelling to a job that has no registry


def node_of(
    registry: Registry, tmp_path: Path, *sources: str, most_bytes: int = 10**6
) -> tuple[Registry, list[str]]:
    travelling, notes = plan(sources, registry.service, registry.blobs, most_bytes=most_bytes)
    travelling.write(tmp_path / "files")
    there = open_registry(
        tmp_path / "node",
        blobs=registry.blobs.root,
        wrap=lambda store: TravellingStore(tmp_path / "files" / FILE),
    )
    return there, notes


def test_reference_goes_along_as_a_copy(
    registry: Registry, table: Path, images: Path, tmp_path: Path
) -> None:
    for name, path in (("train", table), ("images", images), ("cats", f"{images}/cats/*.png")):
        registry.service.register_dataset(path, name=name, copy=False)
    node, notes = node_of(
        registry, tmp_path, "load_dataset('train'); load_dataset('images'); load_dataset('cats')"
    )
    assert notes == []
    table.unlink()
    images.rename(images.with_name("away"))
    assert node.service.load_dataset("train")["y"].tolist() == [2, 4]
    assert (node.service.load_dataset("images") / "cats" / "1.png").read_bytes() == b"cat 1"
    assert len(list(node.service.load_dataset("cats").iterdir())) == 200
    assert node.service.dataset_version("train").digest == registry.service.dataset_version("train").digest


def test_reference_that_is_too_large_or_gone_is_noted(
    registry: Registry, table: Path, images: Path, tmp_path: Path
) -> None:
    registry.service.register_dataset(table, name="train", copy=False)
    registry.service.register_dataset(images, name="images", copy=False)
    table.unlink()
    _, notes = node_of(registry, tmp_path, "load_dataset('train'); load_dataset('images')", most_bytes=100)
    assert [note.split(":")[0] for note in notes] == [
        "The dataset train@1 does not go along",
        f"The dataset images@1 stays at {images} and is too large to go along (1.3 KiB of at most 100 B, "
        "JUPYTER_MLOPS_FILES_CAP_BYTES)",
    ]


def test_reference_to_a_url_is_left_to_the_job(registry: Registry, tmp_path: Path) -> None:
    version = registry.service.register_dataset(pd.DataFrame({"x": [1]}), name="local")
    away = replace(
        version, name="away", storage=Storage.REFERENCE, uri="s3://bucket/x.parquet", kind=DatasetKind.FILE
    )
    registry.store.register_dataset(away)
    travelling, notes = plan(["load_dataset('away')"], registry.service, registry.blobs)
    assert notes == ["The dataset away@1 does not go along: the job reads it at s3://bucket/x.parquet."]
    assert travelling.blobs == []
    assert travelling.datasets[0].uri == "s3://bucket/x.parquet"
