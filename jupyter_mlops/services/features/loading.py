"""A registered definition as a function again: that runs its author's code."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ...config import TRUSTED_USERS, Settings
from ...entities import FeatureViewVersion
from ...errors import InvalidInput, MissingPackage, Untrusted
from ..registry.trust import IMPORTED, workspace_id
from .definition import require_whole
from .user_modules import require_same


def function_of(
    version: FeatureViewVersion, settings: Settings, *, trust: bool = False
) -> Callable[..., Any]:
    """The function of a definition.

    Raises Untrusted for somebody else's without ``trust``, Corrupt for one that was changed, MissingPackage
    or Conflict for a module that is missing here or is another, InvalidInput when the code fails.
    """
    if not trust:
        require_trust(version, settings)
    require_whole(version)
    what = f"The feature view {version.name}@{version.version}"
    require_same(version.code, what)
    module = ModuleType(f"jupyter_mlops_view_{version.digest[:12]}")
    file = f"<feature view {version.name}@{version.version}>"
    # tracebacks show its lines
    linecache.cache[file] = (len(version.code), None, version.code.splitlines(keepends=True), file)
    try:
        exec(compile(version.code, file, "exec", dont_inherit=True), vars(module))
    except ImportError as error:
        wanted = " ".join(f"{name}=={each}" for name, each in version.packages.items() if name != "python")
        raise MissingPackage(
            f"{what} cannot import what it needs: {error}. It was defined with: {wanted}"
        ) from error
    except Exception as error:  # the author's code may raise anything
        raise InvalidInput(f"{what} cannot be defined here: {type(error).__name__}: {error}") from error
    function: Callable[..., Any] = vars(module)[version.function]
    return function


def require_trust(version: FeatureViewVersion, settings: Settings) -> None:
    """Raises Untrusted unless this user registered it in this workspace, or its author is trusted.

    The rule of pickles: computing a view runs code that its author chose.
    """
    if version.created_by in settings.trusted_users and version.origin != IMPORTED:
        return
    if version.created_by == settings.user and version.origin == workspace_id(settings.home):
        return
    place = "in another workspace" if version.created_by == settings.user else "not by you"
    reference = f"{version.name}@{version.version}"
    raise Untrusted(
        f"The feature view {reference} was defined by {version.created_by!r}, {place}. Computing it runs "
        f"code that its author chose: read it with jupyter_mlops.feature_view({reference!r}).code. If you "
        f"trust it, add trust=True, or name {version.created_by!r} in {TRUSTED_USERS} (trusted_users of the "
        "settings)."
    )
