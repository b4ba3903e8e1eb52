"""Which of the executed cells a cell depends on, and why: def-use analysis of their texts.

Sound before small: what cannot be decided from the texts is needed, and the reason says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..capture.history import ExecutedCell
from .prefixes import Prefixes
from .reading import steps_of
from .seen import Account, bits
from .steps import CellSteps

TARGET = "the cell itself"
NOT_USED = "nothing that it sets or changes is used"
SETS_NOTHING = "it sets and changes nothing"
OVERWRITTEN = "what it sets is set again before it is used"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an executed cell is needed, and why or why not."""

    cell: ExecutedCell
    needed: bool
    why: str


@dataclass(frozen=True, slots=True)
class Slice:
    """``cells`` in the order of execution, without the target.

    ``undecided`` says where the texts do not tell what happens; ``unseeded`` which calls, of needed cells
    and the target, draw random numbers that no seed decides.
    """

    cells: tuple[Verdict, ...]
    undecided: tuple[str, ...] = ()
    unseeded: tuple[str, ...] = ()

    @property
    def needed(self) -> list[ExecutedCell]:
        return [each.cell for each in self.cells if each.needed]


def dependencies(
    cells: Sequence[ExecutedCell],
    target: ExecutedCell | str,
    namespace: Mapping[str, Any] | None = None,
    *,
    beside: bool = False,
) -> Slice:
    """What ``target`` needs of ``cells``, which ran before it in this order.

    ``namespace`` is the kernel's as the target begins; it tells modules and values apart by their types,
    which makes the slice smaller. Nothing of it is called or kept. ``beside`` says that user code may be
    running meanwhile, and the namespace be a later one: what follows from it is kept apart.
    """
    if isinstance(target, str):
        target = ExecutedCell(number=0, source=target, ok=True)
    prefixes = _prefixes_beside if beside else _prefixes
    flow = prefixes.flow_of(cells, namespace).copy()
    last = len(cells)
    last_bound = prefixes.last_bound(cells)
    steps = steps_of(target.source)
    flow.run(steps, namespace=namespace, last_bound=last_bound, number=target.number, shown=target.shown)
    accounts = flow.accounts
    why = _needed(cells, accounts, last)
    shown = [*sorted(why), last]
    return Slice(
        cells=tuple(
            Verdict(cell, index in why, why.get(index) or _why_not(cell, index, accounts, last_bound))
            for index, cell in enumerate(cells)
        ),
        undecided=_collected(cells, accounts, shown, "undecided"),
        unseeded=_collected(cells, accounts, shown, "unseeded"),
    )


def _needed(cells: Sequence[ExecutedCell], accounts: Sequence[Account], last: int) -> dict[int, str]:
    """The reasons of the needed cells, found from the last to the first."""
    why: dict[int, str] = {
        index: account.always[0] for index, account in enumerate(accounts[:last]) if account.always
    }
    for index in range(last, -1, -1):
        if index != last and index not in why:
            continue
        reader = TARGET if index == last else f"cell {cells[index].number}"
        for (how, what), mask in accounts[index].needs.items():
            for cell in bits(mask & ((1 << index) - 1)):
                if cell not in why:
                    why[cell] = f"{how} {what}, which {reader} {_reads(how)}"
    return why


def _reads(how: str) -> str:
    return "may read" if how in ("comes before", "may write", "may set") else "uses"


def _why_not(
    cell: ExecutedCell, index: int, accounts: Sequence[Account], last_bound: Mapping[str, int]
) -> str:
    steps = steps_of(cell.source)
    if steps.problem:
        return steps.problem
    if steps.binds and all(last_bound[name] > index for name in steps.binds):
        return OVERWRITTEN
    return NOT_USED if steps.binds or accounts[index].changed else SETS_NOTHING


def _collected(
    cells: Sequence[ExecutedCell], accounts: Sequence[Account], shown: Sequence[int], what: str
) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for index in shown:
        title = TARGET if index == len(cells) else f"cell {cells[index].number}"
        for text in getattr(accounts[index], what):
            found[f"{title}: {text}"] = None
    return tuple(found)


def _parts(source: str) -> tuple[CellSteps]:
    return (steps_of(source),)


_prefixes, _prefixes_beside = Prefixes(_parts), Prefixes(_parts)
