"""The open jobs in memory: read whole once, from then on only what has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ...entities import Job, JobStatus
from ...protocols.jobs import JobStore

NEVER = 2**62
"""A ``seq`` that no change will have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of a job's row; None where there was none, or where it is no longer ours to see to.

    ``by_others``: it was not written through this agent.
    """

    before: Job | None
    after: Job | None
    by_others: bool = False


class OpenJobs:
    """The jobs that ``is_ours`` and that have not ended, as the store last had them.

    Ten thousand rows cost half a second to read and to decode, one question for changes a millisecond.
    """

    def __init__(self, store: JobStore, *, is_ours: Callable[[Job], bool]) -> None:
        self._store = store
        self._is_ours = is_ours
        self._seq: int | None = None
        self._jobs: dict[str, Job] = {}
        self._begun: dict[str, Job] = {}
        self._seqs: dict[str, int] = {}
        self._dropped: set[str] = set()
        self.changes: list[Change] = []

    def refresh(self) -> None:
        """Take in what others did to the rows. ``changes`` grows by it."""
        if self._seq is None:
            seq, _ = self._store.changes(NEVER)
            for job in self._store.open():
                self.note(job)
            self._seq = seq
            return
        seq, changed = self._store.changed(self._seq, self._seqs)
        if seq < self._seq:  # an older database was put in this one's place
            self._forget()
            self.refresh()
            return
        for job in changed:
            self.note(job, by_others=True)
        self._seq = seq
        self._forget_seqs()

    def note(self, job: Job, *, by_others: bool = False) -> Job:
        """Keep a row as it was read or written."""
        known = self._seqs.get(job.id, -1)
        if job.seq <= known:
            return self._jobs.get(job.id, job)
        before = self._jobs.get(job.id)
        after = job if not job.status.ended and self._is_ours(job) else None
        self._seqs[job.id] = job.seq
        if after is None:
            self._drop(job.id)
        else:
            self._jobs[job.id] = job
            self._keep_begun(job)
        after = job if job.status.ended else after
        self.changes.append(Change(before=before, after=after, by_others=by_others))
        return job

    def take_changes(self) -> list[Change]:
        """What has changed since this was asked last."""
        taken, self.changes = self.changes, []
        return taken

    def get(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    def begun(self) -> list[Job]:
        """Those whose attempt was started or handed over."""
        return list(self._begun.values())

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[Job]:
        return iter(list(self._jobs.values()))

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._jobs

    def _keep_begun(self, job: Job) -> None:
        if has_begun(job):
            self._begun[job.id] = job
        else:
            self._begun.pop(job.id, None)

    def _drop(self, job_id: str) -> None:
        """Its ``seq`` is still known: what was written here comes back with the changes, and is none."""
        self._jobs.pop(job_id, None)
        self._begun.pop(job_id, None)
        self._dropped.add(job_id)

    def _forget_seqs(self) -> None:
        """Of those that have ended, once all that was written of them has come back."""
        for job_id in self._dropped:
            if job_id not in self._jobs and self._seqs.get(job_id, 0) <= (self._seq or 0):
                self._seqs.pop(job_id, None)
        self._dropped = {each for each in self._dropped if each in self._seqs and each not in self._jobs}

    def _forget(self) -> None:
        self._seq = None
        self._seqs = {}
        for job in self:
            self._drop(job.id)
            self.changes.append(Change(before=job, after=None))


def has_begun(job: Job) -> bool:
    """Whether the present attempt was started, or handed over to an executor's own queue."""
    return job.handed_over or job.status is not JobStatus.QUEUED
