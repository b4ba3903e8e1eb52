"""Running a run again from what was recorded of it."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_server.auth.decorator import authorized
from tornado import web

from ..entities import Resources
from ..services.quantities import memory_bytes, seconds
from .base import MlopsHandler

DEFAULT_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproductionRequest:
    """By how much metrics may differ and still match; what the job asks for, else what the run's job did."""

    tolerance: float = DEFAULT_TOLERANCE
    gpus: float | None = None
    cpus: int = 1
    memory: str | None = None
    time: str | None = None

    def resources(self) -> Resources | None:
        if self.gpus is None and self.cpus == 1 and self.memory is None and self.time is None:
            return None
        return Resources(
            gpus=self.gpus or 0,
            cpus=self.cpus,
            memory_bytes=memory_bytes(self.memory),
            time_limit_s=seconds(self.time),
        )


class ReproductionsHandler(MlopsHandler):
    """``runs/ID/reproductions``: what came of running it again; doing so."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str) -> None:
        await self.answer(lambda workspace: {"reproductions": workspace.reproduction.reports(run_id)})

    # it runs the recorded code, as starting a kernel does
    @web.authenticated
    @authorized("execute")  # type: ignore[untyped-decorator]
    async def post(self, run_id: str) -> None:
        request = self.body_as(ReproductionRequest)
        resources = request.resources()
        await self.change(
            lambda workspace: workspace.reproduction.start(
                run_id, tolerance=request.tolerance, resources=resources
            ),
            status=202,
        )
