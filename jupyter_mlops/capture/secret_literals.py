"""Texts in a cell's code that are given to a secret name, wherever Python lets a name get a value."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Iterator

_MAGIC = re.compile(r"^([ \t]*)[%!?].*$", re.MULTILINE)

_PAIRING = frozenset(("setdefault", "getenv", "get", "putenv", "setenv", "set", "set_password"))
"""Functions whose first argument names their second, as in ``environ.setdefault("API_KEY", "...")``."""


def secret_literals(code: str, is_secret: Callable[[str, str], bool]) -> set[str]:
    """The texts that assignments, arguments, entries and defaults give to a name, if ``is_secret`` says so.

    Magics and shell lines are passed over; code that does not parse has none.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the user's code, which is compiled once more
            tree = ast.parse(_MAGIC.sub(r"\1pass", code))
    except (SyntaxError, ValueError, RecursionError):
        return set()
    given = (pair for node in ast.walk(tree) for pair in _given(node))
    return {text for name, value in given if name for text in _texts(value) if is_secret(name, text)}


def _given(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """The names that a node gives values to, and the values."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _targets(target, node.value)
    elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
        yield from _targets(node.target, node.value)
    elif isinstance(node, ast.keyword) and node.arg:
        yield node.arg, node.value
    elif isinstance(node, ast.Dict):
        yield from ((_text(key), value) for key, value in zip(node.keys, node.values, strict=True) if key)
    elif isinstance(node, ast.Call) and len(node.args) > 1 and _called(node) in _PAIRING:
        yield _text(node.args[0]), node.args[1]
    elif isinstance(node, ast.arguments):
        last = [*node.posonlyargs, *node.args][-len(node.defaults) :] if node.defaults else []
        yield from ((arg.arg, default) for arg, default in zip(last, node.defaults, strict=True))
        named = zip(node.kwonlyargs, node.kw_defaults, strict=True)
        yield from ((arg.arg, default) for arg, default in named if default is not None)


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _targets(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, (ast.Tuple, ast.List)):
        parts = value.elts if isinstance(value, (ast.Tuple, ast.List)) else []
        for inner, part in zip(target.elts, parts, strict=False):
            yield from _targets(inner, part)
    elif isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Attribute):
        yield target.attr, value
    elif isinstance(target, ast.Subscript):
        yield _text(target.slice), value


def _texts(value: ast.expr) -> Iterator[str]:
    """The texts that a value is made of; those in calls and subscripts are something else's."""
    if isinstance(value, ast.Constant):
        if text := _text(value):
            yield text
    elif isinstance(value, (ast.Tuple, ast.List, ast.Set, ast.JoinedStr, ast.BoolOp, ast.BinOp, ast.IfExp)):
        for part in ast.iter_child_nodes(value):
            if isinstance(part, ast.expr):
                yield from _texts(part)


def _text(node: ast.expr) -> str:
    if not isinstance(node, ast.Constant):
        return ""
    if isinstance(node.value, bytes):
        return node.value.decode("utf-8", "replace")
    return node.value if isinstance(node.value, str) else ""
