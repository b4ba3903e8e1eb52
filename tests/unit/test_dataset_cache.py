"""Cached copies: apart from the blobs for root, and made again when somebody has written to them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from jupyter_mlops.artifacts.local import LocalBlobStore
from jupyter_mlops.services.registry import cache as cache_module
from jupyter_mlops.services.registry import stamps
from jupyter_mlops.services.registry.cache import DatasetCache
from jupyter_mlops.services.registry.folders import SMALL_BYTES, store_folder

FILES = {"a.txt": b"small", "deep/large.bin": b"x" * (SMALL_BYTES + 1), "deep/er/b.txt": b"other"}


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobStore:
    return LocalBlobStore(tmp_path / "blobs")


@pytest.fixture
def cache(tmp_path: Path, blobs: LocalBlobStore) -> DatasetCache:
    return DatasetCache(tmp_path / "cache", blobs)


@pytest.fixture
def digest(tmp_path: Path, blobs: LocalBlobStore) -> str:
    for name, content in FILES.items():
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_bytes(content)
    return store_folder(tmp_path / "data", blobs).digest


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def overwrite(path: Path, content: bytes) -> None:
    """As root does, or who has made it writable."""
    os.chmod(path, 0o644)
    path.write_bytes(content)


def unlocked(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            os.chmod(path, 0o755)


@pytest.mark.parametrize("root", [True, False])
def test_root_gets_copies_and_others_get_links(
    cache: DatasetCache, blobs: LocalBlobStore, monkeypatch: pytest.MonkeyPatch, root: bool
) -> None:
    for module in (cache_module, stamps):
        monkeypatch.setattr(module, "is_root", lambda: root)
    digest = blobs.put(b"y" * (SMALL_BYTES + 1)).digest
    place = cache.file(digest, "y.bin")
    assert place.samefile(blobs.path(digest)) is not root
    seen = place.stat().st_mtime_ns, place.stat().st_ino
    again = cache.file(digest, "y.bin").stat()
    assert (again.st_mtime_ns, again.st_ino) == seen, "it is not made again"


def test_root_does_not_take_links_that_others_made(
    cache: DatasetCache, digest: str, blobs: LocalBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for root in (False, True):
        for module in (cache_module, stamps):
            monkeypatch.setattr(module, "is_root", lambda root=root: root)
        large = cache.folder(digest, "data") / "deep" / "large.bin"
        assert large.stat().st_nlink == (1 if root else 2)


def test_unchanged_folder_is_handed_out_as_it_is_and_becomes_young(
    cache: DatasetCache, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = cache.folder(digest, "data")
    assert contents(folder) == FILES
    os.utime(folder.parent, (1, 1))
    made = folder.stat().st_ino
    monkeypatch.setattr(cache_module, "manifest_of", lambda *_: pytest.fail("it is made again"))
    assert cache.folder(digest, "data") == folder
    assert cache.kept(digest, "data") == folder
    assert folder.stat().st_ino == made
    assert folder.parent.stat().st_mtime > 1


@pytest.mark.parametrize("name", list(FILES))
def test_folder_that_somebody_wrote_to_is_made_again(
    cache: DatasetCache, digest: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for module in (cache_module, stamps):
        monkeypatch.setattr(module, "is_root", lambda: True)
    folder = cache.folder(digest, "data")
    overwrite(folder / name, b"!" * len(FILES[name]))
    assert cache.kept(digest, "data") is None
    assert contents(cache.folder(digest, "data")) == FILES


def test_folder_that_lacks_a_file_or_has_one_more_is_made_again(cache: DatasetCache, digest: str) -> None:
    folder = cache.folder(digest, "data")
    unlocked(folder)
    (folder / "a.txt").unlink()
    assert contents(cache.folder(digest, "data")) == FILES
    unlocked(folder)
    (folder / "more.txt").write_bytes(b"more")
    assert contents(cache.folder(digest, "data")) == FILES
    assert [path.name for path in folder.parent.iterdir()] == ["data"]


def test_what_python_compiles_beside_modules_is_no_change(cache: DatasetCache, digest: str) -> None:
    folder = cache.folder(digest, "data")
    made = folder.stat().st_ino
    unlocked(folder)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "net.pyc").write_bytes(b"code")
    assert cache.folder(digest, "data").stat().st_ino == made


def test_fetched_file_that_somebody_wrote_to_is_not_kept(cache: DatasetCache) -> None:
    def fetch(target: Path) -> None:
        target.write_bytes(b"a,b\n")

    place = cache.fetched("d" * 64, "far.csv", fetch)
    assert cache.kept("d" * 64, "far.csv") == place
    overwrite(place, b"x,y\n")
    assert cache.kept("d" * 64, "far.csv") is None


def test_copy_without_a_note_is_made_again(cache: DatasetCache, digest: str, tmp_path: Path) -> None:
    cache.folder(digest, "data")
    shutil.rmtree(tmp_path / "cache" / stamps.STAMPS)
    assert cache.kept(digest, "data") is None
    assert contents(cache.folder(digest, "data")) == FILES
    assert len(list((tmp_path / "cache" / stamps.STAMPS / digest).iterdir())) == 1
