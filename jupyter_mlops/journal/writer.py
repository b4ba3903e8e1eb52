"""The hot path: append one complete line with one ``os.write``."""

from __future__ import annotations

import itertools
import math
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

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
        self._prefix = b""
        path, entry = self.key.path(home), self.key.active_entry(home)
        path.parent.mkdir(parents=True, exist_ok=True)
        entry.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(entry, os.O_CREAT | os.O_WRONLY, 0o600))
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._fd: int | None = os.open(path, flags, 0o600)

    @property
    def closed(self) -> bool:
        return self._fd is None

    def append(self, record: AnyRecord) -> int:
        """Write a record; returns its number within this writer."""
        number = next(self._numbers)
        self._write(msgspec.structs.replace(record, v=VERSION, t=self._now(), n=number))
        return number

    def metrics(self, values: Mapping[str, float], step: int | None) -> None:
        """Write the values of one step; they are floats, and may be NaN or infinite."""
        finite = math.isfinite
        fields: dict[str, float | str] = {
            name: value if finite(value) else number_to_json(value) for name, value in values.items()
        }
        self._write(Metrics(v=VERSION, t=self._now(), n=next(self._numbers), m=fields, s=step))

    def close(self) -> None:
        """Close the file without a word; the ``Close`` record is the caller's to write."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def _now(self) -> float:
        """The clock, never going back within a writer."""
        now = self._clock()
        if now < self._last_time:
            return self._last_time
        self._last_time = now
        return now

    def _write(self, record: AnyRecord) -> None:
        if self._fd is None:
            raise ValueError(f"The journal {self.key.writer} of run {self.key.run_id} is closed.")
        line = self._prefix + self._encode(record) + b"\n"
        written = -1
        try:
            written = os.write(self._fd, line)
        finally:
            self._prefix = b"" if written == len(line) else b"\n"
        if written != len(line):
            raise OSError(f"Only {written} of {len(line)} bytes were written to the journal.")
