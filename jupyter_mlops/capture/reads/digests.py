"""BLAKE3 of files as they were read, and a memory of files that have not changed since."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

CHUNK_BYTES = 1024 * 1024
SAMPLES = 64
SAMPLED_ENDS_BYTES = 16 * CHUNK_BYTES
SETTLED_S = 2.0
"""A file that was changed so shortly ago may change again without another time stamp."""
MEMORY_BYTES = 2 * 1024 * 1024


class Stamp(NamedTuple):
    """What tells that a file has not been changed: all of it changes when somebody writes to it."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


class Changed(Exception):
    """The file is not, or no longer, the one that was read."""


@dataclass(frozen=True, slots=True)
class Hashed:
    """A digest of 64 hexadecimal digits; of a ``sampled`` one only parts of the content went in."""

    digest: str
    sampled: bool = False


def hash_file(
    path: str, wanted: Stamp, *, sample_above: int, beat: Callable[[], None] = lambda: None
) -> Hashed:
    """The digest of the file that ``wanted`` describes.

    Raises Changed when it is another one or is written to meanwhile, OSError when it cannot be read.
    ``beat`` is called after every chunk, and may raise. The file is read and not mapped: when a mapped
    one is cut off, the whole process gets SIGBUS.
    """
    with _opened(path) as fd:
        if Stamp.of(os.fstat(fd)) != wanted:
            raise Changed
        sampled = wanted.size > sample_above
        hasher = new_hasher()
        done = 0
        for chunk in _samples(fd, wanted.size) if sampled else _chunks(fd, wanted.size):
            hasher.update(chunk)
            done += len(chunk)
            beat()
        if Stamp.of(os.fstat(fd)) != wanted or not (sampled or done == wanted.size):
            raise Changed
    return Hashed(hasher.hexdigest(), sampled)


def hash_open_file(fd: int, wanted: Stamp) -> str:
    """The digest of a small file that is open, without moving its position. Raises as :func:`hash_file`."""
    content = os.pread(fd, wanted.size + 1, 0)
    if len(content) != wanted.size or Stamp.of(os.fstat(fd)) != wanted:
        raise Changed
    hasher = new_hasher()
    hasher.update(content)
    return str(hasher.hexdigest())


def is_unchanged(path: str, stamp: Stamp) -> bool:
    """Whether the path is still that file, and nobody has written to it."""
    try:
        return Stamp.of(os.stat(path)) == stamp
    except OSError:
        return False


def new_hasher() -> Any:
    """A BLAKE3 object on one thread: the library's own pool is lost in a forked child."""
    from blake3 import blake3

    return blake3()


class DigestMemory:
    """Digests of files by path and stamp, kept in a file that any number of processes append to.

    A line that got lost or torn costs hashing again, nothing else. Nothing is read before the first
    question. All methods may be called from any thread, and none raises.
    """

    def __init__(self, place: Path | None) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Stamp, str]] | None = None

    def get(self, path: str, stamp: Stamp) -> str | None:
        """The digest of the file's whole content, if it is known and the file is unchanged."""
        with self._lock:
            known = self._loaded().get(path)
        return known[1] if known is not None and known[0] == stamp else None

    def put(self, path: str, stamp: Stamp, digest: str) -> None:
        if time.time_ns() - max(stamp.mtime_ns, stamp.ctime_ns) < SETTLED_S * 1e9:
            return
        with self._lock:
            known = self._loaded()
            if known.get(path) == (stamp, digest):
                return
            known[path] = stamp, digest
            if self._place is not None and "\n" not in path:
                with suppress(OSError, UnicodeError):
                    self._append(self._place, path, stamp, digest)

    def _loaded(self) -> dict[str, tuple[Stamp, str]]:
        if self._known is None:
            self._known = {}
            if self._place is not None:
                with suppress(OSError):
                    self._known = dict(_entries(self._place.read_bytes()))
        return self._known

    def _append(self, place: Path, path: str, stamp: Stamp, digest: str) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(fd, _line(path, stamp, digest))
            size = os.fstat(fd).st_size
        finally:
            os.close(fd)
        if size > MEMORY_BYTES:
            self._shorten(place)

    def _shorten(self, place: Path) -> None:
        """Keep the newer half; what another process appends meanwhile may get lost."""
        entries = list(dict(_entries(place.read_bytes())).items())
        kept: list[bytes] = []
        size = 0
        for path, (stamp, digest) in reversed(entries):
            kept.append(_line(path, stamp, digest))
            size += len(kept[-1])
            if size > MEMORY_BYTES // 2:
                break
        shorter = place.with_name(f"{place.name}.{os.getpid()}")
        shorter.write_bytes(b"".join(reversed(kept)))
        os.replace(shorter, place)


def _line(path: str, stamp: Stamp, digest: str) -> bytes:
    numbers = " ".join(map(str, stamp))
    return b"%s %s %s\n" % (digest.encode(), numbers.encode(), os.fsencode(path))


def _entries(text: bytes) -> Iterator[tuple[str, tuple[Stamp, str]]]:
    for line in text.split(b"\n"):
        parts = line.split(b" ", 5)
        if len(parts) == 6 and len(parts[0]) == 64 and all(part.isdigit() for part in parts[1:5]):
            yield os.fsdecode(parts[5]), (Stamp(*map(int, parts[1:5])), parts[0].decode("ascii", "replace"))


@contextmanager
def _opened(path: str) -> Iterator[int]:
    """For reading, without waiting where a pipe has taken the file's place."""
    flags = (
        os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    )
    fd = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise Changed
        yield fd
    finally:
        os.close(fd)


def _chunks(fd: int, size: int) -> Iterator[bytes]:
    while size > 0 and (chunk := os.read(fd, CHUNK_BYTES)):
        size -= len(chunk)
        yield chunk


def _samples(fd: int, size: int) -> Iterator[bytes]:
    """The size, both ends, and as many pieces in between, evenly spread."""
    yield b"sampled, version 1, of %d bytes\n" % size
    yield from _piece(fd, 0, SAMPLED_ENDS_BYTES)
    middle = size - 2 * SAMPLED_ENDS_BYTES
    for number in range(SAMPLES):
        yield from _piece(fd, SAMPLED_ENDS_BYTES + middle * number // SAMPLES, CHUNK_BYTES)
    yield from _piece(fd, max(0, size - SAMPLED_ENDS_BYTES), SAMPLED_ENDS_BYTES)


def _piece(fd: int, start: int, length: int) -> Iterator[bytes]:
    os.lseek(fd, start, os.SEEK_SET)
    while length > 0 and (chunk := os.read(fd, min(length, CHUNK_BYTES))):
        length -= len(chunk)
        yield chunk
