"""Executed cells as candidates for a job: what each binds, and why some cannot be replayed."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..capture.history import ExecutedCell
from .names import LOOP, Names, magics_of, names_of
from .source import Cell, parse_cell

NUMBERED = re.compile(r"_i?\d+|Out|In|_oh|_ih")
"""Names by which IPython knows inputs and outputs of cells by their numbers."""
SHELL_LINE = re.compile(
    r"\s*(?:!!?|%sx\b|%system\b)?\s*(?:\S*/)?"
    r"(?:jupyter[ \t-]+mlops|python\S*[ \t]+-m[ \t]+jupyter_mlops\.cli)"
    r"(?:[ \t]+--json|[ \t]+--home[ =]\S+)*[ \t]+(?P<command>[a-z]+)(?P<rest>.*)"
)
"""The command line of this package, as a cell calls it."""
QUEUEING = frozenset({"cancel", "demo", "reproduce", "submit"})
SHOWING = frozenset({"compare", "datasets", "doctor", "jobs", "logs", "models", "runs", "show", "sweeps"})
OUT_OF_THE_SHELL = re.compile(r"[>;&|`]")
SHELLS = frozenset({"bash", "sh"})
LAST_VALUE = "_"
THE_SUBMITTED = "the submitted cell"
USES_JOBS = "it submits, waits for or cancels jobs"
RAISED = "it raised"
ONLY_SHOWS = "it only shows something"
PLAIN = frozenset({*dir(builtins), "display", LAST_VALUE})


@dataclass(slots=True)
class Candidate:
    """A cell with what is known of it; ``reason`` once it cannot be replayed."""

    cell: ExecutedCell
    parsed: Cell
    names: Names
    reason: str | None = None

    @classmethod
    def of(cls, cell: ExecutedCell) -> Candidate:
        parsed = parse_cell(cell.source)
        return cls(cell, parsed, names_of(parsed))

    @property
    def title(self) -> str:
        return f"cell {self.cell.number}" if self.cell.number else THE_SUBMITTED

    @property
    def had_effects(self) -> bool:
        """Whether it ran as code whose effects its text shows."""
        return self.reason in (None, RAISED) or (self.reason == USES_JOBS and not submits(self.parsed))

    @property
    def touched(self) -> set[str]:
        """The names that it binds, and those whose values it sets attributes or items of."""
        tree = self.parsed.tree
        nodes = ast.walk(tree) if tree is not None else iter(())
        stored = {
            root_name(node)
            for node in nodes
            if isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load)
        }
        return self.names.bound | {name for name in stored if name is not None}


def candidates_of(cells: Sequence[ExecutedCell]) -> list[Candidate]:
    """Cells that raised, that use jobs, and that only show or pass on what such cells made, have a reason."""
    found = [Candidate.of(cell) for cell in cells]
    for each in found:
        each.reason = _own_reason(each)
    _leave_out_followers(found)
    return found


def first_line(cell: ExecutedCell) -> str:
    """The beginning of the cell, to know it by."""
    line = next((each.strip() for each in cell.source.splitlines() if each.strip()), "")
    return line if len(line) <= 50 else line[:47] + "..."


def submits(parsed: Cell) -> bool:
    """Whether the code has a ``%submit`` or ``%%submit`` of its own, or does the like in a shell."""
    lines = parsed.body.splitlines() if parsed.foreign in SHELLS else []
    for magic, line in magics_of(parsed):
        if magic == "submit":
            return True
        if magic in ("!", "sx", "system"):
            lines.append(line)
    return any(_command_of(line) in QUEUEING for line in lines)


def only_submits(cell: ExecutedCell) -> bool:
    """Whether it does nothing but submit: nobody would miss it in a job."""
    lines = [line.strip() for line in cell.source.splitlines()]
    code = [line for line in lines if line and not line.startswith("#")]
    if code and code[0].split()[0] == "%%submit":
        return True
    if cell.used_jobs and _is_call_of_submit(cell.source):
        return True
    return bool(code) and all(line.split()[0] == "%submit" or _command_of(line) in QUEUEING for line in code)


def _is_call_of_submit(source: str) -> bool:
    """``mlops.submit(...)``, whose value goes into no name."""
    tree = parse_cell(source).tree
    if tree is None or len(tree.body) != 1 or not isinstance(tree.body[0], ast.Expr):
        return False
    call = tree.body[0].value
    return isinstance(call, ast.Call) and ast.unparse(call.func) in ("mlops.submit", "jupyter_mlops.submit")


def root_name(node: ast.expr) -> str | None:
    """The name at the beginning of ``a.b[0].c()``; None for anything else."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _own_reason(candidate: Candidate) -> str | None:
    cell, parsed, names = candidate.cell, candidate.parsed, candidate.names
    if cell.used_jobs or submits(parsed) or ("mlops", "cancel") in _commands(parsed):
        return USES_JOBS
    if not cell.ok:
        return RAISED if parsed.problem is None else "it does not parse"
    if parsed.problem is not None:
        return "it does not parse"
    lines = [line.strip() for line in cell.source.splitlines()]
    code = [line for line in lines if line and not line.startswith("#")]
    if code and all(line.split()[0] == "%mlops" or _shows(line) for line in code):
        return ONLY_SHOWS
    if not names.bindings and any(NUMBERED.fullmatch(name) for name in names.reads):
        return ONLY_SHOWS
    return None


def _command_of(line: str) -> str | None:
    """The command that a shell line gives to this package."""
    found = SHELL_LINE.match(line)
    return found["command"] if found else None


def _shows(line: str) -> bool:
    found = SHELL_LINE.match(line) if line.startswith("!") else None
    return found is not None and found["command"] in SHOWING and not OUT_OF_THE_SHELL.search(found["rest"])


def _commands(parsed: Cell) -> set[tuple[str, str]]:
    return {(magic, line.split()[0]) for magic, line in magics_of(parsed) if line.split()}


def _leave_out_followers(candidates: Iterable[Candidate]) -> None:
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


def _only_passes_on(each: Candidate, lost: dict[str, int]) -> bool:
    """Only handles, what comes of them, and builtins are called; and nothing else goes into a name."""
    if each.parsed.tree is None:
        return False
    nodes = list(ast.walk(each.parsed.tree))
    own = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    known = PLAIN | lost.keys() | own
    calls_known = all(root_name(node.func) in known for node in nodes if isinstance(node, ast.Call))
    keeps = any(binding.obstacle != LOOP for binding in each.names.bindings)
    return calls_known and (not keeps or each.names.reads <= known)
