"""A schedule's folder: what its runs are made of.

``schedules/<id>/`` holds ``template.ipynb``, ``env.json`` (0600) and, where an executor does not share this
file system, ``files/``: all as they were when it was made. That there is a folder says that the schedule is
of this home; it goes with its schedule.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from ...errors import NotFound
from ...wire import decode, encode

ABANDONED_AFTER_S = 3600.0
FILES = "files"

logger = logging.getLogger(__name__)


class Files(Protocol):
    """Files that go along with a job."""

    def write(self, folder: Path) -> object:
        """Copy them into a folder."""
        ...


class ScheduleFolder:
    """The folder of one schedule."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._template, self._environment = path / "template.ipynb", path / "env.json"

    @classmethod
    def of(cls, home: Path, schedule_id: str) -> ScheduleFolder:
        return cls(home / "schedules" / schedule_id)

    def create(self, notebook: bytes, environment: Mapping[str, str], files: Files | None = None) -> None:
        """Write it; nothing is left where that cannot be done."""
        self.path.mkdir(parents=True, mode=0o700)
        try:
            self._template.write_bytes(notebook)
            fd = os.open(self._environment, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(encode(dict(environment)))
            if files is not None:
                files.write(self.path)
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """The environment first: it may hold secrets."""
        self._environment.unlink(missing_ok=True)
        shutil.rmtree(self.path, ignore_errors=True)

    def exists(self) -> bool:
        return self.path.is_dir()

    def template(self) -> bytes:
        """The notebook that each run gets. Raises NotFound."""
        return self._read(self._template)

    def environment(self) -> dict[str, str]:
        """The environment that it was made from. Raises NotFound."""
        return decode(self._read(self._environment), dict[str, str])

    def files(self) -> KeptFiles | None:
        """What goes along with each run; None where nothing does."""
        return KeptFiles(self.path / FILES) if (self.path / FILES).is_dir() else None

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            raise NotFound(
                f"The schedule's file {path} is gone: delete the schedule, and make it anew."
            ) from error


class KeptFiles:
    """Files that were packed when the schedule was made."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, folder: Path) -> None:
        """Copy them into a job's folder."""
        shutil.copytree(self._path, folder / FILES, dirs_exist_ok=True)


def forget_abandoned(home: Path, now: float, *, is_there: Callable[[str], bool]) -> None:
    """Delete the folders that have had no row for an hour: their makers, or those who deleted them, died."""
    for path in home.glob("schedules/*"):
        try:
            if now - path.stat().st_mtime > ABANDONED_AFTER_S and not is_there(path.name):
                ScheduleFolder(path).remove()
        except OSError as error:
            logger.warning("%s stays: %s", path, error)
