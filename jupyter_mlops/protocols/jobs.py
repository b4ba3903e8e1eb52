"""Where jobs are kept, and where they run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from ..entities import Cause, GpuSlot, Job, JobSpec, JobStatus, Process, Run


class JobStore(Protocol):
    """The queue's rows. What a job's folder says is the truth; rows follow it.

    Every change takes a new ``seq``, and an update is refused when the row has changed since it was
    read, so that any number of agents and readers may move the same jobs.
    """

    def add(self, job: Job) -> Job:
        """Keep a new job, with an audit entry. Raises Conflict when there is one with its id."""
        ...

    def get(self, job_id: str) -> Job:
        """The job; a unique end (at least 4 characters) of its id will do. Raises NotFound, Ambiguous."""
        ...

    def search(
        self,
        *,
        status: JobStatus | None = None,
        sweep_id: str | None = None,
        parent_run_id: str | None = None,
        ids: Collection[str] | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Job]:
        """The matching jobs, newest first."""
        ...

    def open(self) -> list[Job]:
        """All jobs that have not ended, oldest first."""
        ...

    def update(self, job: Job, /, **changes: Any) -> Job | None:
        """Set fields of a job as it was read; None when its row has changed meanwhile."""
        ...

    def request_cancel(self, job: Job, *, user: str, time: float) -> Job | None:
        """Mark it, and end it at once when it is queued here, with an audit entry. None as for ``update``."""
        ...

    def changes(self, since: int) -> tuple[int, list[str]]:
        """The present ``seq``, and the ids of the jobs that changed after ``since``."""
        ...


class JobRuns(Protocol):
    """What jobs need to know of runs."""

    def of_jobs(self, job_ids: Sequence[str]) -> Mapping[str, Run]:
        """The newest run of kind JOB of each job that has one."""
        ...


class Agent(Protocol):
    """The background process that brings the jobs of a home forward."""

    def ensure(self, *, gpus: int = 0, gpu_slots: int | None = None) -> None:
        """Have one that looks at the queue now, without waiting for it to start.

        One that knows of fewer than ``gpus`` is replaced: it was started where fewer could be seen.
        ``gpu_slots`` are the virtual slots of one that is started where none are configured.
        Raises Unavailable or OSError when none can be started.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """An attempt to be started: ``interpreter -m jupyter_mlops.worker <job folder> <attempt>``.

    ``environment`` is the worker's whole environment, but for what the executor adds to it
    (``CUDA_VISIBLE_DEVICES``). Standard output and error go to the end of ``log``. ``slots`` are the GPUs
    that the queue has chosen, of which the job gets ``spec.resources.gpus``; empty where the executor has
    a queue of its own and chooses.
    """

    spec: JobSpec
    attempt: int
    folder: Path
    log: Path
    environment: Mapping[str, str]
    slots: Sequence[GpuSlot] = ()
    exclusive: bool = False

    @property
    def job_id(self) -> str:
        return self.spec.id

    @property
    def interpreter(self) -> str:
        return self.spec.interpreter


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An attempt that was started or handed over; ``folder`` is its job's.

    ``process`` is what its worker wrote of itself, None as long as it has not.
    """

    job_id: str
    attempt: int
    folder: Path
    process: Process | None = None


class Presence(str, Enum):
    """What is known of an attempt's worker.

    ``WAITING``: it was handed over and has not begun. ``GONE``: it ran and is dead. ``ABSENT``: there is
    none, and nothing says that there was one. ``UNKNOWN``: it cannot be seen from here (another host,
    another PID namespace, a cluster that does not answer).
    """

    WAITING = "waiting"
    ALIVE = "alive"
    GONE = "gone"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """The presence of a worker, and in words why it waits or how it went; ``cause`` where that is known."""

    presence: Presence
    reason: str = ""
    cause: Cause | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Whether a job could start at once; else in how many seconds, None where nobody knows; and why."""

    starts_now: bool
    wait_s: float | None = None
    reason: str = ""


class Executor(Protocol):
    """A place where workers run. No method waits for long; nothing is kept that a new agent needs.

    ``shares_files``: its workers see this file system at the same paths. Else what a job needs goes along
    in its folder, and the worker runs where it has unpacked it.
    ``keeps_queue``: jobs are handed over as they come and wait there (a ``Cluster``); else the agent keeps
    the queue (a ``Machine``).
    """

    @property
    def shares_files(self) -> bool: ...

    @property
    def keeps_queue(self) -> bool: ...

    def refusal(self, spec: JobSpec) -> str:
        """Why this job can never run there, with what there is; empty when it can.

        Raises Unavailable when that cannot be asked just now.
        """
        ...

    def look(self, begun: Sequence[Begun]) -> None:
        """See how these attempts do: called once a turn with all of them, before ``sight``."""
        ...

    def start(self, launch: Launch) -> bool:
        """Start the worker, or hand the attempt over; False when a slot has been taken by another.

        Starting an attempt that was started already does nothing. Raises Unavailable when it cannot be
        started.
        """
        ...

    def sight(self, begun: Begun) -> Sighting:
        """What the last look has seen of the attempt's worker."""
        ...

    def interrupt(self, begun: Begun) -> None:
        """Ask the worker to stop its notebook and to end; one that has not begun never does."""
        ...

    def kill(self, begun: Begun) -> bool:
        """Kill every process of the job; True once none is left. Call again until then."""
        ...


class Machine(Executor, Protocol):
    """A machine whose queue the agent keeps."""

    def slots(self) -> list[GpuSlot]:
        """All GPUs that jobs here may lease."""
        ...

    def free_slots(self) -> list[GpuSlot]:
        """Those that can be leased just now."""
        ...

    def cpus(self) -> int:
        """CPU cores, in all."""
        ...

    def memory_bytes(self) -> int:
        """Memory, in all."""
        ...


class Cluster(Executor, Protocol):
    """A cluster that keeps its own queue."""

    def outlook(self, spec: JobSpec) -> Outlook:
        """When a job would start if it were handed over now. Raises Unavailable when nobody answers."""
        ...


class Custody(Protocol):
    """What a worker holds on to while its job runs."""

    def take(self) -> None:
        """Hold the leases, and adopt whatever the job's processes leave behind."""
        ...

    def memory_bytes(self) -> int:
        """What the job's processes use just now."""
        ...

    def finish(self) -> bool:
        """Kill all that the job left running, and give the leases back; False when something stays."""
        ...
