"""The agent's loop over schedules: queues the runs that are due.

What was queued for a time has an id that follows from the schedule and that time, so that an agent that was
killed anywhere, or a clock that was set back, makes no run twice.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import replace

from ...config import Settings
from ...entities import CatchUp, Job, Overlap, Schedule, Timing, short_id
from ...errors import MlopsError, NotFound, Unavailable
from ...protocols.schedules import ScheduleStore
from ..quantities import counted
from .folder import ScheduleFolder, forget_abandoned
from .occurrences import due, next_after, said, upcoming
from .runs import Queue, queue_due
from .whereabouts import is_lost, lies_here, say_that_it_is_lost

ON_TIME_S = 60.0
"""A run that is queued so late is on time; a later one was missed."""
MOST_AT_ONCE = 100
"""So many missed runs are caught up at most, the newest."""
TRY_AGAIN_S = 15.0
SWEEP_EVERY_S = 3600.0
SET_BACK_S = 1.0

logger = logging.getLogger(__name__)


class ScheduleLoop:
    """Brings the schedules of one home forward; ``shared_home`` as for jobs."""

    def __init__(
        self, store: ScheduleStore, queue: Queue, settings: Settings, *, shared_home: bool = False
    ) -> None:
        self._store = store
        self._queue = queue
        self._settings = settings
        self._shared_home = shared_home
        self._seq = -1
        self._schedules: list[Schedule] = []
        self._try_again: dict[str, float] = {}
        self._looked_at = float("inf")
        self._swept_at = float("-inf")

    def tick(self, now: float) -> int:
        """Queue all that is due; returns how many schedules go on here."""
        if now < self._looked_at - SET_BACK_S:  # also at the first look
            self._read()
            self._schedules = [self._mended(each, now) for each in self._schedules]
        elif self._store.changes(self._seq)[0] != self._seq:
            self._read()
        self._looked_at = now
        for schedule in list(self._schedules):
            if schedule.next_at is not None and schedule.next_at <= now:
                self._guarded(schedule, now)
        if not 0 <= now - self._swept_at <= SWEEP_EVERY_S:
            self._swept_at = now
            forget_abandoned(self._settings.home, now, self._store)
        return len(self._schedules)

    def _read(self) -> None:
        self._seq, _ = self._store.changes(self._seq)
        enabled = self._store.enabled()
        self._schedules = [each for each in enabled if self._is_ours(each)]
        for each in enabled:
            if is_lost(each, self._settings):
                say_that_it_is_lost(each, self._store, self._settings)

    def _is_ours(self, schedule: Schedule) -> bool:
        """As for jobs: other homes may use the same database, and other hosts the same home."""
        elsewhere = schedule.spec.host not in ("", self._settings.host)
        return not (self._shared_home and elsewhere) and lies_here(schedule, self._settings)

    def _mended(self, schedule: Schedule, now: float) -> Schedule:
        """Once the clock was set back by more than a period, what comes next comes by the new time."""
        try:
            timing = self._as_made(schedule).spec.timing
        except MlopsError:
            return schedule  # what is wrong is said when its run is due
        soon = upcoming(timing, now)
        second = [next(soon, None) for _ in range(2)][1]
        if schedule.next_at is None or second is None or schedule.next_at <= second:
            return schedule
        reason = f"the clock was set back: what comes next is counted from {said(timing, now)}"
        following = next_after(timing, now)
        return self._store.update(schedule, next_at=following, reason=reason) or schedule

    def _as_made(self, schedule: Schedule) -> Schedule:
        """As its author made it, whatever its row says. Raises NotFound, InvalidInput."""
        return replace(schedule, spec=ScheduleFolder.of(self._settings.home, schedule.id).spec())

    def _guarded(self, schedule: Schedule, now: float) -> None:
        """One damaged schedule must not stop the others."""
        if 0 < self._try_again.get(schedule.id, 0.0) - now <= TRY_AGAIN_S:
            return
        self._try_again.pop(schedule.id, None)
        try:
            self._advance(schedule, now)
        except (Unavailable, OSError) as error:
            self._try_again[schedule.id] = now + TRY_AGAIN_S
            logger.warning("Schedule %s waits: %s", schedule.id, error)
            self._note(schedule, f"its run waits: {error}")
        except MlopsError as error:
            self._move_on(schedule, now, f"its run could not be queued: {error.message}")
        except Exception as error:
            logger.exception("Schedule %s cannot be brought forward", schedule.id)
            self._move_on(schedule, now, f"its run could not be queued: {type(error).__name__}: {error}")

    def _note(self, schedule: Schedule, reason: str) -> None:
        if schedule.reason != reason:
            with contextlib.suppress(Unavailable):
                self._store.update(schedule, reason=reason)

    def _move_on(self, schedule: Schedule, now: float, reason: str, **changes: object) -> None:
        """To the next time; a row that changed meanwhile is looked at again in the next turn."""
        following = next_after(schedule.spec.timing, now)
        self._store.update(schedule, next_at=following, reason=reason, **changes)

    def _advance(self, schedule: Schedule, now: float) -> None:
        schedule = self._as_made(schedule)
        timing, first = schedule.spec.timing, schedule.next_at
        assert first is not None
        times = due(timing, first, now, most=MOST_AT_ONCE)
        wanted, before = _wanted(timing.catch_up, times, now), self._last_run(schedule)
        if wanted and before and not before.status.ended and _leaves_out(timing):
            self._move_on(schedule, now, _left_out(timing, wanted[-1], before))
            return
        newest = self._queue_all(schedule, wanted, before, now)
        last = {"last_at": wanted[-1], "last_job_id": newest.id} if wanted and newest else {}
        self._move_on(schedule, now, _told(timing, times, wanted, now), **last)

    def _queue_all(
        self, schedule: Schedule, times: Sequence[float], before: Job | None, now: float
    ) -> Job | None:
        """The runs for these times; where none is left out, each follows the one before."""
        in_line = schedule.spec.timing.overlap is Overlap.SKIP
        for when in times:
            follows = [before.id] if in_line and before is not None and not before.status.ended else []
            before = queue_due(schedule, when, self._queue, self._settings, now=now, follows=follows)
        return before

    def _last_run(self, schedule: Schedule) -> Job | None:
        if schedule.last_job_id is None:
            return None
        with contextlib.suppress(NotFound):
            return self._queue.store.get(schedule.last_job_id)
        return None


def _wanted(catch_up: CatchUp, times: Sequence[float], now: float) -> list[float]:
    """Of the times that are due, those that get a run."""
    if catch_up is CatchUp.ALL:
        return list(times)
    last = list(times[-1:])
    return last if catch_up is CatchUp.LATEST else [when for when in last if now - when <= ON_TIME_S]


def _leaves_out(timing: Timing) -> bool:
    """Whether a run is left out while the one before goes on; those of ``all`` follow each other."""
    return timing.overlap is Overlap.SKIP and timing.catch_up is not CatchUp.ALL


def _left_out(timing: Timing, when: float, before: Job) -> str:
    return (
        f"the run of {said(timing, when)} was left out: job {short_id(before.id)}, the one before, was still "
        f"{before.status.value}"
    )


def _told(timing: Timing, times: Sequence[float], wanted: Sequence[float], now: float) -> str:
    """What somebody should know of times that passed without an agent; empty where none did."""
    late = [when for when in times if now - when > ON_TIME_S]
    if not late:
        return ""
    many = "at least " if len(times) == MOST_AT_ONCE else ""
    missed = f"no agent was there for {many}{counted(len(late), 'run')} up to {said(timing, late[-1])}"
    caught_up = [when for when in wanted if when in late]
    if not caught_up:
        return f"{missed}: left out"
    which = "the last" if len(late) > len(caught_up) else counted(len(caught_up), "run")
    return f"{missed}: caught up with {which}"
