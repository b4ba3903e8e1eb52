"""Trials of a sweep as they stand now: from its jobs' rows and their runs."""

from __future__ import annotations

from collections.abc import Sequence

from ...entities import Job, Run, Sweep, Trial, is_id
from ...protocols.jobs import JobStore
from ...protocols.sweeps import SweepRuns
from .space import MOST_TRIALS
from .trials import in_order, trial_of


class Readings:
    """Reads trials; the agent and everybody else see the same.

    With ``keeps_ended``, for the agent's many looks, a trial that has ended is not read again.
    """

    def __init__(self, jobs: JobStore, runs: SweepRuns, *, keeps_ended: bool = False) -> None:
        self._jobs = jobs
        self._runs = runs
        self._keeps_ended = keeps_ended
        self._ended: dict[str, Trial] = {}

    def jobs(self, sweep: Sweep) -> list[Job]:
        """By the number of their trial; a row whose id is none, which may be a path, is nobody's."""
        found = self._jobs.search(sweep_id=sweep.id, limit=MOST_TRIALS)
        return in_order(job for job in found if is_id(job.id))

    def trials(self, sweep: Sweep, jobs: Sequence[Job]) -> list[Trial]:
        """By number; ``jobs`` are all that the sweep has."""
        runs = self._runs_of(sweep, [job for job in jobs if job.id not in self._ended])
        trials = []
        for place, job in enumerate(jobs):
            number = place if job.spec.trial is None else job.spec.trial
            trial = self._ended.get(job.id) or trial_of(sweep.spec, number, job, runs.get(job.id, ()))
            if self._keeps_ended and job.status.ended:
                self._ended[job.id] = trial
            trials.append(trial)
        return trials

    def forget(self, jobs: Sequence[Job]) -> None:
        """Keep nothing of these any longer: their sweep has ended."""
        for job in jobs:
            self._ended.pop(job.id, None)

    def _runs_of(self, sweep: Sweep, jobs: Sequence[Job]) -> dict[str, list[Run]]:
        """The runs by job; those within them only where the goal is none of the run's own metrics."""
        started = [job.id for job in jobs if job.run_id is not None]
        if sweep.spec.goal is None or not started:
            return {}
        found: dict[str, list[Run]] = {}
        for job_id, run in self._runs.of_jobs(started).items():
            within = [] if sweep.spec.goal.metric in run.metrics else self._runs.children(run.id)
            found[job_id] = [run, *within]
        return found
