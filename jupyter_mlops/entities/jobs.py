"""Jobs: batch executions of a notebook by an executor."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .runs import Process, Progress


class JobStatus(str, Enum):
    """Where a job stands."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def ended(self) -> bool:
        return self in (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.LOST)


class Cause(str, Enum):
    """What brought an attempt to an end that is no success.

    ``ERROR``: a cell raised. ``MEMORY`` and ``GPU_MEMORY``: out of it. ``TIME``: its time limit. ``IDLE``:
    it held a GPU without using it. ``KILLED``: its worker died. ``NODE``: the machine that it ran on was
    lost, restarted, or taken for another job. ``START``: no worker could be started. ``DEPENDENCY``: what it
    was to follow did not succeed. ``USER``: somebody cancelled it. ``PRUNED``: the trial was given up.
    """

    ERROR = "error"
    MEMORY = "memory"
    GPU_MEMORY = "gpu-memory"
    TIME = "time"
    IDLE = "idle"
    KILLED = "killed"
    NODE = "node"
    START = "start"
    DEPENDENCY = "dependency"
    USER = "user"
    PRUNED = "pruned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a job asks for: GPUs, CPU cores, bytes of memory, seconds of wall time.

    ``gpus`` is a whole number, or a fraction of one GPU (more than 0, less than 1) that is shared with other
    jobs; ``gpu_memory_bytes`` is what it needs of each GPU's memory, None where that is not known.
    """

    gpus: float = 0
    gpu_memory_bytes: int | None = None
    cpus: int = 1
    memory_bytes: int | None = None
    time_limit_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """An object that goes with a job as it is: the blob ``digest`` holds it in ``format``.

    Objects that share parts lie in one blob: ``together`` are their names, in its order, and empty where
    there is one. ``kind`` says what it is (``DataFrame 1,000 x 3``), ``note`` what a person should know of
    it; both are for reading only.
    """

    name: str
    digest: str
    format: str
    size_bytes: int
    kind: str = ""
    note: str = ""
    together: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A value that a job's cell left: a variable of this name, or its last value where there is no name.

    ``problem`` says why it is not there.
    """

    name: str
    kind: str
    size_bytes: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What a job is, written once as ``spec.json`` when it is submitted.

    ``kernel_argv`` is the command that starts the kernel (``{connection_file}`` as in a kernelspec),
    or None where ``kernel_name`` (a kernelspec) decides. ``interpreter`` runs the worker.
    ``promoted`` says that the notebook was made from a cell: then only its last cell is the job's run
    and the cells before it are replayed; else the whole notebook is.
    ``gpu_slots`` are the virtual slots that the submitting process was configured with.
    ``notebook`` is the path of the notebook that it came from, for people to read; ``host`` is where it
    was submitted, which decides when several hosts share one home. ``tags`` are given to the job's run.
    ``carried`` names the blobs that the job needs as long as it may run, ``returns`` the variables that
    are kept when it has ended.
    ``trial`` is the job's number in its sweep, from 0.
    ``executor`` is where it runs, and the first of ``executors`` where it may run at several places.
    ``options`` are words for an executor that only it understands: ``{"slurm": {"partition": "gpu"}}``.
    ``after`` are jobs that must have succeeded, ``after_any`` jobs that must have ended.
    ``retry_on`` says which causes get another attempt, where ``retries`` are left; none named: all failures.
    The n-th retry comes ``retry_delay_s`` * 2**(n-1) seconds after the failure.
    ``expected_s`` is how long it is thought to run, by its like's past; None where nobody knows.
    ``learned`` names the fields of ``resources`` that nobody asked for and that come from its like's past:
    room is made for them, and they limit nothing.
    """

    id: str
    name: str
    experiment: str
    submitted_at: float
    interpreter: str
    kernel_name: str
    cwd: str
    kernel_argv: list[str] | None = None
    python_path: list[str] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    executor: str = "local"
    executors: list[str] = field(default_factory=list)
    options: dict[str, dict[str, str]] = field(default_factory=dict)
    priority: int = 0
    retries: int = 0
    retry_on: list[Cause] = field(default_factory=list)
    retry_delay_s: float = 0.0
    expected_s: float | None = None
    learned: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    after_any: list[str] = field(default_factory=list)
    notebook: str | None = None
    promoted: bool = False
    parent_run_id: str | None = None
    sweep_id: str | None = None
    trial: int | None = None
    schedule_id: str | None = None
    gpu_slots: int | None = None
    user: str = ""
    host: str = ""
    carried: list[Carried] = field(default_factory=list)
    returns: list[str] = field(default_factory=list)

    @property
    def asked_memory_bytes(self) -> int | None:
        """The memory that somebody asked for, to which a job may be held."""
        return None if "memory_bytes" in self.learned else self.resources.memory_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What a worker writes (``started.json``) before any user code: it is the attempt's only worker."""

    process: Process
    run_id: str
    started_at: float
    gpus: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What an attempt used, None where that was not measured.

    ``memory_bytes`` is the peak of all its processes, ``cpu_s`` the CPU time of all. Of its GPUs,
    ``gpu_memory_bytes`` is the peak on the fullest, ``gpu_load`` the mean utilisation (0 to 1), and
    ``gpu_idle_s`` how long all of them were below the threshold for idleness.
    """

    memory_bytes: int | None = None
    cpu_s: float | None = None
    gpu_memory_bytes: int | None = None
    gpu_load: float | None = None
    gpu_idle_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How an attempt ended (``exit.json``, created once; the first writer wins)."""

    status: JobStatus
    ended_at: float
    reason: str = ""
    written_by: str = "worker"
    cause: Cause | None = None
    used: Used | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as lists show it. ``gpus`` are the leased slots' UUIDs of the present attempt.

    ``executor`` is where it runs or will run, ``choice`` why there, where it could have been elsewhere.
    ``handed_over``: it waits in that executor's own queue. ``not_before`` is when a retry is due,
    ``exclusive`` that it is to have its GPUs alone, ``warning`` what somebody should see to (an idle GPU).
    """

    spec: JobSpec
    status: JobStatus
    attempt: int = 1
    reason: str = ""
    started_at: float | None = None
    ended_at: float | None = None
    run_id: str | None = None
    gpus: list[str] = field(default_factory=list)
    cancel_requested: bool = False
    executor: str = ""
    choice: str = ""
    handed_over: bool = False
    not_before: float | None = None
    exclusive: bool = False
    cause: Cause | None = None
    used: Used | None = None
    warning: str = ""
    progress: Progress | None = None
    seq: int = 0

    @property
    def id(self) -> str:
        return self.spec.id


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuSlot:
    """A GPU that a job can lease. ``virtual`` where no GPU is there and slots were configured."""

    uuid: str
    index: int
    name: str
    memory_bytes: int | None = None
    virtual: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LogChunk:
    """A part of a job's log; ask again from ``next_offset`` (bytes) for what follows."""

    text: str
    next_offset: int
    ended: bool
