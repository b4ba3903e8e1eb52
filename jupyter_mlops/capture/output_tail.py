"""The end of an endless sequence: the last lines, in few bytes of memory and disk."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

SEGMENTS = 4
OVERHEAD = 64
"""What a message costs beside its content."""

T = TypeVar("T")


@dataclass(slots=True)
class Dropped:
    """What is missing at the front: so many messages, so many bytes of them."""

    messages: int = 0
    bytes: int = 0

    def add(self, size: int, messages: int = 1) -> None:
        self.messages += messages
        self.bytes += size


@dataclass(slots=True)
class _Segment:
    path: Path
    size: int = 0
    payload: int = 0
    messages: int = 0


class Tail(Generic[T]):
    """Keeps the last messages that it is given, together about ``capacity`` bytes.

    They are gathered in memory until :meth:`flush` appends them, each as the line that ``encode`` makes of
    it, to files ``<stem>.<n>.jsonl``, of which the oldest goes when there are too many. Where nothing can be
    written (a full disk), they stay in memory, within the same bound. ``dropped`` counts what has gone. Not
    thread-safe.
    """

    def __init__(self, stem: Path | None, capacity: int, encode: Callable[[T], bytes]) -> None:
        self.capacity = capacity
        self.dropped = Dropped()
        self._encode = encode
        self._stem = stem
        self._segments: deque[_Segment] = deque()
        self._made = 0
        self._waiting: deque[tuple[T, int]] = deque()
        self._waiting_bytes = 0

    @property
    def segment_bytes(self) -> int:
        """A message should not be larger than this."""
        return max(1, self.capacity // SEGMENTS)

    @property
    def waits(self) -> bool:
        """Whether there are messages in memory that :meth:`flush` would write."""
        return bool(self._waiting) and self._stem is not None

    def add(self, message: T, size: int) -> None:
        """A message that carries ``size`` bytes of what people saw."""
        self._waiting.append((message, size))
        self._waiting_bytes += size + OVERHEAD
        while self._waiting_bytes > self.capacity and len(self._waiting) > 1:
            _, old = self._waiting.popleft()
            self._waiting_bytes -= old + OVERHEAD
            self.dropped.add(old)
            self._forget_all_segments()  # they hold what was before

    def flush(self, header: bytes = b"") -> None:
        """Write what waits; ``header`` begins each new file. Raises OSError, and loses nothing then."""
        while self._waiting and self._stem is not None:
            segment = self._segment(header)
            lines: list[bytes] = []
            taken = 0
            for message, _ in self._waiting:
                if lines and segment.size + taken >= self.segment_bytes:
                    break
                lines.append(self._encode(message))
                taken += len(lines[-1])
            _append(segment.path, b"".join(lines))
            for _ in lines:
                _, size = self._waiting.popleft()
                self._waiting_bytes -= size + OVERHEAD
                segment.payload += size
                segment.messages += 1
            segment.size += taken
            self._forget_old_segments()

    def lines(self) -> Iterator[bytes]:
        """Everything that is kept, oldest first; headers as well."""
        for segment in self._segments:
            with suppress(OSError), segment.path.open("rb") as file:  # the home may have been deleted
                yield from file
        yield from (self._encode(message) for message, _ in self._waiting)

    def clear(self) -> None:
        """Keep nothing, and count anew."""
        self._forget_all_segments()
        self._waiting.clear()
        self._waiting_bytes = 0
        self.dropped = Dropped()

    def _segment(self, header: bytes) -> _Segment:
        last = self._segments[-1] if self._segments else None
        if last is not None and last.size < self.segment_bytes:
            return last
        assert self._stem is not None
        self._made += 1
        made = _Segment(self._stem.with_name(f"{self._stem.name}.{self._made:08d}.jsonl"))
        made.path.parent.mkdir(parents=True, exist_ok=True)
        _append(made.path, header)
        self._segments.append(made)
        return made

    def _forget_old_segments(self) -> None:
        while len(self._segments) > 1 and sum(each.size for each in self._segments) > self.capacity:
            self._forget_oldest()

    def _forget_all_segments(self) -> None:
        while self._segments:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        oldest = self._segments.popleft()
        self.dropped.add(oldest.payload, oldest.messages)
        with suppress(OSError):
            oldest.path.unlink(missing_ok=True)


def _append(path: Path, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
    finally:
        os.close(fd)
