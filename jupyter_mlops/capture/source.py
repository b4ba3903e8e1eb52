"""What a cell's code says about its params and results.

The text is Python as IPython would run it: magics and shell escapes have become calls of
``get_ipython()``.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .bindings import COMPUTED, LITERAL, OTHER, Bindings, Event
from .literals import is_config
from .reading import names_read

_CHANGING = frozenset(
    ("append", "extend", "insert", "add", "update", "setdefault", "pop", "popitem", "remove", "clear", "sort")
)
_PARAMS = re.compile(r"(^|_)(hyper)?(params?|parameters|config|settings|kwargs)_?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CellFacts:
    """Names that a cell binds at its top level, and those that it reads.

    ``literals`` are assigned once, by a literal, on every way through the cell, and stay as they are.
    ``computed`` are assigned by an expression and are no loop variables; ``certain`` are those of them that
    every way through the cell assigns; ``configs`` put given values together (``dict(lr=lr)``). Private
    names are in none of these; ``bound`` are all names. ``read`` are bound by earlier cells.
    """

    literals: dict[str, Any] = field(default_factory=dict)
    computed: frozenset[str] = frozenset()
    certain: frozenset[str] = frozenset()
    configs: frozenset[str] = frozenset()
    bound: frozenset[str] = frozenset()
    read: frozenset[str] = frozenset()
    arguments: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The keywords that the cell gives to each class, by the class's name."""
    changed: frozenset[str] = frozenset()
    """Names of containers that the cell fills or changes in place."""
    result_name: str | None = None
    """The function that the last line calls: what its value may be called."""
    result_params: str | None = None
    """What the last line shows, where its name says that it is params: ``search.best_params_``."""


def cell_facts(python: str, transform: Callable[[str], str] = str) -> CellFacts:
    """The facts of a cell; none for one that does not parse.

    ``transform`` makes Python of the body of a cell magic, as IPython does for the whole cell.
    """
    bindings = Bindings(transform)
    try:
        bindings.cell(python)
        read = frozenset().union(*map(names_read, bindings.bodies))
    except (SyntaxError, ValueError, RecursionError):
        return CellFacts()
    bound = frozenset(bindings.events)
    found = {name: events for name, events in bindings.events.items() if not name.startswith("_")}
    changed = _changed(bindings.trees)
    computed = {name for name, events in found.items() if _is_computed(events)}
    configs = {name for name, events in found.items() if _is_config(events, computed - {name})}
    return CellFacts(
        literals={
            name: events[0].value
            for name, events in found.items()
            if _is_param(events) and not (name in changed and isinstance(events[0].value, (list, dict)))
        },
        computed=frozenset(computed),
        certain=frozenset(name for name in computed if any(event.certain for event in found[name])),
        configs=frozenset(configs - changed),
        bound=bound,
        read=frozenset(name for name in read - bound if not name.startswith("_")),
        arguments=_arguments(bindings.trees),
        changed=frozenset(changed),
        result_name=_result_name(bindings.trees[0]),
        result_params=_result_params(bindings.trees[0]),
    )


def _is_param(events: list[Event]) -> bool:
    return len(events) == 1 and events[0].kind == LITERAL and events[0].certain


def _is_computed(events: list[Event]) -> bool:
    kinds = {event.kind for event in events}
    return COMPUTED in kinds and OTHER not in kinds


def _is_config(events: list[Event], computed: Iterable[str]) -> bool:
    (event,) = events if len(events) == 1 else (None,)
    return event is not None and event.expression is not None and is_config(event.expression, computed)


def _changed(trees: Iterable[ast.Module]) -> set[str]:
    found: set[str] = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner: ast.expr | None = node.func.value if node.func.attr in _CHANGING else None
            else:
                owner = node if isinstance(node, ast.Subscript) else None
                owner = None if owner is None or isinstance(owner.ctx, ast.Load) else owner
            while isinstance(owner, (ast.Subscript, ast.Attribute)):
                owner = owner.value
            if isinstance(owner, ast.Name):
                found.add(owner.id)
    return found


def _arguments(trees: Iterable[ast.Module]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.keywords and (name := _called(node)):
                found[name].update(each.arg for each in node.keywords if each.arg)
    return {name: frozenset(keywords) for name, keywords in found.items()}


def _result_name(tree: ast.Module) -> str | None:
    value = _last_value(tree)
    name = _called(value) if isinstance(value, ast.Call) else None
    return None if name is None or name.startswith("_") or hasattr(builtins, name) else name


def _result_params(tree: ast.Module) -> str | None:
    value = _last_value(tree)
    name = _called(value) if isinstance(value, ast.Call) else _last_name(value)
    return name.strip("_") if name is not None and _PARAMS.search(name) else None


def _last_value(tree: ast.Module) -> ast.expr | None:
    last = tree.body[-1] if tree.body else None
    value = last.value if isinstance(last, ast.Expr) else None
    return value.value if isinstance(value, ast.Await) else value


def _called(node: ast.Call) -> str | None:
    return _last_name(node.func)


def _last_name(node: ast.expr | None) -> str | None:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", None)
