"""Sweeps as text: a list of them, and one with its best trials."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from ...entities import Sweep, SweepDetail, Trial, TrialStatus, short_id
from ..quantities import counted, duration_text
from .tables import facts, pairs, shown, table, when

OPEN = (TrialStatus.QUEUED, TrialStatus.RUNNING)


def sweeps_table(sweeps: Iterable[Sweep]) -> str:
    """A line for each sweep."""
    rows = [
        (
            short_id(sweep.id),
            sweep.spec.name,
            sweep.status.value,
            f"{ended_trials(sweep)}/{sweep.spec.trials}",
            goal_text(sweep),
            sweep.best_value,
            pairs(sweep.best_params),
            when(sweep.spec.submitted_at),
            sweep.reason,
        )
        for sweep in sweeps
    ]
    columns = ("id", "name", "status", "trials", "goal", "best", "best params", "submitted", "reason")
    return table(columns, rows)


def sweep_text(detail: SweepDetail, *, most: int | None = None, now: float | None = None) -> str:
    """All of a sweep with its trials, the best first; with ``most`` no more of them than that."""
    sweep, spec = detail.sweep, detail.sweep.spec
    head = facts(
        {
            "sweep": sweep.id,
            "name": spec.name,
            "status": sweep.status.value + (f" ({sweep.reason})" if sweep.reason else ""),
            "trials": counts_text(sweep),
            "goal": goal_text(sweep),
            "best": best_text(sweep),
            "sampler": " ".join(filter(None, [spec.sampler, spec.pruner and f"with {spec.pruner} pruner"])),
            "importance": pairs(by_importance(detail), limit=8, width=100),
            "submitted": when(spec.submitted_at),
            "dashboard": detail.dashboard,
        }
    )
    if not detail.trials:
        return head
    return f"{head}\n\n{trials_table(detail, most=most, now=now)}"


def trials_table(detail: SweepDetail, *, most: int | None = None, now: float | None = None) -> str:
    """The trials, the best first, and how many more there are than ``most``."""
    goal, names = detail.sweep.spec.goal, list(detail.sweep.spec.space)
    trials = in_order(detail)
    rows = [
        (
            trial.number,
            trial.status.value,
            *([trial.value] if goal else []),
            *(trial.params.get(name) for name in names),
            duration_text(took(trial, now)),
            short_id(trial.job_id) if trial.job_id else "",
            trial.reason,
        )
        for trial in trials[:most]
    ]
    columns = ("trial", "status", *([goal.metric] if goal else []), *names, "took", "job", "reason")
    left = len(trials) - len(rows)
    return table(columns, rows) + (f"\n… and {counted(left, 'more trial')}." if left else "")


def counts_text(sweep: Sweep) -> str:
    """``12 of 50 done: 9 finished, 3 pruned, 2 running``."""
    parts = [
        f"{count} {status.value}" for status in TrialStatus if (count := sweep.counts.get(status.value, 0))
    ]
    done = f"{ended_trials(sweep)} of {sweep.spec.trials} done"
    return f"{done}: {', '.join(parts)}" if parts else done


def ended_trials(sweep: Sweep) -> int:
    """How many trials have ended, however they did."""
    return sum(sweep.counts.get(status.value, 0) for status in TrialStatus if status not in OPEN)


def goal_text(sweep: Sweep) -> str:
    """``maximize val_acc``; empty where there is no goal."""
    goal = sweep.spec.goal
    return f"{goal.direction} {goal.metric}" if goal else ""


def best_text(sweep: Sweep) -> str:
    """``val_acc=0.97, trial 12 (lr=0.01)``; empty as long as no trial is best."""
    if sweep.spec.goal is None or sweep.best is None:
        return ""
    params = f" ({params_text(sweep.best_params)})" if sweep.best_params else ""
    return f"{sweep.spec.goal.metric}={shown(sweep.best_value)}, trial {sweep.best}{params}"


def params_text(params: Mapping[str, Any]) -> str:
    """``lr=0.01, depth=3``."""
    return ", ".join(f"{name}={shown(value)}" for name, value in params.items())


def in_order(detail: SweepDetail) -> list[Trial]:
    """Finished trials by the goal, the best first; then those that go on, then all others, by number."""
    goal = detail.sweep.spec.goal
    sign = -1.0 if goal is not None and goal.direction == "maximize" else 1.0

    def key(trial: Trial) -> tuple[int, float, int]:
        if goal is None:
            return 0, 0.0, trial.number
        if trial.status is TrialStatus.FINISHED and trial.value is not None and not math.isnan(trial.value):
            return 0, sign * trial.value, trial.number
        return 1 if trial.status in OPEN else 2, 0.0, trial.number

    return sorted(detail.trials, key=key)


def by_importance(detail: SweepDetail) -> dict[str, float]:
    """The parameters' parts in what the goal's values come from, the greatest first."""
    return dict(sorted((detail.importance or {}).items(), key=lambda item: -item[1]))


def took(trial: Trial, now: float | None = None) -> float | None:
    """Seconds that a trial took, or has taken until ``now``."""
    end = trial.ended_at if trial.ended_at is not None else now
    return None if trial.started_at is None or end is None else end - trial.started_at
