"""Overrides win over the literals that cells assign, or are refused with the reason.

``lr = 0.05`` becomes ``lr = lr``: the name keeps what the injected parameters gave it. A value that
can be changed in place (a list) is written out instead, so that every assignment makes a new one; and
any value is where ``%reset`` would take the parameters away.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..entities import Parameter
from ..errors import ParameterError
from .names import Binding, magics_of, names_of
from .parameters import check_names, fit, plain
from .source import Cell, lines_of, literal, parse_cell
from .values import source_of


@dataclass(frozen=True, slots=True)
class Code:
    """A cell's source and what to call it in messages (``cell 3``, ``the submitted cell``)."""

    title: str
    source: str


@dataclass(frozen=True, slots=True)
class Overridden:
    """The rewritten sources, the parameters with their defaults, and the values in their types."""

    sources: list[str]
    parameters: list[Parameter]
    values: dict[str, Any]


def override(cells: Sequence[Code], given: Mapping[str, Any], *, where: str) -> Overridden:
    """Make the given values win in all cells. Raises ParameterError.

    A name that is read and assigned nowhere is a parameter without a default.
    """
    parsed = [parse_cell(cell.source) for cell in cells]
    names = [names_of(cell) for cell in parsed]
    bindings: dict[str, list[tuple[Code, Binding]]] = {}
    for cell, found in zip(cells, names, strict=True):
        for binding in found.bindings:
            bindings.setdefault(binding.name, []).append((cell, binding))
    reads = {name for found in names for name in found.reads | found.deferred} - set(bindings)
    reads -= set(dir(builtins))
    check_names(given, _known(bindings, reads, given), where=where)
    opaque = [(cell, what) for cell, found in zip(cells, names, strict=True) for what in found.opaque]
    parameters = [_parameter(name, bindings.get(name, []), value, opaque) for name, value in given.items()]
    values = {each.name: fit(given[each.name], each) for each in parameters}
    written_out = any(magic == "reset" for cell in parsed for magic, _ in magics_of(cell))
    return Overridden([_rewritten(cell, values, written_out) for cell in parsed], parameters, values)


def _known(
    bindings: Mapping[str, Sequence[tuple[Code, Binding]]], reads: set[str], given: Mapping[str, Any]
) -> list[str]:
    literal_names = [
        name for name, places in bindings.items() if any(each.obstacle is None for _, each in places)
    ]
    others = [name for name in given if name in bindings or name in reads]  # refused later, or free
    return [*literal_names, *(name for name in others if name not in literal_names)]


def _parameter(
    name: str, places: Sequence[tuple[Code, Binding]], given: Any, opaque: Sequence[tuple[Code, str]]
) -> Parameter:
    if not places:
        for cell, what in opaque:
            raise ParameterError(
                f"{name} cannot be overridden: no cell assigns it by name, and {cell.title} may "
                f"({what}). Assign it on a line of its own, such as {name} = 1, after that cell."
            )
        value = plain(given)
        return Parameter(name=name, default=value, type="unknown")
    for cell, binding in places:
        if binding.obstacle is not None:
            raise ParameterError(
                f"{name} cannot be overridden: {cell.title} {binding.obstacle}. "
                f"An override can only take the place of a literal, such as {name} = 1 on a line of its own."
            )
    value_node = places[-1][1].value
    assert value_node is not None  # a binding without an obstacle has its literal
    _, default = literal(value_node)
    return Parameter(name=name, default=default, type=type(default).__name__)


def _rewritten(cell: Cell, values: Mapping[str, Any], written_out: bool) -> str:
    edits = [
        (each.value, _replacement(each.name, values[each.name], written_out))
        for each in names_of(cell).bindings
        if each.name in values and each.value is not None
    ]
    if not edits:
        return cell.source
    body = cell.body if _agree(cell, [node for node, _ in edits]) else cell.python
    return cell.head + replaced(body, edits)


def _replacement(name: str, value: Any, written_out: bool) -> str:
    return name if _is_immutable(value) and not written_out else source_of(value)


def _is_immutable(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_immutable, value))
    return isinstance(value, (bool, int, float, complex, str, bytes, frozenset, type(None)))


def _agree(cell: Cell, nodes: Sequence[ast.expr]) -> bool:
    """Whether the lines of the nodes are the same before and after IPython's translation."""
    before, after = lines_of(cell.body), lines_of(cell.python)
    return len(before) == len(after) and all(
        _text(before[node.lineno - 1 : node.end_lineno]) == _text(after[node.lineno - 1 : node.end_lineno])
        for node in nodes
    )


def _text(lines: Sequence[str]) -> list[str]:
    """Without line ends: IPython ends the last line, and the others as Unix does."""
    return [line.rstrip("\r\n") for line in lines]


def replaced(source: str, edits: Sequence[tuple[ast.expr, str]]) -> str:
    """The source with expressions replaced; ``ast`` counts columns in bytes of UTF-8."""
    lines = [line.encode() for line in lines_of(source)]
    for node, text in sorted(edits, key=lambda edit: (edit[0].lineno, edit[0].col_offset), reverse=True):
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        rest = lines[last][node.end_col_offset :]
        lines[first : last + 1] = [lines[first][: node.col_offset] + text.encode() + rest]
    return b"".join(lines).decode()
