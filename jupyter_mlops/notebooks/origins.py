"""Which of the registered versions that were read before are behind the values that a piece of code uses.

The units of all cells (see ``units``), what has run since, and last the code that is asked about are
interpreted in the order in which they ran (see ``flow``). Each leaves an account of the earlier ones that
it needs: those that set its names, or may have changed what they stand for. The versions are those that
were read by a unit that the last one needs, directly or by others.

Sound before small, as slicing is: a version counts unless the texts show that nothing of it gets there. Which
random numbers were drawn before is no data; what a call leaves behind in a library is, where the code uses
this library.
"""

from __future__ import annotations

import linecache
from collections.abc import Iterator, Mapping, Sequence
from inspect import CO_NEWLOCALS
from itertools import accumulate
from typing import Any, NamedTuple

from ..capture.history import ExecutedCell
from ..capture.loaded import Calls, Read
from .prefixes import Prefixes
from .seen import Account
from .source import lines_of, parse_cell, split_head
from .steps import CellSteps
from .units import Unit, units_of

NO_DATA = frozenset({"seeds or draws from"})
TIMED = ("<timed exec>", "<timed eval>")
"""What IPython calls the code of a ``%%time`` cell."""


class Ran(NamedTuple):
    """A statement that has run after the cells, and what it may have read."""

    unit: Unit
    reads: list[Read]


class InCell(NamedTuple):
    """A read, and the place of a cell that it may be of."""

    read: Read
    cell: int


def reads_behind(
    target: CellSteps,
    cells: Sequence[ExecutedCell],
    reads: Sequence[InCell],
    since: Sequence[Ran] = (),
    *,
    of: ExecutedCell,
    namespace: Mapping[str, Any] | None = None,
) -> list[Read]:
    """The reads of cells, and of what has run since, that ``target`` depends on; it is a part of ``of``.

    ``namespace`` is the one in which the target begins, or what ``types_of`` has kept of it.
    """
    if not reads and not any(each.reads for each in since):
        return []
    flow = _prefixes.flow_of(cells, namespace).copy()
    last_bound = _prefixes.last_bound(cells)
    first = len(flow.accounts)
    last_bound |= {name: first + index for index, ran in enumerate(since) for name in ran.unit.steps.binds}
    for steps, again in (*((each.unit.steps, each.unit.again) for each in since), (target, False)):
        flow.run(
            steps,
            ok=not again,
            namespace=namespace,
            last_bound=last_bound,
            number=of.number,
            shown=of.shown,
        )
    needed = _needed(flow.accounts)
    found = {read: None for mask, read in _placed(cells, reads) if mask & needed}
    for index, ran in enumerate(since, first):
        if needed >> index & 1:
            found |= dict.fromkeys(ran.reads)
    return list(found)


def line_in(source: str, where: Calls) -> int | None:
    """The line of a cell's Python that was running; None where that cannot be told."""
    head, _ = split_head(source)
    python = [line.rstrip() for line in lines_of(parse_cell(source).python)]
    blank = next((index for index, line in enumerate(python) if line), len(python))
    for code, line, _ in where.calls:
        if code.co_flags & CO_NEWLOCALS:
            continue
        if code.co_filename in TIMED and "%%time" in head:
            return line + blank
        ran = [each.rstrip() for each in linecache.getlines(code.co_filename)]
        shift = _shift(ran, python[blank:])
        if shift is not None:
            return line - shift + blank
    return None


def _shift(ran: Sequence[str], python: Sequence[str]) -> int | None:
    """By how many lines what IPython has run begins before the Python; None if it is another text."""
    ran, python = _without_end(ran), _without_end(python)
    shift = len(ran) - len(python)
    return shift if python and shift >= 0 and ran[shift:] == python else None


def _without_end(lines: Sequence[str]) -> list[str]:
    kept = list(lines)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _placed(cells: Sequence[ExecutedCell], reads: Sequence[InCell]) -> Iterator[tuple[int, Read]]:
    """The reads, each with the units that it may be of."""
    firsts = [0, *accumulate(len(units_of(cell.source)) for cell in cells)]
    for read, place in reads:
        source = cells[place].source
        units, line, found = units_of(source), line_in(source, read.where), 0
        for index, unit in enumerate(units):
            if line is None or unit.has(line):
                found |= 1 << index
        yield (found or (1 << len(units)) - 1) << firsts[place], read


def _needed(accounts: Sequence[Account]) -> int:
    """What the last one depends on, and what does something that its text does not show."""
    needed = 1 << (len(accounts) - 1)
    for index, account in enumerate(accounts):
        if account.always:
            needed |= 1 << index
    for index in range(len(accounts) - 1, -1, -1):
        if not needed >> index & 1:
            continue
        earlier = (1 << index) - 1
        for (how, _), mask in accounts[index].needs.items():
            if how not in NO_DATA:
                needed |= mask & earlier
    return needed


def _parts(source: str) -> tuple[CellSteps, ...]:
    return tuple(each.steps for each in units_of(source))


_prefixes = Prefixes(_parts, of_data=True)
