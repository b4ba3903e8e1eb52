"""Whether a process may be forked, and whether what it has loaded is still what lies on disk."""

from __future__ import annotations

import os
import site
import sys
from pathlib import Path

OWN = Path("/proc/self")
Stamp = tuple[int, int]


def unfit(expected_fds: frozenset[int] = frozenset()) -> str:
    """Why this process must not be forked; empty when it may.

    A second thread may hold locks that nobody releases in the child. Open files, sockets and devices would
    be shared with it: a library that holds one (a GPU's, ``/dev/nvidia*``) would not work there.
    """
    threads = _names(OWN / "task")
    if len(threads) > 1:
        return f"it started threads ({_thread_names(threads)})"
    for fd in sorted(open_fds() - expected_fds):
        return f"it holds {_target(fd)} open"
    return ""


def open_fds() -> frozenset[int]:
    """The file descriptors of this process."""
    found = set()
    for name in _names(OWN / "fd"):
        try:
            os.fstat(int(name))
        except OSError:  # the one that read the folder
            continue
        found.add(int(name))
    return frozenset(found)


class Loaded:
    """The files that this process was made of, as they were when this was made."""

    def __init__(self) -> None:
        self._stamps = {path: _stamp(path) for path in self._paths()}

    def changed(self) -> str:
        """A file or folder that is another one now; empty where there is none.

        A folder of installed packages changes with every installation.
        """
        return next((path for path, before in self._stamps.items() if _stamp(path) != before), "")

    def _paths(self) -> set[str]:
        files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
        folders = {*site.getsitepackages(), site.getusersitepackages()}
        return {each for each in (*files, *folders, sys.executable) if each}


def _stamp(path: str) -> Stamp | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size if not os.path.isdir(path) else 0


def _names(folder: Path) -> list[str]:
    return os.listdir(folder)


def _thread_names(threads: list[str]) -> str:
    names = []
    for each in sorted(threads, key=int)[1:]:
        try:
            names.append((OWN / "task" / each / "comm").read_text().strip())
        except OSError:  # it ended meanwhile
            continue
    return ", ".join(names) or "ended meanwhile"


def _target(fd: int) -> str:
    try:
        return os.readlink(OWN / "fd" / str(fd))
    except OSError:
        return f"file descriptor {fd}"
