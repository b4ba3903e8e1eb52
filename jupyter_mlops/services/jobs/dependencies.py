"""Which jobs wait for which others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ...entities import Cause, Job, JobStatus, short_id
from ...errors import NotFound
from ...protocols.jobs import JobStore
from .open_jobs import OpenJobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``waits_for`` is a job that has to end first, ``failed`` why the job can never start."""

    waits_for: str = ""
    failed: str = ""

    @property
    def is_ready(self) -> bool:
        return not (self.waits_for or self.failed)


READY = Verdict()


class Dependencies:
    """Remembers who follows whom, so that an end is told to its followers and to nobody else.

    There is no cycle to be found here: a job names, when it is submitted, only jobs that are there
    already, and what it names never changes.
    """

    def __init__(self, store: JobStore, open_jobs: OpenJobs) -> None:
        self._store = store
        self._open = open_jobs
        self._followers: dict[str, set[str]] = defaultdict(set)
        self._ended: dict[str, Job] = {}

    def add(self, job: Job) -> None:
        """A job that waits, perhaps for others."""
        for each in _followed(job):
            self._followers[each].add(job.id)

    def remove(self, job: Job) -> None:
        """One that waits no longer."""
        for each in _followed(job):
            self._followers[each].discard(job.id)
            if not self._followers[each]:
                del self._followers[each]
                self._ended.pop(each, None)

    def ended(self, job: Job) -> set[str]:
        """Who followed the job that has ended: their verdicts may be others now."""
        followers = self._followers.get(job.id)
        if not followers:
            return set()
        self._ended[job.id] = job
        return set(followers)

    def learn(self, jobs: Iterable[Job]) -> None:
        """Read what these follow and is not open, all at once."""
        followed = {each for job in jobs for each in _followed(job)}
        unknown = [each for each in followed if each not in self._open and each not in self._ended]
        for start in range(0, len(unknown), 500):
            batch = unknown[start : start + 500]
            for found in self._store.search(ids=batch, limit=len(batch)):
                self._ended[found.id] = found

    def verdict(self, job: Job) -> Verdict:
        """Whether all that the job follows have ended as they should."""
        waits_for = ""
        for each in job.spec.after:
            followed = self._look(each)
            if followed is None:
                return Verdict(failed=f"job {each}, which it was to follow, is unknown")
            if not followed.status.ended:
                waits_for = waits_for or each
            elif followed.status is not JobStatus.SUCCEEDED:
                return Verdict(failed=self._told(followed))
        for each in job.spec.after_any:
            followed = self._look(each)
            if followed is not None and not followed.status.ended:
                waits_for = waits_for or each
        return Verdict(waits_for=waits_for) if waits_for else READY

    def ready_at(self, job: Job) -> float:
        """Since when nothing but its turn keeps a job of which the verdict is ready."""
        followed = (self._look(each) for each in _followed(job))
        ends = [each.ended_at or 0.0 for each in followed if each is not None]
        return max(job.spec.submitted_at, job.not_before or 0.0, *ends)

    def _look(self, job_id: str) -> Job | None:
        known = self._open.get(job_id) or self._ended.get(job_id)
        if known is not None:
            return known
        try:
            return self._store.get(job_id)
        except NotFound:
            return None

    def _told(self, followed: Job) -> str:
        """Why, down to the job with which the trouble began."""
        name = f"job {short_id(followed.id)}, which it was to follow,"
        if followed.cause is not Cause.DEPENDENCY:
            return f"{name} {_outcome(followed)}"
        return f"{name} never ran: {_outcome(self._root(followed), named=True)}"

    def _root(self, job: Job) -> Job:
        seen = {job.id}
        while job.cause is Cause.DEPENDENCY:
            followed = [self._look(each) for each in job.spec.after]
            failed = [each for each in followed if each is not None and _has_failed(each)]
            if not failed or failed[0].id in seen:
                return job
            job = failed[0]
            seen.add(job.id)
        return job


def _followed(job: Job) -> list[str]:
    return [*job.spec.after, *job.spec.after_any]


def _has_failed(job: Job) -> bool:
    return job.status.ended and job.status is not JobStatus.SUCCEEDED


def _outcome(job: Job, *, named: bool = False) -> str:
    """``failed: cell 3 raised ValueError``, or with the job's name before it."""
    reason = f": {job.reason}" if job.reason else ""
    name = f"job {short_id(job.id)} ({job.spec.name}) " if named else ""
    return f"{name}{'was ' if job.status in WAS else ''}{job.status.value}{reason}"


WAS = (JobStatus.CANCELLED, JobStatus.LOST)
