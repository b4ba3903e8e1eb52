"""What is around a line of code: the statement that it is of, and how often that runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

With = ast.With | ast.AsyncWith
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_REPEATING = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def first_line(node: ast.AST) -> int:
    """The first line of a node, decorators included."""
    decorators = getattr(node, "decorator_list", ())
    lines: list[int] = [getattr(node, "lineno", 0), *(each.lineno for each in decorators)]
    return min(lines)


def is_header(statement: ast.stmt, line: int) -> bool:
    """Whether the line is of a ``with`` statement, and not of its body."""
    if not isinstance(statement, With):
        return False
    ends = [item.context_expr.end_lineno or item.context_expr.lineno for item in statement.items]
    return statement.lineno <= line <= max(ends)


def is_repeated(tree: ast.Module, line: int) -> bool:
    """Whether a line of a function may run repeatedly in one call of it. Raises RecursionError."""
    around = list(_around(tree, line))
    functions = [place for place, each in enumerate(around) if isinstance(each, _FUNCTIONS)]
    return any(isinstance(each, _REPEATING) for each in around[functions[-1] + 1 if functions else 0 :])


def calls_of_name(tree: ast.Module, line: int, name: str) -> int:
    """How often the statement of a line calls a function of this name when it runs; 0 where that is not
    plain.

    Raises RecursionError.
    """
    statement = innermost(tree, line)
    nodes = [] if statement is None else list(_own(statement))
    if any(isinstance(each, (*_REPEATING, *_FUNCTIONS)) for each in nodes):
        return 0
    called = [each.func for each in nodes if isinstance(each, ast.Call) and _last_name(each.func) == name]
    named = [
        each for each in nodes if isinstance(each, (ast.Name, ast.Attribute)) and _last_name(each) == name
    ]
    return len(called) if len(called) == len(named) else 0


def innermost(tree: ast.Module, line: int) -> ast.stmt | None:
    """The statement that a line is of; None where there are several. Raises RecursionError."""
    statements = [each for each in _around(tree, line) if isinstance(each, ast.stmt)]
    nested = all(_end(inner) <= _end(outer) for outer, inner in pairwise(statements))
    return statements[-1] if statements and nested else None


def _end(statement: ast.stmt) -> tuple[int, int]:
    return statement.end_lineno or statement.lineno, statement.end_col_offset or 0


def _own(statement: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a statement without those of the statements in it."""
    for child in ast.iter_child_nodes(statement):
        if not isinstance(child, (ast.stmt, ast.ExceptHandler)):
            yield child
            yield from _own(child)


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _around(node: ast.AST, line: int) -> Iterator[ast.AST]:
    """The nodes that a line may be of, each before those in it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.stmt, ast.expr)):
            if first_line(child) <= line <= (child.end_lineno or child.lineno):
                yield child
                yield from _around(child, line)
        else:
            yield from _around(child, line)
