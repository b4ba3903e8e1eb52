"""The user's own modules that sources import, and those that these import in turn."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...capture.modules import is_library, source_path
from ...notebooks.file_names import FileNames, Imported, file_names

LARGEST_BYTES = 4 * 1024 * 1024
MOST = 2000


class LocalModules:
    """Filled by ``take``; ``names`` are what the modules themselves name, ``dynamic`` whether one computes
    what it imports. Of a package in which a module does, all modules are taken. Without ``deep``, only
    the sources' own imports are looked for, and no module is read.
    """

    def __init__(self, search_path: Sequence[Path], cwd: Path, *, deep: bool = True) -> None:
        self.paths: set[Path] = set()
        self.names: list[FileNames] = []
        self.dynamic = False
        self._search_path = search_path
        self._cwd = cwd
        self._deep = deep

    def take(self, names: FileNames) -> None:
        """The modules that the sources of a job import, and the scripts that they run."""
        for each in names.imports:
            self._import(each, of=None)
        for script in names.scripts:
            self._read(Path(os.path.normpath(self._cwd / script)), folder=None)

    def take_namespace(self, names: FileNames, namespace: Mapping[str, Any]) -> None:
        """A module that lies where only the kernel can tell (a finder of its own)."""
        imported = {each.module.partition(".")[0] for each in names.imports if not each.level}
        for value in list(namespace.values()):
            path = source_path(value)
            name = getattr(value, "__name__", "") if path else ""
            if path and name.partition(".")[0] in imported and self._is_below_search_path(Path(path)):
                self._read(Path(path), folder=Path(path).parent)

    def _is_below_search_path(self, path: Path) -> bool:
        real = [Path(os.path.realpath(each)) for each in self._search_path]
        own = {Path(os.path.realpath(each)) for each in self.paths}
        return path not in own and any(path.is_relative_to(each) for each in real)

    def _import(self, what: Imported, of: Path | None) -> None:
        """``of`` is the package in which a relative import stands."""
        if what.level:
            if of is None:
                return
            base = of
            for _ in range(what.level - 1):
                base = base.parent
            self._walk(base, [each for each in what.module.split(".") if each], what.names)
            return
        parts = what.module.split(".")
        if parts[0] in sys.builtin_module_names:
            return
        for folder in self._search_path:
            if self._is_there(folder, parts[0]):
                self._walk(folder, parts, what.names)
                return

    def _walk(self, folder: Path, parts: Sequence[str], names: Iterable[str]) -> None:
        """Each package on the way, the module, and of what is imported from it that which is a module."""
        for part in parts:
            self._take_module(folder, part)
            folder = folder / part
        for name in names:
            if name == "*":
                self._read(folder / "__init__.py", folder=folder)
            else:
                self._take_module(folder, name)

    def _take_module(self, folder: Path, name: str) -> None:
        package = folder / name
        if (package / "__init__.py").is_file():
            self._read(package / "__init__.py", folder=package)
        elif (folder / f"{name}.py").is_file():
            self._read(folder / f"{name}.py", folder=folder)

    def _is_there(self, folder: Path, name: str) -> bool:
        """Packages without an ``__init__.py`` count where they hold modules: ``data`` is no package."""
        if (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file():
            return not is_library(str(folder))
        return (folder / name).is_dir() and any((folder / name).glob("**/*.py"))

    def _read(self, path: Path, *, folder: Path | None) -> None:
        """Take a module and what it imports; ``folder`` is that of its package."""
        if path in self.paths or len(self.paths) >= MOST or not path.is_file():
            return
        self.paths.add(path)
        if not self._deep:
            return
        try:
            if path.stat().st_size > LARGEST_BYTES:
                return
            source = path.read_text(encoding="utf-8", errors="replace")
        except OSError:  # whoever packs it says so
            return
        names = file_names([source], file=str(path))
        self.names.append(names)
        for each in names.imports:
            self._import(each, of=folder)
        if names.dynamic:
            self.dynamic = True
            self._take_all(folder)

    def _take_all(self, folder: Path | None) -> None:
        if folder is None or folder in (*self._search_path, self._cwd):
            return
        for path in sorted(folder.rglob("*.py")):
            self._read(path, folder=path.parent)
