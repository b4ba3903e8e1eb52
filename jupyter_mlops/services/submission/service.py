"""Submitting: from cells or a notebook, parameters and resources to jobs in the queue.

Everything is checked for all jobs of a sweep before the first one is queued.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ...config import Settings
from ...entities import Job, JobSpec, Resources, new_id
from ...errors import Conflict, InvalidInput, Unsupported
from ...protocols.clock import Clock
from ..jobs.origin import Origin
from .request import Request

if TYPE_CHECKING:
    from ...capture.history import ExecutedCell
    from ...notebooks.kernels import KernelChoice
    from ..tracking.tracker import Tracker

EXECUTORS = ("local",)
LATER = ("slurm", "ray")
MAX_SWEEP = 1000
DEFAULT = Request()


class Queue(Protocol):
    """What submitting needs of the jobs' service."""

    def submit(self, spec: JobSpec, notebook: bytes, environment: Mapping[str, str]) -> Job: ...

    def get(self, job_id: str) -> Job: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """The queued jobs in the order of their parameters.

    ``sweep_id`` is None for a single job. ``left_out`` says which cells the jobs do not replay and why,
    ``notes`` what else the user should know.
    """

    jobs: list[Job]
    sweep_id: str | None = None
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is to be submitted: a notebook and its values per job, and all that the jobs share."""

    origin: Origin
    name: str
    notebooks: list[tuple[Any, dict[str, Any]]]
    kernel: KernelChoice
    source_notebook: str | None
    promoted: bool
    sweep: bool
    tags: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class SubmissionService:
    """Makes jobs of cells and of notebooks."""

    def __init__(
        self, jobs: Queue, settings: Settings, *, tracker: Tracker | None, clock: Clock = time.time
    ) -> None:
        self._jobs = jobs
        self._settings = settings
        self._tracker = tracker
        self._clock = clock

    def submit_cell(
        self,
        cells: Sequence[ExecutedCell],
        source: str,
        *,
        origin: Origin | None = None,
        request: Request = DEFAULT,
        namespace: Mapping[str, Any] | None = None,
    ) -> Submitted:
        """Queue the cell ``source``, replaying what it needs of ``cells``; one job for each value of a sweep.

        ``namespace`` is the kernel's. Raises PromotionRefused, ParameterError, InvalidInput or NotFound
        before anything is queued.
        """
        return self._queue(self._plan_cell(cells, source, origin, request), request)

    def submit_notebook(
        self, path: Path, *, origin: Origin | None = None, request: Request = DEFAULT
    ) -> Submitted:
        """Queue a whole notebook from disk; otherwise as ``submit_cell``."""
        return self._queue(self._plan_notebook(path, origin, request), request)

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
    ) -> Job:
        """Queue a notebook as it stands: ``params`` are in it already."""
        plan = _Plan(
            origin=origin,
            name=name,
            notebooks=[(notebook, dict(params))],
            kernel=kernel,
            source_notebook=origin.notebook,
            promoted=promoted,
            sweep=False,
            tags=dict(tags),
        )
        request = Request(resources=resources or Resources(), executor=executor)
        return self._queue(plan, request).jobs[0]

    def dry_run_cell(
        self,
        cells: Sequence[ExecutedCell],
        source: str,
        *,
        origin: Origin | None = None,
        request: Request = DEFAULT,
        namespace: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The notebook that the (first) job would run, as JSON has it; raises as ``submit_cell`` does."""
        return _as_dict(self._plan_cell(cells, source, origin, request))

    def dry_run_notebook(
        self, path: Path, *, origin: Origin | None = None, request: Request = DEFAULT
    ) -> dict[str, Any]:
        """The notebook that the (first) job would run; raises as ``submit_notebook`` does."""
        return _as_dict(self._plan_notebook(path, origin, request))

    # planning

    def _plan_cell(
        self, cells: Sequence[ExecutedCell], source: str, origin: Origin | None, request: Request
    ) -> _Plan:
        from ...notebooks.kernels import KernelChoice
        from ...notebooks.parameters import sweeps
        from ...notebooks.promotion import promote

        origin = origin or Origin.here()
        name = request.name or (Path(origin.notebook).stem if origin.notebook else "job")
        spread = {key: sweeps(value, None) for key, value in request.params.items()}
        promotions = [promote(cells, source, name=name, params=each) for each in _combinations(spread)]
        return _Plan(
            origin=origin,
            name=name,
            notebooks=[(each.notebook, each.values) for each in promotions],
            kernel=KernelChoice(name=origin.kernel_name, argv=origin.kernel_argv),
            source_notebook=origin.notebook,
            promoted=True,
            sweep=_is_sweep(spread),
            left_out=promotions[0].left_out,
            notes=promotions[0].notes,
        )

    def _plan_notebook(self, path: Path, origin: Origin | None, request: Request) -> _Plan:
        from ...notebooks.files import read_notebook
        from ...notebooks.kernels import kernel_of, worker_of
        from ...notebooks.prepared import check_notebook, prepared, spread

        origin = origin or Origin.here()
        path = Path(path).expanduser().absolute()
        _check_no_recursion(path, origin)
        notebook = read_notebook(path)
        check_notebook(notebook)
        values = spread(notebook, request.params)
        ready = [prepared(notebook, each, where=path.name) for each in _combinations(values)]
        interpreter, kernel = worker_of(
            kernel_of(notebook, interpreter=origin.interpreter), interpreter=origin.interpreter
        )
        return _Plan(
            origin=replace(origin, interpreter=interpreter),
            name=request.name or path.stem,
            notebooks=[(each.notebook, each.values) for each in ready],
            kernel=kernel,
            source_notebook=str(path),
            promoted=False,
            sweep=_is_sweep(values),
        )

    # queueing

    def _queue(self, plan: _Plan, request: Request) -> Submitted:
        from ...notebooks.files import encoded

        self._check(request)
        dependencies = [self._jobs.get(each).id for each in request.after]
        sweep_id = new_id(self._clock()) if plan.sweep else None
        parent = self._tracker.active_or_none() if self._tracker else None
        environment = {**plan.origin.environment, **self._settings.environment()}
        jobs = []
        for notebook, values in plan.notebooks:
            now = self._clock()
            spec = JobSpec(
                id=new_id(now),
                name=plan.name,
                experiment=self._experiment(plan, getattr(parent, "experiment", None)),
                submitted_at=now,
                interpreter=plan.origin.interpreter,
                kernel_name=plan.kernel.name,
                kernel_argv=plan.kernel.argv,
                cwd=plan.origin.cwd,
                python_path=list(plan.origin.python_path),
                params=values,
                tags=plan.tags,
                resources=request.resources,
                executor=request.executor,
                priority=request.priority,
                retries=request.retries,
                after=dependencies,
                notebook=plan.source_notebook,
                promoted=plan.promoted,
                parent_run_id=parent.id if parent else None,
                sweep_id=sweep_id,
                user=self._settings.user,
                host=self._settings.host,
            )
            jobs.append(self._jobs.submit(spec, encoded(notebook), environment))
        return Submitted(jobs=jobs, sweep_id=sweep_id, left_out=plan.left_out, notes=plan.notes)

    def _experiment(self, plan: _Plan, of_parent: str | None) -> str:
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
            if value < least:
                raise InvalidInput(f"{what} must be at least {least}, not {value}.")


def check_executor(executor: str) -> None:
    """Raise InvalidInput unless jobs can be sent there."""
    if executor in LATER:
        raise InvalidInput(f"Jobs cannot be sent to {executor} yet: --on local is what there is.")
    if executor not in EXECUTORS:
        raise InvalidInput(f"No executor {executor!r}. There is: {', '.join(EXECUTORS)}.")


def _check_no_recursion(path: Path, origin: Origin) -> None:
    running = origin.running_notebook
    if running and os.path.realpath(running) == os.path.realpath(path):
        raise Conflict(f"{path.name} is what this job runs: a job does not submit itself again.")


def _combinations(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    from ...notebooks.values import Values, expand

    count = 1
    for value in params.values():
        count *= len(value.each) if isinstance(value, Values) else 1
    if count > MAX_SWEEP:
        raise InvalidInput(f"That sweep would be {count} jobs; the limit is {MAX_SWEEP}. Name fewer values.")
    return expand(params)


def _is_sweep(params: Mapping[str, Any]) -> bool:
    from ...notebooks.values import Values

    return any(isinstance(value, Values) for value in params.values())


def _as_dict(plan: _Plan) -> dict[str, Any]:
    from ...notebooks.files import encoded

    found: dict[str, Any] = json.loads(encoded(plan.notebooks[0][0]))
    return found
