"""The agent's loop: brings jobs forward, one ``tick`` at a time.

A tick reads what has changed in the rows, looks at the folders and workers of the attempts that have
begun, and starts what there is room for. What it keeps in memory makes it fast and its reasons better; an
agent that was killed is replaced by any other.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Protocol

from ...config import Settings
from ...entities import Cause, Job, JobStatus, is_id
from ...errors import NotFound, Unavailable
from ...protocols.clock import Clock
from ...protocols.jobs import Executor, JobStore, Presence, Sighting
from ..runs.liveness import Witness
from .attending import Attendant
from .backlog import Backlog
from .ends import Ends, failed
from .folder import forget_old_environments
from .open_jobs import OpenJobs, has_begun
from .patience import Patience
from .queues import Queues
from .run_ends import RunEnds, SettleRun
from .starting import Starter

SWEEP_EVERY_S = 3600.0
LOOK_EVERY_S = 2.0
"""How often clusters are asked; this machine is in every turn."""
CHECKED_A_TURN = 10
"""How many of those that wait are looked at whether their folders are still there."""

SOON_S, BUSY_S, OPEN_S, IDLE_S = 0.02, 0.2, 1.0, 2.0
"""How long to pause where more is to be done, after something happened, with open jobs, and without."""
CALM_AFTER_S = 3.0

logger = logging.getLogger(__name__)


class Others(Protocol):
    """Whatever submits jobs by itself, and follows them: sweeps, schedules."""

    def tick(self, now: float) -> int:
        """Bring all forward as far as they go just now; returns how many are open."""
        ...


class AgentLoop:
    """Runs the queue of one home on one host.

    ``settle_run`` ends the run of an attempt that could not do so itself (run id, status, reason).
    ``shared_home`` says that other hosts may have agents of the same home: then a job starts where it was
    submitted. ``sweeps`` and ``schedules`` are brought forward before the jobs.
    """

    def __init__(
        self,
        store: JobStore,
        executors: Mapping[str, Executor],
        settings: Settings,
        *,
        settle_run: SettleRun,
        shared_home: bool = False,
        witness: Witness | None = None,
        sweeps: Others | None = None,
        schedules: Others | None = None,
        monotonic: Clock = time.monotonic,
    ) -> None:
        self._store = store
        self._executors = executors
        self._settings = settings
        self._others = {"sweeps": sweeps, "schedules": schedules}
        self._shared_home = shared_home
        self._monotonic = monotonic
        self._jobs = OpenJobs(store, is_ours=self._is_ours)
        self._backlog = Backlog(store, self._jobs, executors, monotonic=monotonic)
        self._ends = Ends(store, settings.home, RunEnds(settings.home, settle_run))
        witness = witness or Witness()
        self._attendant = Attendant(
            store, self._ends, executors, settings, witness=witness, monotonic=monotonic
        )
        patience = Patience(monotonic)
        self._queues = Queues(
            store,
            self._jobs,
            self._backlog,
            executors,
            Starter(store, self._ends, executors, settings, patience),
            patience=patience,
            guard=self._guarded,
            monotonic=monotonic,
        )
        self._troubles: dict[str, str] = {}
        self._looked_at: dict[str, float] = {}
        self._check_from = 0
        self._swept_at = float("-inf")
        self._stirred_at = float("-inf")
        self.pause_s = IDLE_S

    def tick(self, now: float) -> int:
        """Bring everything forward as far as it goes just now; returns how much is open.

        ``pause_s`` then says how long the next turn can wait.
        """
        open_others = {name: self._advance_others(name, now) for name in self._others}
        self._jobs.refresh()
        self._take_in()
        self._attend(now)
        self._check_waiting(now)
        self._settle(now)
        self._queues.turn(now)
        self._settle(now)
        self._attendant.forget_all_but({job.id for job in self._jobs.begun()})
        self._sweep_up(now)
        self.pause_s = self._pause(sweeps=open_others["sweeps"])
        return len(self._jobs) + sum(open_others.values())

    def _advance_others(self, name: str, now: float) -> int:
        others = self._others[name]
        if others is None:
            return 0
        try:
            return others.tick(now)
        except Unavailable:
            raise
        except Exception:  # jobs go on all the same
            logger.exception("The %s cannot be brought forward", name)
            return 1

    def _take_in(self) -> None:
        """Follow what rows say. An end that a reader was first to see may lack that of its run."""
        changes = self._jobs.take_changes()
        if changes:
            self._stirred_at = self._monotonic()
        self._backlog.note(changes)
        for change in changes:
            ended = change.after
            if change.by_others and ended is not None and ended.status.ended and ended.run_id is not None:
                self._guarded(ended, self._see_to_the_run)

    def _see_to_the_run(self, job: Job) -> Job:
        if self._is_ours(job):
            self._ends.see_to_the_run(job)
        return job

    def _attend(self, now: float) -> None:
        begun = self._jobs.begun()
        sightings = self._look(begun)
        for job in begun:
            if job.status is JobStatus.QUEUED and job.executor not in sightings:
                continue  # in a cluster's queue, and the cluster was not asked this time
            self._guarded(job, partial(self._advance, seen=sightings.get(job.executor), now=now))
        self._take_in()

    def _advance(self, job: Job, *, seen: str | None, now: float) -> Job:
        """``seen`` is why its executor could not be looked at, empty where it was, None where not tried."""
        if seen is None:
            return self._attendant.advance(job, None, now)
        if seen:
            unknown = Sighting(presence=Presence.UNKNOWN, reason=seen)
            return self._attendant.advance(job, unknown, now)
        sighting = self._executors[job.executor].sight(self._attendant.begun(job))
        return self._attendant.advance(job, sighting, now)

    def _look(self, begun: Sequence[Job]) -> dict[str, str]:
        """Have each executor see how its jobs do, all with one look. The trouble of each that was asked."""
        troubles = {}
        for name in {job.executor for job in begun}:
            try:
                executor = self._executors[name]
                if executor.keeps_queue and not self._is_time_to_look(name):
                    continue
                there = [job for job in begun if job.executor == name]
                executor.look([self._attendant.begun(job) for job in there])
                troubles[name] = ""
            except KeyError:
                troubles[name] = f"there is no executor {name!r} where the agent runs"
            except Exception as error:  # noqa: BLE001  # what cannot be seen is UNKNOWN; other executors go on
                self._report(name, "Executor %s cannot be looked at", error)
                troubles[name] = str(error)
        return troubles

    def _is_time_to_look(self, name: str) -> bool:
        now = self._monotonic()
        if now - self._looked_at.get(name, float("-inf")) < LOOK_EVERY_S:
            return False
        self._looked_at[name] = now
        return True

    def _check_waiting(self, now: float) -> None:
        """A few of those that wait, in turn: the folder of one may have been deleted."""
        if self._check_from >= len(self._jobs):
            self._check_from = 0
        start, self._check_from = self._check_from, self._check_from + CHECKED_A_TURN
        for job in list(islice(self._jobs, start, start + CHECKED_A_TURN)):
            folder = self._ends.folder(job)
            if not has_begun(job) and not folder.exists():
                lose = partial(self._ends.lose, reason=f"its folder {folder.path} is gone", now=now)
                self._guarded(job, lose)

    def _settle(self, now: float) -> None:
        """Until nothing more follows: a job that fails takes those with it that were to follow it."""
        self._take_in()
        stuck = set()
        while failures := self._backlog.settle(now):
            for each in failures:
                end = failed(Cause.DEPENDENCY, each.reason, now)
                if not self._guarded(each.job, partial(self._ends.end, end=end)).status.ended:
                    stuck.add(each.job.id)
            self._take_in()
        self._backlog.look_again(stuck)
        self._backlog.wake()

    def _sweep_up(self, now: float) -> None:
        if not 0 <= now - self._swept_at <= SWEEP_EVERY_S:
            self._swept_at = now
            forget_old_environments(self._settings.home, now, has_ended=self._has_ended)

    def _pause(self, *, sweeps: int) -> float:
        if self._queues.has_more:
            return SOON_S
        calm = self._monotonic() - self._stirred_at > CALM_AFTER_S
        if not calm or self._attendant.is_pressed:
            return BUSY_S
        pause = OPEN_S if len(self._jobs) or sweeps else IDLE_S
        due = self._backlog.next_due_s()
        return pause if due is None else min(pause, max(due, SOON_S))

    def _has_ended(self, job_id: str) -> bool | None:
        """None for a job that has no row."""
        try:
            return self._store.get(job_id).status.ended
        except NotFound:
            return None

    def _is_ours(self, job: Job) -> bool:
        """Other homes may keep their jobs in the same database; theirs have no folder here."""
        if self._is_of_another_host(job):
            return False
        return self._settings.database is None or (is_id(job.id) and self._ends.folder(job).exists())

    def _is_of_another_host(self, job: Job) -> bool:
        """A job that runs there is looked at from here as well: who sees it silent for long says so."""
        elsewhere = job.spec.host not in ("", self._settings.host)
        return self._shared_home and elsewhere and job.status is not JobStatus.RUNNING

    def _guarded(self, job: Job, step: Callable[[Job], Job]) -> Job:
        """The job after this step, which is kept; one damaged job must not stop the others."""
        try:
            return self._jobs.note(step(job))
        except Exception as error:  # noqa: BLE001
            self._report(job.id, "Job %s cannot be brought forward", error)
            return job

    def _report(self, subject: str, message: str, error: Exception) -> None:
        """Log a trouble when it is new; to be called while it is handled."""
        if self._troubles.get(subject) != repr(error):
            logger.exception(message, subject)
        self._troubles[subject] = repr(error)
