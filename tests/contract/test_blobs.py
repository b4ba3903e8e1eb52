"""Blob stores against their contract, and what each promises beyond it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jupyter_mlops.artifacts.local import ABANDONED_AFTER_S, INCOMING, LocalBlobStore
from jupyter_mlops.artifacts.remote import FsspecBlobStore
from jupyter_mlops.errors import Corrupt, InvalidInput, NotFound
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
        self.put, self.put_file = writer.put, writer.put_file
        self.get, self.path, self.exists = reader.get, reader.path, reader.exists
        self.stored, self.delete = reader.stored, reader.delete


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


def _damage(digest: str, root: Path) -> None:
    place = root / digest[:2] / digest
    os.chmod(place, 0o644)
    place.write_bytes(b"HELLO WORLD")
