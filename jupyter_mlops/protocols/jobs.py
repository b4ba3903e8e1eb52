"""Where jobs are kept, and where they run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from ..entities import Cause, EndedAttempt, GpuSlot, Job, JobSpec, JobStatus, Process, Resources, Run


class JobStore(Protocol):
    """The queue's rows. What a job's folder says is the truth; rows follow it.

    Every change takes a new ``seq``, and an update is refused when the row has changed since it was
    read, so that any number of agents and readers may move the same jobs.
    """

    def add(self, job: Job) -> Job:
        """Keep a new job, with an audit entry. Raises Conflict when there is one with its id.

        Of a sweep's trials the first leaves an entry, on the sweep, where it has none yet.
        """
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
        schedule_id: str | None = None,
        ids: Collection[str] | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Job]:
        """The matching jobs, newest first."""
        ...

    def named(self, name: str) -> Job | None:
        """The newest job of that name."""
        ...

    def open(self, *, limit: int | None = None) -> list[Job]:
        """The jobs that have not ended, oldest first."""
        ...

    def begun(self) -> list[Job]:
        """Of those the ones whose attempt was started, or handed over to an executor's own queue."""
        ...

    def update(self, job: Job, /, **changes: Any) -> Job | None:
        """Set fields of a job as it was read; None when its row has changed meanwhile."""
        ...

    def explain(self, reasons: Sequence[tuple[Job, str]]) -> list[Job]:
        """Set the reasons of jobs as they were read, all at once; returns those that had not changed."""
        ...

    def finish(self, job: Job, ended: EndedAttempt, /, **changes: Any) -> Job | None:
        """As ``update`` where an attempt has ended, of which a row is kept with it."""
        ...

    def request_cancel(self, job: Job, *, user: str, time: float) -> Job | None:
        """Mark it, and end it at once when it is queued here, with an audit entry. None as for ``update``.

        A trial whose sweep was cancelled leaves no entry of its own.
        """
        ...

    def changes(self, since: int) -> tuple[int, list[str]]:
        """The present ``seq``, and the ids of the jobs that changed after ``since``."""
        ...

    def changed(self, since: int, known: Mapping[str, int]) -> tuple[int, list[Job]]:
        """The present ``seq``, and the jobs that changed after ``since``, as they changed.

        Left out are those whose ``seq`` is the one that is known of them.
        """
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


ANOTHER_WORKER = 3
"""The exit status of a worker that gave way to one which had begun the attempt before it."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotRoom:
    """A GPU and what of it can be leased just now.

    ``share`` is 1.0 where the whole GPU is free and 0.0 where none of it is; ``memory_bytes`` is its free
    memory, less what is promised to jobs there, None where that is not known. ``holders`` says for people
    who has the rest: "taken by job abc of ada", "kernel of train.ipynb (process 12) holds 3.1 GiB".
    """

    slot: GpuSlot
    share: float = 1.0
    memory_bytes: int | None = None
    holders: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A job in a machine's queue, as the agents of all who share the machine see it.

    ``owner`` is whose turn it takes. ``ready_at`` is since when it waits for nothing but its turn, None where
    that is since it was submitted. ``expected_s`` is how long it is thought to run. ``running_since`` is
    None as long as it waits; ``gpus`` are the UUIDs that a running one holds, ``among`` those that it may
    have (empty: any). ``mine`` says that it is of the asking agent.
    """

    job_id: str
    owner: str
    priority: int
    submitted_at: float
    resources: Resources
    ready_at: float | None = None
    exclusive: bool = False
    expected_s: float | None = None
    running_since: float | None = None
    gpus: Sequence[str] = ()
    among: Sequence[str] = ()
    mine: bool = True


CPU_WORTH = 0.01
"""A CPU core counts as this much of a GPU, so that those who only compute on CPUs take turns as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What an owner has had of a machine, and may have.

    ``recent_gpu_h`` are GPU-hours, the older the less they count; CPU cores count a little. ``max_gpus`` is
    how many GPUs at once, ``max_gpu_h`` how many GPU-hours within ``window_h``, of which ``used_gpu_h`` are
    used; None for no limit. ``max_priority`` caps priorities.
    """

    recent_gpu_h: float = 0.0
    used_gpu_h: float = 0.0
    max_gpus: float | None = None
    max_gpu_h: float | None = None
    window_h: float = 168.0
    max_priority: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """The standing of each owner on a machine, ``anybody`` for those without one.

    ``me`` is whom the asking agent's wishes count for; where it is empty, their own owner.
    """

    me: str = ""
    of: Mapping[str, Standing] = field(default_factory=dict)
    anybody: Standing = Standing()


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
        """Start the worker, or hand the attempt over; False when that is to be tried again.

        So it is when a slot has been taken by another, or when its files are still on their way.

        Starting an attempt that was started already does nothing. A machine raises Unavailable when the
        worker cannot be started: that ends the job. A cluster raises Unavailable when nobody answers, and
        is asked later what became of it: ABSENT, and it is handed over again, after a while. Any other
        error is a refusal, which ends the job.
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

    def room(self) -> Sequence[SlotRoom]:
        """What of every GPU can be leased just now. Raises Unavailable when that cannot be asked."""
        ...

    def queue_up(self, wishes: Sequence[Wish]) -> Sequence[Wish]:
        """Say what this agent's jobs want and hold here; returns what those of all other agents do.

        It replaces what was said before; nothing said is the agent's leaving of the queue.
        """
        ...

    def standings(self) -> Standings:
        """What each of those who share the machine has had of it, as of the last ``queue_up``."""
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

    def keep(self) -> None:
        """Show that the leases are in use; to be called now and then.

        What clears ``/tmp`` of old files (tmpfiles.d(5)) does not ask who holds a lock on one.
        """
        ...

    def confine(self, memory_bytes: int) -> bool:
        """Have the system keep the job to so much memory; False where it cannot, and somebody must watch."""
        ...

    def tend(self) -> None:
        """See to it that what the job has started is confined; to be called often, at its beginning most."""
        ...

    def ran_out_of_memory(self) -> bool:
        """Whether the system has killed one of the confined processes for want of memory."""
        ...

    def machine_ran_out_of_memory(self) -> bool:
        """Whether the system has killed any process of this machine for that, since the job began."""
        ...

    def processes(self) -> Collection[int]:
        """The pids of the job's processes, the worker's own left out."""
        ...

    def memory_bytes(self) -> int:
        """What the job's processes use just now."""
        ...

    def peak_bytes(self) -> int:
        """What they use just now, or what one of them has ever used if that is more."""
        ...

    def finish(self) -> bool:
        """Kill all that the job left running, and give the leases back; False when something stays."""
        ...
