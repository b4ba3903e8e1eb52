"""The memory of hashed files: what it may believe, and what happens to its own files."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from jupyter_mlops.hashing import Stamp, digest_of
from jupyter_mlops.services.registry import hashes
from jupyter_mlops.services.registry.hashes import FOLDER, HashMemory

DIGEST = digest_of(b"content")


def stamp(age_ns: int = 10**12, **changes: int) -> Stamp:
    """Of a file that was written to ``age_ns`` before now."""
    now = hashes._file_clock_ns()
    old = Stamp(device=1, inode=2, size=3, mtime_ns=now - age_ns, ctime_ns=now - age_ns)
    return old._replace(**changes)


def remembered(cache: Path, seen: Stamp, place: str = "/data") -> str | None:
    known = HashMemory(cache).of(place)
    known.put("a", seen, DIGEST)
    known.save()
    return HashMemory(cache).of(place).get("a", seen)


def test_unchanged_file_is_known_and_a_changed_one_is_not(tmp_path: Path) -> None:
    seen = stamp()
    assert remembered(tmp_path, seen) == DIGEST
    known = HashMemory(tmp_path).of("/data")
    for field in Stamp._fields:
        assert known.get("a", seen._replace(**{field: getattr(seen, field) + 1})) is None
    assert known.get("b", seen) is None
    assert HashMemory(tmp_path).of("/other").get("a", seen) is None


def test_file_that_was_written_to_as_it_was_hashed_is_not_believed(tmp_path: Path) -> None:
    """A second write within the same tick of the clock would leave it the same stamps."""
    known = HashMemory(tmp_path).of("/data")
    seen = stamp(0, mtime_ns=known._began_ns, ctime_ns=known._began_ns)
    known.put("a", seen, DIGEST)
    known.put("b", seen._replace(mtime_ns=seen.mtime_ns - 1), DIGEST)  # its ctime is too young
    known.save()
    assert HashMemory(tmp_path).of("/data").get("a", seen) is None
    assert not (tmp_path / FOLDER).exists()


def test_real_files_are_believed_once_the_clock_has_gone_on(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    seen = Stamp.of(path.stat())
    while hashes._file_clock_ns() <= max(seen.mtime_ns, seen.ctime_ns):
        time.sleep(0)
    assert remembered(tmp_path / "cache", seen, str(path)) == DIGEST


@pytest.mark.parametrize("place", ["/data", "s3://bucket/data"])
def test_coarse_stamps_need_to_be_older(tmp_path: Path, place: str) -> None:
    second = 10**9
    whole = (hashes._file_clock_ns() // second - 1) * second
    young = stamp(mtime_ns=whole, ctime_ns=whole)
    assert remembered(tmp_path, young, place) is None
    old = stamp(mtime_ns=whole - 5 * second, ctime_ns=whole - 5 * second)
    assert remembered(tmp_path, old, place) == DIGEST


def test_any_name_is_kept(tmp_path: Path) -> None:
    known = HashMemory(tmp_path).of("/\udce9")
    seen = stamp()
    for name in ("", "näme 🐈", "\udce9/x", "a\nb"):
        known.put(name, seen, DIGEST)
    known.save()
    again = HashMemory(tmp_path).of("/\udce9")
    assert [again.get(name, seen) for name in ("", "näme 🐈", "\udce9/x", "a\nb")] == [DIGEST] * 4


def test_damaged_memory_is_none(tmp_path: Path) -> None:
    seen = stamp()
    remembered(tmp_path, seen)
    (file,) = (tmp_path / FOLDER).iterdir()
    whole = file.read_bytes()
    for damaged in (b"", whole[:40], whole[:-1], whole.replace(bytes.fromhex(DIGEST), bytes(32))):
        file.write_bytes(damaged)
        assert HashMemory(tmp_path).of("/data").get("a", seen) is None


def test_what_is_gone_is_forgotten(tmp_path: Path) -> None:
    seen = stamp()
    known = HashMemory(tmp_path).of("/data")
    for name in "abc":
        known.put(name, seen, DIGEST)
    known.save()
    later = HashMemory(tmp_path).of("/data")
    assert later.get("a", seen) == DIGEST
    later.save()
    assert HashMemory(tmp_path).of("/data").get("b", seen) is None
    assert HashMemory(tmp_path).of("/data").get("a", seen) == DIGEST


def test_memory_is_bounded_and_the_oldest_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = stamp()
    for number in range(3):
        remembered(tmp_path, seen, f"/{number}")
    for age, file in enumerate(
        sorted((tmp_path / FOLDER).iterdir(), key=lambda each: each.stat().st_mtime_ns)
    ):
        os.utime(file, (age, age))
    monkeypatch.setattr(hashes, "MOST_BYTES", 3 * file.stat().st_size)
    assert remembered(tmp_path, seen, "/3") == DIGEST
    known = [HashMemory(tmp_path).of(f"/{number}").get("a", seen) for number in range(4)]
    assert known == [None, DIGEST, DIGEST, DIGEST]


def test_memory_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    assert remembered(tmp_path / "cache", stamp()) is None
