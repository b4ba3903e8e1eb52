"""Random scripts of loops, functions and tracked blocks: what is in a value that a block uses is behind it."""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlops.capture.loaded import loaded

from .loading_worlds import Notebook, Script

START = """
import functools
import jupyter_mlops as mlops
a = b = c = d = 0
keep, state = [], {}
class Box:
    def put(self, x):
        self.x = [x]
    def get(self):
        return getattr(self, "x", 0)
    def use(self, other):
        other.x = mlops.load_dataset('new')
        with mlops.track():
            mlops.probe(self.get())
box = Box()
def f(x=None): return x
def g(x=None): return x
def h(x=None): return x
@functools.cache
def cached(name):
    return mlops.load_dataset(name)
def stored(name):
    if name not in state:
        state[name] = mlops.load_dataset(name)
    return state[name]
def look():
    return [a, b]
def keep_it(x):
    global c
    c = x
def fill(one, other):
    one.append(mlops.load_dataset('new'))
    with mlops.track():
        mlops.probe(other)
def apply(function, items):
    return [function(each) for each in items]
"""
SIMPLE = (
    "{a} = mlops.load_dataset('d{n}')",
    "{a} = mlops.load_dataset('d{n}')",
    "{a} = mlops.load_dataset('new')",
    "{a} = mlops.load_dataset('new')",
    "{a}, {b} = mlops.load_dataset('new'), mlops.load_dataset('new')",
    "{a} = mlops.load_dataset('new'); {b} = mlops.load_dataset('new')",
    "{a} = [mlops.load_dataset('new') for _ in range(2)]",
    "{a} = list(map(mlops.load_dataset, ['new', 'new']))",
    "{a} = cached('d{n}')",
    "{a} = stored('d{n}')",
    "{a} = [{b}, {c}]",
    "{a} = {b}",
    "{a} = 0",
    "keep.append({a})",
    "{a} = keep[-1:]",
    "{a} = list(keep)",
    "keep.clear()",
    "state['k'] = {a}",
    "{a} = state.get('k')",
    "box.put({a})",
    "{a} = box.get()",
    "box.use(box)",
    "{a} = look()",
    "keep_it({a})",
    "fill(keep, keep)",
    "{a} = {f}({b})",
    "{a} = {f}(mlops.load_dataset('new'))",
    "{f}({a})",
    "{a} = list(map({f}, [{b}, {c}]))",
    "list(map({f}, [mlops.load_dataset('new'), mlops.load_dataset('new')]))",
    "apply({f}, [{a}, {b}])",
    "apply({f}, [mlops.load_dataset('new') for _ in range(2)])",
    "{a} = [{f}(each) for each in ({b}, {c})]",
)
PROBES = (
    "mlops.probe(look())",
    "mlops.probe({a})",
    "mlops.probe([{a}, {b}])",
    "mlops.probe({f}({a}))",
    "keep.append({a})\nmlops.probe({b})",
    "mlops.probe(keep)",
)
FOR = (
    "for each in range(2):\n{0}",
    "for {a} in ({b}, {c}):\n{0}",
    "for {a} in [mlops.load_dataset('new') for _ in range(2)]:\n{0}",
    "while mlops.tick() % 3:\n{0}",
)
AROUND = (
    *FOR,
    *FOR,
    "if mlops.tick() % 2:\n{0}",
    "if mlops.tick() % 2:\n{0}\nelse:\n{1}",
    "try:\n{0}\nfinally:\n{1}",
    "try:\n{0}\n    1 / 0\nexcept ZeroDivisionError:\n{1}",
    "with open('/dev/null'):\n{0}",
)
NAMES = ("a", "b", "c", "d")
VARIABLES = (
    (NAMES, "global a, b, c, d"),
    (NAMES, "a = b = c = d = x"),
    (("x", "y", "z", "x"), "y = z = x"),
)
"""Names that a function uses, and what stands first in it for that."""


@st.composite
def body(draw: st.DrawFn, names: tuple[str, ...], functions: tuple[str, ...], depth: int) -> str:
    """Statements; those of a function call only functions that come before it."""
    return "\n".join(draw(st.lists(statement(names, functions, depth), min_size=1, max_size=4)))


@st.composite
def statement(draw: st.DrawFn, names: tuple[str, ...], functions: tuple[str, ...], depth: int) -> str:
    name, number = st.sampled_from(names), st.integers(0, 3)
    parts = {each: draw(name) for each in "abc"}
    values: dict[str, Any] = {**parts, "f": draw(st.sampled_from(functions)), "n": draw(number)}
    kind = draw(st.integers(0, 9))
    if kind < 6 or not depth:
        return draw(st.sampled_from(SIMPLE)).format(**values)
    if kind < 8:
        lines = draw(st.sampled_from(PROBES)).format(**values)
        return f"with mlops.track():\n{_indented(lines)}"
    inner = [_indented(draw(body(names, functions, depth - 1))) for _ in range(2)]
    return draw(st.sampled_from(AROUND)).format(*inner, **values)


@st.composite
def program(draw: st.DrawFn) -> str:
    parts = []
    for place, name in enumerate("fgh"):
        functions = ("f", "g", "h")[:place] or ("list",)
        names, first = draw(st.sampled_from(VARIABLES))
        inner = draw(body(names, functions, 2))
        decorator = draw(st.sampled_from(("", "", "@mlops.track()\n")))
        probe = "mlops.probe(x)" if decorator else "pass"
        text = f"{decorator}def {name}(x=None):\n" + _indented(f"{first}\n{probe}\n{inner}\nreturn x")
        parts.append(text)
    parts.append(draw(body(NAMES, ("f", "g", "h"), 3)))
    parts.append(draw(body(NAMES, ("f", "g", "h"), 3)))
    return "\n".join(parts)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


@pytest.mark.parametrize("kind", [Script, Notebook])
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(source=program())
def test_whatever_a_block_uses_is_behind_it(kind: type[Script] | type[Notebook], source: str) -> None:
    world, ticks = kind(), count(1)
    missed: list[set[str]] = []

    def tick() -> int:
        if len(world.found) > 12 or (now := next(ticks)) > 200:
            raise StopIteration
        return now

    def probe(value: Any) -> None:
        tick()
        found, order = world.open[-1]
        since = {each.version.name for each in loaded.reads(str(world.home)) if each.order > order}
        missed.append(_marks(value) - found - since)

    world.offered |= {"probe": probe, "tick": tick}
    with suppress(Exception):  # whatever a random program raises
        world.run(START + source)
    assert not any(missed)


def _marks(value: Any) -> set[str]:
    """The datasets of which something is in a value."""
    found: set[str] = set()
    seen: dict[int, Any] = {}
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen[id(each)] = each
        if isinstance(each, str):
            found |= set(re.findall(r"<(\w+)>", each))
        elif isinstance(each, (list, tuple)):
            waiting += each
        elif isinstance(each, dict):
            waiting += each.values()
        else:
            waiting += getattr(each, "__dict__", {}).values()
    return found
