"""What binds which name at a cell's top level, in order.

Bodies of cell magics that run Python (``%%time``, ``%%capture``) are looked into.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .literals import literal

LITERAL, COMPUTED, CLOCK, OTHER = "literal", "computed", "clock", "other"

_PYTHON_CELL_MAGICS = {"time", "capture", "prun"}
_PYTHON_LINE_MAGICS = {"time", "prun"}
_CLOCKS = frozenset(
    f"{name}{unit}"
    for name in ("time", "perf_counter", "monotonic", "process_time", "thread_time", "default_timer")
    for unit in ("", "_ns")
)
"""What they return is no result; what is computed of it (``time() - start``) may be one."""
_COUNTER = re.compile(r"(^|_)(steps?|epochs?|iters?|iterations?|idx|index|[ijkn])$", re.IGNORECASE)
"""What people call the counters of their loops; one that a loop goes on by ``step += 1`` is no result."""


@dataclass(frozen=True, slots=True)
class Event:
    """One binding. ``certain``: every way through the cell comes by; ``expression`` is what is assigned."""

    kind: str
    certain: bool
    value: Any = None
    expression: ast.expr | None = None


def parse(python: str) -> ast.Module:
    """The tree of a cell, with ``await`` allowed at its top level. Raises SyntaxError or ValueError."""
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    module: ast.Module = compile(python, "<cell>", "exec", flags)
    return module


class Bindings:
    """Collects what binds which name, in order; functions, classes and comprehensions are other scopes."""

    def __init__(self, transform: Callable[[str], str]) -> None:
        self.events: dict[str, list[Event]] = defaultdict(list)
        self.bodies: list[str] = []
        """The Python in the bodies of magics, which runs in the user's namespace too."""
        self.trees: list[ast.Module] = []
        self._transform = transform

    def cell(self, python: str) -> None:
        """All of a cell. Raises SyntaxError or ValueError."""
        self._body(python, certain=True)

    def block(self, statements: Iterable[ast.stmt], *, certain: bool) -> None:
        for statement in statements:
            self._statement(statement, certain)

    def _statement(self, node: ast.stmt, certain: bool) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self._other(node.name)
            return
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._assign(target, node.value, certain)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self._assign(node.target, node.value, certain)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            counts = isinstance(node.value, ast.Constant) and _COUNTER.search(node.target.id)
            self.events[node.target.id].append(Event(OTHER if counts else COMPUTED, certain))
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                self._other((alias.asname or alias.name).split(".")[0])
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            self._others(node.target)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                self._others(item.optional_vars)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                self._others(target)
        elif isinstance(node, ast.Expr):
            self._magic(node.value, certain)
        self._inner(node, certain)

    def _inner(self, node: ast.AST, certain: bool) -> None:
        """Blocks inside a statement, and walruses in its expressions."""
        goes_on = certain and isinstance(node, (ast.With, ast.AsyncWith))
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                self._statement(child, goes_on)
            elif isinstance(child, (ast.Lambda, ast.GeneratorExp)):
                continue
            elif isinstance(child, ast.NamedExpr):
                self._assign(child.target, child.value, False)
                self._inner(child, False)
            elif isinstance(child, ast.ExceptHandler):
                self._other(child.name)
                self._inner(child, False)
            elif name := _match_name(child):
                self._other(name)
                self._inner(child, False)
            else:
                self._inner(child, False)

    def _assign(self, target: ast.expr, value: ast.expr, certain: bool) -> None:
        if isinstance(target, ast.Name):
            ok, found = literal(value)
            kind = LITERAL if ok else CLOCK if _asks_a_clock(value) else COMPUTED
            self.events[target.id].append(Event(kind, certain, found, value))
        elif isinstance(target, (ast.Tuple, ast.List)):
            for inner, item in _pairs(target.elts, value):
                self._assign(inner, item, certain)
        elif isinstance(target, ast.Starred):
            self._others(target.value)

    def _magic(self, call: ast.expr, certain: bool) -> None:
        for body in _magic_bodies(call):
            try:
                self._body(self._transform(body), certain=certain)
            except (SyntaxError, ValueError):
                continue

    def _body(self, python: str, *, certain: bool) -> None:
        tree = parse(python)
        self.bodies.append(python)
        self.trees.append(tree)
        self.block(tree.body, certain=certain)

    def _other(self, name: str | None) -> None:
        if name:
            self.events[name].append(Event(OTHER, False))

    def _others(self, target: ast.AST | None) -> None:
        for node in ast.walk(target) if target is not None else ():
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                self._other(node.id)


def _asks_a_clock(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call) or node.args or node.keywords:
        return False
    function = node.func
    return (function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")) in _CLOCKS


_SOME_PART = ast.Name("part", ast.Load())
"""Stands for what an unpacking takes out of a value: no literal, even where the value is one."""


def _pairs(targets: list[ast.expr], value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Targets of an unpacking with the part of the value that each gets, where that can be seen."""
    parts = value.elts if isinstance(value, (ast.Tuple, ast.List)) else []
    starred = any(isinstance(each, ast.Starred) for each in [*targets, *parts])
    if len(parts) == len(targets) and not starred:
        yield from zip(targets, parts, strict=True)
    else:
        yield from ((target, _SOME_PART) for target in targets)


def _magic_bodies(call: ast.expr) -> Iterator[str]:
    """Python that a ``get_ipython().run_*_magic`` call runs in the user's namespace."""
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
        return
    texts = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    if call.func.attr == "run_cell_magic" and len(texts) == 3 and texts[0] in _PYTHON_CELL_MAGICS:
        yield texts[2]
    if call.func.attr == "run_line_magic" and len(texts) == 2 and texts[0] in _PYTHON_LINE_MAGICS:
        yield texts[1]


def _match_name(node: ast.AST) -> str | None:
    if isinstance(node, (ast.MatchAs, ast.MatchStar)):
        return node.name
    return node.rest if isinstance(node, ast.MatchMapping) else None
