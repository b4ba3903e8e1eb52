"""Stored files and folders under their own names, read-only, below the home folder."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from uuid import uuid4

from ...protocols.blobs import BlobStore
from .folders import SMALL_BYTES, manifest_of
from .stamps import Stamps, is_root
from .threads import ahead, parts

INCOMING = "incoming"
LINKS = ".links"
"""Holds folders of links, apart from those with contents: what links lead to may change."""
ABANDONED_AFTER_S = 24 * 3600.0
LONGEST_BYTES = 255
ENDING_CHARACTERS = 20

Fetch = Callable[[str, str, int, Path], None]
"""Gets the file of a relative path (empty of a single one), digest and size into a new local file."""


class DatasetCache:
    """``<root>/<digest>/<name>``, linked to the blobs where the file system can; it may be deleted.

    What somebody has written to since it was made is made again. Handing it out renews its age.
    """

    def __init__(self, root: Path, blobs: BlobStore) -> None:
        self._root = root
        self._blobs = blobs
        self._stamps = Stamps(root)

    def file(self, digest: str, name: str) -> Path:
        """The content as a file called ``name``. Raises NotFound or Corrupt."""
        place, source = self._place(digest, name), self._blobs.path(digest)
        if not (_is_copy(place, source) and self._keeps(digest, place)):
            self.fetched(digest, name, lambda building: _link_or_copy(source, building))
        return place

    def fetched(self, digest: str, name: str, fetch: Callable[[Path], None]) -> Path:
        """A file that ``fetch`` makes, whole or not at all; who calls sees to it that it is the right one."""
        place = self._place(digest, name)
        with self._building() as building:
            fetch(building)
            if building.stat().st_mode & 0o222:
                os.chmod(building, 0o444)
            place.parent.mkdir(exist_ok=True)
            with suppress(FileNotFoundError):
                self._stamps.forget(digest, place)
            self._stamps.keep(digest, building)
            os.replace(building, place)
        return place

    def kept(self, digest: str, name: str) -> Path | None:
        """What is here already of this content and name, as it was made."""
        place = self._place(digest, name)
        return place if self._keeps(digest, place) else None

    def folder(self, digest: str, name: str, fetch: Fetch | None = None) -> Path:
        """The folder of this manifest, whole or not at all, its files from the blobs or by ``fetch``.

        Raises NotFound, Corrupt, and what ``fetch`` raises.
        """
        place = self._place(digest, name)
        if place.is_dir() and self._keeps(digest, place):
            return place
        manifest = manifest_of(digest, self._blobs)
        fetch = fetch or self._from_blobs
        with self._building() as building:
            folders = {"", *manifest.empty_folders, *(path.rpartition("/")[0] for path in manifest.files)}
            for relative in sorted(folders):
                (building / relative).mkdir(parents=True, exist_ok=True)

            def bring(part: list[tuple[str, tuple[str, int]]]) -> None:
                for relative, (file_digest, size) in part:
                    fetch(relative, file_digest, size, building / relative)

            for _ in ahead(bring, map(list, parts(list(manifest.files.items())))):
                pass
            self._publish(digest, building, place)
        return place

    def links(self, digest: str, name: str, targets: Mapping[str, str]) -> Path:
        """A folder of links to files elsewhere, by relative path; that they are right is the caller's."""
        place = self._root / digest / LINKS / self._place(digest, name).name
        if _are_links(place, targets):
            self._touch(digest)
            return place
        with self._building() as old, suppress(FileNotFoundError):
            os.chmod(place, 0o700)
            os.rename(place, old)
        with self._building() as building:
            for relative, target in targets.items():
                (building / relative).parent.mkdir(parents=True, exist_ok=True)
                os.symlink(target, building / relative)
            place.parent.mkdir(parents=True, exist_ok=True)
            _publish_folder(building, place)
        return place

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A place for a file or folder of the caller's, gone afterwards."""
        with self._building() as building:
            yield building

    def _keeps(self, digest: str, place: Path) -> bool:
        if not self._stamps.hold(digest, place):
            return False
        self._touch(digest)
        return True

    def _touch(self, digest: str) -> None:
        """Not the file's own time: it may be the blob's."""
        with suppress(OSError):
            os.utime(self._root / digest)

    def _publish(self, digest: str, building: Path, place: Path) -> None:
        """In the place of what was changed there, but not of what another process has made meanwhile."""
        self._stamps.keep(digest, building)
        with self._building() as old:
            if not (place.is_dir() and self._stamps.hold(digest, place)):
                with suppress(FileNotFoundError):
                    self._stamps.forget(digest, place)
                    os.chmod(place, 0o700)
                    os.rename(place, old)
            if not _publish_folder(building, place):
                self._stamps.forget(digest, building)

    def _from_blobs(self, relative: str, digest: str, size: int, target: Path) -> None:
        if size > SMALL_BYTES:
            _link_or_copy(self._blobs.path(digest), target)
            return
        content = self._blobs.get(digest)  # which may lie in a pack, and needs no file of its own there
        with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444), "wb") as file:
            file.write(content)

    def _place(self, digest: str, name: str) -> Path:
        # a row may be a colleague's: its name must not lead elsewhere
        safe = PurePosixPath(name.replace("\0", "")).name
        return self._root / digest / _short(safe if safe not in ("", "..", LINKS) else "data")

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


def _short(name: str) -> str:
    """At most as long as file systems take it, its ending kept."""
    if len(os.fsencode(name)) <= LONGEST_BYTES:
        return name
    ending = "".join(PurePosixPath(name).suffixes[-2:])[-ENDING_CHARACTERS:]
    begin = name.encode("utf-8", "surrogateescape")[: LONGEST_BYTES - len(ending.encode("utf-8", "replace"))]
    return begin.decode("utf-8", "ignore") + ending


def _is_copy(place: Path, source: Path) -> bool:
    try:
        here, there = place.stat(), source.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(here, there) or (here.st_size, here.st_mtime_ns) == (
        there.st_size,
        there.st_mtime_ns,
    )


def _are_links(folder: Path, targets: Mapping[str, str]) -> bool:
    try:
        return all(os.readlink(folder / relative) == target for relative, target in targets.items())
    except OSError:
        return False


def _link_or_copy(source: Path, target: Path) -> None:
    """Blobs are read-only: of them a link is as safe as a copy, but for root, who may write to them."""
    if not is_root():
        with suppress(OSError):  # another file system, or one without hard links
            os.link(source, target)
            return
    shutil.copy2(source, target)


def _publish_folder(building: Path, place: Path) -> bool:
    """Whether it was this one that came to the place."""
    for folder, _, _ in os.walk(building, topdown=False):
        if folder != str(building):  # a folder that is not writable cannot be moved
            os.chmod(folder, 0o555)
    place.parent.mkdir(exist_ok=True)
    try:
        os.rename(building, place)
    except OSError:
        if not place.is_dir():
            raise  # else another process was quicker
        return False
    os.chmod(place, 0o555)
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
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
            if entry.stat(follow_symlinks=False).st_mtime < oldest:
                _remove(Path(entry.path))
        except FileNotFoundError:
            continue
