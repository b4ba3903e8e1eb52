"""The modules of the user's own that a process has imported: no library's, and not Python's.

Everything is told from file names and from what modules say of themselves, without touching a module that
loads itself when it is touched.
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

OWN = str(Path(__file__).resolve().parents[1]) + os.sep
"""This package, which may be an editable install, and the module that is run as a program."""
MOST = 1000
"""More modules than these are not looked at: the rest of a large editable install."""
_main_file = getattr(sys.modules.get("__main__"), "__file__", None)
"""Python forgets it as soon as a script has ended, before what goes on beside it at exit."""
_LIBRARY_FOLDERS = frozenset(("site-packages", "dist-packages", "__pypackages__"))


@dataclass(frozen=True, slots=True)
class SourceModule:
    """A module by the real path of its source."""

    name: str
    path: str


class ImportedModules:
    """The user's modules among those imported; looks at each name once."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._found: dict[str, SourceModule] = {}

    def look(self) -> list[SourceModule]:
        """All by now, sorted by name; a file that was imported under two names is told once."""
        for name in list(sys.modules.keys() - self._seen):
            self._seen.add(name)
            module = sys.modules.get(name)
            path = source_path(module) if module is not None else None
            if path is not None and len(self._found) < MOST:
                self._found.setdefault(path, SourceModule(name, path))
        return sorted(self._found.values(), key=lambda each: each.name)


def source_path(module: Any) -> str | None:
    """The real path of a module's source, if it is the user's."""
    if not isinstance(module, ModuleType):
        return None
    try:
        # importlib's lazy modules load at any usual access
        own = object.__getattribute__(module, "__dict__")
        stated = own.get("__file__", _main_file if own.get("__name__") == "__main__" else None)
    except (AttributeError, TypeError):
        return None
    if not isinstance(stated, str) or not stated.endswith(".py") or is_library(os.path.dirname(stated)):
        return None
    path = os.path.realpath(stated)
    if path.startswith(OWN) or is_library(os.path.dirname(path)) or not os.path.isfile(path):
        return None
    return path


@lru_cache(maxsize=4096)
def is_library(folder: str) -> bool:
    """Whether what lies in a folder was installed rather than written by the user."""
    parts = Path(os.path.abspath(folder)).parts
    if not _LIBRARY_FOLDERS.isdisjoint(parts):
        return True
    return any(parts[: len(library)] == library for library in _libraries())


@lru_cache(maxsize=1)
def _libraries() -> tuple[tuple[str, ...], ...]:
    paths = sysconfig.get_paths()
    found = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib") if key in paths}
    found.add(site.getusersitepackages())
    found.add(os.path.dirname(os.__file__))
    if sys.prefix != sys.base_prefix or os.path.isdir(os.path.join(sys.prefix, "conda-meta")):
        found.add(sys.prefix)  # of an environment all is installed; below /usr people keep their own, too
    return tuple(Path(each).parts for path in found if path for each in _both(path))


def _both(path: str) -> Iterable[str]:
    return {os.path.abspath(path), os.path.realpath(path)}
