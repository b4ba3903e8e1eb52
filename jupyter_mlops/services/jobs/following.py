"""Rows follow folders: the step from what a job's files say to what its row says."""

from __future__ import annotations

from typing import Any

from ...entities import Exit, Job, JobStatus, Started
from ...protocols.jobs import JobStore
from .folder import JobFolder


def follow(store: JobStore, folder: JobFolder, job: Job) -> Job:
    """The job after its row was brought in line with its folder; the same when there is nothing new."""
    attempt = folder.attempt(job.attempt)
    if (end := attempt.exit()) is not None:
        return _ended(store, folder, job, attempt.started(), end)
    started = attempt.started()
    if started is not None and job.status is not JobStatus.RUNNING:
        return store.update(job, status=JobStatus.RUNNING, reason="", **_seen(started)) or job
    return job


def _ended(store: JobStore, folder: JobFolder, job: Job, started: Started | None, end: Exit) -> Job:
    """A failure gets another attempt where retries are left, and where the worker had got to work."""
    seen = {} if started is None else _seen(started)
    if may_retry(job, end, started):
        reason = f"attempt {job.attempt} failed: {end.reason}"
        fresh: dict[str, Any] = {"started_at": None, "run_id": None, "gpus": [], "handed_over": False}
        again = store.update(job, status=JobStatus.QUEUED, attempt=job.attempt + 1, reason=reason, **fresh)
        return again or job
    changes = {
        **seen,
        "status": end.status,
        "reason": end.reason,
        "ended_at": end.ended_at,
        "cause": end.cause,
        "used": end.used,
    }
    folder.forget_environment()
    return store.update(job, **changes) or job


def may_retry(job: Job, end: Exit, started: Started | None) -> bool:
    """Whether this end of the present attempt is not the end of the job."""
    failed = end.status is JobStatus.FAILED and started is not None
    return failed and job.attempt <= job.spec.retries and not job.cancel_requested


def _seen(started: Started) -> dict[str, Any]:
    """What a worker said of itself; an attempt that says so never says anything else."""
    return {"started_at": started.started_at, "run_id": started.run_id, "gpus": started.gpus}
