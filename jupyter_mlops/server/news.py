"""What the watcher asks of each service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..entities import Job, JobStatus, Progress
from .watcher import Changes, Source

if TYPE_CHECKING:
    from ..workspace import Workspace

OPEN = tuple(status for status in JobStatus if not status.ended)
MOST_OPEN_JOBS = 1_000


class News:
    """The changes of a workspace by kind; its services are opened at the first look, in its thread."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._open: dict[str, tuple[str | None, Progress | None]] = {}

    @property
    def jobs_are_open(self) -> bool:
        """Whether there was a job to wait for at the last look."""
        return bool(self._open)

    def sources(self) -> list[Source]:
        """Runs first: looking at them takes in what the journals say, also of a job's progress."""
        return [
            Source("runs", self._runs),
            Source("jobs", self._jobs),
            Source("sweeps", self._sweeps),
            Source("schedules", self._schedules),
            Source("datasets, models and features", self._registry),
        ]

    def _runs(self, since: int) -> Changes:
        seq, ids = self._workspace.runs.changes(since)
        return seq, {"runs": ids}

    def _jobs(self, since: int) -> Changes:
        service = self._workspace.jobs
        service.refresh()
        seq, ids = service.changes(since)
        now = {
            job.id: _told_by_run(job)
            for status in OPEN
            for job in service.search(status=status, limit=MOST_OPEN_JOBS)
        }
        moved = [job_id for job_id, told in now.items() if told != self._open.get(job_id, told)]
        self._open = now
        return seq, {"jobs": list(dict.fromkeys([*ids, *moved]))}

    def _sweeps(self, since: int) -> Changes:
        seq, ids = self._workspace.sweeps.changes(since)
        return seq, {"sweeps": ids}

    def _schedules(self, since: int) -> Changes:
        seq, ids = self._workspace.schedules.changes(since)
        return seq, {"schedules": ids}

    def _registry(self, since: int) -> Changes:
        found = self._workspace.registry.changes(since)
        return found.seq, {"datasets": found.datasets, "models": found.models, "features": found.views}


def _told_by_run(job: Job) -> tuple[str | None, Progress | None]:
    """What a job shows of its run: no row of the queue changes with it."""
    return job.run_id, job.progress
