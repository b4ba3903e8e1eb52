"""Who sent a request: the name that Jupyter's identity provider gives, where it tells people apart.

JupyterHub's provider and those of other installations name their users. Jupyter's own give whoever has the
server's token or password a name drawn by lot: that is the server's own user, as the settings name him.
"""

from __future__ import annotations

import os
import re

from jupyter_server.auth.identity import IdentityProvider, LegacyIdentityProvider, User

from ..config import HUB_USER

NAMING = (
    "get_user",
    "_get_user",
    "get_user_token",
    "get_user_cookie",
    "user_from_cookie",
    "generate_anonymous_user",
    "process_login_form",
)
"""What a provider that tells people apart has of its own."""

OURS = "jupyter_server."
DRAWN = re.compile(r"[0-9a-f]{32}")
"""The form of names that Jupyter draws; ``anonymous`` is what its login handlers before 2.0 said."""


def named_user(provider: IdentityProvider, user: User | None) -> str | None:
    """The name of who is logged in; None for the server's own user."""
    if user is None or not tells_apart(provider):
        return None
    if hub_user := os.environ.get(HUB_USER):  # a hub draws no names: one of its users may be called so
        # whom it started this server for: in kernels the same person may have a name of the settings
        return None if user.username == hub_user else user.username
    drawn = DRAWN.fullmatch(user.username) or user.username == "anonymous"
    return None if drawn else user.username


def tells_apart(provider: IdentityProvider) -> bool:
    """Whether the provider knows users, and not only a token or a password that they share."""
    if isinstance(provider, LegacyIdentityProvider):
        return not provider.login_handler_class.__module__.startswith(OURS)
    return any(not _module_of(type(provider), name).startswith(OURS) for name in NAMING)


def _module_of(provider: type[IdentityProvider], method: str) -> str:
    return str(getattr(getattr(provider, method), "__module__", ""))
