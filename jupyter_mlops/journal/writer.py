"""The hot path: append one complete line with one ``os.write``."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from ..entities import new_id
from ..wire import number_to_json
from .layout import JournalKey
from .records import VERSION, AnyRecord, Metrics


class JournalWriter:
    """Appends records to a journal of its own; safe to call from many threads of one process.

    Everything that ``append`` or ``metrics`` returned for is in the kernel's page cache: it survives
    ``kill -9`` of this process. OSError (disk full, permissions) is raised to the caller; after a short
    write the next record starts with a newline, so that only the torn one is lost.
    """

    def __init__(
        self,
        home: Path,
        run_id: str,
        *,
        clock: Callable[[], float] = time.time,
        writer: str | None = None,
    ) -> None:
        self.key = JournalKey(run_id, writer or new_id(clock()))
        self._clock = clock
        self._numbers = itertools.count(1)  # next() of it is atomic
        self._last_time = 0.0
        self._encode = msgspec.json.Encoder().encode
        self._torn = False
        self._home = home
        self._fd: int | None = self._open()
        self._deleted: list[tuple[int, int]] = []
        """Files that were deleted and made again, and how much of them was copied."""

    @property
    def closed(self) -> bool:
        return self._fd is None

    def append(self, record: AnyRecord) -> int:
        """Write a record; returns its number within this writer."""
        number = next(self._numbers)
        self._write(self._encode(msgspec.structs.replace(record, v=VERSION, t=self._now(), n=number)))
        return number

    def metrics(self, values: Mapping[str, float], step: int | None) -> None:
        """Write the values of one step; they are floats, and may be NaN or infinite."""
        now = self._clock()
        if now < self._last_time:
            now = self._last_time
        else:
            self._last_time = now
        fields: Any = values if type(values) is dict else dict(values)
        for value in values.values():
            if value - value != 0.0:  # NaN, as inf - inf is: the cheapest test for both
                fields = {name: number_to_json(value) for name, value in values.items()}
                break
        self._write(self._encode(Metrics(v=VERSION, t=now, n=next(self._numbers), m=fields, s=step)))

    def removed(self) -> bool:
        """Whether the file was deleted meanwhile: what is written then is gone when it is closed."""
        fd = self._fd
        return fd is not None and os.fstat(fd).st_nlink == 0

    def restore(self) -> None:
        """Make the deleted file again where it was, with all that was written. Raises OSError."""
        fd = self._fd
        if fd is None:
            return
        deleted, new = os.dup(fd), self._open()
        try:
            copied = _copy(deleted, new, 0)
            os.dup2(new, fd, inheritable=False)  # at once: other threads go on writing to the same number
        except OSError:
            os.close(deleted)
            raise
        finally:
            os.close(new)
        self._deleted.append((deleted, copied))
        self.settle()

    def settle(self) -> None:
        """Take over what other threads were just writing to a deleted file when it was made again."""
        fd = self._fd
        if fd is not None and self._deleted:
            self._deleted = [(deleted, _copy(deleted, fd, offset)) for deleted, offset in self._deleted]

    def close(self) -> None:
        """Close the file without a word; the ``Close`` record is the caller's to write."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)
        deleted, self._deleted = self._deleted, []
        for each, _ in deleted:
            os.close(each)

    def _open(self) -> int:
        path, entry = self.key.path(self._home), self.key.active_entry(self._home)
        path.parent.mkdir(parents=True, exist_ok=True)
        entry.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(entry, os.O_CREAT | os.O_WRONLY, 0o600))
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        return os.open(path, flags, 0o600)

    def _now(self) -> float:
        """The clock, never going back within a writer."""
        now = self._clock()
        if now < self._last_time:
            return self._last_time
        self._last_time = now
        return now

    def _write(self, line: bytes) -> None:
        fd = self._fd
        if fd is None:
            raise ValueError(f"The journal {self.key.writer} of run {self.key.run_id} is closed.")
        line += b"\n"
        if self._torn:
            line = b"\n" + line
        try:
            written = os.write(fd, line)
        except BaseException:  # a KeyboardInterrupt, too, may come after some of the bytes
            self._torn = True
            raise
        self._torn = written != len(line)
        if self._torn:
            raise OSError(f"Only {written} of {len(line)} bytes were written to the journal.")


def _copy(source: int, target: int, offset: int) -> int:
    """Append what ``source`` holds behind ``offset``; returns where it ended."""
    while chunk := os.pread(source, 1024 * 1024, offset):
        offset += os.write(target, chunk)
    return offset
