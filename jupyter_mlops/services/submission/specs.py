"""From a plan and a request to what is kept: the specs of jobs, sweeps and schedules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...config import Settings
from ...entities import Distribution, Job, JobSpec, ScheduleSpec, SweepSpec, new_id
from ...errors import InvalidInput
from ...protocols.clock import Clock
from .learning import Learned
from .plan import Plan
from .request import Request

if TYPE_CHECKING:
    from ..tracking.tracker import Tracker


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """Whole ids of the jobs that a job follows: those that must succeed, and those that must end."""

    success: list[str] = field(default_factory=list)
    any_end: list[str] = field(default_factory=list)


class Specs:
    """Makes specs, each with an id of its own."""

    def __init__(self, settings: Settings, tracker: Tracker | None, clock: Clock) -> None:
        self._settings = settings
        self._tracker = tracker
        self._clock = clock

    def job(self, plan: Plan, request: Request, values: Mapping[str, Any], after: After) -> JobSpec:
        """A job with these values of its parameters."""
        parent = self._tracker.active_or_none() if self._tracker else None
        now = self._clock()
        sized = plan.learned or Learned(resources=request.resources)
        return JobSpec(
            id=new_id(now),
            name=plan.name,
            experiment=_experiment(plan, getattr(parent, "experiment", None)),
            submitted_at=now,
            interpreter=plan.origin.interpreter,
            kernel_name=plan.kernel.name,
            kernel_argv=plan.kernel.argv,
            cwd=plan.origin.cwd,
            python_path=list(plan.origin.python_path),
            params=dict(values),
            tags=plan.tags,
            resources=sized.resources,
            learned=list(sized.names),
            expected_s=sized.expected_s,
            executor=request.executor,
            executors=list(request.executors),
            options={name: dict(words) for name, words in request.options.items()},
            priority=request.priority,
            retries=request.retries,
            retry_on=list(request.retry_on),
            retry_delay_s=request.retry_delay_s,
            after=after.success,
            after_any=after.any_end,
            notebook=plan.source_notebook,
            promoted=plan.promoted,
            parent_run_id=parent.id if parent else None,
            user=self._settings.user,
            host=self._settings.host,
            carried=plan.carried,
            returns=list(request.returns),
        )

    def search(self, plan: Plan, request: Request, after: After) -> SweepSpec:
        """A search over what the plan leaves open."""
        search, (_, values) = plan.search, plan.notebooks[0]
        if search is None:
            raise InvalidInput("There is nothing to search over.")
        fixed = {name: value for name, value in values.items() if name not in plan.space}
        template = self.job(plan, request, fixed, after)
        return SweepSpec(
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

    def grid(self, plan: Plan, request: Request, sweep_id: str, jobs: Sequence[Job]) -> SweepSpec:
        """The sweep that these queued jobs are."""
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

    def schedule(self, plan: Plan, request: Request) -> ScheduleSpec:
        """A schedule of the plan's one job; whoever makes it, its runs have no parent."""
        if request.timing is None:
            raise InvalidInput('Say when it runs, such as --cron "0 3 * * *".')
        template = replace(self.job(plan, request, plan.notebooks[0][1], After()), parent_run_id=None)
        return ScheduleSpec(
            id=new_id(self._clock()),
            name=plan.name,
            timing=request.timing,
            created_at=template.submitted_at,
            template=template,
            user=template.user,
            host=template.host,
        )


def _experiment(plan: Plan, of_parent: str | None) -> str:
    stem = Path(plan.source_notebook).stem if plan.source_notebook else "default"
    return plan.origin.experiment or of_parent or stem


def _different(values: Iterable[Any]) -> list[Any]:
    """Each value once, in order; some cannot be hashed."""
    found: list[Any] = []
    for each in values:
        if not any(type(each) is type(other) and each == other for other in found):
            found.append(each)
    return found
