"""What jobs have held and used, for readers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from ...entities import EndedAttempt, Exit, Job, JobStatus, Usage, UsageReport, Used
from ...errors import InvalidInput
from ...protocols.clock import Clock
from ...protocols.usage import AttemptStore
from ..quantities import seconds
from .accounting import summed
from .attempts import ended_attempt

GROUPS = ("user", "notebook", "executor", "day")
ALL = "all"
MOST_RUNNING = 10_000
USAGE_COLUMNS = (
    "attempts",
    "running",
    "succeeded",
    "failed",
    "cancelled",
    "lost",
    "measured",
    "gpu_hours",
    "gpu_idle_hours",
    "gpu_load",
    "cpu_hours",
    "cpu_asked_hours",
    "memory_asked_gib_hours",
    "memory_used_gib_hours",
    "wait_mean_s",
    "wait_longest_s",
)


class UsageService:
    """Usage of one workspace, the attempts that are running included as far as they have come.

    ``running_jobs`` answers with the jobs that run just now, ``used_so_far`` with what a running one's worker
    has measured.
    """

    def __init__(
        self,
        attempts: AttemptStore,
        running_jobs: Callable[[], list[Job]],
        *,
        used_so_far: Callable[[Job], Used | None],
        clock: Clock = time.time,
    ) -> None:
        self._attempts, self._running_jobs, self._clock = attempts, running_jobs, clock
        self._used_so_far = used_so_far

    def report(
        self, by: str = "user", *, since: str | float | None = "7d", user: str | None = None
    ) -> UsageReport:
        """Usage of the last ``since`` (``7d``, ``12h``, a number of seconds; None or ``all``: ever).

        Raises InvalidInput for an unknown group, or what is no duration.
        """
        if by not in GROUPS:
            raise InvalidInput(f"Usage is grouped by {', '.join(GROUPS[:-1])} or {GROUPS[-1]}, not {by!r}.")
        now = self._clock()
        begin = _begin(since, now)
        attempts = [*self._attempts.since(begin, user=user), *self._running(now, user)]
        usage, total = summed(attempts, by, since=begin, until=now)
        return UsageReport(by=by, since=begin, until=now, usage=usage, total=total)

    def _running(self, now: float, user: str | None) -> list[EndedAttempt]:
        return [
            running_attempt(job, self._used_so_far(job), now)
            for job in self._running_jobs()
            if user in (None, job.spec.user)
        ]


def running_attempt(job: Job, used: Used | None, now: float) -> EndedAttempt:
    """A running job's attempt as if it ended now."""
    so_far = Exit(status=JobStatus.RUNNING, ended_at=now, used=used)
    return replace(ended_attempt(job, None, so_far), started_at=job.started_at)


def _begin(since: str | float | None, now: float) -> float:
    if since is None or since == ALL:
        return 0.0
    length = seconds(since)
    return 0.0 if length is None else max(0.0, now - length)


def usage_row(usage: Usage, by: str) -> dict[str, object]:
    """Flat, with the names of the DataFrame's columns and of ``--json``; the group under its own name."""
    fields = {name: getattr(usage, name) for name in USAGE_COLUMNS}
    return {by: usage.group, **fields}
