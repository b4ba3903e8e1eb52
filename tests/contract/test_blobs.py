"""Blob stores against their contract, and what each promises beyond it."""

from __future__ import annotations

import errno
import mmap
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from jupyter_mlops.artifacts.cloning import FICLONE, copy_content
from jupyter_mlops.artifacts.local import ABANDONED_AFTER_S, INCOMING, PACKS, LocalBlobStore
from jupyter_mlops.artifacts.remote import FsspecBlobStore
from jupyter_mlops.errors import Conflict, Corrupt, InvalidInput, NotFound
from jupyter_mlops.hashing import hash_file
from jupyter_mlops.protocols.blobs import BlobStore
from jupyter_mlops.testing.blobs import HELLO, HELLO_DIGEST, BlobStoreContract

from ..waiting import wait_until


def _proof(local: LocalBlobStore, remote: FsspecBlobStore) -> list[BlobStore]:
    return [local, remote]


class TestLocalBlobStore(BlobStoreContract):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> LocalBlobStore:
        return LocalBlobStore(tmp_path / "blobs")


class TestFsspecOnLocalFiles(BlobStoreContract):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> FsspecBlobStore:
        return FsspecBlobStore(f"file://{tmp_path}/remote", tmp_path / "cache")


class TestFsspecInMemory(BlobStoreContract):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> FsspecBlobStore:
        return FsspecBlobStore(f"memory://{tmp_path.name}", tmp_path / "cache")


class TestFsspecReadByAnother(BlobStoreContract):
    """Everything is read through a second store, whose cache is empty."""

    @pytest.fixture
    def blobs(self, tmp_path: Path) -> BlobStore:
        url = f"file://{tmp_path}/remote"
        return _Pair(FsspecBlobStore(url, tmp_path / "a"), FsspecBlobStore(url, tmp_path / "b"))


class _Pair:
    def __init__(self, writer: BlobStore, reader: BlobStore) -> None:
        self.put, self.put_file, self.put_many = writer.put, writer.put_file, writer.put_many
        self.missing = reader.missing
        self.get, self.path, self.exists = reader.get, reader.path, reader.exists
        self.stored, self.delete = reader.stored, reader.delete
        self.delete_many, self.unreadable = reader.delete_many, reader.unreadable


def test_local_layout_is_two_digits_then_digest(tmp_path: Path) -> None:
    LocalBlobStore(tmp_path).put(HELLO)
    assert (tmp_path / "d7" / HELLO_DIGEST).read_bytes() == HELLO
    assert list((tmp_path / INCOMING).iterdir()) == []


def test_damaged_blob_is_reported_and_healed_by_storing_it_again(tmp_path: Path) -> None:
    _damage(LocalBlobStore(tmp_path).put(HELLO).digest, tmp_path)
    blobs = LocalBlobStore(tmp_path)
    for read in (blobs.get, blobs.path):
        with pytest.raises(Corrupt, match=HELLO_DIGEST):
            read(HELLO_DIGEST)
    blobs.put(HELLO)
    assert blobs.get(HELLO_DIGEST) == HELLO


def test_damage_after_first_use_is_noticed(tmp_path: Path) -> None:
    blobs = LocalBlobStore(tmp_path)
    blobs.path(blobs.put(HELLO).digest)
    _damage(HELLO_DIGEST, tmp_path)
    with pytest.raises(Corrupt):
        blobs.path(HELLO_DIGEST)


def test_damaged_cache_is_fetched_again(tmp_path: Path) -> None:
    blobs = FsspecBlobStore(f"file://{tmp_path}/remote", tmp_path / "cache")
    blobs.put(HELLO)
    _damage(HELLO_DIGEST, tmp_path / "cache")
    assert blobs.get(HELLO_DIGEST) == HELLO
    assert blobs.path(HELLO_DIGEST).read_bytes() == HELLO


def test_damaged_remote_is_corrupt_and_leaves_no_cached_copy(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/remote"
    FsspecBlobStore(url, tmp_path / "a").put(HELLO)
    _damage(HELLO_DIGEST, tmp_path / "remote")
    reader = FsspecBlobStore(url, tmp_path / "b")
    with pytest.raises(Corrupt, match=HELLO_DIGEST):
        reader.get(HELLO_DIGEST)
    assert not (tmp_path / "b" / "d7" / HELLO_DIGEST).exists()


def test_cached_but_not_uploaded_blob_is_uploaded_by_the_next_put(tmp_path: Path) -> None:
    LocalBlobStore(tmp_path / "cache").put(HELLO)  # as after a crash between the two
    blobs = FsspecBlobStore(f"file://{tmp_path}/remote", tmp_path / "cache")
    assert not blobs.exists(HELLO_DIGEST)
    blobs.put(HELLO)
    assert blobs.exists(HELLO_DIGEST)


def test_unknown_protocol_is_refused_when_the_store_is_made(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="nonsense"):
        FsspecBlobStore("nonsense://bucket", tmp_path)


def test_many_threads_storing_one_content_leave_one_file(tmp_path: Path) -> None:
    blobs = LocalBlobStore(tmp_path)
    threads = [threading.Thread(target=blobs.put, args=(HELLO,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [HELLO_DIGEST]


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
def test_killed_writer_leaves_no_visible_blob_and_its_rest_is_swept_later(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from jupyter_mlops.artifacts.local import LocalBlobStore\n"
        "def endless():\n"
        "    while True: yield bytes(1 << 16)\n"
        "LocalBlobStore(Path(sys.argv[1])).add(endless())\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)])
    try:
        wait_until(lambda: any(path.stat().st_size for path in (tmp_path / INCOMING).glob("*")))
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    (rest,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert rest.parent.name == INCOMING
    LocalBlobStore(tmp_path).put(HELLO)
    assert rest.exists(), "it may belong to a writer that still lives"
    long_ago = rest.stat().st_mtime - 2 * ABANDONED_AFTER_S
    os.utime(rest, (long_ago, long_ago))
    LocalBlobStore(tmp_path).put(b"another")
    assert not rest.exists()


def test_stream_of_another_digest_is_not_stored(tmp_path: Path) -> None:
    blobs = LocalBlobStore(tmp_path)
    with pytest.raises(Corrupt):
        blobs.add([b"not ", b"it"], expected=HELLO_DIGEST)
    with pytest.raises(NotFound):
        blobs.get(HELLO_DIGEST)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


SMALL = [b"content %d" % number for number in range(600)]


def test_many_contents_are_one_file(tmp_path: Path) -> None:
    LocalBlobStore(tmp_path).put_many(SMALL)
    (pack,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert (pack.parent.name, pack.suffix, pack.stat().st_mode & 0o777) == (PACKS, ".pack", 0o444)


def test_contents_that_another_process_stored_or_deleted_are_seen(tmp_path: Path) -> None:
    here, there = LocalBlobStore(tmp_path), LocalBlobStore(tmp_path)
    assert not here.exists(HELLO_DIGEST)
    stored = there.put_many([HELLO, *SMALL])
    assert here.get(HELLO_DIGEST) == HELLO
    there.delete(HELLO_DIGEST)
    assert not here.exists(HELLO_DIGEST)
    assert here.missing([HELLO_DIGEST, stored[1].digest]) == {HELLO_DIGEST}
    for blob in stored[1:500]:
        there.delete(blob.digest)  # the pack is written anew meanwhile
    assert [here.get(blob.digest) for blob in stored[500:]] == SMALL[499:]
    there.put_many([HELLO])
    assert here.get(HELLO_DIGEST) == HELLO


def test_pack_whose_contents_are_all_deleted_is_gone(tmp_path: Path) -> None:
    blobs = LocalBlobStore(tmp_path)
    for blob in blobs.put_many(SMALL[:5]):
        blobs.delete(blob.digest)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_damaged_pack_is_reported_and_healed_by_storing_again(tmp_path: Path) -> None:
    LocalBlobStore(tmp_path).put_many([HELLO, *SMALL])
    (pack,) = (tmp_path / PACKS).glob("*.pack")
    os.chmod(pack, 0o644)
    pack.write_bytes(pack.read_bytes().replace(HELLO, b"HELLO WORLD"))
    for read in (LocalBlobStore(tmp_path).get, LocalBlobStore(tmp_path).path):
        with pytest.raises(Corrupt, match=HELLO_DIGEST):
            read(HELLO_DIGEST)
    blobs = LocalBlobStore(tmp_path)
    assert blobs.missing([HELLO_DIGEST]) == {HELLO_DIGEST}
    blobs.put_many([HELLO])
    assert blobs.get(HELLO_DIGEST) == HELLO
    assert blobs.missing([HELLO_DIGEST]) == set()
    assert len([each for each in blobs.stored() if each.digest == HELLO_DIGEST]) == 1


@pytest.mark.parametrize("length", [0, 10, -1])
def test_file_that_is_no_whole_pack_holds_nothing(tmp_path: Path, length: int) -> None:
    (blob,) = LocalBlobStore(tmp_path).put_many([HELLO])
    (pack,) = (tmp_path / PACKS).glob("*.pack")
    content = pack.read_bytes()
    pack.unlink()
    pack.write_bytes(content[:length])
    assert LocalBlobStore(tmp_path).missing([blob.digest]) == {blob.digest}
    LocalBlobStore(tmp_path).put(HELLO)
    assert LocalBlobStore(tmp_path).get(blob.digest) == HELLO


def test_putting_again_says_that_it_was_stored_now(tmp_path: Path) -> None:
    """Who clears away what nobody refers to leaves what was put a moment ago."""
    blobs = LocalBlobStore(tmp_path)
    blobs.put(HELLO)
    blobs.put_many(SMALL[:2])
    for path in tmp_path.rglob("*"):
        os.utime(path, (1000.0, 1000.0))
    assert {each.stored_at for each in blobs.stored()} == {1000.0}
    blobs.put_many([HELLO, SMALL[0]])
    assert all(time.time() - each.stored_at < 3600 for each in blobs.stored())
    assert blobs.get(HELLO_DIGEST) == HELLO


def test_full_disk_stores_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(bytes(3_000_000))
    blobs = LocalBlobStore(tmp_path / "blobs")

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("jupyter_mlops.artifacts.local.copy_content", refuse)
    monkeypatch.setattr("os.fsync", refuse)
    for put in (
        lambda: blobs.put(HELLO),
        lambda: blobs.put_many(SMALL),
        lambda: blobs.put_file(tmp_path / "file"),
    ):
        with pytest.raises(OSError, match="No space left"):
            put()
    assert [path for path in blobs.root.rglob("*") if path.is_file()] == []


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
def test_killed_packer_leaves_no_visible_content(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from jupyter_mlops.artifacts.local import LocalBlobStore\n"
        "def endless():\n"
        "    number = 0\n"
        "    while True:\n"
        "        number += 1\n"
        "        yield b'%d' % number * 100\n"
        "LocalBlobStore(Path(sys.argv[1])).put_many(endless())\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)])
    try:
        wait_until(lambda: any(path.stat().st_size for path in (tmp_path / INCOMING).glob("*")))
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert list(LocalBlobStore(tmp_path).stored()) == []


def test_file_that_is_written_to_while_it_is_stored_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "growing"
    path.write_bytes(bytes(3_000_000))
    blobs = LocalBlobStore(tmp_path / "blobs")

    def copy_and_append(source: int, target: int, size: int) -> None:
        copy_content(source, target, size)
        with path.open("ab") as file:
            file.write(b"more")

    monkeypatch.setattr("jupyter_mlops.artifacts.local.copy_content", copy_and_append)
    with pytest.raises(Conflict, match="growing"):
        blobs.put_file(path)
    assert list(blobs.stored()) == []


@pytest.mark.parametrize("store", [False, True])
def test_write_through_an_already_dirty_mapping_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: bool
) -> None:
    path = tmp_path / "mapped"
    path.write_bytes(bytes(3_000_000))
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapping:
        mapping[1] = 1

        def copy_and_write(source: int, target: int, size: int) -> None:
            copy_content(source, target, size)
            mapping[2] = 2

        def read_and_write(fd: int, size: int) -> str:
            mapping[2] = 2
            return HELLO_DIGEST

        wait_until(
            lambda: _written(tmp_path / "other") > path.stat().st_ctime_ns
        )  # the kernel's clock is coarse
        if store:
            monkeypatch.setattr("jupyter_mlops.artifacts.local.copy_content", copy_and_write)
        else:
            monkeypatch.setattr("jupyter_mlops.hashing._by_reading", read_and_write)
        with pytest.raises(Conflict, match="mapped"):
            LocalBlobStore(tmp_path / "blobs").put_file(path) if store else hash_file(path)


@pytest.mark.parametrize("by_kernel", [True, False])
def test_large_and_sparse_files_are_copied_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_kernel: bool
) -> None:
    if not by_kernel:
        monkeypatch.delattr("os.copy_file_range")
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.write(b"begin")
        file.truncate(5_000_000)
        file.seek(9_000_000)
        file.write(b"end")
    blobs = LocalBlobStore(tmp_path / "blobs")
    blob = blobs.put_file(path)
    assert blobs.path(blob.digest).read_bytes() == path.read_bytes()
    assert blob == blobs.put_file(path) == blobs.put(path.read_bytes())


@pytest.mark.skipif(sys.platform != "linux", reason="the call is Linux's")
def test_file_system_is_asked_to_clone_before_bytes_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int, int]] = []
    (tmp_path / "source").write_bytes(HELLO)
    with (tmp_path / "source").open("rb") as source, (tmp_path / "target").open("w+b") as target:
        monkeypatch.setattr("fcntl.ioctl", lambda *arguments: asked.append(arguments))
        copy_content(source.fileno(), target.fileno(), len(HELLO))
        assert asked == [(target.fileno(), FICLONE, source.fileno())]
        assert (tmp_path / "target").read_bytes() == b"", "the file system would have shared it"
        monkeypatch.undo()
        copy_content(source.fileno(), target.fileno(), len(HELLO))
    assert (tmp_path / "target").read_bytes() == HELLO


def _written(path: Path) -> int:
    path.write_bytes(b"")
    return path.stat().st_ctime_ns


def _damage(digest: str, root: Path) -> None:
    place = root / digest[:2] / digest
    os.chmod(place, 0o644)
    place.write_bytes(b"HELLO WORLD")
