"""Whether a run has ended, asked of its journals by a process that joins it or has joined it."""

from __future__ import annotations

import os
from pathlib import Path

from ...journal.layout import SUFFIX

TAIL_BYTES = 256 * 1024
_END = b'{"k":"end"'


def has_ended(home: Path, run_id: str) -> bool:
    """Whether the owner's journal says ``end``."""
    return Tail(home, run_id).has_ended()


class Tail:
    """The end of the owner's journal, looked at again and again: only what is new is read.

    The owner's writer is the oldest, and writers' ids sort by time; a second one may share its millisecond.
    """

    def __init__(self, home: Path, run_id: str) -> None:
        self._ended = False
        self._offsets: dict[Path, int] = {}
        folder = home / "runs" / run_id / "journal"
        try:
            journals = sorted(path for path in folder.iterdir() if path.suffix == SUFFIX)
            self._offsets = {path: max(0, path.stat().st_size - TAIL_BYTES) for path in journals[:2]}
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
