"""Random programs of a grammar, cut into cells that run in any order: the slice alone gives the same values."""

from __future__ import annotations

import collections
import functools
import itertools
import math
import random
import sys
import types
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from jupyter_mlops.capture.history import ExecutedCell
from jupyter_mlops.notebooks.slicing import Slice, dependencies

from .programs import SETUP, written

MOST_LINES = 1500
LARGEST = 200
TAU = math.tau
Namespace = dict[str, Any]


class TooMuch(Exception):
    """The program does not end, or makes lists without end."""


@st.composite
def programs(draw: st.DrawFn) -> tuple[list[str], str]:
    """Cells in the order of execution, some of them repeatedly, and the expression that is asked for."""

    def pick(templates: Any) -> Any:
        return draw(st.sampled_from(templates))

    statement = st.builds(lambda depth: written("statement", pick, depth), st.integers(2, 4))
    cells = draw(st.lists(st.lists(statement, min_size=1, max_size=3).map("\n".join), min_size=1, max_size=6))
    order = draw(st.lists(st.sampled_from(cells), min_size=2, max_size=9))
    return [SETUP.strip(), *order], written("target", pick, 2)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs())
def test_the_slice_gives_the_values_of_all_cells(program: tuple[list[str], str]) -> None:
    """Names, aliases, mutation, closures, classes, generators, ``del``, ``global``, failures, in any order.

    What the slice says that it could not decide may differ: a submit shows it before it queues.
    """
    sources, wanted = program
    target = f"result = show({wanted})"
    assume(all(map(_compiles, [*sources, target])))
    namespace, cells = _executed(sources)
    before = dict(namespace)
    expected = _value(namespace, target)
    for known in (None, before):
        found = dependencies(cells, target, known)
        replayed, _ = _executed([each.source for each in found.needed])
        assert found.undecided or _value(replayed, target) == expected, _described(found, target)


def _compiles(source: str) -> bool:
    try:
        compile(source, "<cell>", "exec")
    except SyntaxError:
        return False
    return True


def _executed(sources: list[str]) -> tuple[Namespace, list[ExecutedCell]]:
    math.tau = TAU  # type: ignore[misc]  # programs change it
    random.seed(99)
    namespace: Namespace = {"print": lambda *_: None, "__name__": "__main__", "show": show}
    cells = []
    for number, source in enumerate(sources, 1):
        ok = True
        try:
            _run(source, namespace)
        except TooMuch:
            assume(False)
        except Exception:  # noqa: BLE001  whatever a random program raises
            ok = False
        cells.append(ExecutedCell(number, source, ok))
    return namespace, cells


def _run(source: str, namespace: Namespace) -> None:
    lines = 0

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal lines
        lines += 1
        sizes = (len(each) for name in "abde" if isinstance(each := namespace.get(name), (list, dict)))
        if lines > MOST_LINES or any(size > LARGEST for size in sizes):
            raise TooMuch
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        exec(compile(source, "<cell>", "exec"), namespace)
    finally:
        sys.settrace(before)


def _value(namespace: Namespace, target: str) -> str:
    try:
        _run(target, namespace)
    except TooMuch:
        assume(False)
    except Exception as error:  # noqa: BLE001  as above
        return type(error).__name__
    return str(namespace["result"])


def show(*values: Any) -> str:
    """Values and all in them, numbered, so that the same object in two places shows."""
    return _Shower().text(values, 0)


class _Shower:
    def __init__(self) -> None:
        self._known: dict[int, Any] = {}

    def text(self, value: Any, depth: int) -> str:
        if isinstance(value, (int, float, str, type(None))):
            return repr(value)
        if id(value) in self._known:
            return f"#{list(self._known).index(id(value))}"
        if depth > 20 or len(self._known) > 150:
            return "..."
        self._known[id(value)] = value
        number = len(self._known)
        parts = [self.text(each, depth + 1) for each in self._parts(value)]
        return f"{type(value).__name__} {number}({', '.join(parts)})"

    def _parts(self, value: Any) -> Any:
        if isinstance(value, (list, tuple, collections.deque)):
            return list(value)
        if isinstance(value, dict):
            return [part for pair in list(value.items()) for part in pair]
        if isinstance(value, types.FunctionType):
            return [value.__name__, value.__defaults__, value.__kwdefaults__, value.__dict__, *_closed(value)]
        if isinstance(value, types.MethodType):
            return [value.__func__.__name__, value.__self__]
        if isinstance(value, functools.partial):
            return [value.func, value.args, value.keywords]
        if isinstance(value, type):
            names = ("shared", "items", "n", "other", "x")
            return [value.__name__, *(vars(value)[name] for name in names if name in vars(value))]
        if hasattr(type(value), "__next__"):
            return self._items(value)
        if type(value).__module__ == "__main__" or isinstance(value, types.SimpleNamespace):
            return [type(value).__name__, object.__getattribute__(value, "__dict__")]
        return []

    def _items(self, iterator: Any) -> list[Any]:
        try:
            return list(itertools.islice(iterator, 6))
        except Exception as error:  # noqa: BLE001  as above
            return [type(error).__name__]


def _closed(function: types.FunctionType) -> list[Any]:
    found = []
    for cell in function.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:
            found.append("nothing yet")
    return found


def _described(found: Slice, target: str) -> str:
    lines = [
        f"{'needed ' if each.needed else '       '} {'' if each.cell.ok else 'raised '}{each.cell.source!r}  # {each.why}"
        for each in found.cells
    ]
    return "\n".join(["", *lines, target])
