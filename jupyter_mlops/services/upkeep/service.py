"""Looking after what a workspace has stored, in one place."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from ...config import Settings
from ...entities.upkeep import BackupReport, GarbageReport, HealthReport
from ...errors import Unsupported
from ...ownership import workspace_id
from ...protocols.blobs import BlobStore
from ...protocols.clock import Clock
from ...protocols.upkeep import Content, Copying, Named, Rows
from ..registry.deciding import Access
from .checking import Checker, Progress
from .collecting import Collector
from .restoring import Restorer
from .saving import Saver

DAY_S = 86400.0
OLDER_THAN_S = 7 * DAY_S
BLOBS = "blobs"
COPIES = "local copies of the team's blobs"
ENVIRONMENTS = (
    "The environments of jobs and schedules are left out, since they may hold secrets: schedules that were "
    "restored have to be made anew."
)


@dataclass(slots=True, kw_only=True)
class Parts:
    """What upkeep works on, each made when it is needed. ``local`` is ``blobs`` itself without a team's
    store.

    ``fetching`` gives a way to verify a shared content without keeping it, ``check_registry`` the problems
    of a registry's file in some home, which ``disown`` has vouch for no version without a proof.
    """

    rows: Callable[[], Rows]
    blobs: Callable[[], BlobStore]
    local: Callable[[], BlobStore]
    access: Callable[[], Access]
    ingest: Callable[[], object]
    rebuild: Callable[[], object]
    work: Callable[[], Iterable[tuple[str, float]]]
    audit: Callable[[], Iterable[str]]
    note: Callable[[str, str, dict[str, object]], object]
    fetching: Callable[[], AbstractContextManager[Callable[[str], None]]]
    copy_database: Copying
    check_registry: Callable[[Path], Iterable[str]]
    disown: Callable[[Path], object]
    agent_runs: Callable[[], bool]


class UpkeepService:
    """Garbage collection, checks, backups."""

    def __init__(self, settings: Settings, parts: Parts, *, clock: Clock = time.time) -> None:
        self._settings = settings
        self._parts = parts
        self._clock = clock

    def gc(self, *, delete: bool = False, older_than_s: float = OLDER_THAN_S) -> GarbageReport:
        """Find what nobody refers to and is older than that; delete it only if told to.

        Raises Forbidden, InvalidInput, and Unavailable when it cannot be known what is needed.
        """
        if delete:
            self._parts.access().require(self._settings.user, "delete", "blobs")
        self._parts.ingest()
        blobs, local = self._parts.blobs(), self._parts.local()
        stores = {BLOBS: blobs} if local is blobs else {BLOBS: blobs, COPIES: local}
        collector = Collector(
            rows=self._parts.rows(),
            stores=stores,
            home=self._settings.home,
            work=self._parts.work,
            clock=self._clock,
        )
        report = collector.collect(older_than_s=older_than_s, delete=delete)
        if delete and report.count:
            self._parts.note("gc", "blobs", {"count": report.count, "size_bytes": report.size_bytes})
        return report

    def fsck(
        self, *, repair: bool = False, remote: bool = False, progress: Progress = lambda done, total: None
    ) -> HealthReport:
        """Verify all contents, rows and journals; with ``repair`` get again what can be had again."""
        if repair:
            self._parts.access().require(self._settings.user, "delete", "blobs")
        with self._parts.fetching() as fetch:
            checker = Checker(
                rows=_Ingested(self._parts),
                blobs=self._parts.blobs(),
                local=self._parts.local(),
                home=self._settings.home,
                shared=bool(self._settings.database),
                fetch=fetch,
                audit=self._parts.audit,
                rebuild=self._parts.rebuild,
            )
            return checker.check(repair=repair, remote=remote, progress=progress)

    def backup(self, path: Path) -> BackupReport:
        """Save this home to a zip file, or to a folder that keeps what earlier backups put there.

        Raises Conflict, and Unsupported for a team's workspace: its database has its own way.
        """
        if self._settings.database:
            raise Unsupported(
                "This workspace keeps its registry in a team's database, which is saved by its own programs: "
                "pg_dump --format=custom DATABASE > team.dump. The blobs are where JUPYTER_MLOPS_BLOBS says, "
                "with the versioning or replication of that store; what is in this home is sealed into them "
                "when a run has ended."
            )
        from ..._version import __version__

        notes = [ENVIRONMENTS]
        if self._settings.blobs:
            notes.append(f"The blobs are not in it: they stay in {self._settings.blobs}.")
        saver = Saver(
            home=self._settings.home,
            blobs=None if self._settings.blobs else self._parts.blobs(),
            copy_database=self._parts.copy_database,
            workspace=workspace_id(self._settings.home),
            made_by=f"{self._settings.user}@{self._settings.host}",
            version=__version__,
            now=self._clock(),
            notes=notes,
        )
        return saver.save(path.expanduser().absolute())

    def restore(self, source: Path, *, into: Path | None = None, force: bool = False) -> BackupReport:
        """Make this home, or the folder ``into``, what the backup holds. Raises as ``Restorer.restore``."""
        home = self._settings.home if into is None else into.expanduser().absolute()
        ours = home == self._settings.home
        restorer = Restorer(
            check=self._parts.check_registry,
            disown=self._parts.disown,
            in_use=lambda: ours and self._parts.agent_runs(),
            now=self._clock(),
        )
        return restorer.restore(source.expanduser().absolute(), home, force=force)


class _Ingested:
    """The rows, after what is new in the journals was taken in; a damaged index is told of before that."""

    def __init__(self, parts: Parts) -> None:
        self._rows = parts.rows()
        self._ingest = parts.ingest

    def problems(self) -> Sequence[tuple[str, str]]:
        return self._rows.problems()

    def contents(self) -> Iterator[Content]:
        self._ingest()
        return self._rows.contents()

    def named(self) -> Iterator[Named]:
        return self._rows.named()

    def journals(self) -> Iterator[tuple[str, str, int]]:
        return self._rows.journals()
