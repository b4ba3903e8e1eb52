"""The study of a sweep in Optuna's storage: asked for trials, told their ends.

The only module that knows Optuna. It is imported when a search is under way, or its importance is asked for.

Any call may be the last one of a process that is killed, and the next process goes on where it was: a trial
is asked for in several small transactions, of which the last one notes its job's id, and ``trials``
tells how far it came. No sampler is kept: each trial gets one that is seeded by the sweep's seed and the
trial's number, so that a new process does not draw the same numbers again.
"""

from __future__ import annotations

import math
import sqlite3
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, CmaEsSampler, RandomSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from ...entities import Distribution, SweepSpec, Trial, TrialStatus
from .space import point_of_grid

JOB_ID = "job"
"""The user attribute of a trial that names its job."""
BUSY_TIMEOUT_S = 60.0
FEWEST = 4
"""Finished trials below which no importance is told."""
STATE = {
    TrialStatus.FINISHED: TrialState.COMPLETE,
    TrialStatus.PRUNED: TrialState.PRUNED,
    TrialStatus.FAILED: TrialState.FAIL,
    TrialStatus.CANCELLED: TrialState.FAIL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A trial as the study has it. ``params`` are None while it is not known to the end what was asked."""

    number: int
    is_open: bool
    job_id: str | None
    params: dict[str, Any] | None
    last_step: int | None


def url_of(path: Path) -> str:
    """The storage's URL, as optuna-dashboard takes it."""
    return f"sqlite:///{path}"


class Study:
    """The study of one sweep, made where there is none."""

    def __init__(self, spec: SweepSpec, path: Path) -> None:
        self._spec = spec
        self._distributions = {name: _distribution(each) for name, each in spec.space.items()}
        _make_file(path)
        with _quiet():
            self._storage = optuna.storages.RDBStorage(
                url_of(path), engine_kwargs={"connect_args": {"timeout": BUSY_TIMEOUT_S}}
            )
            self._study = optuna.create_study(
                study_name=f"{spec.name} {spec.id}",
                storage=self._storage,
                direction=_direction(spec),
                pruner=_pruner(spec),
                load_if_exists=True,
            )

    def trials(self) -> list[Asked]:
        """All trials by number."""
        return [self._asked(each) for each in self._study.get_trials(deepcopy=False)]

    def ask(self, job_id: str) -> Asked:
        """One more trial, with the id that its job will have."""
        number = len(self._study.get_trials(deepcopy=False))
        if self._spec.sampler == "grid":
            self._add(TrialState.RUNNING, point_of_grid(self._spec.space, number), job_id)
            return self.trials()[number]
        with _quiet():
            self._study.sampler = _sampler(self._spec, number)
            return self._complete(self._study.ask(), job_id)

    def resume(self, number: int, job_id: str) -> Asked:
        """Ask to the end for a trial whose asking was cut short."""
        with _quiet():
            self._study.sampler = _sampler(self._spec, number)
            trial_id = self._study.get_trials(deepcopy=False)[number]._trial_id
            return self._complete(optuna.trial.Trial(self._study, trial_id), job_id)

    def report(self, number: int, step: int, value: float) -> bool:
        """Hand in an intermediate value; whether the pruner would stop the trial there."""
        trial_id = self._study.get_trials(deepcopy=False)[number]._trial_id
        self._storage.set_trial_intermediate_value(trial_id, step, value)
        with _quiet():
            return self._study.pruner.prune(self._study, self._storage.get_trial(trial_id))

    def tell(self, number: int, trial: Trial) -> None:
        """Hand in how a trial ended."""
        state = STATE[trial.status]
        values = trial.value if state is TrialState.COMPLETE else None
        with _quiet():
            self._study.tell(number, values, state=state)

    def adopt(self, trials: Sequence[Trial]) -> None:
        """Put in the trials that the study has lost, or never had: its file was deleted."""
        by_number = {trial.number: trial for trial in trials}
        for number in range(len(self._study.get_trials(deepcopy=False)), max(by_number, default=-1) + 1):
            trial = by_number.get(number)
            if trial is None:  # it was asked for, and never got a job
                self._add(TrialState.FAIL, {}, "")
                continue
            state = STATE.get(trial.status, TrialState.RUNNING)
            value = trial.value if state is TrialState.COMPLETE else None
            self._add(state, trial.params, trial.job_id or "", value)

    def close(self) -> None:
        self._storage.remove_session()
        self._storage.engine.dispose()

    def _add(
        self, state: TrialState, params: Mapping[str, Any], job_id: str, value: float | None = None
    ) -> None:
        fitting = _fitting(params, self._distributions)
        with _quiet():
            self._study.add_trial(
                create_trial(
                    state=state,
                    value=value,
                    params=fitting,
                    distributions={name: self._distributions[name] for name in fitting},
                    user_attrs={JOB_ID: job_id},
                )
            )

    def _complete(self, trial: optuna.trial.Trial, job_id: str) -> Asked:
        """Suggesting again what was suggested before gives the same value."""
        for name, distribution in self._distributions.items():
            _suggest(trial, name, distribution)
        trial.set_user_attr(JOB_ID, job_id)
        return self._asked(self._storage.get_trial(trial._trial_id))

    def _asked(self, trial: FrozenTrial) -> Asked:
        whole = set(self._distributions) <= set(trial.params)
        return Asked(
            number=trial.number,
            is_open=not trial.state.is_finished(),
            job_id=trial.user_attrs.get(JOB_ID),
            params=dict(trial.params) if whole else None,
            last_step=trial.last_step,
        )


def importance_of(spec: SweepSpec, trials: Sequence[Trial]) -> dict[str, float] | None:
    """How much each parameter matters for the goal, the most first; None where that cannot be told."""
    varied = {name: _distribution(each) for name, each in spec.space.items()}
    finished = [
        each
        for each in trials
        if each.status is TrialStatus.FINISHED
        and each.value is not None
        and math.isfinite(each.value)
        and _fitting(each.params, varied).keys() == varied.keys()
    ]
    if len(finished) < FEWEST or len({each.value for each in finished}) < 2:
        return None
    with _quiet():
        study = optuna.create_study(direction=_direction(spec))
        study.add_trials(
            [
                create_trial(params=_fitting(each.params, varied), distributions=varied, value=each.value)
                for each in finished
            ]
        )
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        return dict(optuna.importance.get_param_importances(study, evaluator=evaluator))


def _fitting(params: Mapping[str, Any], distributions: Mapping[str, BaseDistribution]) -> dict[str, Any]:
    """The params as far as they are values that can have been asked for: a secret's is only a mask."""
    return {
        name: value
        for name, value in params.items()
        if name in distributions and _fits(distributions[name], value)
    }


def _fits(distribution: BaseDistribution, value: Any) -> bool:
    if isinstance(distribution, CategoricalDistribution):
        return any(value == each and type(value) is type(each) for each in distribution.choices)
    assert isinstance(distribution, (FloatDistribution, IntDistribution))
    return isinstance(value, (int, float)) and distribution.low <= value <= distribution.high


def _distribution(space: Distribution) -> BaseDistribution:
    if space.kind == "choice":
        return CategoricalDistribution(list(space.choices))
    assert space.low is not None
    assert space.high is not None
    if space.kind in ("int", "logint"):
        return IntDistribution(
            int(space.low), int(space.high), log=space.kind == "logint", step=int(space.step or 1)
        )
    return FloatDistribution(space.low, space.high, log=space.kind == "loguniform", step=space.step)


def _suggest(trial: optuna.trial.Trial, name: str, distribution: BaseDistribution) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(name, distribution.choices)
    if isinstance(distribution, IntDistribution):
        return trial.suggest_int(
            name, distribution.low, distribution.high, step=distribution.step, log=distribution.log
        )
    assert isinstance(distribution, FloatDistribution)
    return trial.suggest_float(
        name, distribution.low, distribution.high, step=distribution.step, log=distribution.log
    )


def _sampler(spec: SweepSpec, number: int) -> BaseSampler:
    seed = None if spec.seed is None else crc32(f"{spec.seed}/{number}".encode())
    if spec.sampler == "tpe":
        return TPESampler(seed=seed, constant_liar=True)  # others are under way while it is asked
    if spec.sampler == "cmaes":
        return CmaEsSampler(seed=seed, warn_independent_sampling=False)
    return RandomSampler(seed=seed)


def _direction(spec: SweepSpec) -> StudyDirection:
    maximize = spec.goal is not None and spec.goal.direction == "maximize"
    return StudyDirection.MAXIMIZE if maximize else StudyDirection.MINIMIZE


def _pruner(spec: SweepSpec) -> BasePruner:
    if spec.pruner == "median":
        return MedianPruner()
    return HyperbandPruner() if spec.pruner == "hyperband" else NopPruner()


def _make_file(path: Path) -> None:
    """With a write-ahead log, which stays: who looks with optuna-dashboard does not hold the agent up."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Optuna's remarks, which would appear below the user's cell; and as it was afterwards."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of experimental features, which we ask for by name
            yield
    finally:
        optuna.logging.set_verbosity(before)
