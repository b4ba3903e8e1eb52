"""What an id names: a run or a job."""

from __future__ import annotations

from contextlib import suppress

from ..entities import Job, RunDetail
from ..errors import Ambiguous, NotFound
from .jobs.service import JobService
from .runs.service import RunService


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
