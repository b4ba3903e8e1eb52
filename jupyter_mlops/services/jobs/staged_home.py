"""The home that a worker makes for itself where the submitting machine's is not seen."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

PREFIX = "jupyter-mlops-home-"
HELD = "held"
ABANDONED_AFTER_S = 3600.0


class TemporaryHome:
    """A folder in the machine's temporary one, the user's alone; locked as long as this process lives."""

    def __init__(self) -> None:
        _remove_abandoned(Path(tempfile.gettempdir()))
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._fd = os.open(self.path / HELD, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._fd)

    def leave(self) -> None:
        """Let it lie, for somebody to look into: no worker takes it away."""
        (self.path / HELD).unlink(missing_ok=True)
        os.close(self._fd)


def _remove_abandoned(folder: Path) -> None:
    """Take away the homes of workers that were killed on this machine."""
    for home in folder.glob(f"{PREFIX}*/{HELD}"):
        try:
            about = home.stat()
            if about.st_uid != os.getuid() or time.time() - about.st_mtime < ABANDONED_AFTER_S:
                continue
            fd = os.open(home, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:  # another user's, or just taken away
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(home.parent, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(fd)
