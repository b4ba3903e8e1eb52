"""Sweeps: one cell or notebook run over a space of parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .jobs import JobSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """What values a parameter may take: ``low`` to ``high``, both included, or one of the ``choices``.

    ``kind`` is "uniform", "loguniform", "int", "logint" or "choice". ``step`` is the distance of the values
    of an int or a uniform, None for 1 and for any number. Choices are scalars.
    """

    kind: str
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What a sweep is after: the greatest ("maximize") or the least ("minimize") last value of a metric."""

    metric: str
    direction: str


class SweepStatus(str, Enum):
    """Where a sweep stands; it has failed when none of its trials has succeeded."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self is not SweepStatus.RUNNING


class TrialStatus(str, Enum):
    """Where one trial stands. One that was pruned is neither failed nor cancelled."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    PRUNED = "pruned"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self not in (TrialStatus.QUEUED, TrialStatus.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSpec:
    """What a sweep is, as it was submitted.

    A "grid" without a pruner has all its jobs queued at once; else trials are made one after the other, at
    most ``parallel`` of them open, by the ``sampler`` ("tpe", "random", "cmaes" or "grid"). ``pruner`` is
    "median", "hyperband" or None. ``template`` is what the trials' jobs share.
    """

    id: str
    name: str
    experiment: str
    submitted_at: float
    space: dict[str, Distribution]
    trials: int
    sampler: str
    template: JobSpec
    goal: Goal | None = None
    pruner: str | None = None
    seed: int | None = None
    parallel: int | None = None
    user: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A sweep as lists show it. ``counts`` has how many trials stand where, by the trial status's value;
    ``best`` is the number of the best trial so far, ``best_value`` its value.
    """

    spec: SweepSpec
    status: SweepStatus
    reason: str = ""
    ended_at: float | None = None
    cancel_requested: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    best: int | None = None
    best_value: float | None = None
    best_params: dict[str, Any] = field(default_factory=dict)
    seq: int = 0

    @property
    def id(self) -> str:
        return self.spec.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One job of a sweep. ``value`` is the goal's metric: its last value, or None as long as it has none."""

    number: int
    status: TrialStatus
    params: dict[str, Any]
    value: float | None = None
    job_id: str | None = None
    run_id: str | None = None
    started_at: float | None = None
    ended_at: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepDetail:
    """A sweep with its trials by number, and how much each parameter matters for the goal.

    ``importance`` sums up to 1; it is None where it cannot be told: no goal, or too few finished trials.
    ``dashboard`` is the command that opens the study with optuna-dashboard; None for a plain grid.
    """

    sweep: Sweep
    trials: list[Trial]
    importance: dict[str, float] | None = None
    dashboard: str | None = None
