"""A schedule's runs: jobs like its template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from ...config import Settings
from ...entities import Job, JobSpec, Schedule, derived_id
from ...errors import NotFound
from ...protocols.jobs import JobStore
from ..jobs.folder import JobFolder
from .folder import Files, ScheduleFolder
from .occurrences import iso


class Queue(Protocol):
    """What schedules need of the jobs' service."""

    store: JobStore

    def enqueue(
        self,
        spec: JobSpec,
        notebook: bytes,
        environment: Mapping[str, str],
        *,
        files: Files | None = None,
    ) -> Job: ...


def queue_due(
    schedule: Schedule,
    when: float,
    queue: Queue,
    settings: Settings,
    *,
    now: float,
    follows: Sequence[str] = (),
) -> Job:
    """The run for the time ``when``, which there is once only: after a crash, it is found again."""
    job_id = derived_id(when, schedule.id)
    try:
        return queue.store.get(job_id)
    except NotFound:
        JobFolder.of(settings.home, job_id).remove()  # one without a row is garbage
    return queue_run(schedule, job_id, queue, settings, when=when, now=now, follows=follows)


def queue_run(
    schedule: Schedule,
    job_id: str,
    queue: Queue,
    settings: Settings,
    *,
    when: float,
    now: float,
    follows: Sequence[str] = (),
) -> Job:
    """A run with the id ``job_id`` for the time ``when``, after the jobs ``follows`` have ended.

    What it is comes out of the schedule's folder, not of its row, which everybody can write in a team's
    database. Raises NotFound when the schedule's folder is not whole, and what queueing raises.
    """
    folder = ScheduleFolder.of(settings.home, schedule.id)
    made = folder.spec()
    template = made.template
    spec = replace(
        template,
        id=job_id,
        submitted_at=now,
        schedule_id=schedule.id,
        tags={**template.tags, "schedule": schedule.id, "scheduled": iso(made.timing, when)},
        after_any=list(follows),
    )
    return queue.enqueue(spec, folder.template(), folder.environment(), files=folder.files())
