"""Sweeps: list, follow with their trials, cancel."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web

from .base import MlopsHandler

MOST_SWEEPS = 1_000


class SweepsHandler(MlopsHandler):
    """``sweeps``: a list, newest first."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        status = self.text("status") or None
        limit = self.number("limit", 100, least=1, most=MOST_SWEEPS)
        offset = self.number("offset", 0)
        await self.answer(
            lambda workspace: {"sweeps": workspace.sweeps.search(status=status, limit=limit, offset=offset)}
        )


class SweepHandler(MlopsHandler):
    """``sweeps/ID``: one sweep with its trials."""

    @web.authenticated
    @authorized
    async def get(self, sweep_id: str) -> None:
        await self.answer(lambda workspace: workspace.sweeps.detail(sweep_id))


class CancelSweepHandler(MlopsHandler):
    """``sweeps/ID/cancel``: make no more trials, and ask those that go on to end."""

    @web.authenticated
    @authorized
    async def post(self, sweep_id: str) -> None:
        await self.change(lambda workspace: workspace.sweeps.cancel(sweep_id))
