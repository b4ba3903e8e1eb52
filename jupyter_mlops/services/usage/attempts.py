"""From a job whose attempt is over to the row that is kept of it."""

from __future__ import annotations

from ...entities import EndedAttempt, Exit, Job, Started


def ended_attempt(job: Job, started: Started | None, end: Exit) -> EndedAttempt:
    """What is kept of the job's present attempt, which ended so.

    A job that had its GPU alone has held all of it.
    """
    wanted = job.spec.resources
    alone = job.exclusive and 0 < wanted.gpus < 1
    return EndedAttempt(
        job_id=job.id,
        attempt=job.attempt,
        user=job.spec.user,
        name=job.spec.name,
        notebook=job.spec.notebook,
        executor=job.executor or job.spec.executor,
        status=end.status,
        cause=end.cause,
        queued_at=max(job.spec.submitted_at, job.not_before or 0.0),
        started_at=None if started is None else started.started_at,
        ended_at=end.ended_at,
        gpus=1.0 if alone else wanted.gpus,
        cpus=wanted.cpus,
        memory_bytes=wanted.memory_bytes,
        used=end.used,
    )
