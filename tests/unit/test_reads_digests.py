"""Digests of what was read, and the memory of files that have not changed."""

from __future__ import annotations

import os
import threading
import time

import pytest
from blake3 import blake3

from jupyter_mlops.capture.reads import digests
from jupyter_mlops.capture.reads.digests import Changed, DigestMemory, Stamp, hash_file, hash_open_file


def stamp_of(path):
    return Stamp.of(os.stat(path))


def hashed(path, stamp=None, **options):
    return hash_file(str(path), stamp or stamp_of(path), **{"sample_above": 1 << 40, **options})


def settled(path):
    """As if it had been written a while ago."""
    os.utime(path, (1, 1))
    status = os.stat(path)
    return Stamp(status.st_size, status.st_mtime_ns, 1, status.st_ino)


@pytest.mark.parametrize("size", [0, 1, digests.CHUNK_BYTES, 3 * digests.CHUNK_BYTES + 7])
def test_the_digest_is_blake3_of_the_whole_content(tmp_path, size):
    content = os.urandom(size)
    (tmp_path / "a").write_bytes(content)
    assert (hashed(tmp_path / "a").digest, hashed(tmp_path / "a").sampled) == (
        blake3(content).hexdigest(),
        False,
    )


def test_a_file_that_was_changed_since_is_not_hashed(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"one")
    stamp = stamp_of(path)
    path.write_bytes(b"three")
    with pytest.raises(Changed):
        hashed(path, stamp)


def test_a_file_that_is_written_to_while_it_is_hashed_has_no_digest(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x" * 3 * digests.CHUNK_BYTES)
    stamp = stamp_of(path)

    def spoil():
        with path.open("ab") as file:
            file.write(b"more")

    with pytest.raises(Changed):
        hashed(path, stamp, beat=spoil)


def test_a_file_that_is_cut_off_while_it_is_hashed_has_no_digest(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x" * 3 * digests.CHUNK_BYTES)
    stamp = stamp_of(path)
    with pytest.raises(Changed):
        hashed(path, stamp, beat=lambda: os.truncate(path, 10))


def test_a_file_that_is_deleted_while_it_is_hashed_keeps_the_digest_of_what_was_read(tmp_path):
    path = tmp_path / "a"
    content = b"x" * 2 * digests.CHUNK_BYTES
    path.write_bytes(content)
    status = os.stat(path)
    try:
        found = hashed(path, Stamp.of(status), beat=lambda: path.unlink(missing_ok=True))
    except Changed:  # unlinking changes ctime
        found = None
    assert found is None or found.digest == blake3(content).hexdigest()


def test_a_pipe_in_the_files_place_does_not_block(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x")
    stamp = stamp_of(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(Changed):
        hashed(path, stamp)


def test_a_huge_sparse_file_is_sampled_and_says_so(tmp_path):
    path = tmp_path / "a"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    began = time.monotonic()
    one = hashed(path, sample_above=1 << 30)
    assert time.monotonic() - began < 5
    assert one.sampled
    with path.open("r+b") as file:
        file.seek(-3, os.SEEK_END)
        file.write(b"end")
    assert hashed(path, sample_above=1 << 30).digest != one.digest


def test_an_open_file_is_hashed_without_moving_it(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"content")
    with path.open("rb") as file:
        file.read(3)
        assert hash_open_file(file.fileno(), stamp_of(path)) == blake3(b"content").hexdigest()
        assert file.read() == b"tent"


def test_what_was_hashed_is_known_to_another_process(tmp_path):
    (tmp_path / "a b\udcff").write_bytes(b"x")
    path, place = str(tmp_path / "a b\udcff"), tmp_path / "cache" / "digests.txt"
    stamp = settled(path)
    DigestMemory(place).put(path, stamp, "d" * 64)
    assert DigestMemory(place).get(path, stamp) == "d" * 64
    assert DigestMemory(place).get(path, stamp._replace(mtime_ns=2)) is None
    assert DigestMemory(place).get(str(tmp_path / "b"), stamp) is None


def test_a_file_that_was_written_just_now_is_not_remembered(tmp_path):
    path, memory = tmp_path / "a", DigestMemory(None)
    path.write_bytes(b"x")
    memory.put(str(path), stamp_of(path), "d" * 64)
    assert memory.get(str(path), stamp_of(path)) is None


def test_torn_and_foreign_lines_are_passed_over(tmp_path):
    place = tmp_path / "digests.txt"
    stamp = Stamp(1, 1, 1, 1)
    DigestMemory(place).put("/a", stamp, "d" * 64)
    place.write_bytes(b"d" * 64 + b" 1 1\n\xff\xfe\n" + place.read_bytes() + b"d" * 40)
    assert DigestMemory(place).get("/a", stamp) == "d" * 64


def test_the_memory_is_bounded_and_keeps_what_is_new(tmp_path, monkeypatch):
    monkeypatch.setattr(digests, "MEMORY_BYTES", 4000)
    place, stamp = tmp_path / "digests.txt", Stamp(1, 1, 1, 1)
    memory = DigestMemory(place)
    for number in range(100):
        memory.put(f"/{number}", stamp, f"{number:064x}")
    assert place.stat().st_size <= 4000
    assert DigestMemory(place).get("/99", stamp) == f"{99:064x}"


def test_threads_and_processes_may_remember_at_once(tmp_path):
    place, stamp = tmp_path / "digests.txt", Stamp(1, 1, 1, 1)

    def remember(letter):
        memory = DigestMemory(place)
        for number in range(50):
            memory.put(f"/{letter}{number}", stamp, f"{number:064x}")

    threads = [threading.Thread(target=remember, args=(letter,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    memory = DigestMemory(place)
    assert all(memory.get(f"/{letter}{number}", stamp) for letter in "abcd" for number in range(50))


def test_a_memory_that_cannot_be_written_is_no_trouble(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    memory = DigestMemory(tmp_path / "file" / "digests.txt")
    memory.put("/a", Stamp(1, 1, 1, 1), "d" * 64)
    assert memory.get("/a", Stamp(1, 1, 1, 1)) == "d" * 64
