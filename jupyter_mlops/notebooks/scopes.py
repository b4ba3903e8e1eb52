"""Functions as scopes: which global names they read and bind when they are called."""

from __future__ import annotations

import ast

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def evaluated_outside(node: Function) -> list[ast.expr]:
    """What is evaluated where a function is defined: decorators, defaults and annotations."""
    arguments = node.args
    found = [*arguments.defaults, *(each for each in arguments.kw_defaults if each)]
    if isinstance(node, ast.Lambda):
        return found
    every = [
        *arguments.posonlyargs,
        *arguments.args,
        *arguments.kwonlyargs,
        arguments.vararg,
        arguments.kwarg,
    ]
    annotations = [each.annotation for each in every if each and each.annotation]
    return [*node.decorator_list, *found, *annotations, *([node.returns] if node.returns else [])]


def function_names(node: Function) -> tuple[set[str], set[str]]:
    """The global names that a function reads, and those that it binds by ``global``."""
    body = [node.body] if isinstance(node, ast.Lambda) else node.body
    every = node.args
    local = {each.arg for each in [*every.posonlyargs, *every.args, *every.kwonlyargs]}
    local |= {each.arg for each in (every.vararg, every.kwarg) if each}
    declared: set[str] = set()
    inner = _Body()
    for statement in body:
        inner.visit(statement)
    declared = inner.globals
    local |= inner.stored - declared
    reads, bound = set(inner.loaded), inner.stored & declared
    for function in inner.functions:
        inner_reads, inner_bound = function_names(function)
        reads |= inner_reads
        bound |= inner_bound
    return reads - local, bound


class _Body(ast.NodeVisitor):
    """Names of one function's own scope; comprehensions count as part of it."""

    def __init__(self) -> None:
        self.loaded: set[str] = set()
        self.stored: set[str] = set()
        self.globals: set[str] = set()
        self.functions: list[Function] = []

    def visit_Name(self, node: ast.Name) -> None:
        (self.loaded if isinstance(node.ctx, ast.Load) else self.stored).add(node.id)

    def visit_Global(self, node: ast.Global) -> None:
        self.globals.update(node.names)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.stored.add(node.name)
        for expression in evaluated_outside(node):
            self.visit(expression)
        self.functions.append(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for expression in evaluated_outside(node):
            self.visit(expression)
        self.functions.append(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.stored.add(node.name)
        self.generic_visit(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.stored.add(node.name)
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        self.stored.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)

    visit_ImportFrom = visit_Import

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        if node.name:
            self.stored.add(node.name)
        self.generic_visit(node)

    visit_MatchStar = visit_MatchAs
