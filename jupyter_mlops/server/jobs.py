"""Jobs: submit a saved notebook, list, follow, cancel."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from ..entities import Resources
from ..notebooks.parameters import parse_parameter
from ..services.quantities import memory_bytes, seconds
from ..services.submission.request import Request, checked_names, search_of
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
    they are; ``memory`` and ``time`` are texts such as ``8G`` and ``2h``, or bytes and seconds. ``after`` are
    ids of jobs; ``trials`` to ``parallel`` are a search's, ``goal`` as ``maximize:METRIC``; ``returns`` names
    variables to keep. With ``dry_run`` nothing is queued.
    """

    path: str
    name: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    gpus: int = 0
    cpus: int = 1
    memory: str | int | None = None
    time: str | float | None = None
    priority: int = 0
    retries: int = 0
    executor: str = "local"
    after: list[str] = field(default_factory=list)
    trials: int | None = None
    goal: str | None = None
    sampler: str | None = None
    pruner: str | None = None
    seed: int | None = None
    parallel: int | None = None
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
        resources = Resources(
            gpus=self.gpus,
            cpus=self.cpus,
            memory_bytes=memory_bytes(self.memory),
            time_limit_s=seconds(self.time),
        )
        return Request(
            name=self.name,
            params=self.values(),
            resources=resources,
            executor=self.executor,
            priority=self.priority,
            retries=self.retries,
            after=tuple(self.after),
            returns=checked_names(tuple(self.returns), "returns"),
            include=tuple(self.include),
            exclude=tuple(self.exclude),
            search=search_of(
                trials=self.trials,
                goal=self.goal or None,
                sampler=self.sampler or None,
                pruner=self.pruner or None,
                seed=self.seed,
                parallel=self.parallel,
            ),
        )


class JobsHandler(MlopsHandler):
    """``jobs``: a list, newest first; submitting."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        status = self.text("status") or None
        sweep_id = self.text("sweep_id") or None
        limit = self.number("limit", 100, least=1, most=MOST_JOBS)
        offset = self.number("offset", 0)
        await self.answer(
            lambda workspace: {
                "jobs": workspace.jobs.search(status=status, sweep_id=sweep_id, limit=limit, offset=offset)
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
        "notes": submitted.told.lines(),
    }


def _dry_run(workspace: Workspace, request: JobRequest, root: Path) -> dict[str, Any]:
    path = notebook_below(root, request.path)
    found = workspace.submission.dry_run_notebook(
        path, origin=origin_of(path), request=request.for_services()
    )
    return {"notebook": found.notebook, "jobs": found.jobs, "notes": found.told.lines()}
