"""What a nursery leaves in the runtime folder for people to see: which interpreter, which libraries."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from ..capture.processes import current_process, is_alive
from ..entities import Process
from ..wire import decode, encode

PATTERN = "nursery-*.json"


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A nursery that is ready. ``problems`` says which libraries it could not keep warm, and why."""

    process: Process
    interpreter: str
    libraries: list[str] = []
    problems: list[str] = []

    def leave(self, folder: Path) -> None:
        """A full disk is no reason to stop."""
        with suppress(OSError):
            _path(folder).write_bytes(encode(self))

    def words(self) -> str:
        with_libraries = f", with {', '.join(self.libraries)}" if self.libraries else ""
        without = f"; not kept warm: {'; '.join(self.problems)}" if self.problems else ""
        return f"{self.interpreter} (process {self.process.pid}{with_libraries}{without})"


def take_away(folder: Path) -> None:
    """This process's note."""
    _path(folder).unlink(missing_ok=True)


def ready_nurseries(folder: Path) -> list[Note]:
    """The living ones; what others have left behind is taken away."""
    found = []
    for path in sorted(folder.glob(PATTERN)):
        try:
            note = decode(path.read_bytes(), Note)
        except (OSError, ValueError):
            continue
        if is_alive(note.process):
            found.append(note)
        else:
            path.unlink(missing_ok=True)
    return found


def _path(folder: Path) -> Path:
    return folder / PATTERN.replace("*", str(os.getpid()))


def note_of_this_process(interpreter: str, libraries: list[str], problems: list[str]) -> Note:
    return Note(process=current_process(), interpreter=interpreter, libraries=libraries, problems=problems)
