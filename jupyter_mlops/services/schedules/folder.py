"""A schedule's folder: what its runs are made of.

``schedules/<id>/`` holds ``spec.json``, ``template.ipynb``, ``env.json`` (0600) and, where an executor does
not share this file system, ``files/``: all as they were when it was made. That there is a folder says that
the schedule is of this home; it goes with its schedule. As long as nobody has seen its row there is
``unfinished``, too.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from ...entities import ScheduleSpec
from ...errors import Ambiguous, NotFound
from ...protocols.schedules import ScheduleStore
from ..jobs.folder import ABANDONED_AFTER_S
from ..jobs.template_folder import TemplateFolder

FILES = "files"

logger = logging.getLogger(__name__)


class Files(Protocol):
    """Files that go along with a job."""

    def write(self, folder: Path) -> object:
        """Copy them into a folder."""
        ...


class ScheduleFolder(TemplateFolder[ScheduleSpec]):
    """The folder of one schedule."""

    kind = ScheduleSpec
    place = "schedules"
    noun = "schedule"
    remedy = "delete the schedule, and make it anew"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._unfinished = path / "unfinished"

    def create(
        self, spec: ScheduleSpec, notebook: bytes, environment: Mapping[str, str], files: Files | None = None
    ) -> None:
        """Write it, for a row that is yet to come; nothing is left where that cannot be done."""
        with self._being_made():
            self._unfinished.touch()
            if files is not None:
                files.write(self.path)
            self._write(spec, notebook, environment)

    def finish(self) -> None:
        """Its row is there: from now on it goes only when that is deleted."""
        self._unfinished.unlink(missing_ok=True)

    def is_unfinished(self) -> bool:
        """Whether its row may never have come: its maker died, or is about to add it."""
        return self._unfinished.exists()

    def files(self) -> KeptFiles | None:
        """What goes along with each run; None where nothing does."""
        return KeptFiles(self.path / FILES) if (self.path / FILES).is_dir() else None


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
