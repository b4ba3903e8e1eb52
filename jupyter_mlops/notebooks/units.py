"""The grain in which data is followed: what of a cell, file or function runs by itself.

A *unit* is a statement with its steps and its lines, so that a version that was loaded at a line is known
to be of it. A statement with statements in it is one unit, as its branches and rounds depend on each other;
only ``with mlops.track():`` is a unit for its header and one for each statement in it. A cell of which a
magic keeps the output is one unit, and so is a cell magic of another language.

A *block* is the statement that runs now, seen from a line in it: the compound statements around it are
opened, so that what of them has run before is told from what it does itself. A loop has run twice over: as
its rounds before (``again``), and as the present round, which has begun with its header.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeGuard

from .additions import without_containers
from .expressions import title_of
from .lines import With, first_line, is_header
from .magic_lines import read_magic
from .reading import CAPTURED, steps_of
from .source import Cell, lines_of, parse_cell
from .statements import Reader
from .steps import CellSteps, Do, Iterated, Mixed, Name

Loop = ast.For | ast.AsyncFor | ast.While


class Unit(NamedTuple):
    """``first`` and ``last`` are its lines in the cell's Python.

    ``again``: it may have run before, once or often. ``once``: no line of it has run more than once since.
    """

    steps: CellSteps
    first: int
    last: int
    again: bool = False
    once: bool = False

    def has(self, line: int) -> bool:
        return self.first <= line <= self.last


class Block(NamedTuple):
    """A statement of a module as it begins to run, and what of the module had run before.

    ``steps`` are the statement's; ``again`` is the same statement as it may have run before, too. Of the
    units before, those from ``round`` on have run in the present round of the innermost loop.
    """

    before: tuple[Unit, ...]
    round: int
    steps: CellSteps
    again: Unit
    names: frozenset[str]
    """Names and attributes in the statement."""
    body: int
    """The first line of the block that its contexts are entered for, if it is such; else 0."""


@lru_cache(maxsize=8192)
def units_of(source: str) -> tuple[Unit, ...]:
    """The units of a cell in their order, by its text; never an exception."""
    parsed = parse_cell(source)
    if parsed.tree is None:
        return (_unparsed(parsed, source),)
    try:
        if CAPTURED.search(parsed.head):  # what is captured is of all statements
            return (Unit(steps_of(source), 1, len(lines_of(parsed.python)) or 1),)
        units = list(units_in(parsed.tree.body))
    except RecursionError:
        units = [Unit(steps_of(source), 0, 0)]
    return tuple(units)


def cell_steps(source: str, containers: Collection[str]) -> CellSteps:
    """The steps of a whole cell that it is asked about; ``containers`` as for :func:`block_at`."""
    parsed = parse_cell(source)
    try:
        return (
            _unparsed(parsed, source).steps if parsed.tree is None else _asked(parsed.tree.body, containers)
        )
    except RecursionError:
        return steps_of(source)


def block_at(body: Sequence[ast.stmt], line: int, containers: Collection[str]) -> Block | None:
    """The innermost statements in a module's body that a line is of, which runs now; None if there are none.

    A loop around them is there twice: as its rounds before, and as the round that has begun. Raises
    RecursionError.

    ``containers`` are names that stand for a list, a dict or a set. What is in one to which the statements
    only add does not matter to them: ``scores.append(score)`` makes nothing of the scores that are there.
    """
    before: list[Unit] = []
    target: Sequence[ast.stmt] = ()
    first = 0
    while found := _at(body, line):
        before += units_in(body[: found.start])
        target = body[found.start : found.stop]
        body = _entered(target[0], line, before) if len(found) == 1 else ()
        first = len(before) if isinstance(target[0], Loop) else first
    if not target:
        return None
    again = _unit(target[0], lambda reader: reader.block(target), again=True)
    again = again._replace(last=max(each.end_lineno or each.lineno for each in target))
    names = frozenset(name for each in target for name in _names_in(each))
    inner = target[0].body[0].lineno if is_header(target[0], line) else 0  # type: ignore[attr-defined]
    return Block(tuple(before), first, _asked(target, containers), again, names, inner if inner > line else 0)


def _names_in(statement: ast.stmt) -> Iterator[str]:
    for each in ast.walk(statement):
        if isinstance(each, ast.Attribute):
            yield each.attr
        elif isinstance(each, ast.Name):
            yield each.id


# ------------------------------------------------------------ units
def _asked(body: Sequence[ast.stmt], containers: Collection[str]) -> CellSteps:
    asked = without_containers(body, containers)
    return _unit(ast.Pass(lineno=0), lambda reader: reader.block(asked)).steps


def _unit(node: ast.AST, read: Callable[[Reader], object], *, again: bool = False) -> Unit:
    reader = Reader()
    read(reader)
    steps = CellSteps(tuple(reader.steps), reader.binds, texts=tuple(reader.texts))
    once = not hasattr(node, "body")
    return Unit(steps, first_line(node), getattr(node, "end_lineno", None) or 0, again, once)


def units_in(body: Sequence[ast.stmt]) -> Iterator[Unit]:
    """The units of statements in their order. Raises RecursionError."""
    for statement in body:
        unit = _unit(statement, lambda reader: reader.block([statement]))  # noqa: B023
        if isinstance(statement, ast.Expr):
            unit = unit._replace(steps=_showing(unit.steps))
        elif _is_tracked(statement):
            yield _header(statement)
            yield from units_in(statement.body)
            continue
        yield unit


def _showing(steps: CellSteps) -> CellSteps:
    """Which of a cell's expressions IPython shows is a setting of it: the last one as a rule."""
    *others, last = steps.steps or (None,)
    if isinstance(last, Do):
        steps = steps._replace(steps=(*others, last._replace(shown=True)))
    return steps._replace(shows=True)


def _is_tracked(statement: ast.stmt) -> TypeGuard[With]:
    """``with mlops.track():``, whose body does the same without it."""
    return isinstance(statement, With) and all(
        title_of(each.context_expr).removesuffix("()").rpartition(".")[2] == "track"
        for each in statement.items
    )


def _unparsed(parsed: Cell, source: str) -> Unit:
    """A cell magic that does not run its body as code of the kernel."""
    steps = steps_of(source)
    if parsed.foreign == "submit":
        header, _, body = parsed.body.partition("\n")
        submitted = parse_cell(body).tree
        if submitted is not None:
            steps = _submitting(header, submitted)
    return Unit(steps._replace(shows=parsed.foreign is not None), 1, len(lines_of(source)))


def _submitting(header: str, body: ast.Module) -> CellSteps:
    """A job's code may take from here what it reads. It sets no names here."""
    reader = Reader()
    read_magic(reader, "submit", header)
    reader.steps.append(Do(Mixed(tuple(map(Name, sorted(_read_from_outside(body))))), shown=True))
    return CellSteps(tuple(reader.steps), {})


def _read_from_outside(body: ast.Module) -> set[str]:
    """The names that are read where the statements before have not bound them for certain."""
    bound: set[str] = set()
    reads: set[str] = set()
    for statement in body.body:
        names = [each for each in ast.walk(statement) if isinstance(each, ast.Name)]
        changed = [each.target for each in ast.walk(statement) if isinstance(each, ast.AugAssign)]
        reads |= {each.id for each in names if isinstance(each.ctx, ast.Load) or each in changed} - bound
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        bound |= {
            each.id
            for target in targets
            for each in ast.walk(target)
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
        }
    return reads


# ------------------------------------------------------------ what is around a line
def _at(body: Sequence[ast.stmt], line: int) -> range:
    """The places of the statements that the line is of."""
    found = [
        place
        for place, each in enumerate(body)
        if first_line(each) <= line <= (each.end_lineno or each.lineno)
    ]
    return range(found[0], found[-1] + 1) if found else range(0)


def _entered(statement: ast.stmt, line: int, before: list[Unit]) -> Sequence[ast.stmt]:
    """The statements in this one that the line is among; what of it has run goes to ``before``."""
    if not isinstance(statement, _ENTERED) or is_header(statement, line):
        return ()
    for field in ("body", "orelse", "finalbody"):
        body: Sequence[ast.stmt] = getattr(statement, field, ())
        if _at(body, line):
            if field == "body":
                before += _opened(statement)
            else:
                before.append(_again(statement))
            return body
    handlers: Sequence[ast.ExceptHandler] = getattr(statement, "handlers", ())
    for handler in handlers:
        if _at(handler.body, line):
            before.append(_again(statement))
            return handler.body
    return ()


def _opened(statement: ast.stmt) -> list[Unit]:
    """What has run when a body has begun."""
    if isinstance(statement, Loop):
        return [_again(statement), _header(statement)]
    return [] if isinstance(statement, _TRIES) else [_header(statement)]


def _again(statement: ast.stmt) -> Unit:
    return _unit(statement, lambda reader: reader.block([statement]), again=True)


def _header(statement: ast.stmt) -> Unit:
    """A compound statement's beginning: a round of a loop, a test, the contexts of a block."""

    def read(reader: Reader) -> None:
        if isinstance(statement, (ast.For, ast.AsyncFor)):
            reader.target(statement.target, reader.kept(Iterated(reader.value(statement.iter))))
        elif isinstance(statement, (ast.If, ast.While)):
            reader.do(statement.test)
        elif isinstance(statement, With):
            reader.entered(statement)

    last = max(statement.lineno, statement.body[0].lineno - 1)  # type: ignore[attr-defined]
    return _unit(statement, read)._replace(last=last, once=True)


_TRIES = (ast.Try, ast.TryStar) if hasattr(ast, "TryStar") else (ast.Try,)
_ENTERED = (ast.For, ast.AsyncFor, ast.While, ast.If, ast.With, ast.AsyncWith, *_TRIES)
