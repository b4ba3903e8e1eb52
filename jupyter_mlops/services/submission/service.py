"""Submitting: from cells or a notebook, parameters and resources to jobs in the queue.

Everything is checked for all jobs of a sweep before the first one is queued.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ...config import Settings
from ...entities import Carried, Distribution, Job, JobSpec, Resources, Sweep, SweepSpec, new_id
from ...errors import Conflict, InvalidInput, Unsupported
from ...protocols.clock import Clock
from ..jobs.origin import Origin
from .plan import DryRun, Plan, Told
from .planning import Carrying, Planner
from .request import Request

if TYPE_CHECKING:
    from ...capture.history import ExecutedCell
    from ...notebooks.kernels import KernelChoice
    from ..tracking.tracker import Tracker

EXECUTORS = ("local",)
LATER = ("slurm", "ray")
DEFAULT = Request()


class Queue(Protocol):
    """What submitting needs of the jobs' service."""

    def submit(self, spec: JobSpec, notebook: bytes, environment: Mapping[str, str]) -> Job: ...

    def get(self, job_id: str) -> Job: ...


class Sweeps(Protocol):
    """What submitting needs of the sweeps' service."""

    def check(self, spec: SweepSpec) -> SweepSpec:
        """The spec with all that was left open. Raises InvalidInput or MissingPackage."""
        ...

    def submit(self, spec: SweepSpec, notebook: bytes, environment: Mapping[str, str]) -> Sweep: ...

    def grid(self, spec: SweepSpec, jobs: Sequence[Job]) -> Sweep: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """The queued jobs in the order of their parameters; of a search there may be none yet.

    ``sweep_id`` is None for a single job.
    """

    jobs: list[Job]
    sweep_id: str | None = None
    sweep: Sweep | None = None
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
        carrying: Callable[[], Carrying] | None = None,
        shares_files: Callable[[str], bool] = lambda executor: True,
        recorded: Callable[[Sequence[str], str | None], Sequence[str]] = lambda sources, notebook: (),
        clock: Clock = time.time,
    ) -> None:
        self._jobs = jobs
        self._settings = settings
        self._tracker = tracker
        self._sweeps = sweeps
        self._planner = Planner(
            carrying, shares_files, files_cap_bytes=settings.files_cap_bytes, recorded=recorded
        )
        self._clock = clock

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
        request = Request(resources=resources or Resources(), executor=executor, returns=tuple(returns))
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
        return self._dry_run(plan, request)

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
        return self._dry_run(plan, request)

    def _dry_run(self, plan: Plan, request: Request) -> DryRun:
        from ...notebooks.files import encoded

        after = [self._jobs.get(each).id for each in request.after]
        jobs = len(plan.notebooks)
        if plan.search is not None:
            jobs = self._checked_sweep(plan, request, after)[1].trials
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
        after = [self._jobs.get(each).id for each in request.after]
        tell(plan.told)
        if plan.search is not None:
            return self._search(plan, request, after)
        return self._each(plan, request, after)

    def _each(self, plan: Plan, request: Request, after: Sequence[str]) -> Submitted:
        """A job for each notebook: one, or a grid of them."""
        from ...notebooks.files import encoded

        sweep_id = new_id(self._clock()) if plan.varied else None
        environment = self._environment(plan)
        more = {"files": plan.files} if plan.files is not None else {}
        jobs = []
        for index, (notebook, values) in enumerate(plan.notebooks):
            spec = self._spec(plan, request, values, after)
            if sweep_id is not None:
                spec = replace(spec, sweep_id=sweep_id, trial=index)
            jobs.append(self._jobs.submit(spec, encoded(notebook), environment, **more))
        sweep = None
        if sweep_id is not None and self._sweeps is not None:
            sweep = self._sweeps().grid(self._grid(plan, request, sweep_id, jobs), jobs)
        return Submitted(jobs=jobs, sweep_id=sweep_id, sweep=sweep, told=plan.told)

    def _search(self, plan: Plan, request: Request, after: Sequence[str]) -> Submitted:
        from ...notebooks.files import encoded

        sweeps, spec = self._checked_sweep(plan, request, after)
        sweep = sweeps.submit(spec, encoded(plan.notebooks[0][0]), self._environment(plan))
        return Submitted(jobs=[], sweep_id=sweep.id, sweep=sweep, told=plan.told)

    def _checked_sweep(self, plan: Plan, request: Request, after: Sequence[str]) -> tuple[Sweeps, SweepSpec]:
        search, (_, values) = plan.search, plan.notebooks[0]
        if self._sweeps is None or search is None:
            raise Unsupported("Searches need a workspace with sweeps.")
        if plan.files is not None:
            raise Unsupported(
                f"Searches run where this file system is shared, and {request.executor} does not share it. "
                "Name the values instead: -p lr=0.1,0.01."
            )
        fixed = {name: value for name, value in values.items() if name not in plan.space}
        template = self._spec(plan, request, fixed, after)
        spec = SweepSpec(
            id=new_id(self._clock()),
            name=plan.name,
            experiment=template.experiment,
            submitted_at=template.submitted_at,
            space=dict(plan.space),
            trials=search.trials or 1,
            sampler=search.sampler or "tpe",
            template=template,
            goal=search.goal,
            pruner=search.pruner,
            seed=search.seed,
            parallel=search.parallel,
            user=template.user,
            host=template.host,
        )
        sweeps = self._sweeps()
        return sweeps, sweeps.check(spec)

    def _grid(self, plan: Plan, request: Request, sweep_id: str, jobs: Sequence[Job]) -> SweepSpec:
        first = jobs[0].spec
        space = {
            name: Distribution(kind="choice", choices=_different(job.spec.params[name] for job in jobs))
            for name in plan.varied
        }
        return SweepSpec(
            id=sweep_id,
            name=plan.name,
            experiment=first.experiment,
            submitted_at=first.submitted_at,
            space=space,
            trials=len(jobs),
            sampler="grid",
            template=first,
            goal=request.search.goal if request.search else None,
            user=first.user,
            host=first.host,
        )

    def _spec(self, plan: Plan, request: Request, values: Mapping[str, Any], after: Sequence[str]) -> JobSpec:
        parent = self._tracker.active_or_none() if self._tracker else None
        now = self._clock()
        return JobSpec(
            id=new_id(now),
            name=plan.name,
            experiment=self._experiment(plan, getattr(parent, "experiment", None)),
            submitted_at=now,
            interpreter=plan.origin.interpreter,
            kernel_name=plan.kernel.name,
            kernel_argv=plan.kernel.argv,
            cwd=plan.origin.cwd,
            python_path=list(plan.origin.python_path),
            params=dict(values),
            tags=plan.tags,
            resources=request.resources,
            executor=request.executor,
            priority=request.priority,
            retries=request.retries,
            after=list(after),
            notebook=plan.source_notebook,
            promoted=plan.promoted,
            parent_run_id=parent.id if parent else None,
            user=self._settings.user,
            host=self._settings.host,
            carried=plan.carried,
            returns=list(request.returns),
        )

    def _environment(self, plan: Plan) -> dict[str, str]:
        return {**plan.origin.environment, **self._settings.environment()}

    def _experiment(self, plan: Plan, of_parent: str | None) -> str:
        stem = Path(plan.source_notebook).stem if plan.source_notebook else "default"
        return plan.origin.experiment or of_parent or stem

    def _check(self, request: Request) -> None:
        if sys.platform == "win32":
            raise Unsupported("Jobs run on Linux and macOS. On Windows, track runs here and submit from WSL.")
        if self._tracker is not None and self._tracker.replaying:
            raise Conflict("A replayed cell does not submit jobs: a job never submits itself again.")
        check_executor(request.executor)
        for what, value, least in (
            ("gpus", request.resources.gpus, 0),
            ("cpus", request.resources.cpus, 1),
            ("retries", request.retries, 0),
        ):
            if not isinstance(value, Integral):
                raise InvalidInput(f"{what} must be a whole number, not {value!r}.")
            if value < least:
                raise InvalidInput(f"{what} must be at least {least}, not {value}.")


def check_executor(executor: str) -> None:
    """Raise InvalidInput unless jobs can be sent there."""
    if executor in LATER:
        raise InvalidInput(f"Jobs cannot be sent to {executor} yet: --on local is what there is.")
    if executor not in EXECUTORS:
        raise InvalidInput(f"No executor {executor!r}. There is: {', '.join(EXECUTORS)}.")


def _different(values: Iterable[Any]) -> list[Any]:
    """Each value once, in order; some cannot be hashed."""
    found: list[Any] = []
    for each in values:
        if not any(type(each) is type(other) and each == other for other in found):
            found.append(each)
    return found
