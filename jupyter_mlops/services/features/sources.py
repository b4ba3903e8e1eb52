"""The texts of functions and classes, from a file or from the cell that defined them."""

from __future__ import annotations

import ast
import inspect
import linecache
import symtable
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from ...errors import InvalidInput

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
MARK = "__mlops_feature_view__"
"""What a decorator says of itself that makes a feature view of a function: it is no part of the function."""


@dataclass(frozen=True, slots=True)
class Source:
    """A statement that defines ``name``: its text, its global names, and the modules that it imports inside.

    ``first`` are the names that it needs when it is run, the others when it is called. ``chains`` are the
    dotted names that begin with a global one.
    """

    name: str
    text: str
    first: tuple[str, ...]
    names: tuple[str, ...]
    chains: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    future: bool = False


def source_of(value: Any, name: str) -> Source:
    """The source of a function, lambda or class that is called ``name``. Raises InvalidInput."""
    node, text, future = _class(value, name) if isinstance(value, type) else _function(value, name)
    return _described(node, text, future)


def _function(value: Any, name: str) -> tuple[ast.stmt, str, bool]:
    function = inspect.unwrap(value)
    if not isinstance(function, FunctionType):
        raise InvalidInput(f"{name!r} is a {type(value).__qualname__}, whose source is unknown.")
    code = function.__code__
    lines = _lines(code.co_filename)
    for node in _nodes(lines):
        if isinstance(node, ast.ClassDef) or not _is_at(node, code):
            continue
        if isinstance(node, ast.Assign):
            if any(isinstance(each, ast.Name) and each.id == name for each in node.targets):
                _require_unchanged(node, code, lines, name)
                return node, _text(node, lines), _has_future(code)
        elif node.name == function.__name__:
            _require_unchanged(node, code, lines, name)
            return node, _plain_text(node, lines, function), _has_future(code)
    raise InvalidInput(
        f"The source of {name!r} cannot be found. Define it in a notebook cell or a module with "
        f"'def {name}(...)', not by exec() or inside another expression."
    )


def _class(kind: type, name: str) -> tuple[ast.stmt, str, bool]:
    codes = [each.__code__ for each in vars(kind).values() if isinstance(each, FunctionType)]
    files = dict.fromkeys(code.co_filename for code in codes if not code.co_filename.startswith("<string>"))
    # a class without functions does not say where it was made: of the cells, the last that has it
    for file in files or reversed(list(linecache.cache)):
        lines = _lines(file)
        if not any(f"class {kind.__name__}" in line for line in lines):
            continue
        for node in reversed(list(_nodes(lines))):
            if isinstance(node, ast.ClassDef) and node.name == kind.__name__:
                return node, _text(node, lines), any(map(_has_future, codes))
    raise InvalidInput(f"The source of the class {name!r} cannot be found. Define it in a cell or a module.")


def _lines(file: str) -> list[str]:
    linecache.checkcache(file)
    return linecache.getlines(file)


def _nodes(lines: list[str]) -> Iterator[Definition | ast.Assign]:
    """Definitions of functions and classes wherever they are, and what is assigned a lambda."""
    try:
        tree = ast.parse("".join(lines))
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, Definition) or (
            isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda)
        ):
            yield node


def _is_at(node: Definition | ast.Assign, code: CodeType) -> bool:
    if isinstance(node, ast.Assign):
        return code.co_name == "<lambda>" and node.value.lineno == code.co_firstlineno
    # Python counts from the first decorator
    return min(each.lineno for each in (node, *node.decorator_list)) == code.co_firstlineno


def _require_unchanged(node: ast.stmt, code: CodeType, lines: list[str], name: str) -> None:
    """Of a file that was edited since, the text is not what runs. Raises InvalidInput.

    Code with an assert is not compared: pytest rewrites it.
    """
    if any(isinstance(each, ast.Assert) for each in ast.walk(node)):
        return
    flags = code.co_flags & _FUTURE | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT  # as in a cell
    module = compile("".join(lines), code.co_filename, "exec", flags=flags, dont_inherit=True)
    there = [each for each in _codes(module) if each.co_firstlineno == code.co_firstlineno]
    if not any(each.co_code == code.co_code and each.co_names == code.co_names for each in there):
        raise InvalidInput(
            f"{name!r} was changed in {code.co_filename} after it was imported: import it again, so that "
            "what is registered is what runs."
        )


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _codes(each)


_FUTURE = __import__("__future__").annotations.compiler_flag


def _has_future(code: CodeType) -> bool:
    return bool(code.co_flags & _FUTURE)


def _plain_text(
    node: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str], function: FunctionType
) -> str:
    """The definition without the decorator that makes a feature view of it."""
    kept = [each for each in node.decorator_list if not _marks(each, function.__globals__)]
    if len(kept) == len(node.decorator_list):
        return _text(node, lines)
    node.decorator_list = kept
    if node.col_offset:
        return ast.unparse(node)
    parts = [lines[each.lineno - 1 : each.end_lineno] for each in (*kept, node)]
    return "".join(line for part in parts for line in part).rstrip() + "\n"


def _marks(decorator: ast.expr, namespace: dict[str, Any]) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    chain = _chain(called)
    if not chain:
        return False
    if chain[-1] == "feature_view":
        return True
    value = namespace.get(chain[0])
    for part in chain[1:]:
        value = getattr(value, part, None)
    return hasattr(value, MARK)


def _text(node: ast.stmt, lines: list[str]) -> str:
    if node.col_offset:
        return ast.unparse(node)
    decorators = getattr(node, "decorator_list", [])
    first = min(each.lineno for each in (node, *decorators))
    return "".join(lines[first - 1 : node.end_lineno]).rstrip() + "\n"


def _described(node: ast.stmt, text: str, future: bool) -> Source:
    name = node.name if isinstance(node, Definition) else node.targets[0].id  # type: ignore[attr-defined]
    prefix = "from __future__ import annotations\n" if future else ""
    tree = ast.parse(text)
    table = symtable.symtable(prefix + text, f"<{name}>", "exec")
    own = {each.get_name() for each in table.get_symbols() if each.is_assigned()}
    first = {each.get_name() for each in table.get_symbols() if each.is_referenced()} - own
    inner = {each for child in table.get_children() for each in _global_names(child)}
    dotted = {".".join(chain) for each in ast.walk(tree) if len(chain := _chain(each)) > 1}
    return Source(
        name=name,
        text=text,
        first=tuple(sorted(first - {"annotations"})),
        names=tuple(sorted(inner - own)),
        chains=tuple(sorted(dotted)),
        imports=tuple(sorted(_imported(ast.walk(tree), name))),
        future=future,
    )


def _global_names(table: symtable.SymbolTable) -> Iterator[str]:
    """The names that functions read from around them, at any depth."""
    for symbol in table.get_symbols():
        if symbol.is_global() and symbol.is_referenced():
            yield symbol.get_name()
    for child in table.get_children():
        yield from _global_names(child)


def _imported(nodes: Iterable[ast.AST], name: str) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise InvalidInput(
                    f"{name!r} has a relative import inside, which means nothing where the view is computed "
                    "elsewhere. Write the whole name of the module."
                )
            yield node.module or ""


def _chain(node: ast.AST) -> list[str]:
    """``a.b.c`` as its parts; empty for what is no dotted name."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute) and (before := _chain(node.value)):
        return [*before, node.attr]
    return []
