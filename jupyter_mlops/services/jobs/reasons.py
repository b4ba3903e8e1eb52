"""Why queued jobs wait, written where people read it: seldom, a few at a time, the first in line first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from ...entities import Job
from ...protocols.clock import Clock
from ...protocols.jobs import JobStore
from .open_jobs import OpenJobs, has_begun

AT_ONCE = 25
READ = 100
"""How many of those in line people look at; the reason of one far behind is that of its line."""
EVERY_S = 2.0


class Reasons:
    """What is to be said of the queued jobs of one turn after another."""

    def __init__(self, store: JobStore, jobs: OpenJobs, *, monotonic: Clock) -> None:
        self._store = store
        self._jobs = jobs
        self._monotonic = monotonic
        self._said_at = float("-inf")

    def say(self, reasons: Mapping[str, str]) -> bool:
        """Write what is new among the first of these; whether there is more of it.

        A job without a reason gets one at once. One that is only put in other words waits: words that
        change with each turn would keep every reader busy.
        """
        due = self._monotonic() - self._said_at >= EVERY_S
        new = [each for each in self._new(reasons) if due or not each[0].reason]
        if due and new:
            self._said_at = self._monotonic()
        self._write(new[:AT_ONCE])
        return len(new) > AT_ONCE

    def tell(self, reasons: Mapping[str, str]) -> None:
        """Write these now; there are few, and they stay as they are."""
        self._write(self._new(reasons))

    def _new(self, reasons: Mapping[str, str]) -> list[tuple[Job, str]]:
        jobs = ((self._jobs.get(job_id), reason) for job_id, reason in islice(reasons.items(), READ))
        return [(job, why) for job, why in jobs if job and not has_begun(job) and job.reason != why]

    def _write(self, reasons: Sequence[tuple[Job, str]]) -> None:
        for job in self._store.explain(reasons):
            self._jobs.note(job)
