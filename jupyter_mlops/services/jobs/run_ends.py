"""The end of a job's run, where the job's worker could not write it, or could write nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from ...entities import Exit, JobStatus, RunStatus
from ..tracking.tails import has_ended, last_end
from .causes import cause_of
from .folder import Attempt

RUN_STATUS = {
    JobStatus.SUCCEEDED: RunStatus.FINISHED,
    JobStatus.FAILED: RunStatus.FAILED,
    JobStatus.CANCELLED: RunStatus.CANCELLED,
}
JOB_STATUS = {run: job for job, run in RUN_STATUS.items()}

SettleRun = Callable[[str, RunStatus, str], None]
"""Ends the run of an attempt that could not do so itself (run id, status, reason)."""

logger = logging.getLogger(__name__)


class RunEnds:
    """Keeps the ends of jobs and of their runs alike; may be asked by the agent and by any reader."""

    def __init__(self, home: Path, settle: SettleRun) -> None:
        self._home = home
        self._settle = settle

    def see_to(self, attempt: Attempt) -> None:
        """Of an attempt that has ended: its worker may have found the disk full when its run ended."""
        end, started = attempt.exit(), attempt.started()
        if end is None or end.status not in RUN_STATUS or started is None:
            return
        if has_ended(self._home, started.run_id):
            return
        try:
            self._settle(started.run_id, RUN_STATUS[end.status], end.reason)
        except OSError as error:  # the run reads lost; its job has ended all the same
            logger.warning("The end of run %s cannot be written: %s", started.run_id, error)

    def said_by(self, attempt: Attempt, *, written_by: str) -> Exit | None:
        """How the run of a dead worker ended: it may have been killed between that and ``exit.json``."""
        started = attempt.started()
        end = None if started is None else last_end(self._home, started.run_id)
        if end is None or end.status not in JOB_STATUS:
            return None
        return Exit(
            status=JOB_STATUS[end.status],
            ended_at=end.t,
            reason=end.reason or "",
            written_by=written_by,
            cause=cause_of(end.error) if end.error is not None else None,
            used=attempt.used(),
        )
