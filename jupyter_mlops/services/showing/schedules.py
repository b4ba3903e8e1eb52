"""Schedules as text: a list of them, and one with its next and its newest runs."""

from __future__ import annotations

from collections.abc import Iterable

from ...entities import Schedule, ScheduleDetail, Timing, short_id
from ..schedules.occurrences import said
from .tables import facts, pairs, table, when

COLUMNS = ("id", "name", "status", "cron", "timezone", "next", "last job", "reason")


def schedules_table(schedules: Iterable[Schedule]) -> str:
    """A line for each schedule."""
    return table(COLUMNS, map(schedule_cells, schedules))


def schedule_cells(schedule: Schedule) -> tuple[str, ...]:
    """A schedule's line, by ``COLUMNS``."""
    timing = schedule.spec.timing
    return (
        short_id(schedule.id),
        schedule.spec.name,
        status_text(schedule),
        timing.cron,
        timing.timezone,
        _said(timing, schedule.next_at),
        short_id(schedule.last_job_id) if schedule.last_job_id else "",
        schedule.reason,
    )


def status_text(schedule: Schedule) -> str:
    """``active``, or ``paused``."""
    return "active" if schedule.enabled else "paused"


def schedule_text(detail: ScheduleDetail) -> str:
    """All of a schedule."""
    schedule, timing = detail.schedule, detail.schedule.spec.timing
    template = schedule.spec.template
    head = facts(
        {
            "schedule": schedule.id,
            "name": schedule.spec.name,
            "status": status_text(schedule) + (f" ({schedule.reason})" if schedule.reason else ""),
            "when": f"{detail.text}, cron {timing.cron}",
            "next": ", ".join(said(timing, each) for each in detail.next_runs),
            "missed runs": timing.catch_up.value,
            "overlap": timing.overlap.value,
            "executor": " or ".join(template.executors or [template.executor]),
            "params": pairs(template.params, limit=20, width=1000),
            "notebook": template.notebook,
            "made": f"{when(schedule.spec.created_at)} by {schedule.spec.user}",
        }
    )
    if not detail.jobs:
        return head
    rows = [
        (
            short_id(job.id),
            job.status.value,
            job.spec.tags.get("scheduled", ""),
            when(job.spec.submitted_at),
            job.reason,
        )
        for job in detail.jobs
    ]
    return f"{head}\n\n{table(('job', 'status', 'scheduled', 'submitted', 'reason'), rows)}"


def _said(timing: Timing, time_s: float | None) -> str:
    return "" if time_s is None else said(timing, time_s)
