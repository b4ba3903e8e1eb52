"""What the jobs of a sweep and their runs say of its trials. Pure."""

from __future__ import annotations

import difflib
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ...entities import Goal, Job, JobStatus, Run, Sweep, SweepSpec, Trial, TrialStatus
from ..tracking.pruning import PRUNED

STATUS = {
    JobStatus.QUEUED: TrialStatus.QUEUED,
    JobStatus.STARTING: TrialStatus.QUEUED,
    JobStatus.RUNNING: TrialStatus.RUNNING,
    JobStatus.SUCCEEDED: TrialStatus.FINISHED,
    JobStatus.FAILED: TrialStatus.FAILED,
    JobStatus.LOST: TrialStatus.FAILED,
    JobStatus.CANCELLED: TrialStatus.CANCELLED,
}
NEVER_LOGGED = "never logged "
ENOUGH_WITHOUT_GOAL = 3
"""After so many trials that went well and never logged the goal, the next ones would not log it either."""
NAMED = 10
"""How many metrics a reason lists."""


def in_order(jobs: Iterable[Job]) -> list[Job]:
    """The jobs of a sweep by the number of their trial; those without one as they were submitted."""
    return sorted(jobs, key=lambda job: (job.spec.trial or 0, job.spec.submitted_at, job.id))


def trial_of(spec: SweepSpec, number: int, job: Job, runs: Sequence[Run]) -> Trial:
    """One trial as its job and the job's runs have it."""
    value = value_of(spec.goal, runs)
    status, reason = STATUS[job.status], job.reason
    if status is TrialStatus.CANCELLED and reason.startswith(PRUNED):
        status = TrialStatus.PRUNED
    elif status is TrialStatus.FINISHED and spec.goal is not None and (value is None or math.isnan(value)):
        status, reason = TrialStatus.FAILED, _no_value(spec.goal, value, runs)
    return Trial(
        number=number,
        status=status,
        params={name: job.spec.params[name] for name in spec.space if name in job.spec.params},
        value=value,
        job_id=job.id,
        run_id=job.run_id,
        started_at=job.started_at,
        ended_at=job.ended_at,
        reason=reason,
    )


def value_of(goal: Goal | None, runs: Sequence[Run]) -> float | None:
    """The last value of the goal's metric: in the job's run, else in the latest run within it."""
    if goal is None:
        return None
    for run in (*runs[:1], *reversed(runs[1:])):
        if goal.metric in run.metrics:
            return run.metrics[goal.metric].last
    return None


def _no_value(goal: Goal, value: float | None, runs: Sequence[Run]) -> str:
    if value is not None:
        return f"{goal.metric} was NaN at the end"
    names = list(dict.fromkeys(name for run in runs for name in sorted(run.metrics)))
    if not names:
        return f"{NEVER_LOGGED}{goal.metric!r}, nor any other metric: mlops.log({_keyword(goal.metric)}...)"
    near = difflib.get_close_matches(goal.metric, names, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    shown = ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")
    return f"{NEVER_LOGGED}{goal.metric!r}, only {shown}{hint}"


def is_goal_unknown(trials: Iterable[Trial]) -> bool:
    """Whether the goal is a metric that the trials do not have, as when its name is misspelt."""
    known = list(trials)
    without = sum(each.reason.startswith(NEVER_LOGGED) for each in known)
    return without >= ENOUGH_WITHOUT_GOAL and all(each.value is None for each in known)


def _keyword(name: str) -> str:
    return f"{name}=" if name.isidentifier() else f"{{{name!r}: "


def best_of(goal: Goal | None, trials: Iterable[Trial]) -> Trial | None:
    """The finished trial with the best value; of equals the first."""
    if goal is None:
        return None
    finished = [each for each in trials if each.status is TrialStatus.FINISHED and each.value is not None]
    sign = 1 if goal.direction == "minimize" else -1
    return min(finished, key=lambda each: (sign * (each.value or 0.0), each.number), default=None)


def counts_of(trials: Iterable[Trial]) -> dict[str, int]:
    """How many trials stand where, by the status's value."""
    counted = Counter(each.status.value for each in trials)
    return {status.value: counted[status.value] for status in TrialStatus if counted[status.value]}


def standing_of(sweep: Sweep, trials: Sequence[Trial]) -> dict[str, Any]:
    """What a sweep's row says of its trials."""
    best = best_of(sweep.spec.goal, trials)
    return {
        "counts": counts_of(trials),
        "best": best.number if best else None,
        "best_value": best.value if best else None,
        "best_params": dict(best.params) if best else {},
    }
