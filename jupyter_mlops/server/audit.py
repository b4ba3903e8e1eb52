"""Who decided what and when, and what the one who asks may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_server.auth.decorator import authorized
from tornado import web

from .base import MlopsHandler

if TYPE_CHECKING:
    from ..workspace import Workspace

MOST_ENTRIES = 1_000


class AuditHandler(MlopsHandler):
    """``audit?subject=&before=&limit=``: decisions, newest first."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        subject = self.text("subject")
        before = self.number("before", 0, least=1) if self.text("before") else None
        limit = self.number("limit", 100, least=1, most=MOST_ENTRIES)
        await self.answer(
            lambda workspace: {
                "entries": workspace.audit_trail.entries(subject=subject, before=before, limit=limit)
            }
        )


class AccessHandler(MlopsHandler):
    """``access``: the name and the role of who asks."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        await self.answer(_access)


def _access(workspace: Workspace) -> dict[str, str]:
    user = workspace.settings.user
    return {"user": user, "role": workspace.access.role_of(user).value}
