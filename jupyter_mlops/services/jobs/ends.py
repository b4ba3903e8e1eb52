"""How attempts end: the file that says so, the row that follows it, and the run that ends with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...entities import Cause, Exit, Job, JobStatus
from ...protocols.jobs import JobStore
from .folder import Attempt, JobFolder
from .following import follow
from .run_ends import RunEnds

AGENT = "agent"


class Ends:
    """Ends attempts in the agent's name; the worker's own word goes before it."""

    def __init__(self, store: JobStore, home: Path, run_ends: RunEnds) -> None:
        self._store = store
        self._home = home
        self._run_ends = run_ends

    def folder(self, job: Job) -> JobFolder:
        return JobFolder.of(self._home, job.id)

    def attempt(self, job: Job) -> Attempt:
        return self.folder(job).attempt(job.attempt)

    def follow(self, job: Job) -> Job:
        """Bring the row in line with its folder, and at an attempt's end the run with that."""
        after = follow(self._store, self.folder(job), job)
        if after.status.ended or after.attempt != job.attempt:
            self._run_ends.see_to(self.attempt(job))
        return after

    def see_to_the_run(self, job: Job) -> None:
        """Of a job whose end somebody else was first to see."""
        self._run_ends.see_to(self.attempt(job))

    def end(self, job: Job, end: Exit) -> Job:
        """End the job's present attempt; the job with it, unless it is tried again."""
        if not self.folder(job).exists():
            return self.lose(job, f"its folder {self.folder(job).path} is gone", end.ended_at)
        attempt = self.attempt(job)
        attempt.finish(replace(end, used=end.used or attempt.used()))
        return self.follow(job)

    def end_of_dead(self, job: Job, end: Exit) -> Job:
        """As ``end``, of one whose worker is dead: it may have ended the run before it died."""
        return self.end(job, self._run_ends.said_by(self.attempt(job), written_by=AGENT) or end)

    def lose(self, job: Job, reason: str, now: float) -> Job:
        """A job whose folder is gone: nothing can be written of it but its row."""
        lost = {"status": JobStatus.LOST, "reason": reason, "ended_at": now, "cause": Cause.USER}
        return self._store.update(job, **lost, handed_over=False, warning="") or job


def failed(cause: Cause, reason: str, now: float) -> Exit:
    return Exit(status=JobStatus.FAILED, ended_at=now, reason=reason, written_by=AGENT, cause=cause)


def cancelled(reason: str, now: float) -> Exit:
    return Exit(status=JobStatus.CANCELLED, ended_at=now, reason=reason, written_by=AGENT, cause=Cause.USER)


def lost(reason: str, now: float) -> Exit:
    return Exit(status=JobStatus.LOST, ended_at=now, reason=reason, written_by=AGENT, cause=Cause.NODE)
