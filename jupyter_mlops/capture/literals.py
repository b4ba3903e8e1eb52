"""Values that can be read off an expression's syntax tree: scalars, and short lists and dicts of them."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable
from typing import Any

MAX_TEXT = 1000
"""A longer text in a cell is a document, not a param."""
MAX_ITEMS = 20
"""A longer list in a cell is data, not a param."""
MAX_NESTING = 2

_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_KINDS_OF_CONFIG = {"dict", "SimpleNamespace", "Namespace"}


def literal(node: ast.expr) -> tuple[bool, Any]:
    """Whether it is a literal scalar or a short list, tuple or dict of them, and its value.

    Arithmetic of literal numbers (``2 * 60``) is one; what is empty is none, for it will be filled.
    """
    return _literal(node, MAX_NESTING)


def is_short(value: Any, *, nesting: int = MAX_NESTING) -> bool:
    """Whether a value is what :func:`literal` would take: the same rule, for values that are there."""
    if isinstance(value, str):
        return len(value) <= MAX_TEXT
    if value is None or isinstance(value, (bool, int, float)):
        return True
    if not nesting or type(value) not in (list, tuple, dict) or not 0 < len(value) <= MAX_ITEMS:
        return False
    if isinstance(value, dict):
        return all(isinstance(key, (str, int)) for key in value) and all(
            is_short(item, nesting=nesting - 1) for item in value.values()
        )
    return all(is_short(item, nesting=nesting - 1) for item in value)


def is_config(node: ast.expr, computed: Iterable[str]) -> bool:
    """Whether it puts given values together: ``dict(lr=lr, depth=3)``, where ``lr`` is not ``computed``."""
    if isinstance(node, ast.Dict):
        return bool(node.keys) and None not in node.keys and _are_given(node.values, computed)
    if not isinstance(node, ast.Call) or node.args or not node.keywords:
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name in _KINDS_OF_CONFIG and _are_given([each.value for each in node.keywords], computed)


def _are_given(nodes: Iterable[ast.expr], computed: Iterable[str]) -> bool:
    return all(_is_given(node, computed) for node in nodes)


def _is_given(node: ast.expr, computed: Iterable[str]) -> bool:
    if isinstance(node, ast.Name):
        return node.id not in computed
    if isinstance(node, (ast.BinOp, ast.UnaryOp)):
        parts = [each for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr)]
        return _are_given(parts, computed)
    if isinstance(node, (ast.List, ast.Tuple)):
        return bool(node.elts) and _are_given(node.elts, computed)
    return isinstance(node, ast.Constant) or is_config(node, computed)


def _literal(node: ast.expr, nesting: int) -> tuple[bool, Any]:
    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, str):
            return len(value) <= MAX_TEXT, value
        return value is None or isinstance(value, (bool, int, float)), value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        ok, value = _literal(node.operand, 0)
        ok = ok and isinstance(value, (int, float))
        return ok, (-value if isinstance(node.op, ast.USub) else value) if ok else None
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _folded(node)
    if isinstance(node, (ast.List, ast.Tuple)):
        return _sequence(node.elts, nesting)
    return _mapping(node, nesting) if isinstance(node, ast.Dict) else (False, None)


def _sequence(nodes: list[ast.expr], nesting: int) -> tuple[bool, Any]:
    if not nesting or not 0 < len(nodes) <= MAX_ITEMS:
        return False, None
    found = [_literal(node, nesting - 1) for node in nodes]
    return all(ok for ok, _ in found), [value for _, value in found]


def _mapping(node: ast.Dict, nesting: int) -> tuple[bool, Any]:
    ok, values = _sequence(node.values, nesting)
    keys = [_literal(key, 0) if key is not None else (False, None) for key in node.keys]
    if not ok or not all(known and isinstance(key, (str, int)) for known, key in keys):
        return False, None
    return True, {key: value for (_, key), value in zip(keys, values, strict=True)}


def _folded(node: ast.BinOp) -> tuple[bool, Any]:
    (ok_left, left), (ok_right, right) = _literal(node.left, 0), _literal(node.right, 0)
    if not (ok_left and ok_right and isinstance(left, (int, float)) and isinstance(right, (int, float))):
        return False, None
    if isinstance(node.op, ast.Pow) and (abs(left) > 1e6 or abs(right) > 64):
        return False, None
    try:
        value = _OPERATORS[type(node.op)](left, right)
    except (ArithmeticError, ValueError):
        return False, None
    return isinstance(value, (int, float)), value
