"""What an id names: a run, a job, a sweep or a schedule."""

from __future__ import annotations

from contextlib import suppress

from ..entities import Job, RunDetail, ScheduleDetail, SweepDetail, short_id
from ..errors import Ambiguous, NotFound
from .jobs.service import JobService
from .runs.service import RunService
from .schedules.service import ScheduleService
from .sweeps.service import SweepService


def run_or_job(runs: RunService, jobs: JobService, short: str) -> RunDetail | Job:
    """By a whole id or the end of one. Raises Ambiguous when it names both, NotFound when neither."""
    run: RunDetail | None = None
    job: Job | None = None
    with suppress(NotFound):
        run = runs.detail(short)
    with suppress(NotFound):
        job = jobs.get(short)
    if run is not None and job is not None:
        raise Ambiguous(f"{short!r} is the end of run {run.run.id} and of job {job.id}: give more of the id.")
    found = run or job
    if found is None:
        raise NotFound(f"No run or job {short!r}. List them: %mlops runs, %mlops jobs.")
    return found


def run_job_or_sweep(
    runs: RunService, jobs: JobService, sweeps: SweepService, short: str
) -> RunDetail | Job | SweepDetail:
    """By a whole id or the end of one. Raises Ambiguous when it names several, NotFound when none."""
    found: RunDetail | Job | None = None
    sweep: SweepDetail | None = None
    with suppress(NotFound):
        found = run_or_job(runs, jobs, short)
    with suppress(NotFound):
        sweep = sweeps.detail(short)
    if found is not None and sweep is not None:
        raise Ambiguous(f"{short!r} is also the end of sweep {sweep.sweep.id}: give more of the id.")
    either = found or sweep
    if either is None:
        raise NotFound(f"No run, job or sweep {short!r}. List them: %mlops runs, %mlops jobs, %mlops sweeps.")
    return either


def anything(
    runs: RunService, jobs: JobService, sweeps: SweepService, schedules: ScheduleService, short: str
) -> RunDetail | Job | SweepDetail | ScheduleDetail:
    """By a whole id or the end of one. Raises Ambiguous when it names several, NotFound when none."""
    found: RunDetail | Job | SweepDetail | None = None
    schedule: ScheduleDetail | None = None
    with suppress(NotFound):
        found = run_job_or_sweep(runs, jobs, sweeps, short)
    with suppress(NotFound):
        schedule = schedules.detail(short)
    if found is not None and schedule is not None:
        raise Ambiguous(f"{short!r} is also the end of schedule {schedule.schedule.id}: give more of the id.")
    either = found or schedule
    if either is None:
        raise NotFound(
            f"No run, job, sweep or schedule {short!r}. List them: %mlops runs, %mlops jobs, %mlops sweeps, "
            "%mlops schedules."
        )
    return either


def job_or_sweep(jobs: JobService, sweeps: SweepService, short: str) -> tuple[str, str]:
    """``("job", id)`` or ``("sweep", id)`` of what can be cancelled. Raises Ambiguous, NotFound."""
    named: list[tuple[str, str]] = []
    with suppress(NotFound):
        named.append(("job", jobs.get(short).id))
    with suppress(NotFound):
        named.append(("sweep", sweeps.get(short).id))
    if len(named) > 1:
        names = " and of ".join(f"{kind} {short_id(each)}" for kind, each in named)
        raise Ambiguous(f"{short!r} is the end of {names}: give more of the id.")
    if not named:
        raise NotFound(f"No job or sweep {short!r}. List them: %mlops jobs, %mlops sweeps.")
    return named[0]
