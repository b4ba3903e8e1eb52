"""Where things come from, and what became of them."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web

from .base import MlopsHandler


class LineageHandler(MlopsHandler):
    """``lineage?node=&direction=``: the graph around a run, job, dataset, feature view, model or notebook."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        node, direction = self.needed("node"), self.text("direction", "both")
        await self.answer(lambda workspace: workspace.lineage.graph(node, direction=direction))


class ImpactHandler(MlopsHandler):
    """``impact?node=``: what came of it, which would have to be looked at again if it were bad."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        node = self.needed("node")
        await self.answer(lambda workspace: workspace.lineage.impact(node))
