"""What the "Run as batch job" dialog asks about a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from ..notebooks.parameters import parameters_of
from .base import MlopsHandler
from .places import notebook_below

if TYPE_CHECKING:
    from pathlib import Path

    from ..workspace import Workspace


class ParametersHandler(MlopsHandler):
    """``notebooks/parameters?path=``: what the notebook takes, and what there is to run it on."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        path, root = self.needed("path"), self.root
        await self.answer(lambda workspace: _parameters(workspace, notebook_below(root, path)))


def _parameters(workspace: Workspace, path: Path) -> dict[str, Any]:
    slots = workspace.jobs.slots()
    return {
        "parameters": parameters_of(path),
        "gpus": len(slots),
        "virtual": any(slot.virtual for slot in slots),
    }
