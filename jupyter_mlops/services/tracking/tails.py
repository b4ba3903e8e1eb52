"""Whether a run has ended, asked of its journals by a process that joins it or has joined it."""

from __future__ import annotations

import os
from pathlib import Path

from ...journal.layout import SUFFIX
from ...journal.reader import read_chunk
from ...journal.records import End

TAIL_BYTES = 256 * 1024
_END = b'{"k":"end"'


def has_ended(home: Path, run_id: str) -> bool:
    """Whether the owner's journal says ``end``."""
    return Tail(home, run_id).has_ended()


def last_end(home: Path, run_id: str) -> End | None:
    """What the owner's journal says of the run's end; None where it says nothing of it."""
    for path in oldest_journals(home, run_id):
        start = _line_after(path, path.stat().st_size - TAIL_BYTES)
        records = read_chunk(path, start, limit=TAIL_BYTES, writer_ended=True).records
        ends = [record for record in records if isinstance(record, End)]
        if ends:
            return ends[-1]
    return None


def _line_after(path: Path, offset: int) -> int:
    """Where the first line begins after ``offset``."""
    if offset <= 0:
        return 0
    with path.open("rb") as file:
        file.seek(offset)
        return offset + len(file.readline())


def oldest_journals(home: Path, run_id: str) -> list[Path]:
    """The owner's, and one that may share its millisecond."""
    try:
        journals = (home / "runs" / run_id / "journal").iterdir()
        return sorted(path for path in journals if path.suffix == SUFFIX)[:2]
    except OSError:
        return []


class Tail:
    """The end of the owner's journal, looked at again and again: only what is new is read.

    The owner's writer is the oldest, and writers' ids sort by time; a second one may share its millisecond.
    """

    def __init__(self, home: Path, run_id: str) -> None:
        self._ended = False
        self._offsets: dict[Path, int] = {}
        try:
            journals = oldest_journals(home, run_id)
            self._offsets = {path: max(0, path.stat().st_size - TAIL_BYTES) for path in journals}
        except OSError:
            return

    def has_ended(self) -> bool:
        """Costs one ``stat`` a journal where nothing was appended since the last call."""
        if not self._ended:
            self._ended = any(map(self._says_end, self._offsets))
        return self._ended

    def _says_end(self, path: Path) -> bool:
        offset = self._offsets[path]
        try:
            if os.stat(path).st_size <= offset:
                return False
            with path.open("rb") as file:
                file.seek(offset)
                complete = file.read().rpartition(b"\n")[0]
        except OSError:
            return False
        if complete:
            self._offsets[path] = offset + len(complete) + 1
        return any(line.startswith(_END) for line in complete.split(b"\n"))
