"""The owner's side: what has changed in a tree of files since it was last shipped."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .batches import BATCH_BYTES, GONE, GROWS, OBJECT_BYTES, ONCE, REPLACED, Part, digest_of

TAIL_BYTES = 4096
BYTES_A_SECOND = 1024 * 1024
"""A large file that is written anew all the time is shipped at this rate."""

Upload = Callable[[str, Path], None]
"""Put a local file where the object of this digest is looked for."""


@dataclass(slots=True)
class _Seen:
    """A file as it was shipped: its identity, size and time, and when that was."""

    signature: tuple[int, int, int]
    shipped: int = 0
    tail: bytes = b""
    at: float = 0.0


class Tree:
    """Files below ``root`` by their paths; remembers what was shipped.

    ``upload`` is given larger files. ``scratch`` is where a copy of one that may change is made first.
    """

    def __init__(
        self, root: Path, scratch: Path, upload: Upload, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._root, self._scratch, self._upload = root, scratch, upload
        self._monotonic = monotonic
        self._seen: dict[str, _Seen] = {}

    def knows(self, path: str) -> None:
        """Take a file as shipped, as it is now."""
        self._seen[path] = _Seen(_signature((self._root / path).stat()))

    def growth(self, path: str, size: int) -> Iterator[Part]:
        """What a file that only grows has got, up to ``size``; all of it anew where it did not only grow."""
        file = self._root / path
        seen = self._seen.setdefault(path, _Seen((0, 0, 0)))
        if size < seen.shipped:
            yield from self.change(path, at_once=True)
            return
        while seen.shipped < size:
            with file.open("rb") as source:
                grown = _ends_with(source, seen.shipped, seen.tail)
                source.seek(seen.shipped)
                data = source.read(min(BATCH_BYTES, size - seen.shipped))
            if not grown:
                yield from self.change(path, at_once=True)
                return
            if not data:
                return
            offset, seen.shipped = seen.shipped, seen.shipped + len(data)
            seen.tail = (seen.tail + data)[-TAIL_BYTES:]
            yield Part(path=path, kind=GROWS, offset=offset, data=data)

    def change(self, path: str, *, at_once: bool = False) -> Iterator[Part]:
        """The file as it is, where it is another than was shipped; a large one not all the time."""
        file = self._root / path
        try:
            status = file.stat()
        except FileNotFoundError:
            return
        seen, now = self._seen.get(path), self._monotonic()
        if seen is not None and seen.signature == _signature(status):
            return
        too_soon = seen is not None and now - seen.at < status.st_size / BYTES_A_SECOND
        if too_soon and not at_once and status.st_size > OBJECT_BYTES:
            return
        copy = self._scratch / f"{os.getpid()}.part"  # what is shipped must not change on the way
        try:
            shutil.copyfile(file, copy)
            size, mode = copy.stat().st_size, status.st_mode & 0o700
            with copy.open("rb") as source:
                source.seek(max(0, size - TAIL_BYTES))
                tail = source.read()
            digest = "" if size <= OBJECT_BYTES else self._put(copy)
            data = b"" if digest else copy.read_bytes()
        finally:
            copy.unlink(missing_ok=True)
        self._seen[path] = _Seen(_signature(status), shipped=size, tail=tail, at=now)
        yield Part(path=path, kind=REPLACED, data=data, digest=digest, mode=mode)

    def once(self, path: str, digest: str = "") -> Iterator[Part]:
        """A file that never changes once it is there; ``digest`` where its name says that."""
        file = self._root / path
        if path in self._seen or not file.exists():
            return
        status = file.stat()
        large = status.st_size > OBJECT_BYTES
        digest = self._put(file, digest) if large else ""
        self._seen[path] = _Seen(_signature(status))
        data = b"" if large else file.read_bytes()
        yield Part(path=path, kind=ONCE, data=data, digest=digest, mode=status.st_mode & 0o777)

    def gone(self, folder: str) -> Iterator[Part]:
        """Files below a folder that were shipped and are there no more."""
        shipped = [path for path in self._seen if path.startswith(f"{folder}/")]
        for path in shipped:
            if not (self._root / path).exists():
                del self._seen[path]
                yield Part(path=path, kind=GONE)

    def _put(self, file: Path, digest: str = "") -> str:
        digest = digest or digest_of(file)
        self._upload(digest, file)
        return digest


def _signature(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _ends_with(source: IO[bytes], offset: int, tail: bytes) -> bool:
    """Whether the bytes before ``offset`` are those."""
    source.seek(max(0, offset - len(tail)))
    return source.read(len(tail)) == tail
