"""Deleting what nobody refers to: mark what is needed, then sweep what is old and not marked."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ...entities.upkeep import GarbagePart, GarbageReport
from ...errors import InvalidInput
from ...protocols.blobs import BlobStore, StoredBlob
from ...protocols.upkeep import Rows
from ..quantities import spoken
from ..registry.stamps import STAMPS
from .marking import referred_to

SHORTEST_S = 2 * 3600.0
"""Younger blobs may be about to be named: a put comes before the record that names it, and a put of what is
there already renews its age only when it is older than an hour."""

SHORTEST_SHARED_S = 2 * 24 * 3600.0
"""Of a team's blobs, whose age is renewed when it is a day."""

Work = Callable[[], Iterable[tuple[str, float]]]
"""The runs and jobs that go on: what each is, and when it began."""


@dataclass(slots=True, kw_only=True)
class Collector:
    """``stores`` are the blob stores to clean, by what their blobs are called, the shared one first."""

    rows: Rows
    stores: dict[str, BlobStore]
    home: Path
    work: Work
    clock: Callable[[], float]

    def collect(self, *, older_than_s: float, delete: bool) -> GarbageReport:
        """Find garbage, and delete it if told to. Raises InvalidInput, Unavailable.

        What is stored now is listed before it is looked who needs it, and a blob's age is looked at again in
        the moment it is deleted: what somebody has stored again in between is young by then.
        """
        shortest = SHORTEST_S if len(self.stores) == 1 else SHORTEST_SHARED_S
        if older_than_s < shortest:
            raise InvalidInput(
                f"What was stored in the last {spoken(shortest)} is never garbage: somebody may be about to "
                f"name it. Give --older-than {spoken(shortest).replace(' ', '')} or more."
            )
        before, because = self._before(older_than_s)
        listed = {kind: list(blobs.stored()) for kind, blobs in self.stores.items()}
        needed = referred_to(self.rows, next(iter(self.stores.values())), self.home)
        parts = [
            self._part(kind, listed[kind], self._needed_in(kind, listed, needed, before), before, delete)
            for kind in self.stores
        ]
        parts += [self._cache(before, delete), self._half_written(before, delete)]
        blobs = next(iter(listed.values()))
        kept = [each for each in blobs if each.digest in needed]
        young = [each for each in blobs if each.digest not in needed and each.stored_at >= before]
        return GarbageReport(
            parts=[part for part in parts if part.count],
            deleted=delete,
            before=before,
            because=because,
            kept=len(kept),
            kept_bytes=_size(kept),
            young=len(young),
            young_bytes=_size(young),
        )

    def _needed_in(
        self, kind: str, listed: dict[str, list[StoredBlob]], needed: set[str], before: float
    ) -> set[str]:
        """Copies here of what the team's store has are not needed: they are fetched again."""
        shared = next(iter(self.stores))
        if kind == shared:
            return needed
        there = {each.digest: each.stored_at for each in listed[shared]}
        goes_with_it = {digest for digest, at in there.items() if digest not in needed and at < before}
        return (needed - set(there)) | goes_with_it

    def _before(self, older_than_s: float) -> tuple[float, str]:
        """The moment before which what nobody needs is garbage; not after anything that goes on began."""
        before, because = self.clock() - older_than_s, ""
        for what, began in self.work():
            if began < before:
                before = began
                moment = datetime.fromtimestamp(began).isoformat(sep=" ", timespec="minutes")
                because = f"{what} goes on since {moment}, and what it has stored may not be named yet"
        return before, because

    def _part(
        self, kind: str, listed: Iterable[StoredBlob], needed: Collection[str], before: float, delete: bool
    ) -> GarbagePart:
        found = [each for each in listed if each.digest not in needed and each.stored_at < before]
        if delete and found:
            gone = set(self.stores[kind].delete_many([each.digest for each in found], before=before))
            found = [each for each in found if each.digest in gone]
        return GarbagePart(kind=kind, count=len(found), size_bytes=_size(found))

    def _cache(self, before: float, delete: bool) -> GarbagePart:
        """Copies under their own names that nobody has used for so long: they are made again when needed.

        What goes on may read what it was handed when it began. A copy's stamps go with it.
        """
        count, size, cache = 0, 0, self.home / "cache"
        for path in _entries(cache):
            if path.name == STAMPS:
                continue
            for entry in _entries(path) if path.name in GROUPED else [path]:
                used_at, weight = _use(entry)
                if used_at < before:
                    count, size = count + 1, size + weight
                    if delete:
                        _remove(entry)
                        _remove(cache / STAMPS / entry.name)
        return GarbagePart(kind="cached copies", count=count, size_bytes=size)

    def _half_written(self, before: float, delete: bool) -> GarbagePart:
        """What writers that were killed left of contents that have no name yet."""
        count, size = 0, 0
        for entry in _entries(self.home / "blobs" / "incoming"):
            changed_at, weight = _use(entry)
            if changed_at < before:
                count, size = count + 1, size + weight
                if delete:
                    _remove(entry)
        return GarbagePart(kind="half-written contents", count=count, size_bytes=size)


GROUPED = frozenset({"sealed"})
"""Folders of the cache that hold entries of their own."""


def _size(blobs: Iterable[StoredBlob]) -> int:
    return sum(each.size_bytes for each in blobs)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _use(entry: Path) -> tuple[float, int]:
    """When something of it was read or written last, and what it weighs beside the blobs."""
    used_at, size = 0.0, 0
    for path in (entry, *(Path(folder) / name for folder, _, names in os.walk(entry) for name in names)):
        try:
            seen = path.lstat()
        except FileNotFoundError:
            continue
        used_at = max(used_at, seen.st_mtime, seen.st_atime, seen.st_ctime)
        if seen.st_nlink == 1 and not path.is_dir():
            size += seen.st_size
    return used_at, size


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        for folder, _, _ in os.walk(entry):
            os.chmod(folder, 0o700)
        shutil.rmtree(entry, ignore_errors=True)
    else:
        entry.unlink(missing_ok=True)
