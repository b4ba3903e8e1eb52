"""The composition root: the only module that names concrete stores and executors.

Everything is made on first use, so that a kernel that only tracks never opens a database.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from .config import Settings, load_settings
from .errors import Unsupported

if TYPE_CHECKING:
    from .entities import VersionRef
    from .journal.records import Register
    from .protocols.blobs import BlobStore
    from .protocols.clock import Clock
    from .protocols.jobs import Custody, Executor, JobStore, Machine
    from .protocols.registry import RegistryStore
    from .protocols.runs import RunIndex
    from .protocols.sweeps import SweepStore
    from .services.doctor import Doctor
    from .services.jobs.agent_control import AgentControl
    from .services.jobs.service import JobService
    from .services.lineage import LineageService
    from .services.registry.service import RegistryService
    from .services.reproduction.service import ReproductionService
    from .services.runs.export.reading import RunImporter
    from .services.runs.export.writing import RunExporter
    from .services.runs.ingest import Ingestor
    from .services.runs.service import RunService
    from .services.submission.planning import Carrying
    from .services.submission.service import SubmissionService
    from .services.sweeps.loop import SweepLoop
    from .services.sweeps.service import SweepService
    from .services.tracking.tracker import Tracker
    from .store.database import Database


if TYPE_CHECKING:
    once = cached_property
else:

    class once(cached_property):  # reads as the decorator that it is
        """A cached_property that is made once also when threads ask together (not so since Python 3.12)."""

        def __get__(self, instance, owner=None):
            if instance is None:
                return self
            with instance.lock:
                return super().__get__(instance, owner)


class Workspace:
    """One home folder and its index, with the services over them."""

    def __init__(self, settings: Settings, *, clock: Clock = time.time) -> None:
        self.settings = settings
        self.clock = clock
        self.lock = threading.RLock()

    @once
    def blobs(self) -> BlobStore:
        # made here, where all that writes passes by: parents made by mkdir would be open to others
        with contextlib.suppress(OSError):
            self.settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        local = self.settings.home / "blobs"
        if self.settings.blobs:
            from .artifacts.remote import FsspecBlobStore

            return FsspecBlobStore(self.settings.blobs, cache=local)
        from .artifacts.local import LocalBlobStore

        return LocalBlobStore(local)

    @once
    def tracker(self) -> Tracker:
        """Raises Unsupported in a subinterpreter that cannot load what journals are written with."""
        try:
            from .services.tracking.tracker import Tracker
        except ImportError as error:
            if "subinterpreter" not in str(error):
                raise
            raise Unsupported(
                f"No run can be tracked from a subinterpreter here ({error}). Return the values and log them "
                "in the main interpreter, or use a ThreadPoolExecutor or a ProcessPoolExecutor."
            ) from error

        return Tracker(self.settings, self.blobs, clock=self.clock)

    @once
    def index(self) -> RunIndex:
        from .store.index import SqlRunIndex

        return SqlRunIndex(self._index_database)

    @once
    def ingestor(self) -> Ingestor:
        from .services.runs.ingest import Ingestor
        from .store.index_location import locate

        return Ingestor(
            self.settings,
            self.index,
            apply_registration=self._apply_registration,
            several_indexes=not self.settings.database and locate(self.settings.home).aside,
            clock=self.clock,
        )

    @once
    def runs(self) -> RunService:
        from .services.runs.service import RunService

        return RunService(
            self.index,
            self.ingestor,
            self.blobs,
            self.settings,
            recognise=self._datasets_of_digests,
            clock=self.clock,
        )

    def _apply_registration(self, key: str, record: Register, run_id: str, user: str) -> int:
        from .services.runs.export.origin import as_registered_here

        return self.registry.apply(key, as_registered_here(self.settings.home, run_id, record), run_id, user)

    @once
    def exports(self) -> RunExporter:
        from .services.runs.export.writing import RunExporter

        return RunExporter(
            self.runs,
            self.blobs,
            self.settings,
            job_notebook=lambda job_id: self.jobs.output_notebook(job_id),
            clock=self.clock,
        )

    @once
    def imports(self) -> RunImporter:
        from .services.runs.export.reading import RunImporter

        return RunImporter(self.runs, self.blobs, self.settings, clock=self.clock)

    @once
    def registry(self) -> RegistryService:
        from .services.registry.service import RegistryService

        return RegistryService(
            self._registry_store,
            self.blobs,
            self.settings,
            recorder=lambda: self.tracker.reader(),
            replaying=lambda: self.tracker.replaying,
            clock=self.clock,
        )

    @once
    def executors(self) -> Mapping[str, Executor]:
        """All places where jobs can run, by name; each is made when it is first asked for."""
        from .executors.registry import Executors

        return Executors(self.settings)

    @property
    def machine(self) -> Machine:
        """This machine, whose queue the agent keeps."""
        return cast("Machine", self.executors["local"])

    @once
    def jobs(self) -> JobService:
        from .services.jobs.service import JobService

        return JobService(
            self._job_store,
            self.settings,
            executors=self.executors,
            runs=self.runs,
            agent=self.agent,
            clock=self.clock,
        )

    @once
    def sweeps(self) -> SweepService:
        from .services.sweeps.service import SweepService
        from .store.index_location import studies_path

        return SweepService(
            self._sweep_store,
            self.jobs,
            self.runs,
            self.settings,
            study_path=studies_path(self.settings.home),
            clock=self.clock,
        )

    def sweep_loop(self) -> SweepLoop:
        """The agent's loop over the sweeps; Optuna is imported when it meets a search."""
        from .services.sweeps.loop import SweepLoop, capacity_of
        from .services.sweeps.opening import study_of

        local, path = self.machine, self.sweeps.study_path
        return SweepLoop(
            self._sweep_store,
            self.jobs,
            self.runs,
            self.settings,
            open_study=lambda sweep: study_of(sweep, path),
            capacity=lambda wanted: capacity_of(len(local.slots()), local.cpus(), wanted),
            shared_home=self.home_is_shared,
        )

    @once
    def agent(self) -> AgentControl:
        from .services.jobs.agent_control import AgentControl

        return AgentControl(self.settings)

    @property
    def home_is_shared(self) -> bool:
        """Whether other hosts may use the same home folder."""
        from .store.index_location import locate

        return locate(self.settings.home).aside

    def custody(self, job_id: str, lease_fds: Sequence[int]) -> Custody:
        """What the worker of a local job holds on to."""
        from .executors.custody import Custody

        return Custody(job_id, user=self.settings.user, lease_fds=lease_fds)

    @once
    def lineage(self) -> LineageService:
        from .services.lineage import LineageService

        return LineageService(self.runs, self.registry, self.jobs)

    @once
    def submission(self) -> SubmissionService:
        from .services.submission.service import SubmissionService

        return SubmissionService(
            self.jobs,
            self.settings,
            tracker=self.tracker,
            sweeps=lambda: self.sweeps,
            carrying=self._carrying,
            shares_files=self.jobs.shares_files,
            recorded=self._recorded_reads,
            clock=self.clock,
        )

    def _recorded_reads(self, sources: Sequence[str], notebook: str | None) -> list[str]:
        from .services.files.recorded import recorded_reads

        return recorded_reads(self.runs, sources, notebook)

    def _carrying(self) -> Carrying:
        from .services.carrying.service import Carrying

        return Carrying(self.blobs, self.settings)

    @once
    def reproduction(self) -> ReproductionService:
        from .services.reproduction.service import ReproductionService

        return ReproductionService(
            self.runs, self.jobs, self.submission, self.registry, self.blobs, self.settings
        )

    @once
    def doctor(self) -> Doctor:
        from .services.doctor import Doctor

        return Doctor(self)

    def _datasets_of_digests(self, digests: Collection[str]) -> Mapping[str, Sequence[VersionRef]]:
        """The registered datasets with these contents; who only reads runs makes no registry for that."""
        if not self.settings.database and not (self.settings.home / "registry.sqlite").exists():
            return {}
        return self.registry.datasets_of_digests(digests)

    @once
    def _registry_store(self) -> RegistryStore:
        from .store.registry import SqlRegistryStore

        # opened by its first call: a version can be registered, pending, where no registry can be reached
        return SqlRegistryStore(lambda: self._registry_database, clock=self.clock)

    @once
    def _job_store(self) -> JobStore:
        from .store.jobs import SqlJobStore

        return SqlJobStore(self._registry_database)

    @once
    def _sweep_store(self) -> SweepStore:
        from .store.sweeps import SqlSweepStore

        return SqlSweepStore(self._registry_database)

    @once
    def _registry_database(self) -> Database:
        from .store.database import Database, sqlite_url
        from .store.registry import migrate

        database = Database(self.settings.database or sqlite_url(self.settings.home / "registry.sqlite"))
        migrate(database)
        return database

    @once
    def _index_database(self) -> Database:
        from .store.database import Database, sqlite_url
        from .store.index_location import index_path

        return Database(self.settings.database or sqlite_url(index_path(self.settings.home)))


_current: Workspace | None = None


def current() -> Workspace:
    """The process's workspace, from the environment at first use."""
    global _current
    if _current is None:
        _current = Workspace(load_settings())
    return _current


def use(workspace: Workspace | None) -> None:
    """Make this the process's workspace; None reads the environment again at the next use."""
    global _current
    _current = workspace


def open_workspace(home: str | Path | None = None) -> Workspace:
    """A workspace of its own: ``home``, else what the environment says."""
    return Workspace(load_settings({"home": home}))
