"""From a cell's text to its steps."""

from __future__ import annotations

import ast
import re
from functools import lru_cache

from .magic_lines import read_foreign
from .source import Cell, parse_cell
from .statements import Reader
from .steps import NOTHING, CellSteps, Do, Opaque

CAPTURED = re.compile(r"^\s*%%capture(?:\s+--\S+)*\s+([A-Za-z_]\w*)", re.MULTILINE)


@lru_cache(maxsize=8192)
def steps_of(source: str) -> CellSteps:
    """The steps of a cell, by its text; never an exception."""
    parsed = parse_cell(source)
    if parsed.foreign is not None:
        reader = Reader()
        read_foreign(reader, parsed.body)
        return CellSteps(tuple(reader.steps), {}, texts=tuple(reader.texts))
    if parsed.tree is None:
        return CellSteps((), {}, problem="it does not parse")
    try:
        return _cell(parsed)
    except RecursionError:
        return CellSteps((Opaque("is nested too deeply to be followed", True),), {})


def _cell(parsed: Cell) -> CellSteps:
    assert parsed.tree is not None
    reader = Reader()
    body = parsed.tree.body
    reader.block(body)
    shows = bool(body) and isinstance(body[-1], ast.Expr)
    if shows and reader.steps and isinstance(last := reader.steps[-1], Do):
        reader.steps[-1] = last._replace(shown=True)
    for name in CAPTURED.findall(parsed.head):
        reader.bind(name, NOTHING)
    return CellSteps(steps=tuple(reader.steps), binds=reader.binds, shows=shows, texts=tuple(reader.texts))
