"""Submitting: from cells or a notebook, parameters and resources to jobs in the queue.

Everything is checked for all jobs of a sweep before the first one is queued.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...config import Settings
from ...entities import (
    Carried,
    Job,
    Resources,
    Schedule,
    ScheduleSpec,
    Sweep,
    SweepSpec,
    new_id,
)
from ...errors import Conflict, InvalidInput, MlopsError, Unavailable, Unsupported
from ...protocols.clock import Clock
from ...protocols.jobs import Executor
from ..jobs.origin import Origin
from .learning import Bounds, Sizing, learned
from .placing import placed
from .plan import DryRun, Plan, Told
from .planning import Carrying, Planner
from .request import Request
from .seams import Queue, Schedules, Sweeps
from .specs import After, Specs
from .words import LOCAL, check_executors, gpus_of, whole

if TYPE_CHECKING:
    from ...capture.history import ExecutedCell
    from ...notebooks.kernels import KernelChoice
    from ..files.packing import Registered
    from ..tracking.tracker import Tracker

DEFAULT = Request()

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """The queued jobs in the order of their parameters; of a search or a schedule there may be none yet.

    ``sweep_id`` is None for a single job.
    """

    jobs: list[Job]
    sweep_id: str | None = None
    sweep: Sweep | None = None
    schedule: Schedule | None = None
    told: Told = field(default_factory=Told)


class SubmissionService:
    """Makes jobs of cells and of notebooks."""

    def __init__(
        self,
        jobs: Queue,
        settings: Settings,
        *,
        tracker: Tracker | None,
        sweeps: Callable[[], Sweeps] | None = None,
        schedules: Callable[[], Schedules] | None = None,
        executors: Mapping[str, Executor] | None = None,
        carrying: Callable[[], Carrying] | None = None,
        sizing: Callable[[], Sizing] | None = None,
        machine: Callable[[], Bounds] | None = None,
        shares_files: Callable[[str], bool] = lambda executor: True,
        recorded: Callable[[Sequence[str], str | None], Sequence[str]] = lambda sources, notebook: (),
        registered: Callable[[Sequence[str]], tuple[Registered, list[str]]] | None = None,
        clock: Clock = time.time,
    ) -> None:
        self._jobs = jobs
        self._settings = settings
        self._tracker = tracker
        self._sweeps = sweeps
        self._schedules = schedules
        self._executors = executors
        self._sizing = sizing
        self._machine = machine
        self._planner = Planner(
            carrying,
            shares_files,
            files_cap_bytes=settings.files_cap_bytes,
            recorded=recorded,
            registered=registered,
        )
        self._clock = clock
        self._specs = Specs(settings, tracker, clock)

    def submit_cell(
        self,
        cells: Sequence[ExecutedCell],
        source: str,
        *,
        origin: Origin | None = None,
        request: Request = DEFAULT,
        namespace: Mapping[str, Any] | None = None,
        tell: Callable[[Told], None] = lambda told: None,
    ) -> Submitted:
        """Queue the cell ``source``, replaying what it needs of ``cells``: a job, one for each value of a
        grid, or a search.

        ``namespace`` is the kernel's; ``tell`` is called before anything is queued. Raises
        PromotionRefused, ParameterError, InvalidInput or NotFound before that.
        """
        self._check(request)
        plan = self._planner.cell(cells, source, origin or Origin.here(), request, namespace)
        return self._queue(plan, request, tell)

    def submit_notebook(
        self,
        path: Path,
        *,
        origin: Origin | None = None,
        request: Request = DEFAULT,
        namespace: Mapping[str, Any] | None = None,
        tell: Callable[[Told], None] = lambda told: None,
    ) -> Submitted:
        """Queue a whole notebook from disk; otherwise as ``submit_cell``.

        A parameters cell is written into the file where the request says so and nothing else is refused.
        """
        self._check(request)
        plan = self._planner.notebook(path, origin or Origin.here(), request, namespace)
        if request.write_parameters:
            from ...notebooks.proposals import write_parameters

            written = write_parameters(path.expanduser(), at_least=request.params)
            plan = self._planner.notebook(path, origin or Origin.here(), request, namespace)
            names = ", ".join(each.name for each in written)
            plan.told.notes.append(f"{path.name} has a parameters cell now, with {names}.")
        return self._queue(plan, request, tell)

    def submit_prepared(
        self,
        notebook: Any,
        *,
        name: str,
        origin: Origin,
        kernel: KernelChoice,
        params: Mapping[str, Any],
        promoted: bool,
        tags: Mapping[str, str],
        resources: Resources | None = None,
        executor: str = "local",
        carried: Sequence[Carried] = (),
        returns: Sequence[str] = (),
    ) -> Job:
        """Queue a notebook as it stands: ``params`` are in it already, and what loads ``carried``."""
        plan = Plan(
            origin=origin,
            name=name,
            notebooks=[(notebook, dict(params))],
            kernel=kernel,
            source_notebook=origin.notebook,
            promoted=promoted,
            tags=dict(tags),
            carried=list(carried),
        )
        request = Request(
            resources=resources or Resources(), learn=(), executor=executor, returns=tuple(returns)
        )
        self._check(request)
        return self._queue(plan, request).jobs[0]

    def dry_run_cell(
        self,
        cells: Sequence[ExecutedCell],
        source: str,
        *,
        origin: Origin | None = None,
        request: Request = DEFAULT,
        namespace: Mapping[str, Any] | None = None,
    ) -> DryRun:
        """What ``submit_cell`` would queue; raises as it does."""
        self._check(request)
        plan = self._planner.cell(cells, source, origin or Origin.here(), request, namespace)
        return self._dry_run(self._sized(plan, request), request)

    def dry_run_notebook(
        self,
        path: Path,
        *,
        origin: Origin | None = None,
        request: Request = DEFAULT,
        namespace: Mapping[str, Any] | None = None,
    ) -> DryRun:
        """What ``submit_notebook`` would queue; raises as it does."""
        self._check(request)
        plan = self._planner.notebook(path, origin or Origin.here(), request, namespace)
        return self._dry_run(self._sized(plan, request), request)

    def _dry_run(self, plan: Plan, request: Request) -> DryRun:
        from ...notebooks.files import encoded

        after = self._after(request)
        jobs = len(plan.notebooks)
        if plan.search is not None:
            jobs = self._checked_sweep(plan, request, after)[1].trials
        if request.timing is not None:
            schedules, spec = self._checked_schedule(plan, request)
            plan = self._timed(plan, schedules.notes(spec))
        return DryRun(
            notebook=json.loads(encoded(plan.notebooks[0][0])),
            jobs=jobs,
            told=plan.told,
            searched=plan.search is not None,
        )

    # queueing

    def _queue(
        self, plan: Plan, request: Request, tell: Callable[[Told], None] = lambda told: None
    ) -> Submitted:
        plan = self._sized(plan, request)
        if request.timing is not None:
            return self._schedule(plan, request, tell)
        after = self._after(request)
        plan = self._placed(plan, request)
        tell(plan.told)
        if plan.search is not None:
            return self._search(plan, request, after)
        return self._each(plan, request, after)

    def _sized(self, plan: Plan, request: Request) -> Plan:
        """With what past runs say of this one; that nobody can say so stops no submit."""
        unlike = plan.promoted and not request.name  # such cells share the notebook's name, and no more
        if self._sizing is None or self._machine is None or not request.learn or unlike:
            return plan
        try:
            found = learned(
                request,
                user=self._settings.user,
                name=plan.name,
                notebook=plan.source_notebook,
                sizing=self._sizing(),
                machine=self._machine,
            )
        except Unavailable as error:
            logger.warning("What past runs used cannot be read: %s", error)
            return plan
        sized = replace(plan, learned=found, told=replace(plan.told, learned=found.words))
        return plan if found.names and self._finds_no_room(sized, request) else sized

    def _finds_no_room(self, plan: Plan, request: Request) -> bool:
        """Whether a cluster, whose nodes may be smaller than where this ran before, would refuse it."""
        if self._executors is None or LOCAL in request.places:
            return False
        spec = self._specs.job(plan, request, {}, After())
        try:
            return all(self._executors[name].refusal(spec) for name in request.places)
        except MlopsError as error:
            logger.info("Whether there is room for what was learned cannot be asked: %s", error)
            return False

    def _placed(self, plan: Plan, request: Request) -> Plan:
        """With a word on where it will run."""
        if self._executors is None:
            return plan
        spec = self._specs.job(plan, request, {}, After())
        return replace(plan, told=replace(plan.told, placed=placed(spec, self._executors)))

    def _after(self, request: Request) -> After:
        """The whole ids of the jobs that are to be followed. Raises NotFound, Ambiguous."""
        return After(
            success=[self._jobs.find(each).id for each in request.after],
            any_end=[self._jobs.find(each).id for each in request.after_any],
        )

    def _schedule(self, plan: Plan, request: Request, tell: Callable[[Told], None]) -> Submitted:
        """Nothing is queued now: the agent queues a job like this one each time."""
        from ...notebooks.files import encoded

        schedules, spec = self._checked_schedule(plan, request)
        plan = self._timed(plan, schedules.notes(spec))
        tell(plan.told)
        schedule = schedules.add(
            spec, encoded(plan.notebooks[0][0]), self._environment(plan), files=plan.files
        )
        return Submitted(jobs=[], schedule=schedule, told=plan.told)

    @staticmethod
    def _timed(plan: Plan, notes: Sequence[str]) -> Plan:
        """With its times in words, and what else there is to say of the schedule."""
        times, *more = notes
        return replace(plan, told=replace(plan.told, placed=times, notes=[*plan.told.notes, *more]))

    def _checked_schedule(self, plan: Plan, request: Request) -> tuple[Schedules, ScheduleSpec]:
        if self._schedules is None or request.timing is None:
            raise Unsupported("Schedules need a workspace with schedules.")
        if plan.varied or plan.search is not None:
            raise InvalidInput(
                "A schedule runs one job each time, and no sweep: give each parameter one value, or make a "
                "schedule for each."
            )
        if request.after or request.after_any:
            raise InvalidInput("A schedule follows the clock, not jobs: leave --after out, or --cron.")
        schedules = self._schedules()
        return schedules, schedules.check(self._specs.schedule(plan, request))

    def _each(self, plan: Plan, request: Request, after: After) -> Submitted:
        """A job for each notebook: one, or a grid of them."""
        from ...notebooks.files import encoded

        sweep_id = new_id(self._clock()) if plan.varied else None
        environment = self._environment(plan)
        more = {"files": plan.files} if plan.files is not None else {}
        jobs = []
        for index, (notebook, values) in enumerate(plan.notebooks):
            spec = self._specs.job(plan, request, values, after)
            if sweep_id is not None:
                spec = replace(spec, sweep_id=sweep_id, trial=index)
            jobs.append(self._jobs.submit(spec, encoded(notebook), environment, **more))
        sweep = None
        if sweep_id is not None and self._sweeps is not None:
            sweep = self._sweeps().grid(self._specs.grid(plan, request, sweep_id, jobs), jobs)
        return Submitted(jobs=jobs, sweep_id=sweep_id, sweep=sweep, told=plan.told)

    def _search(self, plan: Plan, request: Request, after: After) -> Submitted:
        from ...notebooks.files import encoded

        sweeps, spec = self._checked_sweep(plan, request, after)
        sweep = sweeps.submit(spec, encoded(plan.notebooks[0][0]), self._environment(plan))
        return Submitted(jobs=[], sweep_id=sweep.id, sweep=sweep, told=plan.told)

    def _checked_sweep(self, plan: Plan, request: Request, after: After) -> tuple[Sweeps, SweepSpec]:
        if self._sweeps is None or plan.search is None:
            raise Unsupported("Searches need a workspace with sweeps.")
        if plan.files is not None:
            raise Unsupported(
                f"Searches run where this file system is shared, and {' or '.join(request.places)} does not "
                "share it. Name the values instead: -p lr=0.1,0.01."
            )
        sweeps = self._sweeps()
        return sweeps, sweeps.check(self._specs.search(plan, request, after))

    def _environment(self, plan: Plan) -> dict[str, str]:
        return {**plan.origin.environment, **self._settings.environment()}

    def _check(self, request: Request) -> None:
        if sys.platform == "win32":
            raise Unsupported("Jobs run on Linux and macOS. On Windows, track runs here and submit from WSL.")
        if self._tracker is not None and self._tracker.replaying:
            raise Conflict("A replayed cell does not submit jobs: a job never submits itself again.")
        check_executors(request.places, ("local",) if self._executors is None else self._executors)
        gpus_of(request.resources.gpus)
        whole("cpus", request.resources.cpus, least=1)
        whole("retries", request.retries, least=0)
