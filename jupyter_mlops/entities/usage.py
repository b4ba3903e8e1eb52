"""What jobs have used, and what follows from it for the next ones."""

from __future__ import annotations

from dataclasses import dataclass

from .jobs import Cause, JobStatus, Used


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedAttempt:
    """One attempt to run a job, once it is over: what usage is counted from.

    ``queued_at`` is when it could have started: submitted, its retry due, and all that it follows at an end.
    ``gpus``, ``cpus`` and ``memory_bytes`` are what it held or had asked for, ``used`` what it made of that.
    """

    job_id: str
    attempt: int
    user: str
    name: str
    notebook: str | None
    executor: str
    status: JobStatus
    cause: Cause | None = None
    queued_at: float
    started_at: float | None
    ended_at: float
    gpus: float = 0.0
    cpus: int = 1
    memory_bytes: int | None = None
    used: Used | None = None

    @property
    def duration_s(self) -> float:
        """How long it ran; 0 where it never began. A clock that was set back makes no negative time."""
        return 0.0 if self.started_at is None else max(0.0, self.ended_at - self.started_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What the past ``runs`` of a notebook say of its next one; None where they do not tell.

    The first four are what to ask for. ``expected_s`` is how long it usually takes, ``longest_s`` how long
    it may well take; ``peak_bytes`` is the most memory that one of them has used.
    """

    runs: int
    memory_bytes: int | None = None
    gpu_memory_bytes: int | None = None
    cpus: int | None = None
    expected_s: float | None = None
    longest_s: float | None = None
    peak_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the attempts of one ``group`` (a user, a notebook, an executor, a day) have held and used.

    Hours are of one GPU, or of one CPU core. ``gpu_idle_hours`` are those in which a held GPU was idle,
    ``cpu_asked_hours`` those of the cores asked for, ``cpu_hours`` those used. Of memory, GiB times hours:
    asked for, and used at most, of the attempts that had asked for some. ``measured`` counts the attempts
    whose use is known. Waits are those of the attempts that began.
    """

    group: str
    attempts: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    lost: int = 0
    measured: int = 0
    gpu_hours: float = 0.0
    gpu_idle_hours: float = 0.0
    gpu_load: float | None = None
    cpu_hours: float = 0.0
    cpu_asked_hours: float = 0.0
    memory_asked_gib_hours: float = 0.0
    memory_used_gib_hours: float = 0.0
    wait_mean_s: float | None = None
    wait_longest_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReport:
    """Usage between two times by user, notebook, executor or day, and of all together."""

    by: str
    since: float
    until: float
    usage: list[Usage]
    total: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCount:
    """How many jobs stand so at one executor just now, and of how many somebody should see to something."""

    executor: str
    status: JobStatus
    jobs: int
    flagged: int
    oldest: float
    """When the first of them was submitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over a user's attempts at one executor that ended with one status; seconds.

    ``waits`` counts those that began, ``wait_s`` is how long they had waited.
    """

    user: str
    executor: str
    status: JobStatus
    attempts: int
    run_s: float
    gpu_s: float
    cpu_asked_s: float
    waits: int
    wait_s: float
