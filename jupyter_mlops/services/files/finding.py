"""The user's own modules and the data files that sources need, looked for on this machine's disk."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...capture.modules import is_library
from ...capture.reads.scope import is_data
from ...errors import NotFound
from ...notebooks.file_names import FOLDER, NAMED, PATTERN, READ, WRITE, FileNames, Use, file_names
from .modules import LocalModules

MOST = 10_000
"""More files than these below a folder that the code names are too many to look at."""


@dataclass(frozen=True, slots=True)
class MissingFile:
    """A file that the sources read and that is not there. ``sure``: no code before it can make it."""

    path: str
    reader: str
    sure: bool = False

    def text(self, cwd: Path) -> str:
        """What to tell the user."""
        return (
            f"{self.reader}({self.path!r}) reads a file that is not there: {_absolute(self.path, cwd)}. "
            "Relative names start at the job's folder."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFiles:
    """Absolute paths, as the sources name them: symbolic links are followed only when they are packed.

    ``search_path`` are the folders from which ``modules`` are imported, ``cwd`` among them; ``absolute`` are
    the data files that the sources name by absolute paths. ``written`` are files that they write, under
    names that are always the same. ``unclear`` says what the texts do not tell.
    """

    cwd: Path
    modules: list[Path] = field(default_factory=list)
    data: list[Path] = field(default_factory=list)
    missing: list[MissingFile] = field(default_factory=list)
    search_path: list[Path] = field(default_factory=list)
    absolute: list[Path] = field(default_factory=list)
    written: list[Path] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)

    def notes(self) -> list[str]:
        """What to say of missing files before a job is queued."""
        return [each.text(self.cwd) for each in self.missing]

    def check(self) -> None:
        """Raise NotFound for a file that is certainly missing when the job reads it."""
        if sure := next((each for each in self.missing if each.sure), None):
            raise NotFound(f"{sure.text(self.cwd)} Nothing was queued.")


def find(
    sources: Sequence[str],
    *,
    cwd: Path | str,
    python_path: Iterable[str] = (),
    namespace: Mapping[str, Any] | None = None,
    recorded: Iterable[str] = (),
    executed: bool = True,
    travelling: bool = True,
) -> FoundFiles:
    """What ``sources``, run one after the other in ``cwd``, import and read.

    ``python_path`` is what the kernel's ``sys.path`` has beyond that of a fresh interpreter, ``namespace``
    the kernel's: a module in it says itself where it lies. ``recorded`` are files that the kernel was seen
    to read when it ran these sources. ``executed``: all but the last source were executed here. Without
    ``travelling`` only what is missing is wanted: neither modules' modules nor data files are looked up.
    """
    cwd = Path(os.path.abspath(cwd))
    names = file_names(sources, executed=executed)
    added = [_absolute(each, cwd) for each in names.added_paths]
    search_path = _search_path([cwd, *added, *map(Path, python_path)])
    modules = LocalModules(search_path, cwd, deep=travelling)
    modules.take(names)
    modules.take_namespace(names, namespace or {})
    data = _Data(cwd)
    if travelling:
        data.take_all(names, modules, recorded)
    return FoundFiles(
        cwd=cwd,
        modules=sorted(modules.paths),
        data=sorted(data.found - modules.paths),
        missing=_missing(names, cwd, has_modules=bool(modules.paths)),
        search_path=search_path,
        absolute=sorted(data.absolute & data.found),
        written=sorted(
            {_absolute(use.path, cwd) for use in names.uses if use.kind == WRITE and "." in use.path}
        ),
        unclear=_unclear(names, modules),
    )


class _Data:
    """Existing files among those that are named."""

    def __init__(self, cwd: Path) -> None:
        self.found: set[Path] = set()
        self.absolute: set[Path] = set()
        self._cwd = cwd

    def take_all(self, names: FileNames, modules: LocalModules, recorded: Iterable[str]) -> None:
        for use in names.uses:
            self.take(use)
        for use in (use for own in modules.names for use in own.uses):
            self.take(use, in_module=True)  # there __file__ is absolute, wherever the module lies
        for path in recorded:
            self.take(Use(path, READ), in_module=True)

    def take(self, use: Use, *, in_module: bool = False) -> None:
        path = _absolute(use.path, self._cwd)
        if os.path.isabs(os.path.expanduser(use.path)) and not in_module:
            self.absolute.add(path)
        if use.kind == PATTERN:
            for each in glob.glob(str(path), recursive=True)[:MOST]:
                self._add(Path(each))
        elif use.kind != WRITE and os.path.lexists(path):
            if path.is_dir():
                self._take_folder(use, path)
            else:
                self._add(path)

    def _take_folder(self, use: Use, path: Path) -> None:
        """A word such as "data" may be a column's name; but not where something reads files."""
        is_meant = use.kind in (READ, FOLDER) or (use.kind == NAMED and "/" in use.path.rstrip("/"))
        if not is_meant or path in (self._cwd, *self._cwd.parents):
            return
        for each in files_below(path):
            if len(self.found) < MOST:
                self._add(each)

    def _add(self, path: Path) -> None:
        if path.is_file() and is_data(str(path)):
            self.found.add(path)


def files_below(folder: Path) -> Iterator[Path]:
    """All files of a folder, but for hidden ones and compiled modules."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not _is_hidden(each))
        yield from (Path(place, name) for name in sorted(files) if not _is_hidden(name))


def _missing(names: FileNames, cwd: Path, *, has_modules: bool) -> list[MissingFile]:
    """Files that only reading functions are given, and that are not there."""
    if names.moves:
        return []
    elsewhere = {_absolute(use.path, cwd) for use in names.uses if use.kind == WRITE}
    found: dict[Path, MissingFile] = {}
    for use in names.uses:
        path = _absolute(use.path, cwd)
        if use.kind != READ or not use.reader or os.path.lexists(path):
            continue
        if any(path == each or each in path.parents for each in elsewhere):
            continue
        sure = use.certain and not names.commands and not has_modules and path.is_relative_to(cwd)
        before = found.get(path)
        found[path] = MissingFile(use.path, use.reader, sure or (before is not None and before.sure))
    return list(found.values())


def _unclear(names: FileNames, modules: LocalModules) -> list[str]:
    found = []
    if names.moves:
        found.append("the code changes its folder: files are looked for from where the job starts")
    if names.commands:
        found.append("the code runs programs: of what they read, only files that their lines name are known")
    if names.dynamic or modules.dynamic:
        found.append("the code imports modules by names that it computes")
    return found


def _search_path(folders: Iterable[Path]) -> list[Path]:
    found = dict.fromkeys(Path(os.path.abspath(each)) for each in folders)
    return [each for each in found if each.is_dir() and not is_library(str(each))]


def _absolute(path: str, cwd: Path) -> Path:
    return Path(os.path.normpath(cwd / os.path.expanduser(path)))


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__pycache__"
