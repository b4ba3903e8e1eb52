"""What slicing knows of a value, a variable and a cell."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any, NamedTuple

from ..capture.kinds import OfType
from . import purity
from .steps import Code

PLAIN, LIBRARY, CONTAINER, ITERATOR = "plain", "library", "container", "iterator"
DEFAULTING = "defaulting"
"""A ``defaultdict``: to look for an item may make it."""
IMMUTABLE = (bool, int, float, complex, str, bytes, type(None))


class Seen(NamedTuple):
    """A value: the objects that it may be, what kind it is of, and where it was imported from."""

    objects: int = 0
    kind: str | None = PLAIN
    path: str | None = None


NONE = Seen()


class Variable(NamedTuple):
    """``binders`` are the cells that may have bound it last."""

    binders: int
    seen: Seen


class Frame:
    """The variables of a function's calls, or of a class's body; cells have none.

    ``result`` is what the calls give. ``context`` tells apart from where a function is called;
    ``settled`` is the state in which following it once more would find nothing new.
    """

    def __init__(
        self, parent: Frame | None, code: Code | None, holder: int = 0, context: tuple[int, ...] = ()
    ) -> None:
        self.variables: dict[str, Seen] = {}
        self.parent, self.code, self.holder, self.context = parent, code, holder, context
        self.result: Seen | None = None
        self.active = self.recursive = False
        self.settled = -1

    def copy(self, known: dict[int, Frame]) -> Frame:
        """Another one with the same variables; ``known`` are the copies that were made so far."""
        made = known.get(id(self))
        if made is None:
            parent = None if self.parent is None else self.parent.copy(known)
            made = known[id(self)] = Frame(parent, self.code, self.holder, self.context)
            made.variables, made.result = self.variables.copy(), self.result
        return made


class Account:
    """What is known of one cell."""

    def __init__(self) -> None:
        self.needs: dict[tuple[str, str], int] = {}
        self.always: list[str] = []
        self.undecided: list[str] = []
        self.unseeded: list[str] = []
        self.changed: dict[str, None] = {}

    def need(self, cells: int, how: str, what: str) -> None:
        if cells:
            key = (how, what)
            self.needs[key] = self.needs.get(key, 0) | cells


def bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def objects_of(seen: Sequence[Seen]) -> int:
    found = 0
    for each in seen:
        found |= each.objects
    return found


def root_of(path: str) -> str:
    return path.partition(".")[0]


def of_live(live: Any, objects: int) -> Seen | None:
    """What a living value tells of itself, by its type alone: nothing of it is called."""
    kind = live.type if type(live) is OfType else type(live)
    if kind in IMMUTABLE:
        return NONE
    if kind is ModuleType or isinstance(live, ModuleType):
        return Seen(objects, LIBRARY if root_of(live.__name__) in purity.KNOWN else None, live.__name__)
    if hasattr(kind, "__next__") and kind.__module__ == "builtins":
        return Seen(objects, ITERATOR)
    if issubclass(kind, defaultdict):
        return Seen(objects, DEFAULTING)
    if kind in (list, dict, set, tuple, frozenset):
        return Seen(objects, CONTAINER) if objects else None
    if root_of(kind.__module__) in purity.KNOWN:
        used_up = hasattr(kind, "__next__") or kind.__module__.startswith(("random", "numpy.random"))
        return Seen(objects, ITERATOR if used_up else LIBRARY)
    return None


def is_installed(root: str) -> bool:
    """Whether a module is a package that was installed, and not a file of the user's."""
    file = getattr(sys.modules.get(root), "__file__", None) or ""
    return "site-packages" in file or "dist-packages" in file or file.startswith(sys.base_prefix)
