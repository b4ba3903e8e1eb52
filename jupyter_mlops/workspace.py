"""The composition root: the only module that names concrete stores and executors.

Everything is made on first use, so that a kernel that only tracks never opens a database.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from .config import Settings, load_settings
from .errors import Unsupported

if TYPE_CHECKING:
    from .entities import Cause, RunStatus, VersionRef
    from .journal.records import Register
    from .protocols.blobs import BlobStore
    from .protocols.clock import Clock
    from .protocols.jobs import Custody, Executor, JobStore, Machine
    from .protocols.registry import RegistryStore
    from .protocols.runs import RunIndex
    from .protocols.schedules import ScheduleStore
    from .protocols.sweeps import SweepStore
    from .protocols.usage import AttemptStore
    from .services.doctor import Doctor
    from .services.jobs.agent_control import AgentControl
    from .services.jobs.service import JobService
    from .services.lineage import LineageService
    from .services.registry.service import RegistryService
    from .services.registry.travelling import Travelling
    from .services.reproduction.service import ReproductionService
    from .services.runs.export.reading import RunImporter
    from .services.runs.export.writing import RunExporter
    from .services.runs.ingest import Ingestor
    from .services.runs.service import RunService
    from .services.schedules.loop import ScheduleLoop
    from .services.schedules.service import ScheduleService
    from .services.submission.planning import Carrying
    from .services.submission.service import SubmissionService
    from .services.sweeps.loop import SweepLoop
    from .services.sweeps.service import SweepService
    from .services.tracking.tracker import Tracker
    from .services.usage.gauges import GaugeReader
    from .services.usage.service import UsageService
    from .services.usage.sizing import Sizing
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

    def quotas(self) -> str:
        """What users of this machine may have of its GPUs, in words. Raises InvalidInput for a bad file."""
        from .executors.quotas import in_words, read_quotas

        return in_words(read_quotas(Path(self.settings.quotas)))

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
            settle_run=lambda *end: self.tracker.settle(*end),
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

        path = self.sweeps.study_path
        return SweepLoop(
            self._sweep_store,
            self.jobs,
            self.runs,
            self.settings,
            open_study=lambda sweep: study_of(sweep, path),
            capacity=lambda spec: capacity_of(spec, self.executors),
            shared_home=self.home_is_shared,
        )

    @once
    def schedules(self) -> ScheduleService:
        from .services.schedules.service import ScheduleService

        return ScheduleService(self._schedule_store, self.jobs, self.settings, clock=self.clock)

    def schedule_loop(self) -> ScheduleLoop:
        """The agent's loop over the schedules."""
        from .services.schedules.loop import ScheduleLoop

        return ScheduleLoop(self._schedule_store, self.jobs, self.settings, shared_home=self.home_is_shared)

    @once
    def agent(self) -> AgentControl:
        from .services.jobs.agent_control import AgentControl

        return AgentControl(self.settings)

    @property
    def home_is_shared(self) -> bool:
        """Whether other hosts may use the same home folder."""
        from .store.index_location import locate

        return locate(self.settings.home).aside

    def keeps_memory_limits(self) -> bool:
        """Whether the system keeps local jobs to their memory here; else their workers watch it."""
        from .executors.cgroups import can_limit_memory

        return can_limit_memory()

    def custody(self, job_id: str, lease_fds: Sequence[int]) -> Custody:
        """What the worker of a local job holds on to."""
        from .executors.custody import Custody

        return Custody(job_id, user=self.settings.user, lease_fds=lease_fds)

    def terminated(self, attempt: Path, log: Path) -> Callable[[], tuple[RunStatus, str, Cause]] | None:
        """What SIGTERM stands for in the worker of an attempt; None where only the queue sends it."""
        if "SLURM_JOB_ID" not in os.environ:
            return None
        from .executors.slurm.inside import terminated

        return terminated(attempt, log, os.environ)

    def take_output(self) -> None:
        """Take what a cluster writes of this worker out of sight, where nothing else would do that."""
        if "SLURM_JOB_ID" in os.environ:
            from .executors.slurm.inside import take_output

            take_output(os.environ)

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
            schedules=lambda: self.schedules,
            executors=self.executors,
            sizing=lambda: self.sizing,
            machine=lambda: self.machine,
            carrying=self._carrying,
            shares_files=self.jobs.shares_files,
            recorded=self._recorded_reads,
            registered=self._registered_reads,
            clock=self.clock,
        )

    def _recorded_reads(self, sources: Sequence[str], notebook: str | None) -> list[str]:
        from .services.files.recorded import recorded_reads

        return recorded_reads(self.runs, sources, notebook)

    def _registered_reads(self, sources: Sequence[str]) -> tuple[Travelling, list[str]]:
        """The datasets and models that go along with code to where there is no registry."""
        from .remote.folder import reaches_elsewhere
        from .services.registry.travelling import plan

        return plan(sources, self.registry, self.blobs, bring=not reaches_elsewhere(self.settings.blobs))

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
    def sizing(self) -> Sizing:
        """What past runs say of the next one."""
        from .services.usage.sizing import Sizing

        return Sizing(self._attempt_store)

    @once
    def usage(self) -> UsageService:
        """What jobs have held and used."""
        from .entities import JobStatus
        from .services.jobs.folder import JobFolder
        from .services.usage.service import MOST_RUNNING, UsageService

        return UsageService(
            self._attempt_store,
            lambda: self._job_store.search(status=JobStatus.RUNNING, limit=MOST_RUNNING),
            used_so_far=lambda job: JobFolder.of(self.settings.home, job.id).attempt(job.attempt).used(),
            clock=self.clock,
        )

    @once
    def gauges(self) -> GaugeReader:
        """The state of the queue and of the GPUs, for a monitoring system."""
        from .services.usage.gauges import AgentGauge, GaugeReader

        def agent() -> AgentGauge:
            status = self.agent.status()
            if status is None:
                return AgentGauge(running=False)
            return AgentGauge(
                running=True,
                turn_s=status.turn_s if status.turned_at else None,
                turned_at=status.turned_at or None,
            )

        return GaugeReader(self._attempt_store, lambda: self.machine, agent, clock=self.clock)

    @once
    def doctor(self) -> Doctor:
        from .services.doctor import Doctor

        return Doctor(self)

    def _datasets_of_digests(self, digests: Collection[str]) -> Mapping[str, Sequence[VersionRef]]:
        """The registered datasets with these contents; who only reads runs makes no registry for that."""
        if not self.settings.database and not (self.settings.home / "registry.sqlite").exists():
            return {}
        return self.registry.datasets_of_digests(digests)

    @property
    def _travelled(self) -> Path | None:
        """What a job has of the registry that runs where there is none; None anywhere else."""
        path = self.settings.home / "registered.json"
        return path if path.exists() else None

    @once
    def _registry_store(self) -> RegistryStore:
        if self._travelled is not None:
            from .services.registry.travelling import TravellingStore

            return TravellingStore(self._travelled)
        from .store.registry import SqlRegistryStore

        # opened by its first call: a version can be registered, pending, where no registry can be reached
        return SqlRegistryStore(lambda: self._registry_database, clock=self.clock)

    @once
    def _job_store(self) -> JobStore:
        from .store.jobs import SqlJobStore

        return SqlJobStore(self._registry_database)

    @once
    def _attempt_store(self) -> AttemptStore:
        from .store.usage import SqlAttemptStore

        return SqlAttemptStore(self._registry_database)

    @once
    def _schedule_store(self) -> ScheduleStore:
        from .store.schedules import SqlScheduleStore

        return SqlScheduleStore(self._registry_database)

    @once
    def _sweep_store(self) -> SweepStore:
        from .store.sweeps import SqlSweepStore

        return SqlSweepStore(self._registry_database)

    @once
    def _registry_database(self) -> Database:
        if self._travelled is not None:
            raise Unsupported(
                "This job runs where its home cannot be reached: it cannot submit, list or cancel jobs."
            )
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
