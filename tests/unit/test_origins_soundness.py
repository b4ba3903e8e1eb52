"""Random programs that load datasets: each dataset of which something is in a value is behind it."""

from __future__ import annotations

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .loading_worlds import Notebook
from .test_slicing_soundness import FIRST_FUNCTIONS, NAMES, PATTERNS, _text, function, name, number

LOADING = (
    "{a} = mlops.load_dataset('d{n}')",
    "{a} = mlops.load_dataset('d{n}')\n{b} = mlops.load_dataset('d{m}')",
    "{a}, {b} = mlops.load_dataset('d{n}'), mlops.load_dataset('d{m}')",
    "{a} = [mlops.load_dataset('d{n}'), {b}]",
    "{a}.append(mlops.load_dataset('d{n}'))",
    "{a}['k'] = mlops.load_dataset('d{n}')",
    "{a} += mlops.load_dataset('d{n}')",
    "{a}.state = mlops.load_dataset('d{n}')",
    "for {a} in 'dx', 'dy':\n    {b} = mlops.load_dataset({a})\n    {c} = [{b}, {c}]",
    "{a} = {{n: mlops.load_dataset(n) for n in ('dv', 'dw')}}",
    "def {f}(x=None):\n    return mlops.load_dataset('d{n}')",
    "def {f}(x=None):\n    global {a}\n    {a} = mlops.load_dataset('d{n}')",
    "def {f}(x=None):\n    yield mlops.load_dataset('d{n}')",
    "import functools\n@functools.cache\ndef {f}(x=None):\n    return mlops.load_dataset('d{n}')",
    "class C:\n    state = mlops.load_dataset('d{n}')\n    def add(self, x=None):\n        self.state = [x, self.state]",
    "class C:\n    def __init__(self, x=None):\n        self.state = mlops.load_dataset('d{n}')\n    def add(self, x=None):\n        return self.state",
    "with mlops.track():\n    {a} = mlops.load_dataset('d{n}')\n    {b} = {a}",
    "if {n} > 1:\n    {a} = mlops.load_dataset('d{m}')",
    "try:\n    {a} = mlops.load_dataset('d{n}')\n    {b}[7]\nexcept Exception:\n    {c} = {a}",
    "mlops.load_dataset('d{n}')",
    "{a}",
    "[{a}, {b}]",
    "{a} = _",
    "{a} = __",
    "{a} = [_, {b}]",
    "_.append({a})",
    "{a} = Out[{n}]",
    "{a} = _{n}",
    "{a} = list(Out.values())",
    "def {f}(x=None):\n    return _",
    "{a} = [{f}, {b}]",
    "{a} = {a}[0]({b})",
    "{a} = {{'k': {f}}}",
    "{a} = {b}['k']({c})",
    "{a}[0] += {b}",
    "{a}['k'] += {b}",
    "{a}['k'] += mlops.load_dataset('d{n}')",
    "{a}.state += {b}",
    "match {a}:\n    case [{b}, *{c}]:\n        {d} = {c}\n    case {{'k': {b}}}:\n        {d} = {b}",
    "class M:\n    def __enter__(self):\n        return {a}\n    def __exit__(self, *e):\n        {b}.append({a})\nwith M() as {c}:\n    pass",
    "{a} = str({b})",
    "{a} = mlops.load_dataset('d{n}'); {b} = mlops.load_dataset('d{m}')",
    "exec('{a} = {b}')",
    "exec('{a} = mlops.load_dataset(\\'d{n}\\')')",
    "globals()['{a}'] = {b}",
    "globals()['{a}'] = mlops.load_dataset('d{n}')",
    "{a} = globals()['{b}']",
    "1 / 0",
)


@st.composite
def statements(draw: st.DrawFn) -> str:
    pattern = draw(st.one_of(st.sampled_from(LOADING), st.sampled_from(PATTERNS)))
    return pattern.format(
        a=draw(name), b=draw(name), c=draw(name), d=draw(name), f=draw(function), g=draw(function),
        n=draw(number), m=draw(number),
    )  # fmt: skip


sources = st.lists(statements(), min_size=1, max_size=3).map("\n".join)
START = "import jupyter_mlops as mlops\nprint = lambda *_: None\na, b, c, d = [1], [[2], 3], {'k': [4]}, 5"


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(sources, min_size=2, max_size=12),
    st.sampled_from([*NAMES, "f()", "[f, a]", "C().state", "_", "[a, _]", "C().add(a)", "f(b)"]),
)
def test_whatever_is_in_a_value_is_behind_it(programs: list[str], wanted: str) -> None:
    """Names, aliases, mutation, closures, classes, caches, outputs, failures, in any order."""
    notebook = Notebook()
    notebook.run(START, FIRST_FUNCTIONS, *programs)
    target = f"result = {wanted}"
    found = notebook.behind(target)
    notebook.namespace["result"] = None
    notebook.run(target)
    inside = set(re.findall(r"<(d\w)>", _text(notebook.namespace["result"], [])))
    missed = inside - found - {read.version.name for read in notebook.history.cells()[-1].reads}
    assert not missed, (missed, [(each.ok, each.source) for each in notebook.history.cells()])
