"""Which texts an expression may be, as far as its literals tell: names of files, and parts of them."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import PurePath

MOST = 64
"""An expression that may be more texts than these is not followed."""
Texts = tuple[str, ...]
Names = Mapping[str, Texts]
Dotted = Callable[[ast.expr], "str | None"]

JOINS = frozenset({"os.path.join", "posixpath.join"})
PATHS = frozenset({"pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "pathlib.PurePosixPath"})
SAME = frozenset(
    {"str", "os.fspath", "os.path.abspath", "os.path.realpath", "os.path.normpath", "os.path.expanduser"}
)
SAME_METHODS = frozenset({"resolve", "absolute", "expanduser", "as_posix", "__str__"})
CHANGES = {
    "with_suffix": PurePath.with_suffix,
    "with_name": PurePath.with_name,
    "with_stem": PurePath.with_stem,
}


def texts_of(node: ast.expr, names: Names, dotted: Dotted) -> Texts:
    """All that it may be; nothing where that is not known.

    ``names`` are those of variables, ``dotted`` is the full name of a function that an expression stands for.
    """
    if isinstance(node, ast.Constant):
        known = isinstance(node.value, (str, int, float)) and not isinstance(node.value, bool)
        return (str(node.value),) if known else ()
    if isinstance(node, ast.Name):
        return names.get(node.id, ())
    if isinstance(node, ast.JoinedStr):
        return _joined([_part(each, names, dotted) for each in node.values], "".join)
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Div)):
        parts = [texts_of(each, names, dotted) for each in (node.left, node.right)]
        return _joined(parts, "".join if isinstance(node.op, ast.Add) else _path)
    if isinstance(node, ast.IfExp):
        either = [texts_of(each, names, dotted) for each in (node.body, node.orelse)]
        return either[0] + either[1] if all(either) else ()
    if isinstance(node, ast.Attribute):
        return _attribute(node, names, dotted)
    return _called(node, names, dotted) if isinstance(node, ast.Call) else ()


def several(node: ast.expr, names: Names, dotted: Dotted) -> Texts:
    """As ``texts_of``; of a list or tuple what its items may be, where that is known of all."""
    if not isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return texts_of(node, names, dotted)
    found = [texts_of(each, names, dotted) for each in node.elts]
    return tuple(text for each in found for text in each) if all(found) else ()


def _part(node: ast.expr, names: Names, dotted: Dotted) -> Texts:
    """Of an f-string."""
    if isinstance(node, ast.FormattedValue):
        plain = node.format_spec is None and node.conversion == -1
        return texts_of(node.value, names, dotted) if plain else ()
    return texts_of(node, names, dotted)


def _joined(parts: Sequence[Texts], join: Callable[[Sequence[str]], str]) -> Texts:
    count = 1
    for part in parts:
        count *= len(part)
    return tuple(map(join, product(*parts))) if 0 < count <= MOST else ()


def _path(parts: Sequence[str]) -> str:
    return os.path.join(*parts)


def _attribute(node: ast.Attribute, names: Names, dotted: Dotted) -> Texts:
    if node.attr != "parent":
        return ()
    return tuple(str(PurePath(each).parent) for each in texts_of(node.value, names, dotted))


def _called(node: ast.Call, names: Names, dotted: Dotted) -> Texts:
    function = dotted(node.func)
    if node.keywords:
        return ()
    arguments = [texts_of(each, names, dotted) for each in node.args]
    if function in JOINS or function in PATHS:
        return _joined(arguments, _path) if arguments else (".",)
    if function in SAME and len(arguments) == 1:
        return arguments[0]
    if function in ("os.getcwd", "pathlib.Path.cwd"):
        return (".",)
    if function == "os.path.dirname" and len(arguments) == 1:
        return tuple(map(os.path.dirname, arguments[0]))
    return _method(node.func, arguments, names, dotted)


def _method(func: ast.expr, arguments: list[Texts], names: Names, dotted: Dotted) -> Texts:
    """Of a path, as ``Path("a").joinpath("b")``."""
    if not isinstance(func, ast.Attribute):
        return ()
    if func.attr in SAME_METHODS:
        return texts_of(func.value, names, dotted)
    if func.attr == "joinpath":
        return _joined([texts_of(func.value, names, dotted), *arguments], _path)
    if func.attr in CHANGES and len(arguments) == 1:
        whole = texts_of(func.value, names, dotted)
        try:
            return tuple(str(CHANGES[func.attr](PurePath(a), b)) for a, b in product(whole, arguments[0]))
        except ValueError:  # an empty name has no suffix
            return ()
    return ()
