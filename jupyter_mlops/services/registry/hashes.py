"""What is known of files that were hashed before: an unchanged file is never hashed twice.

One file for each place that was registered, ``<home>/cache/hashes/<digest of the place>``: the digest of the
rest, then a MessagePack map of relative paths. It is replaced as a whole, so that readers and writers need no
locks; what two writers lose of each other, or a crash tears, costs hashing again and nothing else.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from uuid import uuid4

import msgspec

from ...capture.file_systems import file_system, is_network, mounts_here
from ...hashing import Stamp, digest_of

FOLDER = "hashes"
MOST_BYTES = 256 * 1024 * 1024
"""All places together; those that were not used for longest go first."""
COARSE_NS = 2_000_000_000
"""How coarse time stamps without fractions may be (FAT), and how far a server's clock may be behind. Only the
time of the last change tells: that of the last write is set at will, by tar for example."""

_Known = dict[bytes, tuple[int, int, int, int, int, bytes]]
_decoder = msgspec.msgpack.Decoder(_Known)


class HashMemory:
    """The digests that are known in a home."""

    def __init__(self, cache: Path) -> None:
        self._folder = cache / FOLDER

    def of(self, place: str) -> KnownHashes:
        """Of the files below a folder, or of one file: ``place`` is its absolute path, or a URL."""
        return KnownHashes(self._folder / digest_of(os.fsencode(place))[:32], place)


class KnownHashes:
    """Digests by relative path and stamp. Nothing is read before the first question, and nothing raises."""

    def __init__(self, file: Path, place: str) -> None:
        self._file = file
        self._place = place
        self._began_ns = _file_clock_ns()
        self._new: _Known = {}
        self._used: _Known = {}

    def get(self, relative: str, stamp: Stamp) -> str | None:
        """The digest of a file that has not been written to since it was hashed."""
        key = os.fsencode(relative)
        known = self._known.get(key)
        if known is None or known[:5] != stamp:
            return None
        self._used[key] = known
        return known[5].hex()

    def put(self, relative: str, stamp: Stamp, digest: str) -> None:
        """Remember a digest that was computed since this object was made.

        Not of a file that was written to so shortly before that a later change could leave it the same time
        stamps: file systems stamp by a clock that goes in steps (git calls this a racy entry).
        """
        newest = max(stamp.mtime_ns, stamp.ctime_ns)
        grain = COARSE_NS if self._is_network or stamp.ctime_ns % 1_000_000_000 == 0 else 0
        if newest < self._began_ns - grain:
            self._new[os.fsencode(relative)] = (*stamp, bytes.fromhex(digest))

    def save(self) -> None:
        """Keep what was put and what was asked for: what else was known is not there any more."""
        if not self._new and len(self._used) == len(self._known):
            with suppress(OSError):
                os.utime(self._file)
            return
        kept = {**self._used, **self._new}
        data = msgspec.msgpack.encode(kept)
        temporary = self._file.with_name(f".{uuid4().hex}")
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(bytes.fromhex(digest_of(data)) + data)
            os.replace(temporary, self._file)
            _forget_oldest(self._file.parent)
        with suppress(OSError):
            temporary.unlink(missing_ok=True)

    @cached_property
    def _known(self) -> _Known:
        with suppress(OSError, msgspec.DecodeError, ValueError):
            data = self._file.read_bytes()
            if data[:32].hex() == digest_of(data[32:]):
                return _decoder.decode(data[32:])
        return {}

    @cached_property
    def _is_network(self) -> bool:
        return "://" in self._place or is_network(file_system(Path(self._place), mounts_here()))


def _file_clock_ns() -> int:
    """Now, by the clock that stamps files; it goes in steps of some milliseconds."""
    coarse = getattr(time, "CLOCK_REALTIME_COARSE", None)
    return time.time_ns() if coarse is None else time.clock_gettime_ns(coarse)


def _forget_oldest(folder: Path) -> None:
    entries = [(entry.stat(), entry.path) for entry in os.scandir(folder)]
    size = sum(status.st_size for status, _ in entries)
    for status, path in sorted(entries, key=lambda each: each[0].st_mtime):
        if size <= MOST_BYTES:
            return
        os.unlink(path)
        size -= status.st_size
