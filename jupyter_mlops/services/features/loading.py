"""A registered definition as a function again: that runs its author's code."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ...entities import FeatureViewVersion
from ...errors import InvalidInput, MissingPackage
from .definition import require_whole
from .user_modules import require_same


def function_of(version: FeatureViewVersion) -> Callable[..., Any]:
    """The function of a definition that is trusted: this runs its author's code.

    Raises Corrupt for one that was changed, MissingPackage or Conflict for a module that is missing here or
    is another, InvalidInput when the code fails.
    """
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
