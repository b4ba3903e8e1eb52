"""Overrides win over the literals that cells assign, or are refused with the reason.

The name has what the injected parameters gave it, so ``lr = 0.05`` leaves its place; where it shares a
statement with others (``lr, n = 0.1, 3``) its literal becomes ``lr``. A value that can be changed in place
(a list) and is assigned more than once is written out instead, so that every assignment makes a new one;
and any value is where ``%reset`` or a star import may take the parameter away.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..entities import Distribution, Parameter
from ..errors import ParameterError
from .distributions import example_of
from .names import Binding, Names, magics_of, names_of
from .parameters import check_names, comments_of, fit, plain
from .removal import is_code, without
from .source import Cell, lines_of, literal, parse_cell
from .values import source_of


@dataclass(frozen=True, slots=True)
class Code:
    """A cell's source and what to call it in messages (``cell 3``, ``the submitted cell``)."""

    title: str
    source: str


@dataclass(frozen=True, slots=True)
class Overridden:
    """The rewritten sources, the parameters with their defaults, and the values in their types.

    ``space`` are the parameters that are searched over; their values are examples.
    """

    sources: list[str]
    parameters: list[Parameter]
    values: dict[str, Any]
    space: dict[str, Distribution]


def override(cells: Sequence[Code], given: Mapping[str, Any], *, where: str) -> Overridden:
    """Make the given values win in all cells. Raises ParameterError.

    A name that is read and assigned nowhere is a parameter without a default.
    """
    parsed = [parse_cell(cell.source) for cell in cells]
    names = [names_of(cell) for cell in parsed]
    bindings: dict[str, list[_Place]] = {}
    for code, cell, found in zip(cells, parsed, names, strict=True):
        for binding in found.bindings:
            bindings.setdefault(binding.name, []).append(_Place(code.title, cell, binding))
    check_names(given, _known(bindings, _free(names, bindings), given), where=where)
    opaque = [(code.title, what) for code, found in zip(cells, names, strict=True) for what in found.opaque]
    parameters = [_parameter(name, bindings.get(name, []), value, opaque) for name, value in given.items()]
    fitted = {each.name: fit(given[each.name], each) for each in parameters}
    space = {name: value for name, value in fitted.items() if isinstance(value, Distribution)}
    values = fitted | {name: example_of(each) for name, each in space.items()}
    reset = [
        (code.title, f"%{magic}")
        for code, cell in zip(cells, parsed, strict=True)
        for magic, _ in magics_of(cell)
        if magic == "reset"
    ]
    lost = [*opaque, *reset]
    if space and lost:
        _refuse_search(next(iter(space)), *lost[0])
    written_out = {
        name
        for name, value in values.items()
        if lost or (len(bindings.get(name, ())) > 1 and not _is_fixed(value))
    }
    last = len(cells) - 1
    return Overridden(
        [_rewritten(cell, values, written_out, is_last=index == last) for index, cell in enumerate(parsed)],
        parameters,
        values,
        space,
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a name is bound: the cell's title, the cell, and the binding."""

    title: str
    cell: Cell
    binding: Binding


def _free(names: Sequence[Names], bindings: Collection[str]) -> set[str]:
    """What is read and bound nowhere."""
    reads = {name for found in names for name in found.reads | found.deferred} - set(bindings)
    return reads - set(dir(builtins))


def _refuse_search(name: str, title: str, what: str) -> None:
    raise ParameterError(
        f"{name} cannot be searched over: {title} ({what}) may set or delete any name, {name} as well. "
        "Take that line out, or import the names that you need."
    )


def _known(bindings: Mapping[str, Sequence[_Place]], reads: set[str], given: Mapping[str, Any]) -> list[str]:
    literal_names = [
        name for name, places in bindings.items() if any(each.binding.obstacle is None for each in places)
    ]
    others = [name for name in given if name in bindings or name in reads]  # refused later, or free
    return [*literal_names, *(name for name in others if name not in literal_names)]


def _parameter(
    name: str, places: Sequence[_Place], given: Any, opaque: Sequence[tuple[str, str]]
) -> Parameter:
    if not places:
        for title, what in opaque:
            raise ParameterError(
                f"{name} cannot be overridden: no cell assigns it by name, and {title} may "
                f"({what}). Assign it on a line of its own, such as {name} = 1, after that cell."
            )
        default = example_of(given) if isinstance(given, Distribution) else given
        return Parameter(name=name, default=plain(default), type="unknown")
    for each in places:
        if each.binding.obstacle is not None:
            raise ParameterError(
                f"{name} cannot be overridden: {each.title} {each.binding.obstacle}. "
                f"An override can only take the place of a literal, such as {name} = 1 on a line of its own."
            )
    if hasattr(builtins, name):
        raise ParameterError(
            f"{name} cannot be overridden: it is a name of Python's own, which the cells may need before "
            f"{places[0].title} assigns it. Give the parameter another name."
        )
    return _declared(name, places[-1])


def _declared(name: str, place: _Place) -> Parameter:
    """With the literal as its default, and what a comment beside it says."""
    value = place.binding.value
    assert value is not None  # a binding without an obstacle has its literal
    _, default = literal(value)
    alone = place.binding.alone
    about = comments_of(place.cell.python).get(alone.end_lineno or 0, "") if alone else ""
    return Parameter(name=name, default=default, type=type(default).__name__, help=about)


def _rewritten(cell: Cell, values: Mapping[str, Any], written_out: Collection[str], *, is_last: bool) -> str:
    found = [each for each in names_of(cell).bindings if each.name in values and each.value is not None]
    if not found:
        return cell.source
    body = cell.body if _agree(cell, [each.value for each in found if each.value]) else cell.python
    alone = [each.alone for each in found if each.alone is not None and each.name not in written_out]
    if len(alone) == len(found) and (left := without(body, alone)) is not None:
        if is_code(left) and not _shows_more(left, body):
            return cell.head + left
        if not is_last and not cell.head and not is_code(left):
            return ""
    edits = [
        (each.value, source_of(values[each.name]) if each.name in written_out else each.name)
        for each in found
        if each.value is not None
    ]
    return cell.head + replaced(body, edits)


def _shows_more(left: str, body: str) -> bool:
    """Whether another expression than before is the last one, whose value is the cell's."""
    return _ends_with_expression(left) and not _ends_with_expression(body)


def _ends_with_expression(source: str) -> bool:
    tree = parse_cell(source).tree
    return tree is not None and bool(tree.body) and isinstance(tree.body[-1], ast.Expr)


def _is_fixed(value: Any) -> bool:
    """Whether nobody can change it in place."""
    if isinstance(value, tuple):
        return all(map(_is_fixed, value))
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
