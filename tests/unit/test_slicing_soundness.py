"""Random programs in cells: the slice alone gives the last cell the value that all cells give it."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlops.capture.history import ExecutedCell
from jupyter_mlops.notebooks.slicing import dependencies

NAMES = ("a", "b", "c", "d")
FUNCTIONS = ("f", "g", "h")
name = st.sampled_from(NAMES)
function = st.sampled_from(FUNCTIONS)
number = st.integers(0, 3)

PATTERNS = (
    "{a} = {n}",
    "{a} = [{n}, {m}]",
    "{a} = {b}",
    "{a} = [{b}, {c}]",
    "{a} = {{'k': {b}, 'n': {n}}}",
    "{a} = {b}['k']",
    "{a} = {b}[0]",
    "{a}, {b} = {b}, {a}",
    "{a} = {b} = [{n}]",
    "{a}, {c} = [[{n}], {b}]",
    "{a} += {n}",
    "{a} += [{b}]",
    "{a}.append({b})",
    "{a}.append({n})",
    "{a}[0] = {b}",
    "{a}['k'] = {n}",
    "{a}[0].append({n})",
    "{a}['k'].append({n})",
    "del {a}[0]",
    "del {a}",
    "{a} = len({b})",
    "{a} = list({b})",
    "{a} = sorted({b})",
    "{a} = [x for x in {b}]",
    "{a} = [[x] for x in {b}]",
    "[x.append({n}) for x in {b}]",
    "for x in {b}:\n    x.append({n})",
    "for {a} in {b}:\n    pass",
    "if {n} > 1:\n    {a} = {b}\nelse:\n    {c} = {n}",
    "if {n} > 2:\n    {a} = {m}",
    "try:\n    {a} = {b}[5]\nexcept Exception:\n    {a} = {n}",
    "while True:\n    {a} = {n}\n    break",
    "{a} = {b} if {n} else {c}",
    "{a} = ({c} := [{n}, {b}])",
    "{a} = (x for x in {b})",
    "{a} = next({b})",
    "{a} = iter({b})",
    "{a} = {b} + {c}",
    "{a} = {b} * 2",
    "{a} = {b}.copy()",
    "{a} = f'{{len({b})}}'",
    "{a} = {b} == {c}",
    "{a} = getattr({b}, 'state')",
    "setattr({a}, 'state', {b})",
    "{a}.state = {b}",
    "{a}.state.append({n})",
    "{a} = {b}.state",
    "match {b}:\n    case [{a}, *_]:\n        pass\n    case {{'k': {c}}}:\n        pass\n    case _:\n        {d} = 1",
    "def {f}():\n    return {a}",
    "def {f}():\n    {a}.append({n})",
    "def {f}():\n    return {g}()",
    "def {f}():\n    global {a}\n    {a} = {n}",
    "def {f}():\n    global {a}\n    {a} += {n}\n    return {a}",
    "def {f}(x=None):\n    x.append({n})\n    return x",
    "def {f}(x=[]):\n    x.append({n})\n    return x",
    "def {f}(x=None):\n    y = [x, {a}]\n    return y",
    "def {f}(x=None):\n    local = x\n    local.append({a})",
    "def {f}(x={a}):\n    return x",
    "def {f}():\n    n = []\n    def inner():\n        n.append(1)\n        return n\n    return inner",
    "def {f}():\n    n = {n}\n    def inner():\n        nonlocal n\n        n += 1\n        return n\n    return inner",
    "def {f}(x=None):\n    yield {a}\n    yield x",
    "{f} = lambda x=None: {a}",
    "{f} = lambda x=None: {a}.append({n})",
    "{f} = {g}",
    "def wrap(function):\n    def wrapped(*args):\n        {a}.append({n})\n        return function(*args)\n    return wrapped",
    "@wrap\ndef {f}(*args):\n    return {b}",
    "{a} = {f}()",
    "{a} = {f}({b})",
    "{f}({b})",
    "{f}()",
    "{a} = {f}\n{b} = {a}()",
    "{a} = [{f}, {g}]",
    "{a} = {b}[0]()",
    "{a} = list(map({f}, {b}))",
    "{a} = map({f}, {b})",
    "{a} = sum(1 for x in {b})",
    "class C:\n    shared = []\n    def __init__(self, x=None):\n        self.state = [x]\n    def add(self, x=None):\n        self.state.append(x)\n        return self",
    "class C:\n    def __init__(self, x=None):\n        self.state = x\n    def add(self, x=None):\n        {a}.append(x)\n        return {f}()",
    "class D(C):\n    def add(self, x=None):\n        self.state = {b}\n        return super().add(x)",
    "class C:\n    state = [{n}]\n    def __len__(self):\n        return len({a})\n    def add(self, x=None):\n        C.state.append(x)",
    "{a} = C({b})",
    "{a} = D({b})",
    "{a} = C()",
    "{a}.add({b})",
    "{a} = {b}.add({n})",
    "C.add = lambda self, x=None: {a}",
    "{a} = {{}}\n{a}['self'] = {b}",
    "{a} = dict(k={b})",
    "{a} = tuple({b})",
    "{a} = zip({b}, {c})",
    "{a} = [*{b}, {n}]",
    "{a} = max({b}, key=lambda x: {f}(x))",
    "import math\n{a} = math.floor({n})",
    "import copy\n{a} = copy.copy({b})",
    "import copy\n{a} = copy.deepcopy({b})",
    "import random\nrandom.seed({n})",
    "import random\n{a} = random.random()",
    "import random\nrandom.shuffle({a})",
    "import functools\n{a} = functools.partial({f}, {b})",
    "import collections\n{a} = collections.defaultdict(list)",
    "from copy import copy as {f}",
    "exec('{a} = {n}')",
    "{a} = eval('{b}')",
    "globals()['{a}'] = {n}",
    "with open('/dev/null') as {a}:\n    {b} = {n}",
    "assert {a}",
    "print({a})",
)


@st.composite
def statements(draw: st.DrawFn) -> str:
    pattern = draw(st.sampled_from(PATTERNS))
    return pattern.format(
        a=draw(name), b=draw(name), c=draw(name), d=draw(name), f=draw(function), g=draw(function),
        n=draw(number), m=draw(number),
    )  # fmt: skip


sources = st.lists(statements(), min_size=1, max_size=2).map("\n".join)
START = "import random\nrandom.seed(7)\na, b, c, d = [1], [[2], 3], {'k': [4]}, 5"
FIRST_FUNCTIONS = "def f(x=None): return x\ndef g(x=None): return [x]\ndef h(): return 1\ndef wrap(f): return f\nclass C: pass"


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(sources, min_size=2, max_size=12),
    st.sampled_from([*NAMES, "f()", "[f, a]", "C().state", "len(a)"]),
)
def test_the_slice_gives_the_same_value_as_all_cells(programs: list[str], wanted: str) -> None:
    """Names, aliases, mutation, closures, classes, generators, globals, failures, in any order."""
    everything = [START, FIRST_FUNCTIONS, *programs]
    target = f"result = show({wanted})"
    namespace, cells = _executed(everything)
    before = dict(namespace)
    expected = _shown(namespace, target)
    for known in (None, before):
        found = dependencies(cells, target, known)
        replayed, _ = _executed([each.source for each in found.needed])
        assert _shown(replayed, target) == expected, _described(found, target)


def _executed(programs: list[str]) -> tuple[dict[str, Any], list[ExecutedCell]]:
    namespace: dict[str, Any] = {
        "print": lambda *_: None,
        "__name__": "__main__",
        "show": lambda value: _text(value, []),
    }
    cells = []
    for number, source in enumerate(programs, 1):
        try:
            exec(compile(source, "<cell>", "exec"), namespace)
            ok = True
        except Exception:  # noqa: BLE001  whatever a random program raises
            ok = False
        cells.append(ExecutedCell(number, source, ok))
    return namespace, cells


def _shown(namespace: dict[str, Any], target: str) -> str:
    try:
        exec(target, namespace)
    except Exception as error:  # noqa: BLE001  as above
        return f"{type(error).__name__}: {error}"
    return str(namespace["result"])


def _text(value: Any, above: list[int]) -> str:
    """A value and all in it, whatever it is, without the addresses of objects."""
    if id(value) in above:
        return "..."
    within = [*above, id(value)]
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__}({', '.join(_text(each, within) for each in value)})"
    if isinstance(value, dict):
        return f"dict({', '.join(f'{key}: {_text(each, within)}' for key, each in value.items())})"
    if hasattr(value, "__next__"):
        try:
            return f"items({', '.join(_text(each, within) for each in value)})"
        except Exception as error:  # noqa: BLE001  as above
            return f"items, then {type(error).__name__}"
    if callable(value) and not isinstance(value, type):
        return "a function"
    if isinstance(value, (int, float, str, bool, type(None))):
        return repr(value)
    state = getattr(value, "__dict__", {})
    if isinstance(value, type):
        state = {key: each for key, each in state.items() if not key.startswith("__")}
    return f"{type(value).__name__}({', '.join(f'{k}: {_text(v, within)}' for k, v in state.items())})"


def _described(found: Any, target: str) -> str:
    lines = [
        f"{'needed ' if each.needed else '       '} {'' if each.cell.ok else 'raised '}{each.cell.source!r}  # {each.why}"
        for each in found.cells
    ]
    return "\n".join(["", *lines, target])
