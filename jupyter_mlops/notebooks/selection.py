"""Which of the executed cells a job replays, which it leaves out, and what that makes impossible."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..capture.history import ExecutedCell
from ..errors import PromotionRefused
from .asking import check_asks_nobody
from .candidates import (
    NUMBERED,
    RAISED,
    THE_SUBMITTED,
    USES_JOBS,
    Candidate,
    candidates_of,
    first_line,
    only_submits,
)
from .slicing import Slice, dependencies

WHOLE = "--whole takes all cells"
CARRIED = "the cell that loads what is carried"


@dataclass(frozen=True, slots=True)
class Carried:
    """The cell that loads carried objects right before the submitted cell, and the names that it binds."""

    source: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """The cells to replay, in order, and those left out, each with its reason; and lines to show.

    ``undecided`` says where the texts of the cells do not tell what happens.
    """

    kept: list[tuple[ExecutedCell, str]]
    left_out: list[tuple[ExecutedCell, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Whether the submitted cell needs a cell, and why or why not; None where nobody asked."""

    needed: bool | None
    why: str


def select(
    cells: Sequence[ExecutedCell],
    submitted: str,
    *,
    namespace: Mapping[str, Any] | None = None,
    whole: bool = False,
    carried: Carried | None = None,
) -> Selection:
    """What ``submitted`` needs of the cells, or with ``whole`` all of them, but for those that raised, that
    use jobs, and that only show or pass on what such cells made. ``namespace`` is the kernel's.

    Raises PromotionRefused when a kept cell, or the submitted one, reads a name that only a left-out cell
    assigns, at once or in a function's body; when it names a cell by its number; and when it asks somebody.
    """
    candidates = candidates_of(cells)
    last = Candidate.of(ExecutedCell(number=0, source=submitted, ok=True))
    found = None if whole else _sliced(candidates, submitted, namespace, carried)
    verdicts = _verdicts(candidates, found)
    lost = [each for each in candidates if each.reason is not None and verdicts[id(each)].needed]
    if found is not None and lost:  # what only they need is not needed when they are left out
        replayed = [each for each in candidates if each.reason is None]
        found = _sliced(replayed, submitted, namespace, carried)
        verdicts |= _verdicts(replayed, found)
    kept = [each for each in candidates if each.reason is None and verdicts[id(each)].needed]
    taken = {id(each) for each in kept}
    check_asks_nobody([*((each.title, each.parsed) for each in kept), (last.title, last.parsed)])
    check = _Check(verdicts, taken, carried.names if carried else ())
    check.run(candidates, last)
    left_out = [each for each in candidates if id(each) not in taken]
    return Selection(
        kept=[(each.cell, verdicts[id(each)].why) for each in kept],
        left_out=[(each.cell, each.reason or verdicts[id(each)].why) for each in left_out],
        notes=[*check.notes.values(), *_unused(found, carried)],
        undecided=[*_halfway(candidates, verdicts), *(_said(found) if found else ())],
    )


def _sliced(
    candidates: Sequence[Candidate],
    submitted: str,
    namespace: Mapping[str, Any] | None,
    carried: Carried | None,
) -> Slice:
    cells = [each.cell for each in candidates if each.had_effects]
    if carried is not None:
        cells.append(ExecutedCell(number=0, source=carried.source, ok=True))
    return dependencies(cells, submitted, namespace)


def _verdicts(candidates: Sequence[Candidate], found: Slice | None) -> dict[int, _Verdict]:
    if found is None:
        return {id(each): _Verdict(True if each.reason is None else None, WHOLE) for each in candidates}
    judged = {id(each.cell): each for each in found.cells}
    return {
        id(each): _Verdict(verdict.needed, _plain(verdict.why))
        if (verdict := judged.get(id(each.cell)))
        else _Verdict(None, "")
        for each in candidates
    }


def _plain(text: str) -> str:
    return text.replace("cell 0", CARRIED).replace("the cell itself", THE_SUBMITTED)


def _unused(found: Slice | None, carried: Carried | None) -> list[str]:
    if found is None or carried is None or found.cells[-1].needed:
        return []
    names = ", ".join(carried.names)
    return [f"{names}: carried, although neither the submitted cell nor what it needs uses it."]


def _said(found: Slice) -> list[str]:
    unseeded = [f"{each} draws random numbers that no seed decides" for each in found.unseeded]
    return [_plain(each) for each in [*found.undecided, *unseeded]]


def _halfway(candidates: Sequence[Candidate], verdicts: Mapping[int, _Verdict]) -> list[str]:
    """What left-out cells may have done that matters, although no name shows it."""
    return [
        f"{each.title} ({first_line(each.cell)}) is left out: {each.reason}. What it may have done is not in "
        f"the job ({verdict.why})"
        for each in candidates
        if each.reason is not None and not only_submits(each.cell) and (verdict := verdicts[id(each)]).needed
    ]


class _Check:
    """Goes through the cells in their order, and knows which names only left-out cells have set."""

    def __init__(
        self, verdicts: Mapping[int, _Verdict], kept: Collection[int], carried: Sequence[str]
    ) -> None:
        self._verdicts, self._kept, self._carried = verdicts, kept, carried
        self._available: set[str] = set()
        self._lost: dict[str, Candidate] = {}
        self.notes: dict[str, str] = {}

    def run(self, candidates: Sequence[Candidate], last: Candidate) -> None:
        kept = [*(each for each in candidates if id(each) in self._kept), last]
        self._everywhere = {name for each in kept for name in each.names.bound} | set(self._carried)
        self._lost_anywhere = {
            name: each for each in candidates if self._matters(each) for name in each.names.bound
        }
        for each in candidates:
            if self._matters(each):
                touched = each.touched if self._is_decided(each) else each.names.bound
                self._lost.update(dict.fromkeys(touched, each))
            elif id(each) in self._kept:
                self._read(each)
                self._bind(each.names.bound)
            else:
                self._lost = {k: v for k, v in self._lost.items() if k not in each.names.bound}
        self._bind(self._carried)
        self._read(last)

    def _matters(self, each: Candidate) -> bool:
        """Whether it is missing: it cannot be replayed, and nobody said that it is not needed."""
        return each.reason is not None and self._verdicts[id(each)].needed is not False

    def _is_decided(self, each: Candidate) -> bool:
        return self._verdicts[id(each)].needed is True

    def _bind(self, names: Collection[str]) -> None:
        self._available |= set(names)
        for name in names:
            self._lost.pop(name, None)

    def _read(self, each: Candidate) -> None:
        for name in sorted(each.names.reads & self._lost.keys()):
            lost = self._lost[name]
            if name not in self._available or self._is_decided(lost):
                raise _refusal(each, name, lost, only=name not in self._available)
            self.notes[name] = (
                f"{each.title} reads {name!r}, which {lost.title}, left out, may have changed: "
                "the job has the value that the cells before it gave."
            )
        for name in sorted(each.names.deferred & self._lost_anywhere.keys() - self._everywhere):
            raise _refusal(each, name, self._lost_anywhere[name], only=True)
        _check_numbers(each, self._everywhere)


def _refusal(reader: Candidate, name: str, lost: Candidate, *, only: bool) -> PromotionRefused:
    advice = f"Set {name!r} in a cell of its own and run it"
    if lost.reason == USES_JOBS:
        advice = "A job cannot see other jobs: pass what it needs as a parameter, or read it from a file"
    elif lost.reason == RAISED and not only:
        advice = f"How far it came is not known: run what makes {name!r} again"
    how = "which only" if only else "which"
    does = "assigns" if name in lost.names.bound else "changes"
    return PromotionRefused(
        f"{_sentence(reader.title)} reads {name!r}, {how} {lost.title} {does} "
        f"({first_line(lost.cell)}), and that cell is left out: {lost.reason}. {advice}, "
        f"or send the object as it is: --carry {name}."
    )


def _check_numbers(each: Candidate, bound: set[str]) -> None:
    """Refuse what names a cell by its number: in the job, cells are numbered otherwise."""
    for name in sorted(each.names.reads - bound):
        if NUMBERED.fullmatch(name):
            raise PromotionRefused(
                f"{_sentence(each.title)} reads {name!r}: in the job, cells have other numbers. "
                "Give that value a name in a cell, then submit again."
            )


def _sentence(title: str) -> str:
    return title[0].upper() + title[1:]
