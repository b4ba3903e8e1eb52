"""Which of the executed cells a job replays, which it leaves out, and what that makes impossible."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..capture.history import ExecutedCell
from ..errors import PromotionRefused
from .names import LOOP, Names, magics_of, names_of
from .source import Cell, parse_cell

NUMBERED = re.compile(r"_i?\d+|Out|In|_oh|_ih")
"""Names by which IPython knows inputs and outputs of cells by their numbers."""
LAST_VALUE = "_"
THE_SUBMITTED = "the submitted cell"
USES_JOBS = "it submits, waits for or cancels jobs"
ONLY_SHOWS = "it only shows something"
PLAIN = frozenset({*dir(builtins), "display", LAST_VALUE})


@dataclass(frozen=True, slots=True)
class Selection:
    """The cells to replay, in order; those left out, each with its reason; and lines to show."""

    kept: list[ExecutedCell]
    left_out: list[tuple[ExecutedCell, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Candidate:
    """A cell with what is known of it; ``reason`` once it is left out."""

    cell: ExecutedCell
    parsed: Cell
    names: Names
    reason: str | None = None

    @property
    def title(self) -> str:
        return f"cell {self.cell.number}" if self.cell.number else THE_SUBMITTED


def select(cells: Sequence[ExecutedCell], submitted: str) -> Selection:
    """Left out are cells that raised, that use jobs, and that only show or pass on what such cells made.

    Raises PromotionRefused when a kept cell, or the submitted one, reads a name that only a left-out cell
    assigns: at once, or in a function's body.
    """
    candidates = [_candidate(cell) for cell in cells]
    for each in candidates:
        each.reason = _own_reason(each)
    _leave_out_followers(candidates)
    last = _candidate(ExecutedCell(number=0, source=submitted, ok=True))
    notes = _check([*candidates, last])
    return Selection(
        kept=[each.cell for each in candidates if each.reason is None],
        left_out=[(each.cell, each.reason) for each in candidates if each.reason is not None],
        notes=notes,
    )


def first_line(cell: ExecutedCell) -> str:
    """The beginning of the cell, to know it by."""
    line = next((each.strip() for each in cell.source.splitlines() if each.strip()), "")
    return line if len(line) <= 50 else line[:47] + "..."


def submits(parsed: Cell) -> bool:
    """Whether the code has a ``%submit`` or ``%%submit`` of its own."""
    return any(magic == "submit" for magic, _ in magics_of(parsed))


def only_submits(cell: ExecutedCell) -> bool:
    """Whether it does nothing but submit: nobody would miss it in a job."""
    lines = [line.strip() for line in cell.source.splitlines()]
    code = [line for line in lines if line and not line.startswith("#")]
    if code and code[0].split()[0] == "%%submit":
        return True
    return bool(code) and all(line.split()[0] == "%submit" for line in code)


def _candidate(cell: ExecutedCell) -> _Candidate:
    parsed = parse_cell(cell.source)
    return _Candidate(cell, parsed, names_of(parsed))


def _own_reason(candidate: _Candidate) -> str | None:
    cell, parsed, names = candidate.cell, candidate.parsed, candidate.names
    if cell.used_jobs or submits(parsed) or ("mlops", "cancel") in _commands(parsed):
        return USES_JOBS
    if not cell.ok:
        return "it raised"
    if parsed.problem is not None:
        return "it does not parse"
    lines = [line.strip() for line in cell.source.splitlines()]
    code = [line for line in lines if line and not line.startswith("#")]
    if code and all(line.split()[0] == "%mlops" for line in code):
        return ONLY_SHOWS
    if not names.bindings and any(NUMBERED.fullmatch(name) for name in names.reads):
        return ONLY_SHOWS
    return None


def _commands(parsed: Cell) -> set[tuple[str, str]]:
    return {(magic, line.split()[0]) for magic, line in magics_of(parsed) if line.split()}


def _leave_out_followers(candidates: Iterable[_Candidate]) -> None:
    """Leave out what only shows or passes on the handles that left-out cells made (``job = _``)."""
    lost: dict[str, int] = {}
    last_value: int | None = None
    for each in candidates:
        number = each.cell.number
        if each.reason == USES_JOBS:
            lost.update(dict.fromkeys(each.names.bound, number))
            last_value = number
            continue
        if each.reason is not None:
            continue
        needed = [lost[name] for name in each.names.reads if name in lost]
        if last_value is not None and LAST_VALUE in each.names.reads:
            needed.append(last_value)
        if needed and _only_passes_on(each, lost):
            each.reason = f"it only shows or passes on what cell {needed[0]}, left out, made"
            lost.update(dict.fromkeys(each.names.bound, number))
            continue
        for name in each.names.bound:
            lost.pop(name, None)
        if each.parsed.tree is not None and each.parsed.tree.body:
            last_value = None if isinstance(each.parsed.tree.body[-1], ast.Expr) else last_value


def _only_passes_on(each: _Candidate, lost: dict[str, int]) -> bool:
    """Only handles, what comes of them, and builtins are called; and nothing else goes into a name."""
    if each.parsed.tree is None:
        return False
    nodes = list(ast.walk(each.parsed.tree))
    own = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    known = PLAIN | lost.keys() | own
    calls_known = all(_root(node.func) in known for node in nodes if isinstance(node, ast.Call))
    keeps = any(binding.obstacle != LOOP for binding in each.names.bindings)
    return calls_known and (not keeps or each.names.reads <= known)


def _root(node: ast.expr) -> str | None:
    """The name at the beginning of ``a.b[0].c()``; None for anything else."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _check(candidates: Sequence[_Candidate]) -> list[str]:
    """Raises PromotionRefused for a name that is lost; lines about values that may be others."""
    kept = [each for each in candidates if each.reason is None]
    everywhere = {name for each in kept for name in each.names.bound}
    lost_anywhere = {name: each for each in candidates if each.reason for name in each.names.bound}
    available: set[str] = set()
    lost: dict[str, _Candidate] = {}
    notes: dict[str, str] = {}
    for each in candidates:
        if each.reason is not None:
            lost.update(dict.fromkeys(each.names.bound, each))
            continue
        for name in sorted(each.names.reads & lost.keys()):
            if name not in available:
                raise _refusal(each, name, lost[name])
            notes[name] = (
                f"{each.title} reads {name!r}, which {lost[name].title}, left out, may have changed: "
                "the job has the value that the cells before it gave."
            )
        for name in sorted(each.names.deferred & lost_anywhere.keys() - everywhere):
            raise _refusal(each, name, lost_anywhere[name])
        _check_numbers(each, everywhere)
        available |= each.names.bound
        for name in each.names.bound:
            lost.pop(name, None)
    return list(notes.values())


def _refusal(reader: _Candidate, name: str, lost: _Candidate) -> PromotionRefused:
    advice = f"Assign {name!r} in a cell of its own and run it, then submit again."
    if lost.reason == USES_JOBS:
        advice = "A job cannot see other jobs: pass what it needs as a parameter, or read it from a file."
    return PromotionRefused(
        f"{_sentence(reader.title)} reads {name!r}, which only {lost.title} assigns "
        f"({first_line(lost.cell)}), and that cell is left out: {lost.reason}. {advice}"
    )


def _check_numbers(each: _Candidate, bound: set[str]) -> None:
    """Refuse what names a cell by its number: in the job, cells are numbered otherwise."""
    for name in sorted(each.names.reads - bound):
        if NUMBERED.fullmatch(name):
            raise PromotionRefused(
                f"{_sentence(each.title)} reads {name!r}: in the job, cells have other numbers. "
                "Give that value a name in a cell, then submit again."
            )


def _sentence(title: str) -> str:
    return title[0].upper() + title[1:]
