"""Stored files and folders under their own names, read-only, below the home folder."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from uuid import uuid4

from ...protocols.blobs import BlobStore
from .folders import read_manifest

INCOMING = "incoming"
ABANDONED_AFTER_S = 24 * 3600.0


class DatasetCache:
    """``<root>/<digest>/<name>``, linked to the blobs where the file system can; it may be deleted."""

    def __init__(self, root: Path, blobs: BlobStore) -> None:
        self._root = root
        self._blobs = blobs

    def file(self, digest: str, name: str) -> Path:
        """The content as a file called ``name``. Raises NotFound or Corrupt."""
        place, source = self._place(digest, name), self._blobs.path(digest)
        if not _is_copy(place, source):
            with self._building() as building:
                _link_or_copy(source, building)
                place.parent.mkdir(exist_ok=True)
                os.replace(building, place)
        return place

    def folder(self, digest: str, name: str) -> Path:
        """The folder of this manifest, whole or not at all. Raises NotFound or Corrupt."""
        place = self._place(digest, name)
        if place.is_dir():
            return place
        files, empty_folders = read_manifest(digest, self._blobs)
        with self._building() as building:
            for relative in ("", *empty_folders):
                (building / relative).mkdir(parents=True, exist_ok=True)
            for relative, file_digest in files.items():
                target = building / relative
                target.parent.mkdir(parents=True, exist_ok=True)
                _link_or_copy(self._blobs.path(file_digest), target)
            _publish_folder(building, place)
        return place

    def _place(self, digest: str, name: str) -> Path:
        # a row may be a colleague's: its name must not lead elsewhere
        safe = PurePosixPath(name.replace("\0", "")).name
        return self._root / digest / (safe if safe not in ("", "..") else "data")

    @contextmanager
    def _building(self) -> Iterator[Path]:
        incoming = self._root / INCOMING
        incoming.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(incoming)
        building = incoming / uuid4().hex
        try:
            yield building
        finally:
            _remove(building)


def _is_copy(place: Path, source: Path) -> bool:
    try:
        here, there = place.stat(), source.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(here, there) or (here.st_size, here.st_mtime_ns) == (
        there.st_size,
        there.st_mtime_ns,
    )


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copy2(source, target)


def _publish_folder(building: Path, place: Path) -> None:
    for folder, _, _ in os.walk(building, topdown=False):
        if folder != str(building):  # a folder that is not writable cannot be moved
            os.chmod(folder, 0o555)
    place.parent.mkdir(exist_ok=True)
    try:
        os.rename(building, place)
    except OSError:
        if not place.is_dir():
            raise  # else another process was quicker
    else:
        os.chmod(place, 0o555)


def _remove(path: Path) -> None:
    if path.is_dir():
        for folder, _, _ in os.walk(path):
            os.chmod(folder, 0o700)
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _remove_abandoned(incoming: Path) -> None:
    """What processes that were killed left behind."""
    oldest = time.time() - ABANDONED_AFTER_S
    for entry in os.scandir(incoming):
        try:
            if entry.stat().st_mtime < oldest:
                _remove(Path(entry.path))
        except FileNotFoundError:
            continue
