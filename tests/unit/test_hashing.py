"""Digests of files: on all cores, in forked children, and of files that somebody writes to."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from blake3 import blake3

from jupyter_mlops import hashing
from jupyter_mlops.errors import Conflict, InvalidInput
from jupyter_mlops.hashing import Stamp, digest_of, hash_file, read_unchanged

CONTENT = bytes(range(256)) * 20_000


@pytest.fixture
def parallel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file counts as large."""
    monkeypatch.setattr(hashing, "PARALLEL_BYTES", 1)


@pytest.mark.parametrize("content", [b"", b"x", CONTENT[: hashing.CHUNK_BYTES], CONTENT])
def test_digest_and_stamp_of_a_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert hash_file(path) == (blake3(content).hexdigest(), Stamp.of(path.stat()))
    assert read_unchanged(path, Stamp.of(path.stat())) == content
    assert digest_of(content) == blake3(content).hexdigest()


@pytest.mark.usefixtures("parallel")
@pytest.mark.parametrize("name", ["plain", "näme 🐈", "\udce9.bin", "-c"])
def test_digest_on_all_cores_is_the_same(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(CONTENT)
    assert hash_file(path)[0] == blake3(CONTENT).hexdigest()


@pytest.mark.usefixtures("parallel")
def test_forked_child_of_a_process_that_hashed_on_all_cores_does_not_wait_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    blake3(CONTENT, max_threads=blake3.AUTO)  # blake3's own pool has its threads now, as after a user's call
    wanted = hash_file(path)[0]
    child = multiprocessing.get_context("fork").Process(target=_expect, args=(path, wanted))
    child.start()
    child.join(30)
    try:
        assert child.exitcode == 0
    finally:
        child.kill()


def _expect(path: Path, wanted: str) -> None:
    os._exit(0 if hash_file(path)[0] == wanted else 1)


@pytest.mark.usefixtures("parallel")
def test_without_an_interpreter_to_start_one_core_does_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    for program in ("", "/no/such/python", "/bin/false"):
        monkeypatch.setattr(hashing.sys, "executable", program)
        assert hash_file(path)[0] == blake3(CONTENT).hexdigest()


def _append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _cut(path: Path) -> None:
    os.truncate(path, 10)


def _rewrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"other")
    os.utime(path, ns=(0, Stamp.of(path.stat()).mtime_ns + 1))


@pytest.mark.parametrize("change", [_append, _cut, _rewrite])
@pytest.mark.parametrize("on_all_cores", [False, True])
def test_file_that_is_written_to_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None], on_all_cores: bool
) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    name = "_on_all_cores" if on_all_cores else "_by_reading"
    hashed = getattr(hashing, name)

    def hash_and_change(*arguments: object) -> str | None:
        digest: str | None = hashed(*arguments)
        change(path)
        return digest

    monkeypatch.setattr(hashing, name, hash_and_change)
    monkeypatch.setattr(hashing, "PARALLEL_BYTES", 1 if on_all_cores else 1 << 60)
    with pytest.raises(Conflict, match="written to while it was read"):
        hash_file(path)


def test_small_file_that_is_another_by_now_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    stamp = Stamp.of(path.stat())
    path.unlink()
    path.write_bytes(b"two")
    os.utime(path, ns=(0, stamp.mtime_ns + 1))
    with pytest.raises(Conflict):
        read_unchanged(path, stamp)


def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(InvalidInput, match="no file"):
            hash_file(path)
    with pytest.raises(FileNotFoundError):
        hash_file(tmp_path / "nothing")


def test_threads_may_hash_at_once(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(8)]
    for number, path in enumerate(paths):
        path.write_bytes(b"%d" % number)
    found: dict[Path, str] = {}
    threads = [threading.Thread(target=lambda p=p: found.update({p: hash_file(p)[0]})) for p in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {path: digest_of(path.read_bytes()) for path in paths}


def test_private_file_may_be_renewed_or_replaced_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "blob"
    path.write_bytes(b"content")
    reading = hashing._by_reading

    def disturbed(fd: int, size: int) -> str:
        os.utime(path, (1.0, 1.0))
        other = tmp_path / "other"
        other.write_bytes(b"content")
        os.replace(other, path)
        return reading(fd, size)

    monkeypatch.setattr(hashing, "_by_reading", disturbed)
    assert hash_file(path, private=True)[0] == digest_of(b"content")
    with pytest.raises(Conflict, match="was written to"):
        hash_file(path)
