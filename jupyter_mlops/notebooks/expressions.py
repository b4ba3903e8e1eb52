"""Expressions of a cell as values: what they read, call and hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from .names import magic_call
from .queries import OF_UNKNOWN_TEXTS, literal_text, names_looked_up, text_argument
from .scopes import Function, evaluated_outside
from .steps import (
    NOTHING,
    Call,
    Code,
    Do,
    Give,
    Iterated,
    Lookup,
    Made,
    Mixed,
    Name,
    Opaque,
    Part,
    Plain,
    Step,
    Value,
)

FILE_TEXT = re.compile(r"[^\n\r\t\0<>|*?\"]{1,200}")
MUTABLE = (ast.List, ast.Dict, ast.Set, ast.Call, ast.ListComp, ast.DictComp, ast.SetComp)
OUTPUTS = frozenset({"Out", "_oh"})
"""What IPython keeps the values in that cells have shown: one of them is a name of its own."""
OF_A_SHELL = frozenset(
    ("run_cell", "run_cell_async", "ex", "ev", "push", "user_ns", "safe_execfile", "reset")
)
"""What of ``get_ipython()`` may set any name."""


class Writer(Protocol):
    """Where expressions write what has to happen before their value is there: a cell, or a body in it.

    ``binds`` counts bindings by name, ``texts`` may be names of files, ``depth`` is how many statements that
    may not be executed are around, ``private`` what the names of comprehensions stand for.
    """

    steps: list[Step]
    binds: dict[str, int]
    texts: list[str]
    depth: int
    private: list[dict[str, Value]]
    globals: set[str]
    outer: set[str]
    in_function: bool
    stateful: bool
    lazy: bool
    expressions: Expressions

    def bind(self, name: str, value: Value) -> None: ...

    def kept(self, value: Value) -> Value:
        """The value under a name of ours: it is evaluated once, and now."""
        ...

    def repeated(self) -> AbstractContextManager[None]:
        """What is read now may happen often, or never."""
        ...

    def block(self, statements: Iterable[ast.stmt]) -> None: ...

    def do(self, node: ast.expr) -> None:
        """Evaluate, and leave the value."""
        ...

    def magic(self, name: str, text: str) -> Value:
        """A line magic or a shell line."""
        ...

    def inner(self) -> Writer:
        """A body that is evaluated later, in a scope of its own."""
        ...

    def shadow(self, names: Iterable[str]) -> None:
        """Names that are the body's own, whatever they stand for outside."""
        ...


class Expressions:
    """Makes values of expressions; what has to happen before goes to the reader's steps."""

    def __init__(self, reader: Writer) -> None:
        self._reader = reader

    def value(self, node: ast.expr, *, alone: bool = False) -> Value:
        if type(node) is ast.Call:
            return self.call(node, alone)
        handler = _HANDLERS.get(type(node))
        return NOTHING if handler is None else handler(self, node)

    def name(self, node: ast.Name) -> Value:
        for scope in reversed(self._reader.private):
            if node.id in scope:
                return scope[node.id]
        return Name(node.id)

    def constant(self, node: ast.Constant) -> Value:
        if isinstance(node.value, str) and FILE_TEXT.fullmatch(node.value):
            self._reader.texts.append(node.value)
        return NOTHING

    def attribute(self, node: ast.Attribute) -> Value:
        return Part(self.value(node.value), node.attr)

    def subscript(self, node: ast.Subscript) -> Value:
        if (
            isinstance(node.value, ast.Name)
            and node.value.id in OUTPUTS
            and isinstance(node.slice, ast.Constant)
        ):
            base = self.value(node.value)
            if base == Name(node.value.id):
                return Name(f"{node.value.id}[{node.slice.value!r}]")
            return Part(base, "[]")
        base, index = self.value(node.value), self.value(node.slice)
        items = "[:]" if isinstance(node.slice, ast.Slice) else "[]"
        return Part(base if index == NOTHING else Mixed((base, Plain((index,)))), items)

    def call(self, node: ast.Call, alone: bool = False) -> Value:
        if found := magic_call(node):
            return self._reader.magic(*found)
        title = title_of(node.func)
        if title == "eval" and len(node.args) == 1 and (seen := self._evaluated(node.args[0])):
            return seen
        function = self.value(node.func)
        arguments = tuple(
            Iterated(self.value(each.value)) if isinstance(each, ast.Starred) else self.value(each)
            for each in node.args
        )
        keywords = tuple((each.arg, self.value(each.value)) for each in node.keywords)
        constants = [each for each in node.args if type(each) is ast.Constant]
        constants += [each.value for each in node.keywords if type(each.value) is ast.Constant]
        texts = tuple([each.value for each in constants if type(each.value) is str])
        true = frozenset([each.arg for each in node.keywords if each.arg and not _is_off(each.value)])
        self._look_up(node, title)
        self._special(node, title)
        return Call(function, arguments, keywords, texts, alone, f"{title}()", true)

    def _look_up(self, node: ast.Call, title: str) -> None:
        """Texts in which names are read."""
        for name in sorted(names_looked_up(node, title)):
            self._reader.steps.append(Do(Plain((self.name(ast.Name(name)),))))
        argument, last = text_argument(node), title.rpartition(".")[2]
        if argument is not None and literal_text(argument) is None and last in OF_UNKNOWN_TEXTS:
            self._reader.steps.append(Lookup(self.value(argument), last))

    def _special(self, node: ast.Call, title: str) -> None:
        """Calls that see all names."""
        last = title.rpartition(".")[2]
        if title in ("globals", "locals", "exec", "eval", "__import__", "vars", "dir"):
            if title in ("vars", "dir") and node.args:
                return
            if title == "__import__":
                return
            if title in ("locals", "vars", "dir") and self._reader.in_function:
                return
            self._reader.steps.append(Opaque(f"{title}()", True))
        elif title.startswith(("get_ipython()", "get_ipython.")) and last in OF_A_SHELL:
            self._reader.steps.append(Opaque(f"get_ipython().{last}()", True))

    def _evaluated(self, node: ast.expr) -> Value | None:
        """What ``eval`` gives for a literal text."""
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            return None
        try:
            return self.value(ast.parse(node.value.strip(), mode="eval").body)
        except (SyntaxError, ValueError):
            return None

    def made(self, node: Function, decorated: bool = False) -> Made:
        outside = tuple(map(self.value, evaluated_outside(node)))
        arguments = node.args
        parameters = [each.arg for each in [*arguments.posonlyargs, *arguments.args]]
        others = [each.arg for each in arguments.kwonlyargs]
        others += [each.arg for each in (arguments.vararg, arguments.kwarg) if each]
        body = self._reader.inner()
        body.shadow([*parameters, *others])
        if isinstance(node, ast.Lambda):
            body.steps.append(Give(body.expressions.value(node.body)))
        else:
            body.block(node.body)
        self._reader.texts += body.texts
        defaults = [*arguments.defaults, *(each for each in arguments.kw_defaults if each)]
        code = Code(
            getattr(node, "name", "a lambda"),
            (*parameters, *others),
            tuple(body.steps),
            frozenset({*parameters, *others, *(set(body.binds) - body.globals - body.outer)}),
            stateful=body.stateful or any(isinstance(each, MUTABLE) for each in defaults),
            lazy=body.lazy or isinstance(node, ast.AsyncFunctionDef),
            binding=_binding(node),
            remembers=any("cache" in title_of(each) for each in getattr(node, "decorator_list", ())),
        )
        return Made(code, outside, decorated)

    def walrus(self, node: ast.NamedExpr) -> Value:
        value = self.value(node.value)
        private, self._reader.private = self._reader.private, []
        self._reader.depth += 1  # an expression may stop before it gets there
        self._reader.bind(node.target.id, value)
        self._reader.depth -= 1
        self._reader.private = private
        return Mixed((Name(node.target.id), value))

    def comprehension(self, node: Any) -> Value:
        reader = self._reader
        first = reader.kept(Iterated(self.value(node.generators[0].iter)))
        scope: dict[str, Value] = {}
        reader.private.append(scope)
        with reader.repeated():
            for generator in node.generators:
                is_first = generator is node.generators[0]
                items = first if is_first else reader.kept(Iterated(self.value(generator.iter)))
                for each in _names_in(generator.target):
                    scope[each] = items
                for condition in generator.ifs:
                    reader.do(condition)
            parts = tuple(
                reader.kept(self.value(part))
                for key in ("elt", "key", "value")
                if (part := getattr(node, key, None))
            )
        reader.private.pop()
        return Mixed(parts, "container")

    def generator(self, node: ast.GeneratorExp) -> Value:
        """Its first iterable is evaluated at once, the rest when somebody takes its items."""
        first = self._reader.kept(self.value(node.generators[0].iter))
        body = self._reader.inner()
        body.private.append({})
        body.steps.append(Give(body.expressions.comprehension(node)))
        self._reader.texts += body.texts
        code = Code("a generator", (), tuple(body.steps), frozenset(), lazy=True)
        return Mixed((first, Made(code, ())), "iterator")

    def mixed(self, node: Any) -> Value:
        parts = [self.value(each) for each in _PARTS[type(node)](node)]
        held = tuple(each for each in parts if each != NOTHING)
        container = isinstance(node, (ast.List, ast.Tuple, ast.Set, ast.Dict))
        if isinstance(node, (ast.Tuple, ast.List)):
            return Mixed(tuple(parts), "container")
        return Mixed(held, "container" if container else None, isinstance(node, (ast.BinOp, ast.UnaryOp)))

    def choice(self, node: ast.IfExp) -> Value:
        """One of two values; nothing of the test is in it."""
        test = Plain((self.value(node.test),))
        return Mixed((test, self.value(node.body), self.value(node.orelse)))

    def plain(self, node: Any) -> Value:
        values = [self.value(each) for each in _PARTS[type(node)](node)]
        parts = tuple([each for each in values if each != NOTHING])
        return Plain(parts) if parts else NOTHING

    def compared(self, node: ast.Compare) -> Value:
        """``in`` goes through what stands on its right."""
        parts = [self.value(node.left)]
        for operator, each in zip(node.ops, node.comparators, strict=True):
            value = self.value(each)
            looks = isinstance(operator, (ast.In, ast.NotIn)) and value != NOTHING
            parts += [value, Iterated(value)] if looks else [value]
        held = tuple([each for each in parts if each != NOTHING])
        return Plain(held) if held else NOTHING

    def formatted(self, node: ast.JoinedStr) -> Value:
        parts: list[Value] = []
        for each in node.values:
            if isinstance(each, ast.FormattedValue):
                parts.append(self.value(each.value))
                if isinstance(each.format_spec, ast.JoinedStr):
                    parts.append(self.formatted(each.format_spec))
        held = tuple(each for each in parts if each != NOTHING)
        return Plain(held) if held else NOTHING

    def starred(self, node: ast.Starred) -> Value:
        return Iterated(self.value(node.value))

    def yielded(self, node: Any) -> Value:
        self._reader.lazy = True
        if node.value is not None:
            self._reader.steps.append(Give(self.value(node.value)))
        return Mixed(())

    def awaited(self, node: ast.Await) -> Value:
        value = self.value(node.value)
        return Call(Part(value, "__await__"), (), (), (), False, f"await {title_of(node.value)}")


def _binding(node: Function) -> str:
    """How a method is bound to its class, by its decorators."""
    for each in getattr(node, "decorator_list", ()):
        if isinstance(each, ast.Name) and each.id in ("classmethod", "staticmethod"):
            return each.id
    return ""


def _names_in(target: ast.expr) -> list[str]:
    if isinstance(target, ast.Name):
        return [target.id]
    return [each.id for each in ast.walk(target) if isinstance(each, ast.Name)]


def _is_off(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and (node.value is False or node.value is None)


def title_of(node: ast.AST) -> str:
    """A short text of what is called or changed: names and attributes only."""
    parts: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            parts.append(f".{node.attr}")
            node = node.value
        elif isinstance(node, ast.Subscript):
            parts.append("[…]")
            node = node.value
        elif isinstance(node, ast.Call):
            parts.append("()")
            node = node.func
        else:
            break
    root = node.id if isinstance(node, ast.Name) else "(…)"
    return cut(root + "".join(reversed(parts)))


def cut(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


_PARTS: dict[type, Callable[[Any], Iterable[ast.expr]]] = {
    ast.List: lambda node: node.elts,
    ast.Tuple: lambda node: node.elts,
    ast.Set: lambda node: node.elts,
    ast.Dict: lambda node: [
        each for pair in zip(node.keys, node.values, strict=True) for each in pair if each
    ],
    ast.BoolOp: lambda node: node.values,
    ast.BinOp: lambda node: (node.left, node.right),
    ast.UnaryOp: lambda node: (node.operand,),
    ast.Slice: lambda node: [each for each in (node.lower, node.upper, node.step) if each],
}
_HANDLERS: dict[type, Callable[[Any, Any], Value]] = {
    ast.Name: Expressions.name,
    ast.Constant: Expressions.constant,
    ast.Attribute: Expressions.attribute,
    ast.Subscript: Expressions.subscript,
    ast.Lambda: Expressions.made,
    ast.NamedExpr: Expressions.walrus,
    ast.ListComp: Expressions.comprehension,
    ast.SetComp: Expressions.comprehension,
    ast.DictComp: Expressions.comprehension,
    ast.GeneratorExp: Expressions.generator,
    ast.List: Expressions.mixed,
    ast.Tuple: Expressions.mixed,
    ast.Set: Expressions.mixed,
    ast.Dict: Expressions.mixed,
    ast.BoolOp: Expressions.mixed,
    ast.BinOp: Expressions.mixed,
    ast.UnaryOp: Expressions.mixed,
    ast.IfExp: Expressions.choice,
    ast.Compare: Expressions.compared,
    ast.Slice: Expressions.plain,
    ast.JoinedStr: Expressions.formatted,
    ast.Starred: Expressions.starred,
    ast.Yield: Expressions.yielded,
    ast.YieldFrom: Expressions.yielded,
    ast.Await: Expressions.awaited,
}
