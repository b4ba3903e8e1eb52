"""The queued jobs, each where it waits: for other jobs, for its time, for a machine, for a cluster."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from ...entities import Job, short_id
from ...errors import MlopsError, Unavailable
from ...protocols.clock import Clock
from ...protocols.jobs import Executor, JobStore
from .dependencies import Dependencies
from .lines import Lines
from .open_jobs import Change, OpenJobs, has_begun
from .retries import LONGEST_DELAY_S, retry_delay_s

LOOK_AGAIN_S = 30.0
"""How soon an executor that was not there, or a job that cannot be put in line, is looked at once more."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A job that can never start, and why."""

    job: Job
    reason: str


class Backlog:
    """Follows the changes of the open jobs; a job that nothing happened to costs nothing.

    ``machines`` are the lines of those that a machine may run, by its name, ``outbox`` those for one
    cluster, ``undecided`` those that may run at several places; a job may stand in several of these.
    ``unsaid`` are the reasons of those that wait for something else, until somebody has said them.
    """

    def __init__(
        self, store: JobStore, jobs: OpenJobs, executors: Mapping[str, Executor], *, monotonic: Clock
    ) -> None:
        self._jobs = jobs
        self._executors = executors
        self._monotonic = monotonic
        self._dependencies = Dependencies(store, jobs)
        self._unsettled: set[str] = set()
        self._due: dict[str, float] = {}
        self._troubles: dict[str, str] = {}
        self.unsaid: dict[str, str] = {}
        self.machines: dict[str, Lines] = {}
        self.outbox: dict[str, Lines] = {}
        self.undecided = Lines()

    def note(self, changes: Iterable[Change]) -> None:
        """Take in what became of rows."""
        for change in changes:
            before, after = change.before, change.after
            if after is not None and after.status.ended:
                self._unsettled |= self._dependencies.ended(after)
            if before is not None and after is not None and _waits_alike(before, after):
                continue
            if before is not None:
                self._remove(before)
            if after is not None and not after.status.ended and not has_begun(after):
                self._dependencies.add(after)
                self._unsettled.add(after.id)

    def settle(self, now: float) -> list[Failed]:
        """Find where the jobs wait that something has happened to; returns those that can never start."""
        unsettled, self._unsettled = self._unsettled, set()
        try:
            return self._settled(unsettled, now)
        except BaseException:  # a database that is away: all of it once more
            self._unsettled |= unsettled
            raise

    def look_again(self, job_ids: Collection[str]) -> None:
        """At these, which could not be ended just now, with the next turn."""
        self._unsettled.update(job_ids)

    def rest(self, job_id: str, seconds: float) -> None:
        """Take a job out of its line for so long."""
        self._leave_lines(job_id)
        self._due[job_id] = self._monotonic() + seconds

    def _settled(self, unsettled: Collection[str], now: float) -> list[Failed]:
        waiting = [job for each in unsettled if (job := self._jobs.get(each)) and not has_begun(job)]
        self._dependencies.learn(waiting)
        found = [self._guarded(job, partial(self._settle, now=now)) for job in waiting]
        return [each for each in found if each is not None]

    def _settle(self, job: Job, now: float) -> Failed | None:
        verdict = self._dependencies.verdict(job)
        if verdict.failed:
            return Failed(job=job, reason=verdict.failed)
        if verdict.waits_for:
            self.unsaid[job.id] = f"waits for job {short_id(verdict.waits_for)}"
        else:
            self._release(job, now)
        return None

    def _guarded(self, job: Job, step: Callable[[Job], Failed | None]) -> Failed | None:
        """One job that cannot be put in line must not keep the others from theirs."""
        try:
            return step(job)
        except Unavailable:  # the database: nothing can be settled just now
            self._unsettled.add(job.id)
            raise
        except Exception as error:
            trouble = f"cannot be put in line: {type(error).__name__}: {error}"
            if self._troubles.get(job.id) != trouble:
                logger.exception("Job %s cannot be put in line", job.id)
            self._troubles[job.id] = self.unsaid[job.id] = trouble
            self._look_later(job)
            return None

    def wake(self) -> None:
        """Put those in line that have rested."""
        for job_id in [each for each, due in self._due.items() if due <= self._monotonic()]:
            del self._due[job_id]
            if (job := self._jobs.get(job_id)) is not None:
                self._guarded(job, self._enter)

    def next_due_s(self) -> float | None:
        """How long until the next has rested; None where none rests."""
        return min(self._due.values()) - self._monotonic() if self._due else None

    def names_of_machines(self, begun: Collection[Job]) -> list[str]:
        """The machines at which a job waits or has begun."""
        waited_for = {name for name, lines in self.machines.items() if len(lines)}
        return sorted(waited_for | {job.executor for job in begun if self._is_machine(job.executor)})

    def _release(self, job: Job, now: float) -> None:
        """One that waits for no other job: it may have to rest first.

        How long is told by the monotonic clock: one that is set back must not make it rest for years.
        """
        longest = min(retry_delay_s(job.spec, max(1, job.attempt - 1)), LONGEST_DELAY_S)
        rest = min((job.not_before or 0.0) - now, longest)
        if rest > 0:
            self._due[job.id] = self._monotonic() + rest
        else:
            self._enter(job)

    def _enter(self, job: Job) -> None:
        ready_at = self._dependencies.ready_at(job)
        if _is_undecided(job):
            self.undecided.add(job, ready_at=ready_at)
            for name in filter(self._is_machine, job.spec.executors):
                self.machines.setdefault(name, Lines()).add(job, ready_at=ready_at)
        elif why := self._missing(job.executor):
            if job.reason != why:
                self.unsaid[job.id] = why
            self._look_later(job)
        else:
            lines = self.machines if self._is_machine(job.executor) else self.outbox
            lines.setdefault(job.executor, Lines()).add(job, ready_at=ready_at)

    def _look_later(self, job: Job) -> None:
        self._due[job.id] = self._monotonic() + LOOK_AGAIN_S

    def _is_machine(self, name: str) -> bool:
        return not self._missing(name) and not self._executors[name].keeps_queue

    def _missing(self, name: str) -> str:
        """Why there is no such executor; empty where there is one.

        It may lack a package, or a setting, that was there where the job was submitted.
        """
        try:
            self._executors[name]
        except KeyError:
            return f"there is no executor {name!r} where the agent runs; install what brings it"
        except MlopsError as error:
            return error.message
        return ""

    def _remove(self, job: Job) -> None:
        if has_begun(job):
            return
        self._dependencies.remove(job)
        self._unsettled.discard(job.id)
        self._due.pop(job.id, None)
        self._troubles.pop(job.id, None)
        self.unsaid.pop(job.id, None)
        self._leave_lines(job.id)

    def _leave_lines(self, job_id: str) -> None:
        for lines in (self.undecided, *self.machines.values(), *self.outbox.values()):
            lines.remove(job_id)


def _is_undecided(job: Job) -> bool:
    return len(job.spec.executors) > 1 and not job.executor


def _waits_alike(before: Job, after: Job) -> bool:
    """Whether nothing has changed but what people read."""
    return _standing(before) == _standing(after)


def _standing(job: Job) -> tuple[object, ...]:
    return (
        job.status,
        job.attempt,
        job.executor,
        job.handed_over,
        job.not_before,
        job.exclusive,
        job.cancel_requested,
    )
