"""Whether an attempt that failed is followed by another. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ...entities import Cause, Exit, Job, JobSpec, JobStatus, Started
from ..quantities import spoken

LONGEST_DELAY_S = 86400.0
NEVER = frozenset({Cause.USER, Cause.DEPENDENCY, Cause.PRUNED})
"""Ends that somebody wanted, or that another attempt would meet again."""
ONLY_WHEN_NAMED = frozenset({Cause.START, Cause.IDLE})
OUT_OF_MEMORY = frozenset({Cause.MEMORY, Cause.GPU_MEMORY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Another attempt: when it is due, whether it has its GPUs alone, and what people read meanwhile."""

    not_before: float
    exclusive: bool
    reason: str


def cause_of(end: Exit) -> Cause | None:
    """Why an attempt did not succeed; what nobody said reads as the plainest cause there is."""
    if end.status is JobStatus.SUCCEEDED:
        return None
    plainest = {JobStatus.CANCELLED: Cause.USER, JobStatus.LOST: Cause.NODE}
    return end.cause or plainest.get(end.status, Cause.ERROR)


def retry_of(job: Job, end: Exit, started: Started | None) -> Retry | None:
    """What follows this end of the job's present attempt; None where that ends the job.

    An attempt that ran out of memory on GPUs that it may have shared gets one more, beyond the retries
    that were asked for, with its GPUs alone.
    """
    if end.status is not JobStatus.FAILED or job.cancel_requested:
        return None
    cause = cause_of(end) or Cause.ERROR
    if started is None and cause is Cause.KILLED:
        cause = Cause.START
    failed = f"attempt {job.attempt} failed: {end.reason}"
    if cause in OUT_OF_MEMORY and not job.exclusive and not _met_its_own_limit(job.spec, cause):
        alone = " with its GPUs alone" if job.spec.resources.gpus else ""
        reason = f"{failed}; it ran out of memory and is tried once more{alone}"
        return Retry(not_before=end.ended_at, exclusive=True, reason=reason)
    number = job.attempt - job.exclusive
    if number > job.spec.retries or not _is_wanted(job.spec, cause):
        return None
    delay = retry_delay_s(job.spec, number)
    when = f"; it is tried again after {spoken(delay)}" if delay else ""
    reason = f"{failed}{when}"
    return Retry(not_before=end.ended_at + delay, exclusive=job.exclusive, reason=reason)


def retry_delay_s(spec: JobSpec, number: int) -> float:
    """How long after the failure the retry of this number (from 1) is due; a day at most."""
    return min(spec.retry_delay_s * 2.0 ** min(number - 1, 60), LONGEST_DELAY_S)


def _is_wanted(spec: JobSpec, cause: Cause) -> bool:
    if cause in NEVER:
        return False
    return cause in spec.retry_on if spec.retry_on else cause not in ONLY_WHEN_NAMED


def _met_its_own_limit(spec: JobSpec, cause: Cause) -> bool:
    """A job that used more memory than it had asked for does so again, whoever else is there."""
    return cause is Cause.MEMORY and spec.asked_memory_bytes is not None
