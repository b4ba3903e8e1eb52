"""Reading everything again: contents against digests, rows against contents, journals against the index."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...entities.upkeep import Damage, HealthReport
from ...errors import Corrupt, MlopsError, NotFound
from ...journal import JournalKey
from ...protocols.blobs import BlobStore, StoredBlob
from ...protocols.upkeep import Content, Rows
from ..registry.folders import read_manifest
from .repairing import Repairer

IN_MEMORY_BYTES = 16 * 1024 * 1024
AT_ONCE = 8
REMEDY = "Restore it from a backup, or store it again: what has the same content gets the same digest."
RESTORE = "Restore the registry from a backup: jupyter mlops restore FILE"

Progress = Callable[[int, int], None]
"""Told of how many bytes have been verified, and of how many there are."""
Sight = tuple[dict[str, list[Content]], dict[str, list[str]], list[Damage]]

logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Checker:
    """``local`` holds the blobs on this machine, ``blobs`` where they are shared (the same without a team).

    ``fetch`` verifies a content of the shared store without keeping it. ``audit`` and ``rebuild`` are the
    registry's and the index's own.
    """

    rows: Rows
    blobs: BlobStore
    local: BlobStore
    home: Path
    shared: bool
    fetch: Callable[[str], None]
    audit: Callable[[], Iterable[str]]
    rebuild: Callable[[], object]
    monotonic: Callable[[], float] = time.monotonic
    _contents: list[Content] = field(default_factory=list)

    def check(
        self, *, repair: bool = False, remote: bool = False, progress: Progress = lambda done, total: None
    ) -> HealthReport:
        """Verify everything. With ``remote`` the team's blobs are read whole, not only looked for."""
        began = self.monotonic()
        damages = list(self._databases(repair))
        if any(each.kind == "database" for each in damages):
            return self._report(damages, [], 0, began)  # rows cannot be trusted to say what is needed
        self._contents = list(self.rows.contents())
        here, shared = list(self.local.stored()), []
        found = self._verify(here, self._verified_here, progress)
        if self.blobs is not self.local:
            shared = list(self.blobs.stored())
            if remote:
                found |= self._verify(shared, lambda blob: self.fetch(blob.digest), progress)
        there = {blob.digest for blob in (shared if self.blobs is not self.local else here)}
        missing, manifests = self._missing(there)
        damages += manifests
        journals = list(self.rows.journals())
        damages += self._journals(journals)
        damages += self._packs()
        damages += self._settled(found, missing, repair)
        return self._report(damages, [*here, *(shared if remote else [])], len(journals), began)

    def _report(
        self, damages: list[Damage], verified: list[StoredBlob], journals: int, began: float
    ) -> HealthReport:
        return HealthReport(
            damages=damages,
            blobs=len(verified),
            size_bytes=sum(blob.size_bytes for blob in verified),
            versions=sum("@" in content.what for content in self._contents),
            journals=journals,
            duration_s=self.monotonic() - began,
        )

    # ------------------------------------------------------------ databases
    def _databases(self, repair: bool) -> Iterator[Damage]:
        for file, problem in self._file_problems():
            if Path(file).name == "registry.sqlite" or self.shared:
                yield Damage(kind="database", subject=file, problem=problem, remedy=RESTORE)
            elif repair:
                self.rebuild()
                yield Damage(
                    kind="index",
                    subject=file,
                    problem=problem,
                    repaired=True,
                    remedy="made anew from journals",
                )
            else:
                remedy = "Make it anew from the journals: jupyter mlops rebuild"
                yield Damage(kind="index", subject=file, problem=problem, remedy=remedy)
        for problem in self.audit():
            yield Damage(kind="audit", subject="audit trail", problem=problem, remedy=RESTORE)

    def _file_problems(self) -> Iterable[tuple[str, str]]:
        try:
            return self.rows.problems()
        except MlopsError as error:
            return [(str(self.home / "registry.sqlite"), error.message)]

    # ------------------------------------------------------------ blobs
    def _verify(
        self, blobs: list[StoredBlob], verify: Callable[[StoredBlob], None], progress: Progress
    ) -> dict[str, str]:
        """The problem of each blob that is not what its digest says."""
        problems: dict[str, str] = {}
        total, done = sum(blob.size_bytes for blob in blobs), 0

        def look(blob: StoredBlob) -> tuple[StoredBlob, str]:
            try:
                verify(blob)
            except Corrupt as error:
                return blob, error.message
            except NotFound:
                return blob, ""  # it went meanwhile; whether it is missed is seen by who needs it
            except OSError as error:
                return blob, f"The blob {blob.digest} cannot be read: {error}"
            return blob, ""

        progress(0, total)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for blob, problem in pool.map(look, blobs):
                done += blob.size_bytes
                progress(done, total)
                if problem:
                    problems[blob.digest] = problem
        return problems

    def _verified_here(self, blob: StoredBlob) -> None:
        """Small ones may lie in packs, and get no file of their own by being looked at."""
        if blob.size_bytes <= IN_MEMORY_BYTES:
            self.local.get(blob.digest)
        else:
            self.local.path(blob.digest)

    def _packs(self) -> Iterator[Damage]:
        for place in self.local.unreadable():
            yield Damage(
                kind="blob",
                subject=str(place),
                problem=f"The pack {place} is damaged: nothing in it counts as stored.",
                remedy="What is told to be missing lay in it: store that again, then remove this file.",
            )

    # ------------------------------------------------------------ rows
    def _missing(self, there: set[str]) -> tuple[dict[str, str], list[Damage]]:
        """Contents that have to be there and are not, and lists of files that cannot be read."""
        missing: dict[str, str] = {}
        damages: list[Damage] = []
        for content in self._contents:
            if content.digest not in there:
                if not content.referred:
                    missing[content.digest] = (
                        f"{content.what} has no content: the blob {content.digest} is gone."
                    )
                continue
            if not content.is_folder:
                continue
            try:
                files, _ = read_manifest(content.digest, self.blobs)
            except (MlopsError, OSError) as error:
                problem = f"The list of files of {content.what} cannot be read: {error}"
                damages.append(
                    Damage(
                        kind="manifest",
                        subject=content.digest,
                        problem=problem,
                        affects=[content.what],
                        remedy=REMEDY,
                    )
                )
                continue
            if not content.referred:
                gone = {digest: path for path, digest in files.items() if digest not in there}
                missing |= {
                    digest: f"{content.what} lacks its file {path!r}: the blob {digest} is gone."
                    for digest, path in gone.items()
                }
        return missing, damages

    def _settled(
        self, corrupt: Mapping[str, str], missing: Mapping[str, str], repair: bool
    ) -> Iterator[Damage]:
        """What is damaged or gone, whom that concerns, and whether it could be had again."""
        wanted = {**missing, **corrupt}
        if not wanted:
            return
        affects = self._affected(set(wanted))
        repairer = Repairer(self._contents, self.blobs, self.local, self.home)
        for digest, problem in wanted.items():
            damage = Damage(
                kind="blob" if digest in corrupt else "missing",
                subject=digest,
                problem=problem,
                affects=affects.get(digest, []),
                remedy=REMEDY if digest in affects else "Nothing refers to it: jupyter mlops gc --delete",
            )
            source = repairer.repair(digest) if repair else ""
            yield replace(damage, repaired=True, remedy=source) if source else damage

    def _affected(self, digests: set[str]) -> dict[str, list[str]]:
        found: dict[str, dict[str, None]] = {}
        for content in self._contents:
            inside = {content.digest}
            if content.is_folder:
                with suppress(MlopsError, OSError):  # told of as a damage of its own
                    inside |= set(read_manifest(content.digest, self.blobs)[0].values())
            for digest in inside & digests:
                found.setdefault(digest, {})[content.what] = None
        for each in self.rows.named():
            if each.digest in digests and not any(
                what.startswith(each.what) for what in found.get(each.digest, ())
            ):
                found.setdefault(each.digest, {})[each.what] = None
        return {digest: list(names) for digest, names in found.items()}

    # ------------------------------------------------------------ journals
    def _journals(self, journals: Iterable[tuple[str, str, int]]) -> Iterator[Damage]:
        for run_id, writer, offset in journals:
            path = JournalKey(run_id, writer).path(self.home)
            try:
                size = os.stat(path).st_size
                if size and not os.access(path, os.R_OK):
                    raise PermissionError(13, "permission denied")
            except FileNotFoundError:
                if self.shared:
                    continue  # it is a colleague's, or sealed
                problem = f"The journal {path} is gone; the index still has what it said."
            except OSError as error:
                problem = f"The journal {path} cannot be read: {error.strerror}."
            else:
                if size >= offset:
                    continue
                problem = f"The journal {path} has {size} bytes, and {offset} were read from it: it was cut."
            yield Damage(
                kind="journal",
                subject=str(path),
                problem=problem,
                affects=[f"run {run_id}"],
                remedy="Restore it from a backup before anybody rebuilds the index.",
            )
