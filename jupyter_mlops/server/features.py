"""Feature views: their definitions, and what was computed by them."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web

from .base import MlopsHandler


class FeaturesHandler(MlopsHandler):
    """``features``: all feature views."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        await self.answer(lambda workspace: {"features": workspace.features.all()})


class FeatureHandler(MlopsHandler):
    """``features/NAME``: one, with its versions and materialisations."""

    @web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        await self.answer(lambda workspace: workspace.features.named(name))
