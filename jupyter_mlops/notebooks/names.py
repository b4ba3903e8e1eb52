"""Which global names a cell reads and binds, in the order in which Python would."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from .scopes import Function, evaluated_outside, function_names
from .source import Cell, lines_of, literal, parse_cell, to_python

MAGIC_WITH_CODE = frozenset({"time", "timeit", "prun"})
OPAQUE_MAGICS = frozenset({"run", "pylab", "reset", "reset_selective", "store"})
EXPANDED = re.compile(r"\{([^{}]+)\}|\$([A-Za-z_]\w*)")
"""What IPython fills into shell commands and line magics."""


@dataclass(frozen=True, slots=True)
class Binding:
    """A place where a cell binds a name. ``obstacle`` says why an override cannot take its place.

    Without an obstacle, ``value`` is the literal that is assigned; ``alone`` is the statement where it does
    nothing but that.
    """

    name: str
    obstacle: str | None = None
    value: ast.expr | None = None
    alone: ast.stmt | None = None


@dataclass(slots=True)
class Names:
    """``reads``: needed from outside when the cell runs; ``deferred``: when its functions are called.

    ``opaque`` are statements that bind or unbind names which only show when they run.
    """

    reads: set[str] = field(default_factory=set)
    deferred: set[str] = field(default_factory=set)
    bindings: list[Binding] = field(default_factory=list)
    opaque: list[str] = field(default_factory=list)

    @property
    def bound(self) -> set[str]:
        return {each.name for each in self.bindings if each.obstacle != DELETED}


DELETED = "deletes it"
LOOP = "uses it as a loop's variable"
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
NESTING = {
    ast.If: "if",
    ast.For: "for",
    ast.AsyncFor: "for",
    ast.While: "while",
    ast.With: "with",
    ast.AsyncWith: "with",
    ast.Try: "try",
    ast.Match: "match",
}


@lru_cache(maxsize=1024)  # a submit looks at the same cells several times, and a sweep for each of its jobs
def names_of(cell: Cell) -> Names:
    """The names of a parsed cell, not to be changed; none for a body in another language."""
    scan = _Scan()
    if cell.tree is not None:
        scan.block(cell.tree.body)
    return scan.names


class _Scan(ast.NodeVisitor):
    """Walks module-level code in evaluation order; what branches bind counts as bound."""

    def __init__(self) -> None:
        self.names = Names()
        self._bound: set[str] = set()
        self._nested = ""
        self._private: list[set[str]] = []
        """Names of the comprehensions and classes that we are in: no globals."""

    def block(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            self.visit(statement)

    # binding

    def bind(
        self,
        name: str,
        obstacle: str | None,
        value: ast.expr | None = None,
        alone: ast.stmt | None = None,
    ) -> None:
        if self._private:
            self._private[-1].add(name)
            return
        if obstacle is None and self._nested:
            obstacle = f"assigns it inside {self._nested}"
        self._bound.add(name)
        if obstacle:
            value = alone = None
        self.names.bindings.append(Binding(name, obstacle, value, alone))

    def bind_target(self, target: ast.expr, obstacle: str) -> None:
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self.bind(node.id, obstacle)
            elif isinstance(node, ast.Name):
                self.visit_Name(node)

    def bind_value(self, target: ast.expr, value: ast.expr, alone: ast.stmt | None = None) -> None:
        if isinstance(target, ast.Name):
            is_literal, _ = literal(value)
            self.bind(target.id, None if is_literal else f"computes it ({_short(value)})", value, alone)
        elif isinstance(target, (ast.Tuple, ast.List)) and _pairs(target, value):
            for inner, part in zip(target.elts, value.elts, strict=True):  # type: ignore[attr-defined]
                self.bind_value(inner, part)
        else:
            self.bind_target(target, f"unpacks it from {_short(value)}")

    # statements

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        if len(node.targets) == 1:
            self.bind_value(node.targets[0], node.value, node)
            return
        for target in node.targets:
            self.bind_target(target, "assigns it in a chain (a = b = ...)")

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.annotation)
        if node.value is not None:
            self.visit(node.value)
            self.bind_value(node.target, node.value, node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.read(node.target.id)
            self.visit(node.value)
            self.bind(node.target.id, f"changes it ({_short(node)})")
        else:
            self.visit(node.target)
            self.visit(node.value)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self.bind_target(node.target, LOOP)
        self._inside(node, [*node.body, *node.orelse])

    visit_AsyncFor = visit_For

    def visit_While(self, node: ast.While) -> None:
        self.visit(node.test)
        self._inside(node, [*node.body, *node.orelse])

    visit_If = visit_While  # type: ignore[assignment]

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self.visit(item.context_expr)
            if item.optional_vars is not None:
                self.bind_target(item.optional_vars, "binds it with 'with ... as'")
        self._inside(node, node.body)

    visit_AsyncWith = visit_With

    def visit_Try(self, node: ast.Try) -> None:
        self._inside(node, node.body)
        for handler in node.handlers:
            if handler.type is not None:
                self.visit(handler.type)
            if handler.name:
                self.bind(handler.name, "binds it with 'except ... as'")
            self._inside(node, handler.body)
        self._inside(node, [*node.orelse, *node.finalbody])

    def visit_TryStar(self, node: Any) -> None:  # Python 3.11's except*
        self.visit_Try(node)

    def visit_Match(self, node: ast.Match) -> None:
        self.visit(node.subject)
        for case in node.cases:
            for pattern in ast.walk(case.pattern):
                name = getattr(pattern, "name", None) or getattr(pattern, "rest", None)
                if isinstance(name, str):
                    self.bind(name, "captures it in a match")
            if case.guard is not None:
                self.visit(case.guard)
            self._inside(node, case.body)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name == "*":
                self.names.opaque.append(_short(node))
                continue
            self.bind(alias.asname or alias.name.partition(".")[0], "imports it")

    visit_ImportFrom = visit_Import

    def visit_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.read(target.id)
                self.bind(target.id, DELETED)
            else:
                self.visit(target)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._function(node)
        self.bind(node.name, "defines a function of that name")

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for expression in [*node.decorator_list, *node.bases, *(each.value for each in node.keywords)]:
            self.visit(expression)
        self._private.append(set())
        self.block(node.body)
        self._private.pop()
        self.bind(node.name, "defines a class of that name")

    # expressions

    def read(self, name: str) -> None:
        if name not in self._bound and not any(name in scope for scope in self._private):
            self.names.reads.add(name)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.read(node.id)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._function(node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        private, self._private = self._private, []
        self.bind(node.target.id, "assigns it inside an expression")
        self._private = private

    def visit_ListComp(self, node: Comprehension) -> None:
        self._private.append(set())
        for generator in node.generators:
            self.visit(generator.iter)
            self.bind_target(generator.target, "")
            for condition in generator.ifs:
                self.visit(condition)
        for part in ("elt", "key", "value"):
            if expression := getattr(node, part, None):
                self.visit(expression)
        self._private.pop()

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        if magic := magic_call(node):
            self._magic(*magic)

    # inside

    def _inside(self, node: ast.stmt, statements: Iterable[ast.stmt]) -> None:
        before = self._nested
        self._nested = before or f"{_article(NESTING.get(type(node), 'try'))} block"
        self.block(statements)
        self._nested = before

    def _function(self, node: Function) -> None:
        for expression in evaluated_outside(node):
            self.visit(expression)
        reads, globals_bound = function_names(node)
        for name in reads:
            if not any(name in scope for scope in self._private):
                self.names.deferred.add(name)
        for name in globals_bound:
            self.names.bindings.append(Binding(name, f"assigns it in {_title(node)} as a global"))

    def _magic(self, name: str, text: str) -> None:
        for braces, dollar in EXPANDED.findall(text):
            self._read_text(braces or dollar)
        if name in OPAQUE_MAGICS:
            self.names.opaque.append(f"%{name} {text}".strip())
        if name in MAGIC_WITH_CODE:
            inner = _Scan()
            inner._bound = set(self._bound)
            try:
                inner.block(ast.parse(to_python(text)).body)
            except SyntaxError:
                return
            self.names.reads |= inner.names.reads
            if name == "time":
                for each in inner.names.bindings:
                    self.bind(each.name, "assigns it in a %time line")

    def _read_text(self, expression: str) -> None:
        try:
            self.visit(ast.parse(expression.strip(), mode="eval").body)
        except (SyntaxError, ValueError):
            return


def magics_of(cell: Cell) -> list[tuple[str, str]]:
    """Name and line of every magic that the cell calls, its cell magics but those in ``head`` included."""
    return list(_magics_of(cell))


@lru_cache(maxsize=1024)
def _magics_of(cell: Cell) -> list[tuple[str, str]]:
    if cell.foreign is not None:
        return [(cell.foreign, "")]
    if cell.tree is None:
        return []
    calls = (node for node in ast.walk(cell.tree) if isinstance(node, ast.Call))
    return [found for found in map(magic_call, calls) if found is not None]


def without_magic(source: str, magic: tuple[str, str]) -> str:
    """The source without the statements that are this line magic, and nothing else on their lines."""
    cell = parse_cell(source if magic[1] in source else "")
    if cell.tree is None or magic not in magics_of(cell):
        return source
    lines, python = lines_of(cell.body), lines_of(cell.python)
    if len(lines) != len(python):
        return source
    top = set(map(id, cell.tree.body))
    for node in ast.walk(cell.tree):
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
            continue
        index = node.lineno - 1
        if magic_call(node.value) != magic or python[index].strip() != ast.get_source_segment(
            cell.python, node
        ):
            continue
        indent = lines[index][: len(lines[index]) - len(lines[index].lstrip())]
        lines[index] = "" if id(node) in top else f"{indent}pass\n"
    return cell.head + "".join(lines)


def magic_call(node: ast.Call) -> tuple[str, str] | None:
    """Name and text of ``get_ipython().run_line_magic(name, text)``, and of shell escapes as ``!``."""
    function = node.func
    if not (isinstance(function, ast.Attribute) and isinstance(function.value, ast.Call)):
        return None
    if not (isinstance(function.value.func, ast.Name) and function.value.func.id == "get_ipython"):
        return None
    texts = [
        each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]
    if function.attr in ("run_line_magic", "run_cell_magic") and len(texts) > 1:
        return texts[0], texts[1]
    if function.attr in ("system", "getoutput") and texts:
        return "!", texts[0]
    return None


def _pairs(target: ast.Tuple | ast.List, value: ast.expr) -> bool:
    return (
        isinstance(value, (ast.Tuple, ast.List))
        and len(target.elts) == len(value.elts)
        and not any(isinstance(each, ast.Starred) for each in [*target.elts, *value.elts])
    )


def _title(node: Function) -> str:
    return "a lambda" if isinstance(node, ast.Lambda) else f"the function {node.name}"


def _article(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def _short(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 40 else text[:37] + "..."
