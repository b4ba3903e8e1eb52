"""``submit``, ``jobs``, ``logs`` and ``cancel``."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..api.replaying import detail_to_show, replay
from ..entities import Job, JobStatus, Resources, RunDetail, short_id
from ..errors import JobFailed
from ..services.jobs.service import JobService
from ..services.lookup import run_or_job
from ..services.quantities import duration_text, memory_bytes, seconds
from ..services.rows import job_row
from ..services.showing.outputs_text import outputs_text
from ..services.showing.tables import pairs
from ..services.submission.request import Request
from ..workspace import current
from .tables import clock_time, console, print_json, print_table

COLUMNS = ("id", "name", "status", "submitted", "took", "progress", "gpus", "params", "reason")


def list_jobs(arguments: Namespace) -> int:
    """``jupyter mlops jobs``."""
    status = JobStatus(arguments.status) if arguments.status else None
    found = current().jobs.search(status=status, sweep_id=arguments.sweep, limit=arguments.limit)
    if arguments.json:
        print_json([job_row(job) for job in found])
    elif found:
        print_jobs(found)
    else:
        some = status or arguments.sweep
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
        clock_time(job.spec.submitted_at),
        duration_text(end - job.started_at if end and job.started_at else None),
        f"{job.progress.done}/{job.progress.total}" if job.progress else "",
        job.spec.resources.gpus,
        pairs(job.spec.params),
        job.reason,
    )


def submit(arguments: Namespace) -> int:
    """``jupyter mlops submit``."""
    workspace = current()
    request = _request(arguments)
    notebook = Path(arguments.notebook)
    if arguments.dry_run:
        print_json(workspace.submission.dry_run_notebook(notebook, request=request))
        return 0
    submitted = workspace.submission.submit_notebook(notebook, request=request)
    for note in submitted.notes:
        console(stderr=True).print(note, markup=False)
    if not arguments.wait:
        _print_submitted(submitted.jobs, arguments)
        return 0
    return _wait(workspace.jobs, submitted.jobs, arguments)


def _request(arguments: Namespace) -> Request:
    from ..notebooks.values import parse_parameters

    resources = Resources(
        gpus=arguments.gpus,
        cpus=arguments.cpus,
        memory_bytes=memory_bytes(arguments.memory),
        time_limit_s=seconds(arguments.time),
    )
    return Request(
        name=arguments.name,
        params=parse_parameters(arguments.param),
        resources=resources,
        executor=arguments.on,
        priority=arguments.priority,
        retries=arguments.retries,
        after=tuple(arguments.after),
    )


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
    return 0


def _run_logs(detail: RunDetail, arguments: Namespace) -> int:
    if not arguments.json:
        replay(detail.run.id, follow=arguments.follow)
        return 0
    shown = detail_to_show(detail.run.id)
    log = outputs_text(shown.outputs, shown.widgets)
    print_json([{"id": detail.run.id, "status": shown.run.status, "log": log}])
    return 0


def cancel(arguments: Namespace) -> int:
    """``jupyter mlops cancel``."""
    service = current().jobs
    jobs = [service.get(short) for short in arguments.ids]  # all ids are right, or nothing is cancelled
    cancelled = [service.cancel(job.id) for job in jobs]
    if arguments.json:
        print_json([job_row(job) for job in cancelled])
    else:
        print_jobs(cancelled, "Cancelled")
    return 0
