"""A schedule's folder: what its runs are made of.

``schedules/<id>/`` holds ``template.ipynb``, ``env.json`` (0600) and, where an executor does not share this
file system, ``files/``: all as they were when it was made. That there is a folder says that the schedule is
of this home; it goes with its schedule. As long as nobody has seen its row there is ``unfinished``, too.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from ...errors import Ambiguous, NotFound
from ...protocols.schedules import ScheduleStore
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
        self._unfinished = path / "unfinished"

    @classmethod
    def of(cls, home: Path, schedule_id: str) -> ScheduleFolder:
        return cls(home / "schedules" / schedule_id)

    def create(self, notebook: bytes, environment: Mapping[str, str], files: Files | None = None) -> None:
        """Write it, for a row that is yet to come; nothing is left where that cannot be done."""
        self.path.mkdir(parents=True, mode=0o700)
        try:
            self._unfinished.touch()
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

    def finish(self) -> None:
        """Its row is there: from now on it goes only when that is deleted."""
        self._unfinished.unlink(missing_ok=True)

    def is_unfinished(self) -> bool:
        """Whether its row may never have come: its maker died, or is about to add it."""
        return self._unfinished.exists()

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


def forget_abandoned(home: Path, now: float, store: ScheduleStore) -> None:
    """Delete what somebody who died has left for an hour: a folder whose row never came, or was deleted.

    That there is no row says little by itself: the store may be another one than the schedule's, or its
    backup from before that was made.
    """
    for path in home.glob("schedules/*"):
        try:
            if now - path.stat().st_mtime > ABANDONED_AFTER_S:
                _settle(ScheduleFolder(path), store)
        except OSError as error:
            logger.warning("%s stays: %s", path, error)


def _settle(folder: ScheduleFolder, store: ScheduleStore) -> None:
    schedule_id = folder.path.name
    if _has_row(store, schedule_id):
        folder.finish()
    elif folder.is_unfinished() or store.was_removed(schedule_id):
        folder.remove()


def _has_row(store: ScheduleStore, schedule_id: str) -> bool:
    try:
        return store.get(schedule_id).id == schedule_id
    except (NotFound, Ambiguous):
        return False
