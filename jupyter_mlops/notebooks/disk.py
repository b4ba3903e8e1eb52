"""The files that cells write, read and keep open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from .heap import Heap
from .seen import Account, bits

PATTERN = re.compile(r"[*?\[]")
NOT_KNOWN = ""
"""The name of a file whose name is computed."""


class Disk:
    """Which cells have written which files: by themselves, or by what they do to a file that is open.

    Files are told apart by the last parts of their names.
    """

    def __init__(self) -> None:
        self._written: dict[str, int] = {}
        self._folders: dict[str, int] = {}
        self._handles: dict[str, int] = {}
        self._opened: dict[int, tuple[str, ...]] = {}
        self._named: dict[int, str] = {}
        self.opened = 0
        """Objects that are open files, archives or databases."""
        self.log = 0
        """The object that stands for the file in which logging writes."""
        self.unknown = 0
        """Cells that may write any file."""

    def copy(self) -> Disk:
        made = Disk()
        for name, value in self.__dict__.items():
            made.__dict__[name] = value.copy() if isinstance(value, dict) else value
        return made

    # ------------------------------------------------------------ what objects stand for
    def name(self, objects: int, name: str) -> None:
        """The objects are paths of this name."""
        for index in bits(objects):
            self._named[index] = name

    def names_of(self, objects: int) -> list[str]:
        """The names of paths; none where one of them is not known."""
        found = [self._named.get(index, NOT_KNOWN) for index in bits(objects)]
        return found if all(found) else []

    def open(self, objects: int, names: Sequence[str], *, writable: bool) -> None:
        """Whatever changes the objects from now on writes the files."""
        self.opened |= objects
        for index in bits(objects):
            self._opened[index] = tuple(names)
        for name in names or (NOT_KNOWN,) if writable else ():
            key = _last(name)
            self._handles[key] = self._handles.get(key, 0) | objects

    def names_opened(self, objects: int) -> list[str]:
        """The names of what is open; none where one is not known."""
        found = [self._opened[index] for index in bits(objects & self.opened)]
        return [name for names in found for name in names] if all(found) else []

    # ------------------------------------------------------------ writing
    def write(self, names: Sequence[str], account: Account, cell: int, *, folders: bool = False) -> None:
        """Files are written, by names that are written out, or by ones that are not known.

        The folders in which they lie have to be there.
        """
        if not names:
            self.unknown |= cell
            account.need(_all(self._folders.values()) & ~cell, "makes", "a folder")
        for name in names:
            self._need_folders(name, account, cell)
            key = _last(name)
            self._written[key] = self._written.get(key, 0) | cell
        for part in [part for name in names for part in _parts(name)] or [NOT_KNOWN] if folders else ():
            self._folders[part] = self._folders.get(part, 0) | cell

    def _need_folders(self, name: str, account: Account, cell: int) -> None:
        *around, _ = _parts(name) or [""]
        if around and self._folders:
            makers = _all(self._folders.get(part, 0) for part in [*around, NOT_KNOWN])
            account.need(makers & ~cell, "makes", f"a folder of {name}")

    # ------------------------------------------------------------ reading
    def read(self, names: Sequence[str], account: Account, heap: Heap, cell: int) -> None:
        """Files are read; without a name, any."""
        anything = self.unknown | heap.marked_by(self._handles.get(NOT_KNOWN, 0))
        if not names:
            anything |= _all(self._written.values()) | heap.marked_by(_all(self._handles.values()))
        account.need(anything & ~cell, "may write", "a file")
        for name in names:
            self._read(name, account, heap, cell)

    def _read(self, name: str, account: Account, heap: Heap, cell: int) -> None:
        self._need_folders(name, account, cell)
        key = _last(name)
        if PATTERN.search(key):
            writers = _all(self._written[each] for each in self._written if fnmatchcase(each, key))
            handles = _all(self._handles[each] for each in self._handles if fnmatchcase(each, key))
        else:
            writers, handles = self._written.get(key, 0), self._handles.get(key, 0)
        writers |= heap.marked_by(handles)
        account.need(writers & ~cell, "writes", f"the file {name}")

    def mention(
        self, texts: Sequence[str], written: Sequence[str], account: Account, heap: Heap, cell: int
    ) -> None:
        """Texts of a cell: those that name files, and are not only ``written`` there, are read."""
        if self._written or self._handles:
            for text in set(texts):
                if texts.count(text) > written.count(text):
                    self._read(text, account, heap, cell)


def _parts(name: str) -> list[str]:
    return [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]


def _last(name: str) -> str:
    return (_parts(name) or [NOT_KNOWN])[-1]


def _all(masks: Iterable[int]) -> int:
    found = 0
    for each in masks:
        found |= each
    return found
