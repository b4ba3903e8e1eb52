"""Jobs: submit a saved notebook, list, follow, cancel."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from ..notebooks.parameters import parse_parameter
from ..services.submission.request import Request, checked_names, request_of
from .base import MlopsHandler
from .places import notebook_below, origin_of

if TYPE_CHECKING:
    from ..workspace import Workspace

MOST_JOBS = 1_000
LOG_BYTES = 256 * 1024
MOST_LOG_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """A notebook to run as a job.

    ``params`` are texts as after ``-p NAME=`` (so that ``0.1,0.01`` is a sweep) or JSON values taken as
    they are; ``memory`` and ``time`` are texts such as ``8G`` and ``2h``, or bytes and seconds, and so are
    ``gpu_memory`` and ``retry_delay``. ``executor`` names one, or several as ``local,slurm``; ``options`` are
    an executor's own words. ``after`` and ``after_any`` are ids of jobs; ``retry_on`` names failures.
    ``trials`` to ``parallel`` are a search's, ``goal`` as ``maximize:METRIC``; ``cron`` to ``overlap`` make a
    schedule; ``returns`` names variables to keep. With ``dry_run`` nothing is queued.
    """

    path: str
    name: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    gpus: float = 0
    gpu_memory: str | int | None = None
    cpus: int | None = None
    memory: str | int | None = None
    time: str | float | None = None
    priority: int = 0
    retries: int = 0
    retry_on: list[str] = field(default_factory=list)
    retry_delay: str | float | None = None
    executor: str = "local"
    options: dict[str, dict[str, str]] = field(default_factory=dict)
    after: list[str] = field(default_factory=list)
    after_any: list[str] = field(default_factory=list)
    trials: int | None = None
    goal: str | None = None
    sampler: str | None = None
    pruner: str | None = None
    seed: int | None = None
    parallel: int | None = None
    cron: str | None = None
    timezone: str | None = None
    catch_up: str | None = None
    overlap: str | None = None
    returns: list[str] = field(default_factory=list)
    include: list[str] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)
    dry_run: bool = False

    def values(self) -> dict[str, Any]:
        """Each parameter's value, or the list of values to sweep over."""
        return {
            name: parse_parameter(f"{name}={value}")[1] if isinstance(value, str) else value
            for name, value in self.params.items()
        }

    def for_services(self) -> Request:
        return request_of(
            name=self.name,
            params=self.values(),
            gpus=self.gpus,
            gpu_memory=self.gpu_memory or None,
            cpus=self.cpus,
            memory=self.memory or None,
            time=self.time or None,
            on=self.executor,
            options=self.options,
            priority=self.priority,
            retries=self.retries,
            retry_on=self.retry_on,
            retry_delay=self.retry_delay or None,
            after=self.after,
            after_any=self.after_any,
            trials=self.trials,
            goal=self.goal or None,
            sampler=self.sampler or None,
            pruner=self.pruner or None,
            seed=self.seed,
            parallel=self.parallel,
            cron=self.cron or None,
            timezone=self.timezone or None,
            catch_up=self.catch_up or None,
            overlap=self.overlap or None,
            returns=checked_names(tuple(self.returns), "returns"),
            include=tuple(self.include),
            exclude=tuple(self.exclude),
        )


class JobsHandler(MlopsHandler):
    """``jobs``: a list, newest first; submitting."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        status = self.text("status") or None
        sweep_id = self.text("sweep_id") or None
        schedule_id = self.text("schedule_id") or None
        limit = self.number("limit", 100, least=1, most=MOST_JOBS)
        offset = self.number("offset", 0)
        await self.answer(
            lambda workspace: {
                "jobs": workspace.jobs.search(
                    status=status, sweep_id=sweep_id, schedule_id=schedule_id, limit=limit, offset=offset
                )
            }
        )

    # submitting runs code, as starting a kernel does
    @web.authenticated
    @authorized("execute")  # type: ignore[untyped-decorator]
    async def post(self) -> None:
        request, root = self.body_as(JobRequest), self.root
        if request.dry_run:
            await self.answer(lambda workspace: _dry_run(workspace, request, root))
            return
        await self.change(lambda workspace: _submit(workspace, request, root), status=201)


class JobHandler(MlopsHandler):
    """``jobs/ID``: one job."""

    @web.authenticated
    @authorized
    async def get(self, job_id: str) -> None:
        await self.answer(lambda workspace: workspace.jobs.get(job_id))


class CancelHandler(MlopsHandler):
    """``jobs/ID/cancel``: ask a job to end."""

    @web.authenticated
    @authorized
    async def post(self, job_id: str) -> None:
        await self.change(lambda workspace: workspace.jobs.cancel(job_id))


class LogHandler(MlopsHandler):
    """``jobs/ID/log?offset=``: the next part of a job's log."""

    @web.authenticated
    @authorized
    async def get(self, job_id: str) -> None:
        offset = self.number("offset", 0)
        limit = self.number("limit", LOG_BYTES, least=1, most=MOST_LOG_BYTES)
        await self.answer(lambda workspace: workspace.jobs.log(job_id, offset=offset, limit=limit))


class JobNotebookHandler(MlopsHandler):
    """``jobs/ID/notebook``: the executed notebook, or as much of it as there is."""

    @web.authenticated
    @authorized
    async def get(self, job_id: str) -> None:
        content = await self.work(lambda workspace: workspace.jobs.output_notebook(job_id).read_bytes())
        await self.finish(content)


class JobLineageHandler(MlopsHandler):
    """``jobs/ID/lineage``: what led to a job and what it led to."""

    @web.authenticated
    @authorized
    async def get(self, job_id: str) -> None:
        await self.answer(lambda workspace: workspace.lineage.graph(f"job:{workspace.jobs.get(job_id).id}"))


def _submit(workspace: Workspace, request: JobRequest, root: Path) -> dict[str, Any]:
    path = notebook_below(root, request.path)
    submitted = workspace.submission.submit_notebook(
        path, origin=origin_of(path), request=request.for_services()
    )
    return {
        "jobs": submitted.jobs,
        "sweep_id": submitted.sweep_id,
        "sweep": submitted.sweep,
        "schedule": submitted.schedule,
        "notes": submitted.told.lines(),
    }


def _dry_run(workspace: Workspace, request: JobRequest, root: Path) -> dict[str, Any]:
    path = notebook_below(root, request.path)
    found = workspace.submission.dry_run_notebook(
        path, origin=origin_of(path), request=request.for_services()
    )
    return {"notebook": found.notebook, "jobs": found.jobs, "notes": found.told.lines()}
