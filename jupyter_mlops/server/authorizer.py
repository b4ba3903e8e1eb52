"""Roles for jupyter_server, which asks its Authorizer before every request.

In ``jupyter_server_config.py``::

    c.ServerApp.authorizer_class = "jupyter_mlops.server.authorizer.MlopsAuthorizer"

Viewers may then only look at what is ours: the services refuse them most changes anyway, and here also the
rest, such as a note on a run. Everything else of the server (kernels, files, terminals) is up to another
authorizer, ``c.MlopsAuthorizer.others``: whoever may start a kernel can run any code as the server's user.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from jupyter_core.utils import ensure_async
from jupyter_server.auth import AllowAllAuthorizer, Authorizer
from traitlets import Instance, Type, default

from ..entities import Role
from .base import AUTH_RESOURCE, WORKSPACE
from .identity import named_user

if TYPE_CHECKING:
    from jupyter_server.auth import User
    from jupyter_server.base.handlers import JupyterHandler

    from ..workspace import Workspace


class MlopsAuthorizer(Authorizer):
    """Lets viewers read what is ours; all that is not ours is up to ``others``."""

    others = Type(
        AllowAllAuthorizer,
        klass=Authorizer,
        config=True,
        help="The authorizer of everything but jupyter_mlops.",
    )
    other = Instance(Authorizer)

    @default("other")
    def _make_other(self) -> Authorizer:
        return self.others(parent=self, identity_provider=self.identity_provider)

    async def is_authorized(self, handler: JupyterHandler, user: User, action: str, resource: str) -> bool:
        """Whether ``user`` may do ``action`` (read, write, execute) with ``resource``."""
        if resource != AUTH_RESOURCE:
            return bool(await ensure_async(self.other.is_authorized(handler, user, action, resource)))
        if action == "read":
            return True
        workspace: Workspace = handler.settings[WORKSPACE]
        name = named_user(self.identity_provider, user) or workspace.settings.user
        return await asyncio.to_thread(workspace.access.role_of, name) is not Role.VIEWER
