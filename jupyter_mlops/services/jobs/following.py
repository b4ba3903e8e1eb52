"""Rows follow folders: the step from what a job's files say to what its row says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...entities import Exit, Job, JobStatus, Started
from ...protocols.jobs import JobStore
from ..usage.attempts import ended_attempt
from .folder import JobFolder
from .retries import OUT_OF_MEMORY, Retry, cause_of, retry_of

AFRESH: dict[str, Any] = {
    "status": JobStatus.QUEUED,
    "started_at": None,
    "run_id": None,
    "gpus": [],
    "handed_over": False,
    "warning": "",
}
"""The row of a job whose next attempt waits."""


def follow(store: JobStore, folder: JobFolder, job: Job) -> Job:
    """The job after its row was brought in line with its folder; the same when there is nothing new."""
    attempt = folder.attempt(job.attempt)
    if (end := attempt.exit()) is not None:
        used = end.used or attempt.used()
        return _ended(store, folder, job, attempt.started(), replace(end, used=used, cause=cause_of(end)))
    if job.status is JobStatus.RUNNING:
        return job
    if (started := attempt.started()) is not None:
        return store.update(job, status=JobStatus.RUNNING, reason="", **_seen(started)) or job
    return job


def _ended(store: JobStore, folder: JobFolder, job: Job, started: Started | None, end: Exit) -> Job:
    seen = {} if started is None else _seen(started)
    ended = ended_attempt(replace(job, **seen), started, end)
    if (retry := retry_of(job, end, started)) is not None:
        return store.finish(job, ended, **_again(job, retry)) or job
    changes = {
        **seen,
        "status": end.status,
        "reason": _told(job, end),
        "ended_at": end.ended_at,
        "cause": end.cause,
        "used": end.used,
        "handed_over": False,
        "warning": "",
    }
    folder.forget_environment()
    return store.finish(job, ended, **changes) or job


def _again(job: Job, retry: Retry) -> dict[str, Any]:
    """Where a job may run at several places, each attempt has the choice."""
    changes = {**AFRESH, "attempt": job.attempt + 1, "reason": retry.reason}
    changes |= {"not_before": retry.not_before, "exclusive": retry.exclusive}
    return {**changes, "executor": "", "choice": ""} if len(job.spec.executors) > 1 else changes


def _told(job: Job, end: Exit) -> str:
    if job.exclusive and end.cause in OUT_OF_MEMORY:
        return f"{end.reason} (also with its GPUs alone)"
    return end.reason


def _seen(started: Started) -> dict[str, Any]:
    """What a worker said of itself; an attempt that says so never says anything else."""
    return {"started_at": started.started_at, "run_id": started.run_id, "gpus": started.gpus}
