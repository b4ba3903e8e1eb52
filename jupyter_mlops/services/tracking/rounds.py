"""Telling what code has read since a loop's present round has begun from what it read in rounds before.

All by the places in the code, and conservatively: what cannot be told was read in the present round.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Sequence
from functools import lru_cache
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from types import CodeType

from ...capture.loaded import Call, Calls, Read

LOADS = {"dataset": "load_dataset", "model": "load_model"}
PAUSES = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR


class Rounds:
    """For a tracked block at the place ``where``; ``ended`` is when the last one there did, in the order of
    reads.

    ``function`` is the name of the tracked function that is called there, if it is one. The rounds are those
    of the loops in the function, module or cell that has been called at ``level``.
    """

    def __init__(
        self, where: Calls, function: str, ended: int, reads: Sequence[Read], level: int = 0
    ) -> None:
        self._calls, self._ended, self._level = where.calls, ended, level
        self._at_once = [
            _times(self._calls, place, function, level) == 1 for place in range(level, len(self._calls))
        ]
        self._steady = _is_steady(self._calls)
        self._later: dict[Calls, list[Read]] = {}
        for read in sorted(reads, key=lambda each: -each.order):
            self._later.setdefault(read.where, []).append(read)
        self._counts: dict[Calls, int] = {}

    @property
    def calls_once(self) -> bool:
        """Whether the statement of this level calls the function with the block once each time it runs."""
        return self._steady and self._at_once[0]

    def is_replaced(self, read: Read) -> bool:
        """Whether the statement that read it has run again, and has read something else."""
        where = read.where
        if where not in self._counts:
            self._counts[where] = self._count(read) if self._steady and _is_steady(where.calls) else 0
        count = self._counts[where]
        return count > 0 and read not in self._later[where][:count]

    def is_of_round_before(self, read: Read) -> bool:
        """Whether a block has come after it in an earlier round, for what runs once in a round before the
        block.
        """
        return self._steady and all(self._at_once) and read.order <= self._ended

    def is_of_call_before(self, read: Read) -> bool:
        """The same for the statement that the block is in, which may call a function repeatedly."""
        if not self._steady or not all(self._at_once[1:]) or read.order > self._ended:
            return False
        inner = slice(self._level + 1, self._level + 2)
        called, read_by = self._calls[inner], read.where.calls[inner]
        return self._at_once[0] or bool(called and read_by and called[0].code == read_by[0].code)

    def _count(self, read: Read) -> int:
        """How many versions are read at a place in one go; 0 where that is not plain."""
        calls, found = read.where.calls, 1
        for place in range(self._level, len(calls)):
            found *= _times(calls, place, LOADS.get(read.version.kind, ""), self._level)
        return found


def lasts(where: Calls, function: str) -> bool:
    """Whether what is tracked runs within the statements that run now, and not after them."""
    if not function and not _is_header(where.calls[-1]):
        return False
    pairs = zip(where.calls, where.calls[1:], strict=False)
    return all(_is_header(outer) for outer, inner in pairs if inner.code.co_flags & CO_GENERATOR)


def tree_of(code: CodeType) -> ast.Module | None:
    """The source of the module or cell that a code is of; None where it is not to be had."""
    return _parsed("".join(linecache.getlines(code.co_filename)))


@lru_cache(maxsize=32)
def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text) if text else None
    except (SyntaxError, ValueError):
        return None


def _is_steady(calls: Sequence[Call]) -> bool:
    """Whether none of the functions calls itself, or is left and gone on with."""
    codes = [each.code for each in calls]
    return len(set(codes)) == len(codes) and not any(each.co_flags & PAUSES for each in codes)


def _times(calls: Sequence[Call], place: int, last: str, level: int) -> int:
    """How often a line makes the call that comes next, at each time when what it is in is called.

    0 where that is not plain. At ``level`` a loop around the line does not count: what it is in is its round.
    ``last`` is the name of what the last line calls; none for the beginning of a block.
    """
    from ...notebooks.lines import calls_of_name, is_repeated

    code, line, _ = calls[place]
    tree = tree_of(code)
    if tree is None or (place > level and is_repeated(tree, line)):
        return 0
    name = calls[place + 1].code.co_name if place + 1 < len(calls) else last
    return calls_of_name(tree, line, name) if name else 1


def _is_header(call: Call) -> bool:
    """Whether it is a line of a ``with`` statement that enters its contexts."""
    from ...notebooks.lines import innermost, is_header

    tree = tree_of(call.code)
    statement = None if tree is None else innermost(tree, call.line)
    return statement is not None and is_header(statement, call.line)
