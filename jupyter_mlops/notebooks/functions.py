"""A function that is being called, as statements of the module around it: for following what flows in it.

Its own names are given others, so that they hide none of the module's.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Iterable, Mapping, Sequence
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR, CO_VARARGS, CO_VARKEYWORDS
from types import CodeType

from .expressions import title_of
from .queries import names_looked_up
from .steps import Bind, Call, CellSteps, Name
from .units import Unit

PAUSES = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR
OF = " of "
SEES_NAMES = frozenset({"super", "eval", "exec", "locals", "vars", "dir", "globals", "get_ipython"})
"""What may use a function's own names without naming them."""
Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def called_body(
    tree: ast.Module, code: CodeType, level: int, around: Sequence[tuple[CodeType, Mapping[str, str]]]
) -> tuple[list[ast.stmt], dict[str, str]] | None:
    """The statements of the function that ``code`` is of, and its own names with those that they have got.

    ``tree`` is the source around it, ``around`` are the functions that are being called by then, with their
    names. None where the text does not tell what its names stand for. Raises RecursionError.
    """
    node = _definition(tree, code)
    if node is None or code.co_flags & PAUSES or any(each == code for each, _ in around):
        return None
    own = {name: f"{name}{OF}{level}" for name in (*code.co_varnames, *code.co_cellvars)}
    for name in code.co_freevars:
        outer = [names for each, names in around if name in each.co_cellvars and code in each.co_consts]
        if not outer:
            return None
        own[name] = outer[-1][name]
    if not all(_is_plain(each, own) for statement in node.body for each in ast.walk(statement)):
        return None
    renaming = _Renaming(own)
    return [renaming.visit(each) for each in copy.deepcopy(node.body)], own


def plain_name(name: str) -> str:
    """A name as it stands in the text."""
    return name.partition(OF)[0]


def given(code: CodeType, own: Mapping[str, str], names: Iterable[str]) -> Unit:
    """The beginning of a call: each parameter may be what the names stand for, or anything in it."""
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & CO_VARARGS) + bool(code.co_flags & CO_VARKEYWORDS)
    value = Call(Name("getattr"), tuple(map(Name, sorted(names))), (), (), False, "getattr()")
    parameters = [own[name] for name in code.co_varnames[:count]]
    steps = [Bind(".given", value, True), *(Bind(each, Name(".given"), True, True) for each in parameters)]
    return Unit(CellSteps(tuple(steps), dict.fromkeys(parameters, 1)), 0, 0)


def _definition(tree: ast.Module, code: CodeType) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    for each in ast.walk(tree):
        if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)) and each.name == code.co_name:
            lines = [each.lineno, *(decorator.lineno for decorator in each.decorator_list)]
            if min(lines) == code.co_firstlineno:
                return each
    return None


def _is_plain(node: ast.AST, own: Collection[str]) -> bool:
    """Whether giving other names to the own ones means the same to the node."""
    if isinstance(node, ast.Name):
        return node.id not in SEES_NAMES
    if isinstance(node, ast.Call):
        return not names_looked_up(node, title_of(node.func)) & set(own)
    if isinstance(node, ast.Constant):
        return not (isinstance(node.value, str) and "@" in node.value)  # df.query("x > @limit")
    if isinstance(node, (ast.ClassDef, ast.Nonlocal, ast.Match)):
        return False
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return all(alias.name != "*" for alias in node.names)
    return not isinstance(node, Scope) or not _names_of_its_own(node) & set(own)


def _names_of_its_own(scope: Scope) -> set[str]:
    found = {each.arg for each in ast.walk(scope) if isinstance(each, ast.arg)}
    body = [scope.body] if isinstance(scope, ast.Lambda) else scope.body
    for each in (each for part in body for each in ast.walk(part)):
        if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Load):
            found.add(each.id)
        elif isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ExceptHandler)):
            found.add(each.name or "")
        elif isinstance(each, ast.alias):
            found.add(each.asname or each.name.partition(".")[0])
    return found


class _Renaming(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.copy_location(ast.Name(self._names.get(node.id, node.id), node.ctx), node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self._names.get(node.name, node.name)
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.name = self._names.get(node.name, node.name)
        return self.generic_visit(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        node.name = self._names.get(node.name, node.name) if node.name else None
        return self.generic_visit(node)

    def visit_alias(self, node: ast.alias) -> ast.AST:
        bound = node.asname or node.name
        if bound in self._names:
            node.asname = self._names[bound]
        return node
