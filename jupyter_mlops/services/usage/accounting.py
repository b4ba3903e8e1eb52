"""Sums over attempts: who held and used how much. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ...entities import EndedAttempt, JobStatus, Usage

HOUR_S = 3600.0
GIB = 1024.0**3
COUNTED = {
    JobStatus.SUCCEEDED: "succeeded",
    JobStatus.FAILED: "failed",
    JobStatus.CANCELLED: "cancelled",
    JobStatus.LOST: "lost",
}
"""Attempts with any other status are running."""


def group_of(attempt: EndedAttempt, by: str) -> str:
    """The attempt's user, notebook (or the job's name where it came from none), executor or last day."""
    if by == "day":
        return day_of(attempt.ended_at)
    if by == "notebook":
        return attempt.notebook or attempt.name
    return attempt.user if by == "user" else attempt.executor


def day_of(time: float) -> str:
    """The date in local time."""
    return datetime.fromtimestamp(time).date().isoformat()


def summed(
    attempts: Iterable[EndedAttempt], by: str, *, since: float, until: float
) -> tuple[list[Usage], Usage]:
    """A row for each group, the most GPU-hours first, days in their order; and all of them together.

    An attempt is counted in its group, by day on that of its end; its hours are those between ``since``
    and ``until``, and by day each on the day on which they passed.
    """
    sums: dict[str, _Sum] = defaultdict(_Sum)
    for attempt in attempts:
        own = group_of(attempt, by)
        sums[own].count(attempt)
        for group, part in _parts(attempt, own, by, since, until):
            sums[group].add(attempt, part)
    total = _Sum()
    for each in sums.values():
        total.merge(each)
    rows = [each.row(group) for group, each in sums.items()]
    if by == "day":
        rows.sort(key=lambda row: row.group)
    else:
        rows.sort(key=lambda row: (-row.gpu_hours, -row.cpu_asked_hours, row.group))
    return rows, total.row("total")


def _parts(
    attempt: EndedAttempt, own: str, by: str, since: float, until: float
) -> Iterator[tuple[str, float]]:
    """Groups and the part of the attempt's time that falls to each."""
    duration_s = attempt.duration_s
    if not duration_s:
        return
    begin, end = attempt.started_at or attempt.ended_at, attempt.ended_at
    if by != "day":
        if (inside := min(end, until) - max(begin, since)) > 0:
            yield own, inside / duration_s
        return
    for left, right in _days(begin, end):
        if (inside := min(right, until) - max(left, since)) > 0:
            yield day_of(left), inside / duration_s


def _days(begin: float, end: float) -> Iterator[tuple[float, float]]:
    """The time between, cut at local midnights."""
    while begin < end:
        day = datetime.fromtimestamp(begin).date()
        midnight = datetime.combine(day + timedelta(days=1), datetime.min.time()).timestamp()
        yield begin, min(midnight, end)
        begin = midnight


@dataclass(slots=True)
class _Sum:
    """Counts and sums under the names that they have in a row, and what its means are made of."""

    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    hours: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    load_hours: float = 0.0
    loaded_hours: float = 0.0
    waits: int = 0
    waited_s: float = 0.0
    longest_s: float = 0.0

    def count(self, attempt: EndedAttempt) -> None:
        self.counts["attempts"] += 1
        self.counts[COUNTED.get(attempt.status, "running")] += 1
        if attempt.used is not None:
            self.counts["measured"] += 1
        if attempt.started_at is not None:
            waited = max(0.0, attempt.started_at - attempt.queued_at)
            self.waits, self.waited_s = self.waits + 1, self.waited_s + waited
            self.longest_s = max(self.longest_s, waited)

    def add(self, attempt: EndedAttempt, part: float) -> None:
        """Its hours, of which so much fall here."""
        hours, used, sums = part * attempt.duration_s / HOUR_S, attempt.used, self.hours
        gpu_hours = attempt.gpus * hours
        sums["gpu_hours"] += gpu_hours
        sums["cpu_asked_hours"] += attempt.cpus * hours
        if used is None:
            return
        sums["cpu_hours"] += part * (used.cpu_s or 0.0) / HOUR_S
        sums["gpu_idle_hours"] += attempt.gpus * part * (used.gpu_idle_s or 0.0) / HOUR_S
        if used.gpu_load is not None:
            self.load_hours += used.gpu_load * gpu_hours
            self.loaded_hours += gpu_hours
        if attempt.memory_bytes and used.memory_bytes:
            sums["memory_asked_gib_hours"] += attempt.memory_bytes / GIB * hours
            sums["memory_used_gib_hours"] += used.memory_bytes / GIB * hours

    def merge(self, other: _Sum) -> None:
        for name, count in other.counts.items():
            self.counts[name] += count
        for name, hours in other.hours.items():
            self.hours[name] += hours
        self.load_hours += other.load_hours
        self.loaded_hours += other.loaded_hours
        self.waits += other.waits
        self.waited_s += other.waited_s
        self.longest_s = max(self.longest_s, other.longest_s)

    def row(self, group: str) -> Usage:
        return Usage(
            group=group,
            **self.counts,
            **{name: round(value, 6) for name, value in self.hours.items()},  # type: ignore[arg-type]
            gpu_load=round(self.load_hours / self.loaded_hours, 4) if self.loaded_hours else None,
            wait_mean_s=round(self.waited_s / self.waits, 3) if self.waits else None,
            wait_longest_s=round(self.longest_s, 3) if self.waits else None,
        )
