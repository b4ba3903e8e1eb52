"""Which names of earlier cells a cell reads, also by the functions that it calls."""

from __future__ import annotations

import dis
import symtable
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

MAX_FUNCTIONS = 100
"""How many of the user's functions are followed from one cell."""


def names_read(python: str) -> set[str]:
    """The global names that a text of Python reads, in its functions and classes too.

    Raises SyntaxError or ValueError for a text that is none.
    """
    top = symtable.symtable(python, "<cell>", "exec")
    found = {each.get_name() for each in top.get_symbols() if each.is_referenced()}
    pending = list(top.get_children())
    while pending:
        scope = pending.pop()
        symbols = scope.get_symbols()
        found |= {each.get_name() for each in symbols if each.is_global() and each.is_referenced()}
        pending += scope.get_children()
    return found


def names_reached(names: Iterable[str], namespace: Mapping[str, Any]) -> set[str]:
    """``names``, and what the functions and classes of the namespace that go by them read in turn."""
    reached, pending, followed = set(names), list(names), 0
    while pending and followed < MAX_FUNCTIONS:
        for code in _codes(namespace.get(pending.pop()), namespace):
            followed += 1
            new = _globals_of(code) - reached
            reached |= new
            pending += new
    return reached


def _codes(value: Any, namespace: Mapping[str, Any]) -> list[CodeType]:
    """What runs when the user's own function is called, or a class of his is made and used."""
    if isinstance(value, FunctionType):
        return [value.__code__] if value.__globals__ is namespace else []
    if isinstance(value, type) and value.__module__ == namespace.get("__name__"):
        members = (getattr(each, "__func__", each) for each in vars(value).values())
        return [each.__code__ for each in members if isinstance(each, FunctionType)]
    return []


@lru_cache(maxsize=1024)
def _globals_of(code: CodeType) -> frozenset[str]:
    """The global names that a code object reads, inner functions included."""
    found = {each.argval for each in dis.get_instructions(code) if each.opname == "LOAD_GLOBAL"}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _globals_of(constant) | (_names_of(constant) if _is_class_body(constant) else set())
    return frozenset(found)


def _names_of(code: CodeType) -> set[str]:
    return {each.argval for each in dis.get_instructions(code) if each.opname == "LOAD_NAME"}


def _is_class_body(code: CodeType) -> bool:
    return "__qualname__" in code.co_names
