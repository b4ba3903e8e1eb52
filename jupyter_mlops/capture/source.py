"""What a cell's code says about its params and results, read from its syntax tree.

The text is Python as IPython would run it: magics and shell escapes have become calls of
``get_ipython()``. Bodies of cell magics that run Python (``%%time``, ``%%capture``) are looked into.
"""

from __future__ import annotations

import ast
import operator
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

MAX_LITERAL_TEXT = 1000
"""A longer text in a cell is a document, not a param."""

_PYTHON_CELL_MAGICS = {"time", "capture", "prun"}
_PYTHON_LINE_MAGICS = {"time", "prun"}
_LITERAL, _COMPUTED, _OTHER = "literal", "computed", "other"

_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}


@dataclass(frozen=True, slots=True)
class CellFacts:
    """Names that a cell binds at its top level.

    ``literals`` are assigned once, by a literal scalar, on every way through the cell. ``computed`` are
    assigned by an expression and are no loop variables; ``certain`` are those of them that every way
    through the cell assigns. Private names are in none of these; ``bound`` are all names.
    """

    literals: dict[str, Any] = field(default_factory=dict)
    computed: frozenset[str] = frozenset()
    certain: frozenset[str] = frozenset()
    bound: frozenset[str] = frozenset()


def cell_facts(python: str, transform: Callable[[str], str] = str) -> CellFacts:
    """The facts of a cell; none for one that does not parse.

    ``transform`` makes Python of the body of a cell magic, as IPython does for the whole cell.
    """
    bindings = _Bindings(transform)
    try:
        bindings.block(_parse(python).body, certain=True)
    except (SyntaxError, ValueError, RecursionError):
        return CellFacts()
    found = {name: events for name, events in bindings.events.items() if not name.startswith("_")}
    computed = {name for name, events in found.items() if _is_computed(events)}
    return CellFacts(
        literals={name: events[0].value for name, events in found.items() if _is_param(events)},
        computed=frozenset(computed),
        certain=frozenset(name for name in computed if any(event.certain for event in found[name])),
        bound=frozenset(bindings.events),
    )


@dataclass(frozen=True, slots=True)
class _Event:
    kind: str
    certain: bool
    value: Any = None


def _is_param(events: list[_Event]) -> bool:
    return len(events) == 1 and events[0].kind == _LITERAL and events[0].certain


def _is_computed(events: list[_Event]) -> bool:
    kinds = {event.kind for event in events}
    return _COMPUTED in kinds and _OTHER not in kinds


def _parse(python: str) -> ast.Module:
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    module: ast.Module = compile(python, "<cell>", "exec", flags)
    return module


class _Bindings:
    """Collects what binds which name, in order; functions, classes and comprehensions are other scopes."""

    def __init__(self, transform: Callable[[str], str]) -> None:
        self.events: dict[str, list[_Event]] = defaultdict(list)
        self._transform = transform

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
            self.events[node.target.id].append(_Event(_COMPUTED, certain))
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
            ok, literal = _literal(value)
            self.events[target.id].append(_Event(_LITERAL if ok else _COMPUTED, certain, literal))
        elif isinstance(target, (ast.Tuple, ast.List)):
            for inner, item in _pairs(target.elts, value):
                self._assign(inner, item, certain)
        elif isinstance(target, ast.Starred):
            self._others(target.value)

    def _magic(self, call: ast.expr, certain: bool) -> None:
        for body in _magic_bodies(call):
            try:
                self.block(_parse(self._transform(body)).body, certain=certain)
            except (SyntaxError, ValueError):
                continue

    def _other(self, name: str | None) -> None:
        if name:
            self.events[name].append(_Event(_OTHER, False))

    def _others(self, target: ast.AST | None) -> None:
        for node in ast.walk(target) if target is not None else ():
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                self._other(node.id)


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


def _literal(node: ast.expr) -> tuple[bool, Any]:
    """Whether it is a literal scalar, or arithmetic of literal numbers (``2 * 60``), and its value."""
    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, str):
            return len(value) <= MAX_LITERAL_TEXT, value
        return value is None or isinstance(value, (bool, int, float)), value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        ok, value = _literal(node.operand)
        ok = ok and isinstance(value, (int, float))
        return ok, (-value if isinstance(node.op, ast.USub) else value) if ok else None
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _folded(node)
    return False, None


def _folded(node: ast.BinOp) -> tuple[bool, Any]:
    (ok_left, left), (ok_right, right) = _literal(node.left), _literal(node.right)
    if not (ok_left and ok_right and isinstance(left, (int, float)) and isinstance(right, (int, float))):
        return False, None
    if isinstance(node.op, ast.Pow) and (abs(left) > 1e6 or abs(right) > 64):
        return False, None
    try:
        value = _OPERATORS[type(node.op)](left, right)
    except (ArithmeticError, ValueError):
        return False, None
    return isinstance(value, (int, float)), value
