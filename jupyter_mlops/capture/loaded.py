"""The registered versions that this process has loaded, and from where in the user's code."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from inspect import CO_NEWLOCALS
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ..entities import VersionRef

on_read: list[Callable[[Read], None]] = []
"""Called whenever this process reads a registered version, in the thread that reads."""
_STANDARD = os.path.join(os.path.dirname(os.__file__), "")
"""Of Python's own modules. ``sysconfig`` knows it, too, and takes milliseconds of each kernel to import."""
_OURS = os.path.join(Path(__file__).parents[1], "")


class Call(NamedTuple):
    """A line of the user's code that was running.

    ``code`` is that of its function, module or cell; ``module`` is the same for all that share their globals.
    """

    code: CodeType
    line: int
    module: int = 0


class Calls(NamedTuple):
    """The user's code that was running, the outermost first; libraries between are left out.

    With ``rooted`` the first is of the main module, as a script's or a cell's; else nobody knows who called.
    """

    calls: tuple[Call, ...]
    rooted: bool


@dataclass(frozen=True, slots=True)
class Read:
    """A registered version of the workspace ``home`` was read. ``order`` counts the reads of this process."""

    version: VersionRef
    home: str
    where: Calls
    order: int
    thread: int


class Loaded:
    """All reads of a process: of those with the same version at the same place in a thread, the last one."""

    def __init__(self) -> None:
        self._reads: dict[tuple[VersionRef, str, Calls, int], Read] = {}
        self._blocks: dict[tuple[Call, ...], int] = {}
        self._lock = threading.Lock()
        self.order = 0
        """How many reads there were."""
        self.forked = False
        """Whether this is a child process: what its parent reads for it stays unknown."""

    def note(self, version: VersionRef, home: str, frame: FrameType | None) -> Read:
        where = calls_of(frame)
        with self._lock:
            self.order += 1
            read = Read(version, home, where, self.order, threading.get_ident())
            key = (version, home, where, read.thread)
            self._reads.pop(key, None)
            self._reads[key] = read
        return read

    def reads(self, home: str) -> list[Read]:
        """Those of a workspace, in their order."""
        if not self._reads:
            return []
        with self._lock:
            return [each for each in self._reads.values() if each.home == home]

    def block_ended(self, where: Calls) -> None:
        """A tracked block at this place has ended."""
        self._blocks[where.calls] = self.order

    def order_of_block(self, where: Calls) -> int:
        """How many reads there were when a tracked block at this place ended last; 0 where none has."""
        return self._blocks.get(where.calls, 0)

    def after_fork_in_child(self) -> None:
        self._lock = threading.Lock()
        self.forked = True


loaded = Loaded()


def note_read(version: VersionRef, home: Path) -> None:
    """This process reads a registered version: to be called where it does, under the user's own frames."""
    read = loaded.note(version, str(home), sys._getframe(1))
    for hook in on_read:
        hook(read)


def calls_of(frame: FrameType | None) -> Calls:
    """The lines of the user's code that are running in this frame and those that called it.

    A main module that is only a string, as workers of pools have, is as if it were not there.
    """
    main = sys.modules["__main__"].__dict__ if "__main__" in sys.modules else None
    found: list[Call] = []
    root = 0
    while frame is not None:
        code = frame.f_code
        if not is_library(code.co_filename):
            is_main = frame.f_globals is main and not code.co_flags & CO_NEWLOCALS
            if not is_main or code.co_filename != "<string>":
                found.append(Call(code, frame.f_lineno, id(frame.f_globals)))
                root = len(found) if is_main else root
        frame = frame.f_back
    return Calls(tuple(reversed(found[:root] if root else found)), bool(root))


@lru_cache(maxsize=4096)
def is_library(file: str) -> bool:
    """Whether a file's code is not the user's own."""
    if file.startswith(("<frozen", _OURS)):
        return True
    installed = "site-packages" in file or "dist-packages" in file
    return installed or file.startswith(_STANDARD)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=loaded.after_fork_in_child)
