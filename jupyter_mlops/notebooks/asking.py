"""Cells that ask somebody at the keyboard: nobody answers in a batch job."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from ..errors import PromotionRefused
from .names import names_of
from .source import Cell

MAYBE = (ast.If, ast.Try, ast.Match, ast.IfExp, ast.BoolOp)
LATER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def check_asks_nobody(cells: Sequence[tuple[str, Cell]]) -> None:
    """Raise PromotionRefused for the first cell that calls ``input()`` or ``getpass()`` whenever it runs."""
    own = {name for _, cell in cells for name in names_of(cell).bound}
    for title, cell in cells:
        for call in _always(cell.tree) if cell.tree is not None else ():
            if _asks(call, own):
                raise PromotionRefused(
                    f"{title[0].upper()}{title[1:]} asks somebody ({ast.unparse(call)[:60]}), and nobody "
                    "answers in a job. Ask in another cell, and send the answer along: --carry NAME; or make "
                    "it a literal, which -p NAME=VALUE can override."
                )


def _always(node: ast.AST) -> Iterator[ast.Call]:
    """The calls that are made whenever the code runs."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, MAYBE + LATER):
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from _always(child)


def _asks(call: ast.Call, own: set[str]) -> bool:
    function = call.func
    if isinstance(function, ast.Name):
        return function.id == "getpass" or (function.id == "input" and "input" not in own)
    return isinstance(function, ast.Attribute) and ast.unparse(function) == "getpass.getpass"
