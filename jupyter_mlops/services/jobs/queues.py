"""One turn at the queues: who starts on which machine, who goes to which cluster, and why the others wait."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import cast

from ...entities import Job
from ...protocols.clock import Clock
from ...protocols.jobs import Executor, JobStore, Machine, Outlook, Wish
from .backlog import Backlog
from .choosing import Choice, Chooser
from .foresight import wait_of
from .lines import wish_of
from .open_jobs import OpenJobs, has_begun
from .patience import Patience
from .placement import Placement, capacity_of, place
from .reasons import AT_ONCE, Reasons
from .starting import Starter

STARTS_A_TURN = 8
"""A start takes some milliseconds; what runs is looked at between these."""
SENT_A_TURN = 50
CHOSEN_A_TURN = 4
"""So many jobs go to clusters because something is free there, before they are asked again."""
AGAIN_S = 1.0
"""How long a job rests that a cluster did not take yet: its files are on their way."""

Guard = Callable[[Job, Callable[[Job], Job]], Job]
Foresight = Callable[[Wish], float | None]

logger = logging.getLogger(__name__)


class Queues:
    """Starts what there is room for. ``guard`` carries out a step on a job, whatever comes of it."""

    def __init__(
        self,
        store: JobStore,
        jobs: OpenJobs,
        backlog: Backlog,
        executors: Mapping[str, Executor],
        starter: Starter,
        *,
        patience: Patience,
        guard: Guard,
        monotonic: Clock,
    ) -> None:
        self._jobs = jobs
        self._backlog = backlog
        self._executors = executors
        self._starter = starter
        self._patience = patience
        self._guard = guard
        self._chooser = Chooser(executors, patience=patience, monotonic=monotonic)
        self._reasons = Reasons(store, jobs, monotonic=monotonic)
        self._queued_at: set[str] = set()
        self._troubles: dict[str, str] = {}
        self._foresights: dict[str, Foresight] = {}
        self.has_more = False

    def turn(self, now: float) -> None:
        """``has_more`` then says that another turn would do more at once."""
        self.has_more = False
        placements = self._place(now)
        reasons = {job_id: why for each in placements.values() for job_id, why in each.waits.items()}
        reasons |= self._decide(placements, now)
        self._start(placements, now)
        self._explain(reasons | self._send(now))

    def _place(self, now: float) -> dict[str, Placement]:
        begun = self._jobs.begun()
        names = self._backlog.names_of_machines(begun)
        for name in self._queued_at.difference(names):
            self._queue_up(name, [])
        self._queued_at = set(names)
        self._foresights = {}
        return {name: self._place_at(name, begun, now) for name in names}

    def _place_at(self, name: str, begun: Sequence[Job], now: float) -> Placement:
        lines = self._backlog.machines.get(name)
        mine = lines.heads() if lines is not None else []
        running = [wish_of(job, now=now) for job in begun if job.executor == name]
        others = self._queue_up(name, [*mine, *running])
        if not mine:
            return Placement()
        running += [wish for wish in others if wish.running_since is not None]
        waiting = [wish for wish in others if wish.running_since is None]
        try:
            capacity = capacity_of(cast(Machine, self._executors[name]), running, now=now)
            wishes = [*mine, *waiting]
            self._foresights[name] = partial(wait_of, queued=wishes, capacity=capacity)
            return place(wishes, capacity)
        except Exception as error:  # noqa: BLE001  # other machines and clusters go on
            self._report(f"place {name}", error)
            return Placement(waits={wish.job_id: str(error) for wish in mine})

    def _queue_up(self, name: str, wishes: Sequence[Wish]) -> Sequence[Wish]:
        """Say what this agent's jobs want; without the others' word the leases alone decide."""
        try:
            others = cast(Machine, self._executors[name]).queue_up(wishes)
        except Exception as error:  # noqa: BLE001
            self._report(f"queue {name}", error)
            return []
        self._troubles.pop(f"queue {name}", None)
        return others

    def _report(self, subject: str, error: Exception) -> None:
        if self._troubles.get(subject) != repr(error):
            logger.exception("The queue cannot be told or asked: %s", subject)
        self._troubles[subject] = repr(error)

    def _start(self, placements: Mapping[str, Placement], now: float) -> None:
        undecided = self._backlog.undecided
        for name, placement in placements.items():
            starts = [each for each in placement.starts if each.job_id not in undecided]
            for start in starts[:STARTS_A_TURN]:
                if (job := self._jobs.get(start.job_id)) is not None:
                    step = partial(self._starter.start, name=name, now=now, slots=start.slots)
                    self._guard(job, step)
            self.has_more |= len(starts) > STARTS_A_TURN

    def _send(self, now: float) -> dict[str, str]:
        """Give clusters what is ready: they keep their queues. Why the others stay here."""
        staying: dict[str, str] = {}
        for name, lines in self._backlog.outbox.items():
            heads = self._patience.in_turn(lines.heads())
            for wish in heads[:SENT_A_TURN]:
                job = self._jobs.get(wish.job_id)
                if job is not None and self._patience.is_due(name):
                    self._hand_over(job, name, now)
            if trouble := self._patience.trouble(name):
                staying |= {wish.job_id: trouble for wish in heads}
            else:
                self.has_more |= len(lines) > SENT_A_TURN
        return staying

    def _hand_over(self, job: Job, name: str, now: float, *, choice: str = "") -> None:
        after = self._guard(job, partial(self._starter.start, name=name, now=now, choice=choice))
        if not (has_begun(after) or after.status.ended):
            self._backlog.rest(job.id, AGAIN_S)

    def _decide(self, placements: Mapping[str, Placement], now: float) -> dict[str, str]:
        """Choose a place for jobs that have the choice; why the others wait.

        Of those that want the same the first that has to wait speaks for all behind it.
        """
        undecided = self._backlog.undecided
        views = {name: _View(each, self._foresights.get(name)) for name, each in placements.items()}
        waiting: dict[str, str] = {}
        stay: set[Hashable] = set()
        sent = 0
        for wish in self._patience.in_turn(undecided.heads()) if len(undecided) else []:
            job, line = self._jobs.get(wish.job_id), undecided.line_of(wish.job_id)
            starts_here = any(wish.job_id in view.starts for view in views.values())
            if job is None or (line in stay and not starts_here):
                continue
            outlooks = {name: views[name].outlook(wish) for name in job.spec.executors if name in views}
            choice = self._chooser.choose(job, outlooks)
            if not choice.executor:
                stay.add(line)
                waiting[job.id] = "; ".join([*(each.reason for each in outlooks.values()), choice.why])
                continue
            self._go(job, choice, views.get(choice.executor), now)
            sent += choice.executor not in views
            if sent == CHOSEN_A_TURN:
                self.has_more = True
                break
        return waiting

    def _go(self, job: Job, choice: Choice, view: _View | None, now: float) -> None:
        if view is None:
            self._hand_over(job, choice.executor, now, choice=choice.why)
            self._chooser.handed_over(choice.executor)
            return
        slots = view.starts[job.id].slots
        go = partial(self._starter.start, name=choice.executor, now=now, slots=slots, choice=choice.why)
        self._guard(job, go)

    def _explain(self, reasons: Mapping[str, str]) -> None:
        told = dict(islice(self._backlog.unsaid.items(), AT_ONCE))
        self._reasons.tell(told)
        self.has_more |= self._reasons.say(reasons) or len(self._backlog.unsaid) > len(told)
        for job_id in told:
            del self._backlog.unsaid[job_id]


class _View:
    """A placement, by job; ``foresight`` tells how long those wait for which nothing is kept yet."""

    def __init__(self, placement: Placement, foresight: Foresight | None) -> None:
        self.starts = {start.job_id: start for start in placement.starts}
        self._placement = placement
        self._foresight = foresight

    def outlook(self, wish: Wish) -> Outlook:
        if wish.job_id in self.starts:
            return Outlook(starts_now=True, wait_s=0.0)
        reason = self._placement.waits.get(wish.job_id, "others are before it")
        wait_s = self._placement.begins.get(wish.job_id)
        if wait_s is None and self._foresight is not None:
            wait_s = self._foresight(wish)
        return Outlook(starts_now=False, wait_s=wait_s, reason=reason)
