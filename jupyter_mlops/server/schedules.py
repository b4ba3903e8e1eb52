"""Schedules: list, look into, pause, resume, run at once, delete. ``POST jobs`` with ``cron`` makes one."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web

from .base import MlopsHandler

MOST_SCHEDULES = 1_000


class SchedulesHandler(MlopsHandler):
    """``schedules``: a list, newest first; ``enabled=1`` without those that are paused."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        enabled = self.flag("enabled") if self.text("enabled") else None
        limit = self.number("limit", 100, least=1, most=MOST_SCHEDULES)
        offset = self.number("offset", 0)
        await self.answer(
            lambda workspace: {
                "schedules": workspace.schedules.search(enabled=enabled, limit=limit, offset=offset)
            }
        )


class ScheduleHandler(MlopsHandler):
    """``schedules/ID``: one schedule with its next and its newest runs; deleting it."""

    @web.authenticated
    @authorized
    async def get(self, schedule_id: str) -> None:
        await self.answer(lambda workspace: workspace.schedules.detail(schedule_id))

    @web.authenticated
    @authorized
    async def delete(self, schedule_id: str) -> None:
        await self.change(lambda workspace: workspace.schedules.delete(schedule_id))


class PauseScheduleHandler(MlopsHandler):
    """``schedules/ID/pause``: queue no more runs until it is resumed."""

    @web.authenticated
    @authorized
    async def post(self, schedule_id: str) -> None:
        await self.change(lambda workspace: workspace.schedules.pause(schedule_id))


class ResumeScheduleHandler(MlopsHandler):
    """``schedules/ID/resume``: go on from now."""

    # what runs code needs what running code needs
    @web.authenticated
    @authorized("execute")  # type: ignore[untyped-decorator]
    async def post(self, schedule_id: str) -> None:
        await self.change(lambda workspace: workspace.schedules.resume(schedule_id))


class RunScheduleHandler(MlopsHandler):
    """``schedules/ID/run``: one run more, at once."""

    @web.authenticated
    @authorized("execute")  # type: ignore[untyped-decorator]
    async def post(self, schedule_id: str) -> None:
        await self.change(lambda workspace: workspace.schedules.run_now(schedule_id), status=201)
