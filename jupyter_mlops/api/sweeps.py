"""Sweeps: one cell or notebook run over a space of parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..entities import Goal, TrialStatus, short_id
from ..errors import Conflict, InvalidInput, JobFailed, NotFound
from ..services.quantities import counted
from ..services.rows import TRIAL_COLUMNS, sweep_row, trial_row
from ..workspace import current
from .jobs import Job, used

if TYPE_CHECKING:
    import pandas as pd

    from .. import entities

NAMED = 10
"""How many metrics a message lists."""


def sweep(sweep_id: str) -> Sweep:
    """One sweep, by its id or a unique end of it. Raises NotFound or Ambiguous."""
    return Sweep(current().sweeps.get(sweep_id))


def sweeps(*, status: str | None = None, limit: int = 100) -> pd.DataFrame:
    """Sweeps as a DataFrame, newest first, with ``best_params.*`` of the best trial so far."""
    import pandas as pd

    rows = [sweep_row(each) for each in current().sweeps.search(status=status, limit=limit)]
    table = pd.DataFrame(rows, columns=list(dict.fromkeys(name for row in rows for name in row)) or None)
    for column in ("submitted", "ended"):
        if column in table:
            table[column] = pd.to_datetime(table[column], utc=True)
    return table


class Sweep(Sequence[Job]):
    """One sweep, and its jobs by the number of their trial, as many as there are by now.

    Its properties show its present state; nothing is cached but the last reading. It goes on without this
    handle: ``mlops.sweep(id)`` gives another one, in any process.
    """

    def __init__(self, entity: entities.Sweep) -> None:
        self._entity = entity

    @property
    def id(self) -> str:
        return self._entity.id

    @property
    def spec(self) -> entities.SweepSpec:
        return self._entity.spec

    @property
    def entity(self) -> entities.Sweep:
        """The last reading; ``refresh`` makes a new one."""
        return self._entity

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def status(self) -> str:
        return self.refresh().status.value

    @property
    def reason(self) -> str:
        """Why it ended as it did; empty when there is nothing to say."""
        return self.refresh().reason

    def refresh(self) -> entities.Sweep:
        """Read the sweep's present state."""
        used()
        self._entity = current().sweeps.get(self.id)
        return self._entity

    # its jobs

    @property
    def jobs(self) -> list[Job]:
        """The jobs by the number of their trial."""
        used()
        return [Job(each) for each in current().sweeps.jobs(self.id)]

    def __len__(self) -> int:
        return len(self.jobs)

    def __bool__(self) -> bool:
        return True  # a search has no job at first

    def __getitem__(self, index: Any) -> Any:
        return self.jobs[index]

    def wait(self, timeout: float | None = None) -> Sweep:
        """Wait until it has ended, however it did; raises WaitTimeout after ``timeout`` seconds."""
        used()
        self._entity = current().sweeps.wait(self.id, timeout_s=timeout)
        return self

    def cancel(self) -> Sweep:
        """Make no more trials, and ask those that are open to end. Once it has ended, nothing happens."""
        used()
        with suppress(Conflict):
            self._entity = current().sweeps.cancel(self.id)
        return self

    def raise_for_status(self) -> Sweep:
        """Raise JobFailed when it has ended without success; in a sweep without a search, for any trial."""
        sweep = self._entity
        if sweep.status.value in ("failed", "cancelled"):
            raise JobFailed(
                f"Sweep {short_id(sweep.id)} ({sweep.spec.name}) {sweep.status.value}: "
                f"{sweep.reason or 'no reason given'}. Its trials: %mlops show {short_id(sweep.id)}"
            )
        if sweep.spec.goal is None:
            for each in self.jobs:
                each.raise_for_status()
        return self

    @property
    def results(self) -> list[Any]:
        """The results of all jobs, in order; waits. Raises as ``Job.result`` does."""
        self.wait()
        return [each.result for each in self.jobs]

    def runs(self) -> pd.DataFrame:
        """The jobs' runs as a DataFrame, with the columns of ``mlops.runs``."""
        from .reading import runs

        return runs(f"sweep = '{self.id}' and kind = 'job'", limit=max(len(self), 100))

    # its trials

    @property
    def trials(self) -> list[entities.Trial]:
        """The trials by number, as they stand now."""
        used()
        return current().sweeps.trials(self.id)

    def table(self) -> pd.DataFrame:
        """The trials as a DataFrame: ``trial status value``, ``params.*``, and where to look further."""
        import pandas as pd

        rows = [trial_row(each) for each in self.trials]
        params = list(dict.fromkeys(name for row in rows for name in row if name not in TRIAL_COLUMNS))
        table = pd.DataFrame(rows, columns=[*TRIAL_COLUMNS[:3], *params, *TRIAL_COLUMNS[3:]])
        table["started"] = pd.to_datetime(table["started"], utc=True)
        return table

    def best(self, metric: str | None = None, *, goal: str | None = None) -> Job:
        """The job of the best trial so far: by the sweep's goal, or by the last value of ``metric``.

        ``goal`` is maximize (the default for another metric than the sweep's) or minimize; NaN is never
        best. Raises InvalidInput for another goal, NotFound when no trial has a value.
        """
        if goal not in (None, "maximize", "minimize"):
            raise InvalidInput(f"goal must be 'maximize' or 'minimize', not {goal!r}.")
        of_sweep = self.spec.goal
        if metric is None and of_sweep is None:
            raise InvalidInput(
                f"This sweep has no goal: name a metric, as in sweep.best('accuracy'). {self._logged()}"
            )
        if of_sweep is None or (metric or of_sweep.metric, goal or of_sweep.direction) != (
            of_sweep.metric,
            of_sweep.direction,
        ):
            known = of_sweep.direction if of_sweep and metric in (None, of_sweep.metric) else "maximize"
            return self._best_by(
                Goal(metric=metric or (of_sweep.metric if of_sweep else ""), direction=goal or known)
            )
        return Job(current().jobs.get(self._best_trial().job_id or ""))

    @property
    def best_value(self) -> float:
        """The goal's value in the best trial so far. Raises NotFound when no trial has finished."""
        return self._best_trial().value or 0.0

    @property
    def best_params(self) -> dict[str, Any]:
        """The parameters of the best trial so far. Raises NotFound when no trial has finished."""
        return self._best_trial().params

    @property
    def best_trial(self) -> entities.Trial:
        """The best trial so far. Raises NotFound when none has finished."""
        return self._best_trial()

    def importance(self) -> dict[str, float]:
        """How much each parameter matters for the goal, by Optuna's PED-ANOVA; the values sum up to 1.

        Raises NotFound where that cannot be told: it takes a goal and four finished trials that differ.
        """
        used()
        found = current().sweeps.importance(self.id)
        if found is None:
            raise NotFound(
                f"What matters in sweep {short_id(self.id)} cannot be told: that takes a goal and four "
                "finished trials whose values differ."
            )
        return found

    def parallel(self) -> entities.ParallelCoordinates:
        """Lines through the params and metrics that vary among the runs, for a plot."""
        used()
        filter = f"sweep = '{self.id}' and kind = 'job'"
        return current().runs.parallel(filter=filter, limit=max(len(self), 1))

    @property
    def dashboard(self) -> str | None:
        """The command that opens the study with optuna-dashboard; None for a plain grid."""
        return current().sweeps.dashboard(self.id)

    def _best_trial(self) -> entities.Trial:
        from ..services.sweeps.trials import best_of

        if self.spec.goal is None:
            raise InvalidInput(
                "This sweep has no goal: give it one with --goal, or use sweep.best('accuracy')."
            )
        found = best_of(self.spec.goal, self.trials)
        if found is None:
            raise NotFound(
                f"No trial of sweep {short_id(self.id)} has finished with {self.spec.goal.metric!r}. "
                f"{self._logged()}"
            )
        return found

    def _best_by(self, goal: Goal) -> Job:
        """By a metric that the sweep is not after."""
        found = [(value, each) for each in self.jobs if (value := _last(each, goal.metric)) is not None]
        if not found:
            raise NotFound(
                f"No job of sweep {short_id(self.id)} has logged {goal.metric!r}. {self._logged()}"
            )
        pick = max if goal.direction == "maximize" else min
        return pick(found, key=lambda pair: pair[0])[1]

    def _logged(self) -> str:
        """The metrics that there are, for a message that misses one."""
        runs = [current().runs.get(run_id) for each in self.jobs if (run_id := each.entity.run_id)]
        names = list(dict.fromkeys(name for run in runs for name in sorted(run.metrics)))
        shown = ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")
        return f"Logged: {shown}." if names else "Its jobs have logged no metric."

    def __repr__(self) -> str:
        sweep = self.refresh()
        states = ", ".join(
            f"{count} {status.value}"
            for status in TrialStatus
            if (count := sweep.counts.get(status.value, 0))
        )
        best = ""
        if sweep.spec.goal is not None and sweep.best_value is not None:
            best = f"; best {sweep.spec.goal.metric}={sweep.best_value:.4g} in trial {sweep.best}"
        trials = f"{counted(sweep.spec.trials, 'trial')}{': ' + states if states else ''}"
        return f"Sweep({short_id(self.id)}, {self.name!r}, {sweep.status.value}, {trials}{best})"


def _last(job: Job, metric: str) -> float | None:
    run_id = job.entity.run_id
    summary = current().runs.get(run_id).metrics.get(metric) if run_id else None
    return None if summary is None or math.isnan(summary.last) else summary.last
