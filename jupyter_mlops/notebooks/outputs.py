"""The values that cells have shown, which IPython gives names by place: ``_``, ``_3``, ``Out[3]``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from .heap import Heap
from .seen import Seen

NUMBERED = re.compile(r"_+|_i{1,3}|_i?\d+|Out|In|_oh|_ih|_dh|(Out|_oh)\[.*\]", re.DOTALL)
LAST = ("_", "__", "___")
TEXT = re.compile(r"_i{1,3}|_i\d+|In|_ih|_dh")
"""Names of what was typed, and of folders: no values."""
NUMBER = re.compile(r"\d+")


class Shown(NamedTuple):
    """``number`` is the execution count of the cell, ``cell`` its bit."""

    number: int
    cell: int
    value: Seen


class Outputs:
    """What was shown so far. A cell may show several values; which of them is kept is not asked."""

    def __init__(self) -> None:
        self._shown: list[Shown] = []
        self._number = 0
        self._before: Sequence[int] | None = None
        self.value: Seen | None = None
        """What the present cell shows; None where that is not known."""

    def copy(self) -> Outputs:
        made = Outputs()
        made._shown = self._shown.copy()
        return made

    def begin(self, number: int, before: Sequence[int] | None) -> None:
        """Another cell; ``before`` are the numbers of the last values, the latest first, where known."""
        self._number, self._before, self.value = number, before, None

    def end(self, cell: int, heap: Heap) -> None:
        """The cell has shown a value; None, of which IPython keeps nothing, it may have been."""
        self._shown.append(Shown(self._number, cell, self.value or Seen(heap.new(), None)))

    def last(self) -> list[Shown]:
        """What ``_`` is: the last value of a cell that is known to have shown one, else the last of all."""
        return self._numbered(self._before[0] if self._before else None) or self._shown[-1:]

    def named(self, name: str) -> list[Shown]:
        """Every value that may be meant; none by a name of a text."""
        if TEXT.fullmatch(name):
            return []
        if name in LAST:
            place = LAST.index(name)
            if self._before is None:
                return self._shown
            number = self._before[place] if place < len(self._before) else None
        else:
            found = NUMBER.search(name)
            number = int(found[0]) if found else None
        return self._numbered(number) or self._shown

    def _numbered(self, number: int | None) -> list[Shown]:
        return [each for each in self._shown if each.number == number] if number is not None else []
