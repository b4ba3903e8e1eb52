"""Packages and programs that tests use where they are installed; CI requires all of them."""

from __future__ import annotations

import importlib
import os
import shutil
from pathlib import Path
from types import ModuleType

import pytest


def optional(module: str) -> ModuleType:
    """The module; skips the test where it is not installed, and fails it in CI."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        give_up(f"{module} cannot be imported: {error}")
        raise


def optional_program(name: str, *folders: Path) -> Path:
    """The program's path, looked for on PATH and in ``folders``; skips or fails as :func:`optional`."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *map(str, folders)])
    if (found := shutil.which(name, path=path)) is None:
        give_up(f"There is no program {name!r}.")
        raise AssertionError
    return Path(found)


def give_up(reason: str) -> None:
    """Skip this test, or fail it where everything is required."""
    if os.environ.get("CI_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
