"""The log of an attempt as its worker writes it: of more than its cap, the beginning and the end are kept."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from ...config import Settings
from ..quantities import size_text

LINE = b"\n"
LONGEST_LINE = 4096
"""A cut is moved to the end of a line, but not by more than this."""

logger = logging.getLogger(__name__)


class CappedLog:
    """Writes to ``fd``, straight: what has been said is in the log also when the worker is killed.

    Where ``fd`` is the file ``path``, its middle is cut out whenever it has grown beyond ``cap_bytes`` (0:
    never): the first half of the cap stays, and at least a quarter of it from the end.
    """

    def __init__(self, path: Path, *, cap_bytes: int, fd: int = 1) -> None:
        self._path, self._cap_bytes, self._fd = path, cap_bytes, fd
        self._head_end: int | None = None
        self._cut_bytes = 0
        self._marker_bytes = 0
        self._lost_bytes = 0

    @classmethod
    def of(cls, path: Path, settings: Settings) -> CappedLog:
        return cls(path, cap_bytes=settings.log_cap_bytes)

    def write(self, data: bytes) -> None:
        """What a full disk has no room for is left out, and how much that was is said once there is room."""
        left_out = f"[... {size_text(self._lost_bytes)} of the log could not be written ...]\n".encode()
        unwritten = self._append(left_out + data if self._lost_bytes else data)
        self._lost_bytes = unwritten if unwritten <= len(data) else self._lost_bytes + len(data)
        try:
            if self._cap_bytes and os.fstat(self._fd).st_size > self._cap_bytes and self._is_the_file():
                self._cut()
        except OSError as error:  # a full disk: the log is not shortened, and the job goes on
            self._cap_bytes = 0
            logger.warning("The log %s cannot be shortened: %s", self._path, error)

    def _append(self, data: bytes) -> int:
        """How many bytes of it could not be written."""
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError:
            pass
        return len(data)

    def _is_the_file(self) -> bool:
        return self._path.exists() and os.path.samestat(os.fstat(self._fd), self._path.stat())

    def _cut(self) -> None:
        with self._path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            tail_start = _line_end(file.fileno(), size - self._cap_bytes // 4)
            if self._head_end is None:
                self._head_end = _line_end(file.fileno(), self._cap_bytes // 2)
            self._cut_bytes += tail_start - self._head_end - self._marker_bytes
            marker = f"[... {size_text(self._cut_bytes)} of the log are cut out here ...]\n".encode()
            self._marker_bytes = len(marker)
            file.seek(tail_start)
            tail = file.read()
            file.seek(self._head_end)
            file.write(marker + tail)
            file.truncate()
        os.lseek(self._fd, 0, os.SEEK_END)  # for one that was not opened for appending


def _line_end(fd: int, position: int) -> int:
    """Where the line ends that goes over ``position``; there itself in a very long one."""
    found = os.pread(fd, LONGEST_LINE, position).find(LINE)
    return position if found < 0 else position + found + 1
