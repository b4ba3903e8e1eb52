"""The files of runs and jobs whose home cannot be read from here, fetched from what was sealed of them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from ...config import Settings
from ...errors import MlopsError, Unavailable
from ...protocols.blobs import BlobStore
from ...protocols.sealing import JOB, RUN, Sealed, SealStore
from .packing import checked_id, checked_path, unpack

FOLDERS = {RUN: "runs", JOB: "jobs"}
CACHE = Path("cache") / "sealed"

logger = logging.getLogger(__name__)


class Elsewhere:
    """Lays sealed files out below ``<home>/cache/sealed`` as they lie below their author's home.

    So whatever reads a home reads that folder instead. What cannot be fetched just now is not there.
    Without a ``store`` there are no colleagues, and nothing is elsewhere.
    """

    def __init__(self, store: SealStore | None, blobs: BlobStore, settings: Settings) -> None:
        self._store = store
        self._blobs = blobs
        self._root = settings.home / CACHE

    def home_of(
        self, kind: str, id: str, *, wanted: Callable[[str], bool] = lambda path: True
    ) -> Path | None:
        """A folder like a home in which the sealed files of one run or job lie; None where there are none.

        ``wanted`` says which of them are needed, by path.
        """
        if self._store is None:
            return None
        try:
            seals = [each for each in self._store.of(kind, id) if each.digest and wanted(each.path)]
        except MlopsError as error:
            logger.warning("What was sealed of %s %s cannot be looked up: %s", kind, id, error)
            return None
        here = [each for each in seals if self._is_here(each)]
        return self._root if here else None

    def folder_with(self, kind: str, id: str, path: str) -> Path | None:
        """The folder of a run or job with this sealed file in it; None where no such file was sealed.

        Raises Unavailable when it was sealed and cannot be had, or that cannot be told.
        """
        if self._store is None:
            return None
        seals = [each for each in self._store.of(kind, id) if each.digest and each.path == path]
        if not seals:
            return None
        if not self._is_here(seals[0]):
            raise Unavailable(f"What was sealed as {path} of {kind} {id} cannot be fetched. Try again later.")
        return self._root / FOLDERS[kind] / checked_id(id)

    def _is_here(self, seal: Sealed) -> bool:
        try:
            place = self._root / FOLDERS[seal.kind] / checked_id(seal.id) / checked_path(seal.path)
            if not place.exists() or place.stat().st_size != seal.size_bytes:
                unpack(self._blobs.path(seal.digest), seal, place)
        except (MlopsError, OSError) as error:
            logger.warning("%s of %s %s cannot be fetched: %s", seal.path, seal.kind, seal.id, error)
            return False
        return True
