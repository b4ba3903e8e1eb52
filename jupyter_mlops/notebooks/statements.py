"""Statements of a cell, or of a body in it, as steps."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from .expressions import Expressions, title_of
from .magic_lines import read_magic
from .steps import (
    NOTHING,
    Bind,
    Call,
    Change,
    Code,
    Do,
    Forget,
    Give,
    Import,
    Iterated,
    Made,
    Mixed,
    Name,
    Part,
    Plain,
    Repeat,
    StarImport,
    Step,
    Store,
    Value,
)

SWALLOWS = re.compile(r"suppress|raises", re.IGNORECASE)
"""Names of contexts in which an exception ends the block and no more."""


class Reader:
    """Walks statements in the order of evaluation and writes the steps down."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.binds: dict[str, int] = {}
        self.texts: list[str] = []
        self.depth = 0
        self.private: list[dict[str, Value]] = []
        """What the variables of the comprehensions that we are in stand for."""
        self.globals: set[str] = set()
        self.in_function = False
        self.counter = [0]
        self.outer: set[str] = set()
        self.stateful = False
        self.lazy = False
        self.expressions = Expressions(self)

    def block(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            handler = _STATEMENTS.get(type(statement))
            if handler is not None:
                handler(self, statement)

    def nested(self, statements: Iterable[ast.stmt]) -> None:
        """Statements that may not be executed."""
        self.depth += 1
        self.block(statements)
        self.depth -= 1

    # ------------------------------------------------------------ binding
    def bind(self, name: str, value: Value) -> None:
        self.binds[name] = self.binds.get(name, 0) + 1
        self.steps.append(Bind(name, value, self.certain, self.is_global(name)))

    @property
    def certain(self) -> bool:
        return not self.depth

    def is_global(self, name: str) -> bool:
        return name in self.globals or not self.in_function

    def target(self, target: ast.expr, value: Value) -> None:
        """Bind a target of an assignment, a loop, a ``with``."""
        if isinstance(target, ast.Name):
            self.bind(target.id, value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            items = self.kept(Iterated(value))
            for each in target.elts:
                self.target(each, items)
        elif isinstance(target, ast.Starred):
            self.target(target.value, Mixed((value,), "container"))
        else:
            self.store(target, value)

    def store(self, target: ast.expr, *values: Value, before: Value | None = None) -> None:
        if not isinstance(target, (ast.Attribute, ast.Subscript)):
            return
        index = (self.value(target.slice),) if isinstance(target, ast.Subscript) else ()
        self.steps.append(Store(self.value(target.value), (*index, *values), title_of(target), before))

    def kept(self, value: Value) -> Value:
        """The value under a name of ours: it is evaluated once, and now."""
        if value == NOTHING:
            return value
        self.counter[0] += 1
        name = f".{self.counter[0]}"
        self.steps.append(Bind(name, value, True))
        return Name(name)

    def assign(self, node: ast.Assign) -> None:
        value = self.value(node.value)
        first = node.targets[0]
        if len(node.targets) == 1 and not isinstance(first, (ast.Tuple, ast.List)):
            self.target(first, value)
        elif len(node.targets) == 1 and isinstance(value, Mixed) and _pairs(first, node.value):
            parts = [self.kept(part) for part in value.parts]
            for inner, part in zip(first.elts, parts, strict=True):  # type: ignore[attr-defined]
                self.target(inner, part)
        else:
            value = self.kept(value)
            for target in node.targets:
                self.target(target, value)

    def annotated(self, node: ast.AnnAssign) -> None:
        if not self.in_function:
            self.steps.append(Do(Plain((self.value(node.annotation),))))
            self.steps.append(Bind("__annotations__", NOTHING, False, True))
        if node.value is not None:
            self.target(node.target, self.value(node.value))

    def augmented(self, node: ast.AugAssign) -> None:
        value = self.value(node.value)
        if isinstance(node.target, ast.Name):
            name = node.target.id
            self.binds[name] = self.binds.get(name, 0) + 1
            self.steps.append(Change(name, value, self.certain, self.is_global(name)))
        else:
            self.store(node.target, value, before=self.value(node.target))

    def delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.binds[target.id] = self.binds.get(target.id, 0) + 1
                self.steps.append(Forget(target.id, self.certain, self.is_global(target.id)))
            elif isinstance(target, (ast.Tuple, ast.List)):
                self.delete(ast.Delete(targets=target.elts))
            else:
                self.store(target)

    # ------------------------------------------------------------ statements
    def expression(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return
        value = self.value(node.value, alone=True)
        if value != NOTHING:
            self.steps.append(Do(value))

    def branch(self, node: ast.If) -> None:
        self.do(node.test)
        self.nested([*node.body, *node.orelse])

    def loop(self, node: ast.For | ast.AsyncFor) -> None:
        items = self.kept(Iterated(self.value(node.iter)))
        before = self.binds.copy()
        with self.repeated():
            self.target(node.target, items)
            first = len(self.steps)
            self.block(node.body)
        rounds = self.steps[-1]
        assert isinstance(rounds, Repeat)
        own = [each.name for each in rounds.steps[:first] if isinstance(each, Bind) and each.name[0] != "."]
        if all(self.binds[each] == before.get(each, 0) + 1 for each in own):
            anew = [
                each._replace(certain=True) if isinstance(each, Bind) else each
                for each in rounds.steps[:first]
            ]
            self.steps[-1] = Repeat((*anew, *rounds.steps[first:]), tuple(own))
        self.nested(node.orelse)

    def while_loop(self, node: ast.While) -> None:
        with self.repeated():
            self.do(node.test)
            self.block(node.body)
        self.nested(node.orelse)

    @contextmanager
    def repeated(self) -> Iterator[None]:
        """What is read now may happen often, or never."""
        around, self.steps = self.steps, []
        self.depth += 1
        yield
        self.depth -= 1
        around.append(Repeat(tuple(self.steps)))
        self.steps = around

    def with_block(self, node: ast.With | ast.AsyncWith) -> None:
        contexts = self.entered(node)
        if any(SWALLOWS.search(title_of(item.context_expr)) for item in node.items):
            self.nested(node.body)
        else:
            self.block(node.body)
        for item, context in reversed(list(zip(node.items, contexts, strict=True))):
            self.steps.append(Do(_of_context(context, "__exit__", item)))

    def entered(self, node: ast.With | ast.AsyncWith) -> list[Value]:
        """The contexts of a block, without its body."""
        contexts = []
        for item in node.items:
            context = self.kept(self.value(item.context_expr))
            entered = _of_context(context, "__enter__", item)
            if item.optional_vars is None:
                self.steps.append(Do(entered))
            else:
                self.target(item.optional_vars, Mixed((context, entered)))
            contexts.append(context)
        return contexts

    def try_block(self, node: ast.Try) -> None:
        self.nested(node.body)
        for handler in node.handlers:
            if handler.type is not None:
                self.do(handler.type)
            if handler.name:
                self.depth += 1
                self.bind(handler.name, NOTHING)
                self.depth -= 1
            self.nested(handler.body)
        self.nested(node.orelse)
        self.block(node.finalbody)

    def match_block(self, node: ast.Match) -> None:
        subject = self.kept(self.value(node.subject))
        self.steps.append(Do(Plain((subject,))))
        self.depth += 1
        for case in node.cases:
            for pattern in ast.walk(case.pattern):
                name = getattr(pattern, "name", None) or getattr(pattern, "rest", None)
                if isinstance(name, str):
                    self.bind(name, Mixed((subject,)))
                elif isinstance(pattern, ast.MatchValue):
                    self.do(pattern.value)
                elif isinstance(pattern, ast.MatchClass):
                    self.do(pattern.cls)
            if case.guard is not None:
                self.do(case.guard)
            self.block(case.body)
        self.depth -= 1

    def imports(self, node: ast.Import) -> None:
        for alias in node.names:
            root = alias.name.partition(".")[0]
            name, path = (alias.asname, alias.name) if alias.asname else (root, root)
            self.binds[name] = self.binds.get(name, 0) + 1
            self.steps.append(Import(name, path, alias.name, self.certain, self.is_global(name)))

    def imports_from(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            if alias.name == "*":
                self.steps.append(StarImport(module))
                continue
            name, path = alias.asname or alias.name, f"{module}.{alias.name}"
            self.binds[name] = self.binds.get(name, 0) + 1
            self.steps.append(Import(name, path, module, self.certain, self.is_global(name)))

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.bind(node.name, self.expressions.made(node, bool(node.decorator_list)))

    def class_(self, node: ast.ClassDef) -> None:
        outside = [*node.decorator_list, *node.bases, *(each.value for each in node.keywords)]
        values = tuple(map(self.value, outside))
        body = self.inner()
        body.globals = set(self.globals)
        body.block(node.body)
        self.texts += body.texts
        methods = {
            step.name: step.value.code
            for step in body.steps
            if isinstance(step, Bind) and isinstance(step.value, Made)
        }
        stateful = any(
            isinstance(step, Bind) and not isinstance(step.value, (Made, Plain)) for step in body.steps
        )
        code = Code(
            node.name, (), tuple(body.steps), frozenset(body.binds), True, methods, bool(outside), stateful
        )
        self.bind(node.name, Made(code, values, bool(node.decorator_list)))

    def give(self, node: ast.Return) -> None:
        if node.value is not None:
            self.steps.append(Give(self.value(node.value)))

    def do(self, node: ast.expr) -> None:
        value = self.value(node)
        if value != NOTHING:
            self.steps.append(Do(Plain((value,))))

    def raised(self, node: ast.Raise) -> None:
        for each in (node.exc, node.cause):
            if each is not None:
                self.do(each)

    def asserted(self, node: ast.Assert) -> None:
        self.do(node.test)
        if node.msg is not None:
            self.do(node.msg)

    def declared(self, node: ast.Global) -> None:
        self.globals.update(node.names)

    def nonlocals(self, node: ast.Nonlocal) -> None:
        self.outer.update(node.names)
        self.stateful = True

    # ------------------------------------------------------------ what expressions need
    def value(self, node: ast.expr, *, alone: bool = False) -> Value:
        """The value of an expression; ``alone`` where nobody takes it."""
        return self.expressions.value(node, alone=alone)

    def magic(self, name: str, text: str) -> Value:
        """A line magic or a shell line."""
        read_magic(self, name, text)
        return NOTHING

    def inner(self) -> Reader:
        """A reader of a body that is evaluated later, in a scope of its own."""
        body = Reader()
        body.in_function = True
        body.private = [dict(scope) for scope in self.private]
        body.counter = self.counter
        return body

    def shadow(self, names: Iterable[str]) -> None:
        """Names that are the function's own, whatever they stood for outside."""
        for scope in self.private:
            for name in names:
                scope.pop(name, None)


def _of_context(context: Value, method: str, item: ast.withitem) -> Call:
    return Call(Part(context, method), (), (), (), False, f"with {title_of(item.context_expr)}")


def _pairs(target: ast.expr, value: ast.expr) -> bool:
    """Whether each target has a value of its own."""
    return (
        isinstance(target, (ast.Tuple, ast.List))
        and isinstance(value, (ast.Tuple, ast.List))
        and len(target.elts) == len(value.elts)
        and not any(isinstance(each, ast.Starred) for each in [*target.elts, *value.elts])
    )


_STATEMENTS: dict[type, Callable[[Any, Any], None]] = {
    ast.Assign: Reader.assign,
    ast.AnnAssign: Reader.annotated,
    ast.AugAssign: Reader.augmented,
    ast.Delete: Reader.delete,
    ast.Expr: Reader.expression,
    ast.If: Reader.branch,
    ast.While: Reader.while_loop,
    ast.For: Reader.loop,
    ast.AsyncFor: Reader.loop,
    ast.With: Reader.with_block,
    ast.AsyncWith: Reader.with_block,
    ast.Try: Reader.try_block,
    ast.Match: Reader.match_block,
    ast.Import: Reader.imports,
    ast.ImportFrom: Reader.imports_from,
    ast.FunctionDef: Reader.function,
    ast.AsyncFunctionDef: Reader.function,
    ast.ClassDef: Reader.class_,
    ast.Return: Reader.give,
    ast.Raise: Reader.raised,
    ast.Assert: Reader.asserted,
    ast.Global: Reader.declared,
    ast.Nonlocal: Reader.nonlocals,
}
if hasattr(ast, "TryStar"):  # Python 3.11's except*
    _STATEMENTS[ast.TryStar] = Reader.try_block
