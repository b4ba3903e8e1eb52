"""The GPUs of this machine, and those who share them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from ..services.sharing import shared_gpus, users_of
from .base import MlopsHandler

if TYPE_CHECKING:
    from ..workspace import Workspace


class GpusHandler(MlopsHandler):
    """``gpus``: who has which GPU, and what each user has had and may have."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        await self.answer(_shared)


def _shared(workspace: Workspace) -> dict[str, Any]:
    machine = workspace.machine
    gpus = shared_gpus(machine, workspace.jobs.store.begun())
    return {"gpus": gpus, "users": users_of(machine)}
