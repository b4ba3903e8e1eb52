"""The agent's loop over sweeps: asks for trials, submits them, prunes them and tells how they ended.

What has been done is read from the study, the jobs' rows and the attempts' folders at each look, so that an
agent that was killed at any point is replaced by any other: a trial without a job gets its job, under the id
that was noted for it, and one whose job has ended and that is still open is told.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, cast

from ...config import Settings
from ...entities import (
    Job,
    JobSpec,
    Resources,
    Sweep,
    SweepSpec,
    SweepStatus,
    Trial,
    TrialStatus,
    new_id,
)
from ...errors import Conflict, InvalidInput, MissingPackage, NotFound, Unavailable, Unsupported
from ...protocols.jobs import Executor, JobStore, Machine
from ...protocols.sweeps import SweepRuns, SweepStore
from ..jobs.folder import JobFolder
from ..tracking.pruning import PRUNED, ask, asked
from .folder import SweepFolder
from .intermediate import reported_steps
from .readings import Readings
from .trials import is_goal_unknown, standing_of

if TYPE_CHECKING:
    from .study import Asked, Study

LOOK_EVERY_S = 0.5
"""How often running trials are looked at that may be pruned."""
ASKED_AT_ONCE = 4
"""Trials that are asked for in one turn: jobs must not wait for a sampler."""
TRIALS_ON_A_CLUSTER = 8
"""Trials of a search that are open at once there, where nobody says how many."""
REPORTED_AT_ONCE = 32
"""Values of a trial that are handed in in one turn."""
HOPELESS = (InvalidInput, MissingPackage, NotFound, Unsupported)
"""What ends a search: its next trials would meet it as well."""

logger = logging.getLogger(__name__)


class Queue(Protocol):
    """What the loop needs of the jobs' service."""

    store: JobStore

    def enqueue(self, spec: JobSpec, notebook: bytes, environment: Mapping[str, str]) -> Job: ...

    def cancel(self, job_id: str) -> Job: ...


@dataclass(slots=True)
class _Search:
    """A search that is under way; ``counts`` has how many points of a run's goal the study was handed.

    ``spec`` comes out of the sweep's folder: a row of a team's database can be written by everybody.
    """

    spec: SweepSpec
    study: Study
    counts: dict[str, int]


class SweepLoop:
    """Brings the sweeps of one home forward.

    ``capacity`` says how many jobs as this one can run at once; ``shared_home`` as for jobs.
    """

    def __init__(
        self,
        store: SweepStore,
        queue: Queue,
        runs: SweepRuns,
        settings: Settings,
        *,
        open_study: Callable[[SweepSpec], Study],
        capacity: Callable[[JobSpec], int],
        shared_home: bool = False,
    ) -> None:
        self._store = store
        self._queue = queue
        self._runs = runs
        self._settings = settings
        self._open_study = open_study
        self._capacity = capacity
        self._shared_home = shared_home
        self._readings = Readings(queue.store, runs, keeps_ended=True)
        self._searches: dict[str, _Search] = {}
        self._seq = -1
        self._looked: dict[str, tuple[int, float]] = {}
        self._troubles: dict[str, str] = {}

    def tick(self, now: float) -> int:
        """Bring every open sweep forward as far as it goes just now; returns how many are open."""
        sweeps = [sweep for sweep in self._store.open() if self._is_ours(sweep)]
        if not sweeps:
            return 0
        self._seq, changed = self._queue.store.changes(self._seq)
        return sum(not self._guarded(sweep, bool(changed), now).status.ended for sweep in sweeps)

    def _is_ours(self, sweep: Sweep) -> bool:
        """As for jobs: other homes may use the same database, and other hosts the same home."""
        elsewhere = sweep.spec.host not in ("", self._settings.host)
        return not (self._shared_home and elsewhere) and self._lies_here(sweep)

    def _lies_here(self, sweep: Sweep) -> bool:
        return SweepFolder.find(self._settings.home, sweep.id) is not None

    def _folder(self, sweep: Sweep) -> SweepFolder:
        return SweepFolder.of(self._settings.home, sweep.id)

    def _guarded(self, sweep: Sweep, jobs_changed: bool, now: float) -> Sweep:
        seq, looked_at = self._looked.get(sweep.id, (-1, 0.0))
        is_due = sweep.spec.pruner is not None and not 0 <= now - looked_at < LOOK_EVERY_S
        if not (jobs_changed or is_due or seq != sweep.seq):
            return sweep
        try:
            after = self._advance(sweep, now)
            self._troubles.pop(sweep.id, None)
        except Exception as error:  # noqa: BLE001  logged below; one damaged sweep must not stop the others; it is tried again
            self._looked.pop(sweep.id, None)
            return self._tell_trouble(sweep, error)
        self._looked[sweep.id] = (after.seq, now)
        return after

    def _tell_trouble(self, sweep: Sweep, error: Exception) -> Sweep:
        """Once a trouble, in the log and in the row."""
        if self._troubles.get(sweep.id) == repr(error):
            return sweep
        self._troubles[sweep.id] = repr(error)
        logger.exception("Sweep %s cannot be brought forward", sweep.id)
        reason = sweep.reason if sweep.cancel_requested else f"cannot go on: {type(error).__name__}: {error}"
        with contextlib.suppress(Unavailable):
            return self._store.update(sweep, reason=reason) or sweep
        return sweep

    def _advance(self, sweep: Sweep, now: float) -> Sweep:
        jobs = self._readings.jobs(sweep)
        if sweep.cancel_requested:
            self._cancel(jobs)
        trials = self._readings.trials(sweep, jobs)
        is_over = all(trial.status.ended for trial in trials)
        reason = ""
        if self._folder(sweep).is_search:
            try:
                is_over = self._search(sweep, jobs, trials, now) and is_over
            except HOPELESS as error:
                self._cancel(jobs)
                is_over, reason = True, f"no further trial can be made: {error}"
        return self._note(sweep, trials, now, is_over=is_over, reason=reason)

    def _cancel(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            if not job.status.ended and not job.cancel_requested:
                with contextlib.suppress(Conflict):  # it has ended meanwhile
                    self._queue.cancel(job.id)

    def _note(
        self, sweep: Sweep, trials: Sequence[Trial], now: float, *, is_over: bool, reason: str
    ) -> Sweep:
        """Bring the row in line."""
        changes = standing_of(sweep, trials) | {"reason": sweep.reason if sweep.cancel_requested else ""}
        if is_over:
            changes |= {"ended_at": now, **_ending(sweep, trials, reason)}
            self._folder(sweep).forget_environment()
        if all(getattr(sweep, name) == value for name, value in changes.items()):
            return sweep
        after = self._store.update(sweep, **changes)
        if after is None:  # somebody has cancelled it: at the next turn
            return self._store.get(sweep.id)
        if after.status.ended:
            self._forget(after)
        return after

    def _forget(self, sweep: Sweep) -> None:
        self._readings.forget(self._readings.jobs(sweep))
        if (search := self._searches.pop(sweep.id, None)) is not None:
            search.study.close()

    # searches

    def _search(self, sweep: Sweep, jobs: Sequence[Job], trials: Sequence[Trial], now: float) -> bool:
        """Whether no more trials are to come."""
        if sweep.id not in self._searches:
            spec = self._folder(sweep).spec()
            self._searches[sweep.id] = _Search(spec=spec, study=self._open_study(spec), counts={})
        search = self._searches[sweep.id]
        asked_for = search.study.trials()
        if len(asked_for) < len(trials):
            search.study.adopt(trials)
            asked_for = search.study.trials()
        by_job = {trial.job_id: (trial, job) for trial, job in zip(trials, jobs, strict=True)}
        for each in [each for each in asked_for if each.is_open]:
            if each.job_id in by_job:
                self._see_to(search, each, *by_job[each.job_id])
            elif sweep.cancel_requested:
                search.study.tell(each.number, _never_submitted(each))
            else:
                self._submit(search, each, now)
        makes_none = sweep.cancel_requested or is_goal_unknown(trials)
        missing = 0 if makes_none else max(0, search.spec.trials - len(asked_for))
        ended = {trial.job_id for trial in trials if trial.status.ended}
        open_now = sum(each.is_open and each.job_id not in ended for each in asked_for)
        for _ in range(min(missing, self._parallel(search.spec) - open_now, ASKED_AT_ONCE)):
            self._submit(search, search.study.ask(new_id(now)), now)
        return missing == 0 and open_now == 0

    def _parallel(self, spec: SweepSpec) -> int:
        return spec.parallel or max(1, self._capacity(spec.template))

    def _see_to(self, search: _Search, asked_for: Asked, trial: Trial, job: Job) -> None:
        if trial.status.ended:
            search.study.tell(asked_for.number, trial)
            search.counts.pop(trial.run_id or "", None)
        elif search.spec.pruner is not None and trial.status is TrialStatus.RUNNING:
            self._prune(search, asked_for, trial, job)

    def _submit(self, search: _Search, asked_for: Asked, now: float) -> None:
        """The trial's job, under the id that the study has for it."""
        if asked_for.params is None or asked_for.job_id is None:
            asked_for = search.study.resume(asked_for.number, asked_for.job_id or new_id(now))
        assert asked_for.params is not None
        assert asked_for.job_id is not None
        from ...notebooks.jsonschema_import import import_jsonschema

        import_jsonschema()  # the trials load it with nbformat
        from ...notebooks.trials import trial_notebook

        template, folder = search.spec.template, SweepFolder.of(self._settings.home, search.spec.id)
        JobFolder.of(self._settings.home, asked_for.job_id).remove()  # one without a row is garbage
        spec = replace(
            template,
            id=asked_for.job_id,
            submitted_at=now,
            params={**template.params, **asked_for.params},
            tags={**template.tags, "trial": str(asked_for.number)},
            sweep_id=search.spec.id,
            trial=asked_for.number,
        )
        notebook = trial_notebook(folder.template(), asked_for.params)
        self._queue.enqueue(spec, notebook, folder.environment())

    def _prune(self, search: _Search, asked_for: Asked, trial: Trial, job: Job) -> None:
        """Hand in what is new of the trial's values, and have it stop when the pruner says so."""
        assert search.spec.goal is not None
        attempt = JobFolder.of(self._settings.home, job.id).attempt(job.attempt).path
        if trial.run_id is None or trial.value is None or asked(attempt) is not None:
            return
        metric = search.spec.goal.metric
        histories = self._runs.histories([trial.run_id], [metric])
        if not histories or len(histories[0].values) == search.counts.get(trial.run_id):
            return
        after = -1 if asked_for.last_step is None else asked_for.last_step
        steps = sorted(reported_steps(histories[0], after=after).items())
        for step, value in steps[:REPORTED_AT_ONCE]:
            if search.study.report(asked_for.number, step, value):
                ask(attempt, f"{PRUNED}{step}: {metric}={value:.6g} ({search.spec.pruner} pruner)")
                return
        if len(steps) <= REPORTED_AT_ONCE:
            search.counts[trial.run_id] = len(histories[0].values)


def _never_submitted(asked_for: Asked) -> Trial:
    """A trial that was asked for, and cancelled before it had a job."""
    return Trial(number=asked_for.number, status=TrialStatus.CANCELLED, params=asked_for.params or {})


def _ending(sweep: Sweep, trials: Sequence[Trial], reason: str) -> dict[str, Any]:
    """The status of a sweep that is over, and why it is that."""
    if reason:
        return {"status": SweepStatus.FAILED, "reason": reason}
    if sweep.cancel_requested:
        return {"status": SweepStatus.CANCELLED}
    if any(trial.status is TrialStatus.FINISHED for trial in trials):
        return {"status": SweepStatus.FINISHED}
    first = next((trial for trial in trials if trial.reason), None)
    of_first = f"; trial {first.number}: {first.reason}" if first else ""
    untried = sweep.spec.trials - len(trials)
    rest = f", and the other {untried} were not tried" if untried > 0 else ""
    return {"status": SweepStatus.FAILED, "reason": f"none of {len(trials)} trials succeeded{rest}{of_first}"}


def capacity_of(spec: JobSpec, executors: Mapping[str, Executor]) -> int:
    """How many such jobs can run at once where they may run.

    A cluster has room that nobody knows; a search learns from trials that have ended, so that more of them
    at once would only be guesses.
    """
    places = [executors[name] for name in spec.executors or [spec.executor]]
    return sum(
        TRIALS_ON_A_CLUSTER if place.keeps_queue else _room_on(cast(Machine, place), spec.resources)
        for place in places
    )


def _room_on(machine: Machine, wanted: Resources) -> int:
    by_cpus = machine.cpus() // max(1, wanted.cpus)
    return by_cpus if not wanted.gpus else min(by_cpus, int(len(machine.slots()) / wanted.gpus))
