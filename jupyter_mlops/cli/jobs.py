"""``submit``, ``jobs``, ``logs`` and ``cancel``."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..api.replaying import detail_to_show, replay
from ..entities import Job, JobStatus, RunDetail, Schedule, Sweep, SweepStatus, short_id
from ..errors import InvalidInput, JobFailed
from ..services.jobs.service import JobService
from ..services.lookup import run_or_job
from ..services.quantities import duration_text
from ..services.rows import job_row
from ..services.showing.outputs_text import outputs_text
from ..services.showing.tables import pairs, when
from ..services.submission.plan import Told
from ..services.submission.request import Request, checked_names, flags_of, request_of
from ..workspace import current
from .tables import console, print_json, print_table

COLUMNS = ("id", "name", "status", "on", "submitted", "took", "progress", "gpus", "params", "reason")


def list_jobs(arguments: Namespace) -> int:
    """``jupyter mlops jobs``."""
    status = JobStatus(arguments.status) if arguments.status else None
    workspace = current()
    schedule_id = workspace.schedules.get(arguments.schedule).id if arguments.schedule else None
    found = workspace.jobs.search(
        status=status, sweep_id=arguments.sweep, schedule_id=schedule_id, limit=arguments.limit
    )
    if arguments.json:
        print_json([job_row(job) for job in found])
    elif found:
        print_jobs(found)
    else:
        some = status or arguments.sweep or schedule_id
        console().print("No jobs match." if some else "No jobs yet: put %%submit on top of a cell.")
    return 0


def print_jobs(jobs: Iterable[Job], title: str = "Jobs") -> None:
    """A table of jobs for people."""
    now = time.time()
    print_table(title, COLUMNS, [_cells(job, now) for job in jobs])


def _cells(job: Job, now: float) -> tuple[Any, ...]:
    end = job.ended_at or (None if job.status.ended else now)
    return (
        short_id(job.id),
        job.spec.name,
        job.status.value,
        job.executor or ", ".join(job.spec.executors),
        when(job.spec.submitted_at),
        duration_text(end - job.started_at if end and job.started_at else None),
        f"{job.progress.done}/{job.progress.total}" if job.progress else "",
        f"{job.spec.resources.gpus:g}",
        pairs(job.spec.params),
        job.reason,
    )


def submit(arguments: Namespace) -> int:
    """``jupyter mlops submit``."""
    workspace = current()
    request = _request(arguments)
    notebook = Path(arguments.notebook)
    if request.timing is not None and arguments.wait:
        raise InvalidInput("--wait waits for a job, and a schedule has none yet: leave it out.")
    if arguments.dry_run:
        print_json(workspace.submission.dry_run_notebook(notebook, request=request).notebook)
        return 0
    submitted = workspace.submission.submit_notebook(notebook, request=request, tell=_tell)
    if submitted.schedule is not None:
        return _scheduled(submitted.schedule, arguments)
    if submitted.sweep is not None and not submitted.jobs:
        return _searched(submitted.sweep, arguments)
    if not arguments.wait:
        _print_submitted(submitted.jobs, arguments)
        return 0
    return _wait(workspace.jobs, submitted.jobs, arguments)


def _request(arguments: Namespace) -> Request:
    from ..notebooks.values import parse_parameters

    return request_of(
        name=arguments.name,
        params=parse_parameters(arguments.param),
        returns=checked_names(tuple(arguments.returns), "--return"),
        include=tuple(arguments.include),
        exclude=tuple(arguments.exclude),
        write_parameters=arguments.write_parameters,
        options=arguments.options,
        **flags_of(arguments),
    )


def _scheduled(schedule: Schedule, arguments: Namespace) -> int:
    """A schedule: the agent queues its jobs."""
    from .schedule_tables import print_schedules

    print_schedules([schedule], arguments, title="Scheduled")
    return 0


def _searched(sweep: Sweep, arguments: Namespace) -> int:
    """A search: it has no jobs yet."""
    from ..services.showing.sweeps import sweep_text

    service = current().sweeps
    if arguments.wait:
        if not arguments.json:
            console(stderr=True).print("Waiting for the search; Ctrl-C stops waiting, not the search.")
        sweep = service.wait(sweep.id)
    if arguments.json:
        print_json(sweep)
    else:
        print(sweep_text(service.detail(sweep.id)))
    if arguments.wait and sweep.status is not SweepStatus.FINISHED:
        reason = sweep.reason or "see its jobs"
        raise JobFailed(f"Sweep {short_id(sweep.id)} {sweep.status.value}: {reason.rstrip('.')}.")
    return 0


def _tell(told: Told) -> None:
    for line in told.lines():
        # as for errors: here, what to do next is a command
        console(stderr=True).print(line.replace("%mlops ", "jupyter mlops "))


def _print_submitted(jobs: Sequence[Job], arguments: Namespace) -> None:
    if arguments.json:
        print_json([job_row(job) for job in jobs])
        return
    print_jobs(jobs, "Submitted")
    console().print(f"Follow it: jupyter mlops logs -f {short_id(jobs[0].id)}")


def _wait(service: JobService, jobs: Sequence[Job], arguments: Namespace) -> int:
    if not arguments.json:
        console(stderr=True).print(f"Waiting for {len(jobs)} job(s); Ctrl-C stops waiting, not the jobs.")
    ended = service.wait([job.id for job in jobs])
    if arguments.json:
        print_json([job_row(job) for job in ended])
    else:
        print_jobs(ended)
    if failed := [job for job in ended if job.status is not JobStatus.SUCCEEDED]:
        first = failed[0]
        raise JobFailed(
            f"{len(failed)} of {len(ended)} jobs did not succeed. {first.spec.name} {short_id(first.id)}: "
            f"{first.status.value}{': ' + first.reason if first.reason else ''}. "
            f"See: jupyter mlops logs {short_id(first.id)}"
        )
    return 0


def logs(arguments: Namespace) -> int:
    """``jupyter mlops logs``: a job's log, or what a run displayed."""
    workspace = current()
    found = run_or_job(workspace.runs, workspace.jobs, arguments.id)
    if not isinstance(found, Job):
        return _run_logs(found, arguments)
    texts = workspace.jobs.log_texts(found.id, follow=arguments.follow)
    if arguments.json:
        log = "".join(texts)
        print_json([{"id": found.id, "status": workspace.jobs.get(found.id).status, "log": log}])
        return 0
    for text in texts:
        sys.stdout.write(text)
        sys.stdout.flush()
    if arguments.follow:
        _tell_end(workspace.jobs.get(found.id))
    return 0


def _tell_end(job: Job) -> None:
    """Beside the log, which a worker that was killed, or never began, has not ended."""
    if job.status is not JobStatus.SUCCEEDED:
        reason = f": {job.reason}" if job.reason else ""
        print(f"Job {short_id(job.id)} {job.status.value}{reason}", file=sys.stderr)


def _run_logs(detail: RunDetail, arguments: Namespace) -> int:
    if not arguments.json:
        replay(detail.run.id, follow=arguments.follow)
        return 0
    shown = detail_to_show(detail.run.id)
    log = outputs_text(shown.outputs, shown.widgets)
    print_json([{"id": detail.run.id, "status": shown.run.status, "log": log}])
    return 0


def cancel(arguments: Namespace) -> int:
    """``jupyter mlops cancel``: jobs, and sweeps with all their open trials."""
    from ..services.lookup import job_or_sweep
    from ..services.rows import sweep_row
    from .sweeps import print_sweeps

    service, sweeps = current().jobs, current().sweeps
    # all ids are right, or nothing is cancelled
    named = [job_or_sweep(service, sweeps, short) for short in arguments.ids]
    cancelled = [service.cancel(each) for kind, each in named if kind == "job"]
    stopped = [sweeps.cancel(each) for kind, each in named if kind == "sweep"]
    if arguments.json:
        print_json([*map(job_row, cancelled), *map(sweep_row, stopped)])
        return 0
    if cancelled:
        print_jobs(
            cancelled, "Cancelled" if all(job.status.ended for job in cancelled) else "Being cancelled"
        )
    if stopped:
        print_sweeps(stopped, "Cancelled")
    return 0
