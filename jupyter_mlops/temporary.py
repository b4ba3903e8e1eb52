"""Temporary folders, each of them locked as long as the process lives that made it.

Who is killed leaves its folder behind: the next one to make such a folder takes it away.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

HELD = "held"
ABANDONED_AFTER_S = 3600.0


class HeldFolder:
    """A new folder, the user's alone, whose name begins with ``prefix``; ``within`` another one if given."""

    def __init__(self, prefix: str, *, within: Path | None = None) -> None:
        parent = within or Path(tempfile.gettempdir())
        _remove_abandoned(parent, prefix)
        self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        self._fd = os.open(self.path / HELD, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        _lock(self._fd)

    def remove(self) -> None:
        """Take it away; to be called once."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._fd)

    def leave(self) -> None:
        """Let it lie, for somebody to look into: nobody takes it away."""
        (self.path / HELD).unlink(missing_ok=True)
        os.close(self._fd)


def _remove_abandoned(folder: Path, prefix: str) -> None:
    """Take away what processes that were killed on this machine have left."""
    for held in folder.glob(f"{prefix}*/{HELD}"):
        try:
            about = held.stat()
            if about.st_uid != os.getuid() or time.time() - about.st_mtime < ABANDONED_AFTER_S:
                continue
            fd = os.open(held, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:  # another user's, or just taken away
            continue
        try:
            if _lock(fd):
                shutil.rmtree(held.parent, ignore_errors=True)
        finally:
            os.close(fd)


def _lock(fd: int) -> bool:
    """Hold the file as long as this process lives; False where another does."""
    import fcntl  # not on Windows, where nobody asks for such a folder

    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
