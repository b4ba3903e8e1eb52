"""What jobs have held and used."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web

from .base import MlopsHandler


class UsageHandler(MlopsHandler):
    """``usage?by=user|notebook|executor|day&since=7d&user=``: sums over attempts, and their total."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        by, since, user = self.text("by", "user"), self.text("since", "7d"), self.text("user") or None
        await self.answer(lambda workspace: workspace.usage.report(by, since=since, user=user))
