"""A job's log: the logs of its attempts, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ...entities import Job, LogChunk
from .folder import JobFolder

LONGEST_CHARACTER = 4
FOLLOW_EVERY_S = 0.3


def read_log(folder: JobFolder, job: Job, *, offset: int, limit: int) -> LogChunk:
    """At most ``limit`` bytes from ``offset`` on.

    Only the last attempt's log still grows, so that an offset keeps its meaning. A character whose
    bytes are not all there yet is left for the next call. Behind the end, which comes of a middle that was
    cut out (``capped_log``), it goes on at the end.
    """
    logs = [folder.attempt(number).log for number in range(1, job.attempt + 1)]
    sizes = [path.stat().st_size if path.exists() else 0 for path in logs]
    data, start, limit = b"", 0, max(limit, LONGEST_CHARACTER)
    offset = min(offset, sum(sizes))
    for path, size in zip(logs, sizes, strict=True):
        if start + size > offset + len(data) and len(data) < limit:
            with path.open("rb") as file:
                file.seek(offset + len(data) - start)
                data += file.read(limit - len(data))
        start += size
    at_end = job.status.ended and offset + len(data) >= start
    if not at_end:
        data = data[: len(data) - _incomplete(data)]
    return LogChunk(text=data.decode(errors="replace"), next_offset=offset + len(data), ended=at_end)


def _incomplete(data: bytes) -> int:
    """How many bytes at the end begin a UTF-8 character without ending it."""
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if byte >= 0xC0:  # the first byte of 2, 3 or 4
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return back if back < needed else 0
        if byte < 0x80:
            return 0
    return 0


def log_texts(
    read: Callable[[int], LogChunk], *, follow: bool = False, sleep: Callable[[float], None] = time.sleep
) -> Iterator[str]:
    """A log in pieces, to where it ends now; with ``follow`` until the job has ended.

    ``read`` gives what there is from a byte on.
    """
    offset = 0
    while True:
        chunk = read(offset)
        if chunk.text:
            yield chunk.text
        at_end, offset = chunk.next_offset == offset, chunk.next_offset
        if at_end and (chunk.ended or not follow):
            return
        if at_end:
            sleep(FOLLOW_EVERY_S)


def last_line(path: Path) -> str:
    """The last line of a text file that says something; empty when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4096))
            lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    except FileNotFoundError:
        return ""
    return next((line for line in reversed(lines) if line), "")
