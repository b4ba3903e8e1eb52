"""Schedules: jobs that are queued again and again, at the times of a cron expression."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from .jobs import Job, JobSpec


class CatchUp(str, Enum):
    """What becomes of times that passed while no agent was there to queue their runs.

    ``LATEST``: one run for the last of them. ``SKIP``: none. ``ALL``: a run for each of them, one after
    the other.
    """

    LATEST = "latest"
    SKIP = "skip"
    ALL = "all"


class Overlap(str, Enum):
    """What happens when a run is due while the one before goes on.

    ``SKIP``: it is left out. ``ALLOW``: it is queued all the same.
    """

    SKIP = "skip"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When a schedule's runs are due: ``cron`` in five fields, read in ``timezone`` (an IANA name)."""

    cron: str
    timezone: str
    catch_up: CatchUp = CatchUp.LATEST
    overlap: Overlap = Overlap.SKIP


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSpec:
    """What a schedule is, written once. Each run is a job like ``template``, with an id of its own.

    ``home`` is the folder of the home that it was made in, and ``host`` where that was.
    """

    id: str
    name: str
    timing: Timing
    created_at: float
    template: JobSpec
    user: str = ""
    host: str = ""
    home: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A schedule as lists show it.

    ``next_at`` is when the next run is due, None while it is paused; ``last_at`` the time for which a run
    was queued last, and ``last_job_id`` the newest run. ``reason`` is what somebody should know: a run that
    was left out or caught up, or that could not be queued.
    """

    spec: ScheduleSpec
    enabled: bool = True
    next_at: float | None = None
    last_at: float | None = None
    last_job_id: str | None = None
    reason: str = ""
    seq: int = 0

    @property
    def id(self) -> str:
        return self.spec.id


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDetail:
    """All of a schedule: its timing in words, when the next runs are due, and its newest runs."""

    schedule: Schedule
    text: str
    next_runs: list[float] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
