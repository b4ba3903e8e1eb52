"""The installation as a whole, and addresses that lead nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from jupyter_server.auth.decorator import authorized
from tornado import web

from .._version import __version__
from ..errors import NotFound
from .base import MlopsHandler

if TYPE_CHECKING:
    from ..workspace import Workspace


class StatusHandler(MlopsHandler):
    """``status?checks=1``: version, place, GPUs, agent, and if asked what ``jupyter mlops doctor`` says."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        checks = bool(self.number("checks", 0, most=1))  # they take a second or more
        await self.answer(lambda workspace: _status(workspace, checks=checks))


class UnknownHandler(MlopsHandler):
    """Any other address, so that also this error is ours in form."""

    # one function a verb: @authorized keeps the action of the first request that it sees
    @web.authenticated
    @authorized
    async def get(self) -> None:
        self._refuse()

    @web.authenticated
    @authorized
    async def post(self) -> None:
        self._refuse()

    @web.authenticated
    @authorized
    async def put(self) -> None:
        self._refuse()

    @web.authenticated
    @authorized
    async def patch(self) -> None:
        self._refuse()

    @web.authenticated
    @authorized
    async def delete(self) -> None:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise NotFound(f"There is nothing at {self.request.path}.")


def _status(workspace: Workspace, *, checks: bool) -> dict[str, Any]:
    return {
        "version": __version__,
        "home": str(workspace.settings.home),
        "user": workspace.settings.user,
        "gpus": workspace.jobs.slots(),
        "agent": {"running": workspace.agent.status() is not None},
        "checks": workspace.doctor.checks() if checks else [],
    }
