"""The folder that all users of a host share: leases of GPUs lie in it, and the tickets of the queue.

It lies in ``/tmp`` by default, where anybody may have been there first.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from ..config import LEASES
from ..errors import Unavailable

FOLDER_MODE = 0o1777
LOCK, TICKET = ".lock", ".ticket"


def make_shared(folder: Path) -> None:
    """Have the folder, and trust only one in which no other user can pull leases from under this one.

    Raises Unavailable for another.
    """
    try:
        found = folder.lstat()
    except FileNotFoundError:
        _create_shared(folder)
        found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        kind = "a link" if stat.S_ISLNK(found.st_mode) else "no folder"
        raise _not_trusted(folder, f"is {kind}")
    if found.st_uid == os.getuid():
        if not _is_shared(found, FOLDER_MODE) and _holds_only_leases(folder):
            folder.chmod(found.st_mode | FOLDER_MODE)
    elif found.st_uid != 0 and not _is_shared(found, stat.S_ISVTX | stat.S_IWOTH):
        raise _not_trusted(folder, f"belongs to user {found.st_uid} and is not shared (mode 1777)")


def _create_shared(folder: Path) -> None:
    """Create it with its mode at once: another user never finds it closed."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f"{folder.name}.{os.getpid()}.", dir=folder.parent))
    try:
        fresh.chmod(FOLDER_MODE)
        fresh.rename(folder)
    except OSError:
        fresh.rmdir()
        if not os.path.lexists(folder):  # else another process was faster
            raise


def _is_shared(found: os.stat_result, bits: int) -> bool:
    return found.st_mode & bits == bits


def _holds_only_leases(folder: Path) -> bool:
    """A folder that somebody also keeps other things in is not opened to everyone."""
    return all(name.endswith((LOCK, TICKET)) for name in os.listdir(folder))


def _not_trusted(folder: Path, why: str) -> Unavailable:
    return Unavailable(
        f"The folder of the GPU leases, {folder}, {why}: another user could take leases away. "
        f"Remove it, or set {LEASES} to one folder with mode 1777 for all users of this host."
    )
