"""What the parts of the interpreter need of the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from .disk import Disk
from .figures import Figures
from .heap import Heap
from .outside import Outside
from .seen import Account, Frame, Seen
from .steps import Step, Value


class Interpreter(Protocol):
    """The cell that is interpreted now has the number ``index`` and the bit ``bit``.

    ``namespace`` is the kernel's, where it is known. A frame of None is the namespace. ``context`` says
    from where the function was called that is being followed. ``of_data`` as for Flow. ``submodules`` tells
    which cells have imported a submodule of a library.
    """

    heap: Heap
    outside: Outside
    disk: Disk
    figures: Figures
    account: Account
    index: int
    bit: int
    context: tuple[int, ...]
    namespace: Mapping[str, Any] | None
    of_data: bool
    submodules: dict[str, int]

    def step(self, step: Step, frame: Frame | None) -> None:
        """Take a step."""
        ...

    def value(self, value: Value, frame: Frame | None) -> Seen:
        """Evaluate."""
        ...

    def made(self, value: Value, holds: int = 0, *, kind: str | None = None, explicit: bool = False) -> int:
        """The object that a value's place makes."""
        ...

    def attribute(self, base: Seen, attribute: str) -> Seen:
        """An attribute of a value, or with ``[]`` an item; a module's is known by its path."""
        ...

    def iterate(self, seen: Seen, title: str) -> Seen:
        """Any item of a value. Iterators, and what may be one, are changed by it."""
        ...

    def operate(self, *parts: Seen) -> None:
        """Operators and builtins call the special methods of the cells' own classes."""
        ...

    def module(self, root: str) -> int:
        """The object that a module is: the same under all names."""
        ...

    def change(self, seen: Seen, title: str, *, store: int = 0, deep: bool = True) -> None:
        """The value may be changed now, and all that it reaches; it may hold ``store`` from now on."""
        ...

    def join_local(self, name: str, seen: Seen, frame: Frame) -> None:
        """A variable of a function may be this as well."""
        ...

    def give_up(self, why: str) -> None:
        """Follow nothing more of this cell: it may do anything."""
        ...

    def see_nothing(self, why: str, *, reads: bool) -> None:
        """The cell does what its text does not show; with ``reads`` it may also read any name."""
        ...

    def write_files(self, names: Sequence[str], *, folders: bool = False) -> None:
        """Files are written, by names that are written out, or by one that is not known."""
        ...
