"""The statements of a cell one by one, as far as each runs by itself: the grain in which data is followed."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, TypeGuard

from .expressions import title_of
from .magic_lines import read_magic
from .reading import CAPTURED, steps_of
from .source import Cell, lines_of, parse_cell
from .statements import Reader
from .steps import NOTHING, CellSteps, Do, Iterated, Mixed, Name

With = ast.With | ast.AsyncWith
Loop = ast.For | ast.AsyncFor | ast.While
ADDS = frozenset({"append", "appendleft", "extend", "add", "insert", "update"})
"""Methods of containers that give nothing, and make nothing of what is there."""


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
        units = list(units_in(parsed.tree.body))
        units += [_unit(parsed.tree, _binding(name)) for name in CAPTURED.findall(parsed.head)]
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


def _names_in(statement: ast.stmt) -> Iterator[str]:
    for each in ast.walk(statement):
        if isinstance(each, ast.Attribute):
            yield each.attr
        elif isinstance(each, ast.Name):
            yield each.id


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _around(node: ast.AST, line: int) -> Iterator[ast.AST]:
    """The nodes that a line may be of, each before those in it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.stmt, ast.expr)):
            if _first(child) <= line <= (child.end_lineno or child.lineno):
                yield child
                yield from _around(child, line)
        else:
            yield from _around(child, line)


# ------------------------------------------------------------ units
def _asked(body: Sequence[ast.stmt], containers: Collection[str]) -> CellSteps:
    added = _only_added_to(body, containers)
    if added:
        leave_out = _WithoutContainers(added)
        body = [leave_out.visit(each) for each in copy.deepcopy(list(body))]
    return _unit(ast.Pass(lineno=0), lambda reader: reader.block(body)).steps


def _unit(node: ast.AST, read: Callable[[Reader], object], *, again: bool = False) -> Unit:
    reader = Reader()
    read(reader)
    steps = CellSteps(tuple(reader.steps), reader.binds, texts=tuple(reader.texts))
    once = not hasattr(node, "body")
    return Unit(steps, _first(node), getattr(node, "end_lineno", None) or 0, again, once)


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


def _binding(name: str) -> Callable[[Reader], object]:
    return lambda reader: reader.bind(name, NOTHING)


# ------------------------------------------------------------ what is around a line
def _at(body: Sequence[ast.stmt], line: int) -> range:
    """The places of the statements that the line is of."""
    found = [
        place for place, each in enumerate(body) if _first(each) <= line <= (each.end_lineno or each.lineno)
    ]
    return range(found[0], found[-1] + 1) if found else range(0)


def _first(node: ast.AST) -> int:
    """The first line of a node, decorators included."""
    decorators = getattr(node, "decorator_list", ())
    lines: list[int] = [getattr(node, "lineno", 0), *(each.lineno for each in decorators)]
    return min(lines)


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


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_REPEATING = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_TRIES = (ast.Try, ast.TryStar) if hasattr(ast, "TryStar") else (ast.Try,)
_ENTERED = (ast.For, ast.AsyncFor, ast.While, ast.If, ast.With, ast.AsyncWith, *_TRIES)


# ------------------------------------------------------------ containers that are only added to
def _added_to(statement: ast.AST) -> ast.Name | None:
    """The name of what a statement adds something to."""
    if isinstance(statement, ast.Expr) and isinstance(call := statement.value, ast.Call):
        function = call.func
        if (
            isinstance(function, ast.Attribute)
            and function.attr in ADDS
            and isinstance(function.value, ast.Name)
        ):
            return function.value
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        (target,) = statement.targets
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            return target.value
    return None


def _only_added_to(body: Sequence[ast.stmt], containers: Collection[str]) -> set[str]:
    nodes = [node for each in body for node in ast.walk(each)]
    added = [name for node in nodes if (name := _added_to(node)) is not None and name.id in containers]
    if not added:
        return set()
    others = {
        node.id for node in nodes if isinstance(node, ast.Name) and all(node is not each for each in added)
    }
    return {each.id for each in added} - others


class _WithoutContainers(ast.NodeTransformer):
    """Leaves what is added, and not to what."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        name = _added_to(node)
        if name is not None and name.id in self._names:
            assert isinstance(node.value, ast.Call)
            parts = [*node.value.args, *(each.value for each in node.value.keywords)]
            return ast.copy_location(ast.Expr(ast.copy_location(ast.Tuple(parts, ast.Load()), node)), node)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        name = _added_to(node)
        if name is not None and name.id in self._names:
            (target,) = node.targets
            assert isinstance(target, ast.Subscript)
            parts: list[ast.expr] = [target.slice, node.value]
            return ast.copy_location(ast.Expr(ast.copy_location(ast.Tuple(parts, ast.Load()), node)), node)
        return node
