"""Statements taken out of a cell's source, without a trace where they had lines of their own."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from .source import BLANK, lines_of, parse_cell


def is_code(source: str) -> bool:
    """Whether there is anything but comments in it."""
    return not all(map(BLANK.match, lines_of(source)))


def without(source: str, statements: Sequence[ast.stmt]) -> str | None:
    """The source without these statements, which stand on its top level.

    None where what is left would not mean what it should, as behind a line that a backslash continues.
    """
    lines = [line.encode() for line in lines_of(source)]
    for statement in sorted(statements, key=lambda each: (each.lineno, each.col_offset), reverse=True):
        _take_out(lines, statement)
    left = b"".join(lines).decode()
    return left if _means(left) == _expected(source, statements) else None


def _take_out(lines: list[bytes], statement: ast.stmt) -> None:
    """``ast`` counts columns in bytes of UTF-8."""
    first, last = statement.lineno - 1, (statement.end_lineno or statement.lineno) - 1
    before = lines[first][: statement.col_offset]
    after = lines[last][statement.end_col_offset :]
    rest = after.strip().removeprefix(b";").strip()
    if before.strip():
        lines[first : last + 1] = [before.rstrip()[:-1].rstrip() + after]
    elif not rest or rest.startswith(b"#"):
        lines[first : last + 1] = []
    else:
        lines[first : last + 1] = [before + after.lstrip()[1:].lstrip()]


def _means(source: str) -> list[str] | None:
    tree = parse_cell(source).tree
    return None if tree is None else [ast.dump(each) for each in tree.body]


def _expected(source: str, statements: Sequence[ast.stmt]) -> list[str] | None:
    left = _means(source)
    for each in map(ast.dump, statements):
        if left is None or each not in left:
            return None
        left.remove(each)
    return left
