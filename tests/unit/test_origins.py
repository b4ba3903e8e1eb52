"""Which of the datasets that were loaded before are behind a tracked cell or block."""

from __future__ import annotations

import pytest

from .loading_worlds import Notebook, Script

IMPORTS = "import jupyter_mlops as mlops\nimport pandas as pd\nfrom jupyter_mlops import load_dataset"

BOTH = "x = mlops.load_dataset('a')\ny = mlops.load_dataset('b')"

CELLS: dict[str, tuple[set[str], list[str]]] = {
    # names
    "a name that is used": ({"a"}, ["x = mlops.load_dataset('a')", "y = mlops.load_dataset('b')", "x"]),
    "two in one cell": ({"a"}, ["x = mlops.load_dataset('a')\ny = mlops.load_dataset('b')", "x"]),
    "two on one line": ({"a", "b"}, ["x = mlops.load_dataset('a'); y = mlops.load_dataset('b')", "x"]),
    "two in one statement": ({"a", "b"}, ["x, y = mlops.load_dataset('a'), mlops.load_dataset('b')", "x"]),
    "what is computed": ({"a"}, ["x = mlops.load_dataset('a')", "y = len(x)", "z = y + 1", "z"]),
    "set again": ({"b"}, ["x = mlops.load_dataset('a')", "x = mlops.load_dataset('b')", "x"]),
    "set again from itself": ({"a"}, ["x = mlops.load_dataset('a')", "x = x[:1]", "x"]),
    "set again by a cell that raised": (
        {"a", "b"},
        ["x = mlops.load_dataset('a')", "x = mlops.load_dataset('b')\n1 / 0", "x"],
    ),
    "set again by a cell that raised before it": (
        {"a"},
        ["x = mlops.load_dataset('a')", "1 / 0\nx = mlops.load_dataset('b')", "x"],
    ),
    "the same cell again": ({"a"}, ["x = mlops.load_dataset('a')", "x = mlops.load_dataset('a')", "x"]),
    "deleted": (set(), ["x = mlops.load_dataset('a')", "del x", "x = 1", "x"]),
    "nothing": (set(), ["x = mlops.load_dataset('a')", "1"]),
    "loaded and not named": (set(), ["mlops.load_dataset('a')", "1"]),
    "a from-import": ({"a"}, ["x = load_dataset('a')", "y = load_dataset('b')", "x"]),
    # what is shown
    "the last value": ({"b"}, ["mlops.load_dataset('a')", "mlops.load_dataset('b')", "x = _", "x"]),
    "the last but one": ({"a"}, ["mlops.load_dataset('a')", "mlops.load_dataset('b')", "x = __", "x"]),
    "the last but two": ({"a"}, ["mlops.load_dataset('a')", "1", "2", "x = ___", "x"]),
    "the last value is not None": ({"a"}, ["mlops.load_dataset('a')", "None", "x = _", "x"]),
    "the last value, twice": (
        {"b"},
        ["mlops.load_dataset('a')", "x = _", "mlops.load_dataset('b')", "x = _", "x"],
    ),
    "of a function that reads it": (
        {"b"},
        ["def f():\n    return _", "mlops.load_dataset('a')", "mlops.load_dataset('b')", "f()"],
    ),
    "one by its number": ({"a"}, ["mlops.load_dataset('a')", "mlops.load_dataset('b')", "x = _2", "x"]),
    "an item of Out": ({"a"}, ["mlops.load_dataset('a')", "mlops.load_dataset('b')", "Out[2]"]),
    "an item of Out that is computed": (
        {"a", "b"},
        ["mlops.load_dataset('a')", "mlops.load_dataset('b')", "Out[1 + 1]"],
    ),
    "the last value, changed": (
        {"a", "b"},
        ["x = mlops.load_dataset('a')", "x", "_ += mlops.load_dataset('b')", "x"],
    ),
    "an underscore of one's own": (
        {"a"},
        ["_ = mlops.load_dataset('a')", "mlops.load_dataset('b')", "x = _", "x"],
    ),
    "what was typed": (set(), ["mlops.load_dataset('a')", "x = In[2]", "x"]),
    # mutation
    "appended": ({"a", "b"}, ["x = mlops.load_dataset('a')", "x.append(mlops.load_dataset('b'))", "x"]),
    "an item that is set": ({"a"}, ["x = {}", "x['k'] = mlops.load_dataset('a')", "x"]),
    "an attribute that is set": ({"a"}, ["class C: pass\nc = C()", "c.data = mlops.load_dataset('a')", "c"]),
    "an alias that is changed": (
        {"a", "b"},
        ["x = mlops.load_dataset('a')", "y = x", "y.append(mlops.load_dataset('b'))", "x"],
    ),
    "an augmented assignment": (
        {"a", "b"},
        ["x = mlops.load_dataset('a')", "x += mlops.load_dataset('b')", "x"],
    ),
    "in place": (
        {"a", "b"},
        [
            "x = pd.DataFrame({'k': mlops.load_dataset('a')})",
            "x.insert(0, 'l', mlops.load_dataset('b'))",
            "x",
        ],
    ),
    "merged into another": (
        {"a"},
        [
            "x = pd.DataFrame({'k': mlops.load_dataset('a')})",
            "y = pd.DataFrame({'k': mlops.load_dataset('b')})",
            "z = x.merge(y)",
            "x",
        ],
    ),
    "merged from another": (
        {"a", "b"},
        [
            "x = pd.DataFrame({'k': mlops.load_dataset('a')})",
            "y = pd.DataFrame({'k': mlops.load_dataset('b')})",
            "z = x.merge(y)",
            "z",
        ],
    ),
    "an item that is changed in place": (
        {"a", "b"},
        ["x = mlops.load_dataset('a')\nd = {'k': x}", "d['k'] += mlops.load_dataset('b')", "x"],
    ),
    "an attribute that is changed in place": (
        {"a", "b"},
        [
            "class C: pass\nc = C()\nx = c.data = mlops.load_dataset('a')",
            "c.data += mlops.load_dataset('b')",
            "x",
        ],
    ),
    "a column that is changed, and the table that it was made of": (
        {"a"},
        [
            "x = pd.DataFrame({'k': mlops.load_dataset('a')})\ny = x.assign(n=1)",
            "y['n'] += len(mlops.load_dataset('b'))",
            "x",
        ],
    ),
    # functions and classes
    "a function that is an item": (
        {"a"},
        [BOTH, "def f():\n    return x\nfunctions = {'k': f}", "z = functions['k']()", "z"],
    ),
    "a class that is an item": (
        {"a"},
        [
            BOTH,
            "class C:\n    def __init__(self):\n        self.x = x\nclasses = [C]",
            "z = classes[0]()",
            "z.x",
        ],
    ),
    "an item that keeps what it is given": (
        {"a"},
        [
            BOTH,
            "log = []\ndef keep(x):\n    log.append(x)\nfunctions = [keep]",
            "functions[0](x)",
            "log",
        ],
    ),
    "a function that a library's object calls later": (
        {"b"},
        [
            BOTH,
            "from sklearn.preprocessing import FunctionTransformer\n"
            "t = FunctionTransformer(lambda d: [d, now])",
            "now = y",
            "z = t.transform([1])",
            "z",
        ],
    ),
    "a function that was mapped before its global was set again": (
        {"a"},
        [
            BOTH,
            "now = x\ntable = pd.Series([1]).map(lambda each: [each, now])",
            "now = y",
            "z = table.sum()",
            "z",
        ],
    ),
    "a function that reads a global": (
        {"a"},
        ["x = mlops.load_dataset('a')\ny = mlops.load_dataset('b')", "def f():\n    return x", "f()"],
    ),
    "a function that sets a global": (
        {"a"},
        ["x = 0", "def f():\n    global x\n    x = mlops.load_dataset('a')", "f()", "x"],
    ),
    "a function that loads": (
        {"a"},
        ["def f(name):\n    return mlops.load_dataset(name)", "x = f('a')\ny = f('b')", "x"],
    ),
    "a function of the cell that loads": (set(), ["def f():\n    return mlops.load_dataset('a')", "f()"]),
    "a function that caches": (
        {"a"},
        [
            "import functools\n@functools.lru_cache\ndef f(name):\n    return mlops.load_dataset(name)",
            "x = f('a')",
            "y = f('a')",
            "y",
        ],
    ),
    "a default": ({"a"}, ["def f(x=mlops.load_dataset('a')):\n    return x", "f()"]),
    "a closure": (
        {"a"},
        ["def make(x):\n    return lambda: x", "f = make(mlops.load_dataset('a'))", "f()"],
    ),
    "a method that keeps": (
        {"a"},
        [
            "class C:\n    def load(self, name):\n        self.x = mlops.load_dataset(name)",
            "c, d = C(), C()",
            "c.load('a')\nd.load('b')",
            "c.x",
        ],
    ),
    "a class's attribute": ({"a"}, ["class C:\n    x = mlops.load_dataset('a')", "C.x"]),
    "a generator": (
        {"a"},
        ["def items():\n    yield mlops.load_dataset('a')", "i = items()", "x = next(i)", "x"],
    ),
    "what a generator has loaded": (
        {"a"},
        ["i = (mlops.load_dataset(n) for n in 'ab')", "next(i)", "i"],
    ),
    # compound statements
    "a loop": ({"a", "b"}, ["for n in 'ab':\n    x = mlops.load_dataset(n)", "x"]),
    "a loop beside": (
        {"c"},
        ["for n in 'ab':\n    x = mlops.load_dataset(n)", "y = mlops.load_dataset('c')", "y"],
    ),
    "a loop that fills": ({"a", "b"}, ["d = {}", "for n in 'ab':\n    d[n] = mlops.load_dataset(n)", "d"]),
    "a comprehension": ({"a", "b"}, ["d = {n: mlops.load_dataset(n) for n in 'ab'}", "d['a']"]),
    "a test": ({"a"}, ["y = 0\nif mlops.load_dataset('a'):\n    y = 1", "y"]),
    "a context": ({"a"}, ["with open('/dev/null') as f:\n    x = mlops.load_dataset('a')", "x"]),
    "a choice": ({"a", "b"}, [BOTH, "z = x if y else 0", "z"]),
    "a choice by what a method says": (
        {"a"},
        [BOTH, "class C:\n    def __bool__(self):\n        return bool(x)", "z = 1 if C() else 2", "z"],
    ),
    "a choice, changed": (
        {"a", "b"},
        [BOTH, "z = x if 1 else 0\nz += y", "x"],
    ),
    "what a choice depends on, unchanged": ({"b"}, [BOTH, "z = [1] if y else [2]\nz += x", "y"]),
    "a context's end": (
        {"a"},
        [
            BOTH,
            "log = []\nclass M:\n    def __enter__(self): pass\n    def __exit__(self, *error): log.append(x)",
            "with M():\n    pass",
            "log",
        ],
    ),
    "a match by what is there": (
        {"a"},
        [BOTH, "match x:\n    case ['<a>']:\n        z = 1\n    case _:\n        z = 2", "z"],
    ),
    "what a match captures": ({"a"}, [BOTH, "match x:\n    case [z]:\n        pass", "z"]),
    "a match of what has no name": (
        {"a"},
        ["match mlops.load_dataset('a'):\n    case _:\n        z = 1", "y = mlops.load_dataset('b')", "z"],
    ),
    "a tracked block": (
        {"a"},
        ["with mlops.track():\n    x = mlops.load_dataset('a')\n    y = mlops.load_dataset('b')", "x"],
    ),
    "a try": ({"a"}, ["try:\n    x = mlops.load_dataset('a')\nexcept OSError:\n    x = 1", "x"]),
    # what the text does not tell
    "exec": ({"a", "b"}, ["x = mlops.load_dataset('a')", "exec(\"y = mlops.load_dataset('b')\")", "y"]),
    "exec between": ({"a"}, ["x = mlops.load_dataset('a')", "exec('y = x')", "y"]),
    "globals": ({"a"}, ["globals()['x'] = mlops.load_dataset('a')", "x"]),
    "by a name that is computed": ({"a"}, ["x = mlops.load_dataset('a')", "y = globals()['x']", "y"]),
    "a star import": ({"a"}, ["from colorsys import *\nx = mlops.load_dataset('a')", "x"]),
    "the main module": ({"a", "b"}, [BOTH, "import __main__\nz = __main__.x", "z"]),
    # texts that libraries look variables up in
    "a query": ({"a"}, [BOTH, "z = table.query('k == @x')", "z"]),
    "a query in an f-string": ({"a"}, [BOTH, "k = 'k'\nz = table.query(f'{k} == @x')", "z"]),
    "a query in parts": ({"a"}, [BOTH, "z = table.query(expr='k == ' + '@x'.strip())", "z"]),
    "a query that stands elsewhere": ({"a", "b"}, [BOTH, "text = 'k == @x'", "z = table.query(text)", "z"]),
    "a query by values": ({"a"}, [BOTH, "import numpy as np\nz = tree.query(np.array(x))", "z"]),
    "an expression of arrays": ({"a"}, [BOTH, "z = pd.eval('x + 1')", "z"]),
    "SQL": ({"a"}, [BOTH, "z = duckdb.sql('SELECT y FROM x WHERE k > 1').df()", "z"]),
    "SQL that begins with its table": ({"a"}, [BOTH, "z = duckdb.sql('from x')", "z"]),
    "SQL that joins": (
        {"a", "b"},
        [BOTH, "z = connection.execute(f'SELECT * FROM x a\\nJOIN y USING (k) LIMIT {9}')", "z"],
    ),
    "SQL in a function": (
        {"a"},
        [BOTH, "import duckdb\ndef f():\n    return duckdb.sql('from x')", "z = f()", "z"],
    ),
    "SQL that stands elsewhere": ({"a", "b"}, [BOTH, "text = 'from x'", "z = duckdb.sql(text)", "z"]),
    "SQL that stands in a file": ({"a", "b"}, [BOTH, "z = spark.sql(open('query.sql').read())", "z"]),
    "SQL that stands elsewhere, for DuckDB": (
        {"a", "b"},
        [BOTH, "import duckdb\nduckdb.connect()", "text = 'from x'", "z = connection.execute(text)", "z"],
    ),
    "SQL that stands elsewhere, for others": (
        set(),
        [BOTH, "text = 'from x'", "z = connection.execute(text)", "z"],
    ),
    # magics
    "what a cell has printed": ({"a"}, [BOTH, "%%capture out\nprint(x)", "out"]),
    "a cell that is timed": ({"a"}, [BOTH, "log = []", "%%timeit -n1 z = x\nlog.append(z)", "log"]),
    "names of a cell that is timed": ({"a"}, [BOTH, "%%timeit\nx = y", "x"]),
    "a magic that names a variable": ({"a"}, [BOTH, "%%sql\nSELECT *\nFROM x"]),
    "a magic that is given a variable": ({"a"}, [BOTH, "%%R -i x -o z\nz <- 1", "z"]),
    "a line's magic that names a variable": ({"a"}, [BOTH, "z = %sql SELECT * FROM x", "z"]),
    "a submitted cell's job": (
        {"a"},
        ["x = mlops.load_dataset('a')\ny = mlops.load_dataset('b')", "%%submit\ny = 1\nx", "_"],
    ),
    # random numbers are no data
    "the same generator": (
        {"b"},
        [
            "import random\nrandom.seed(1)",
            "x = mlops.load_dataset('a')\nrandom.shuffle(x)",
            "y = mlops.load_dataset('b')\nrandom.shuffle(y)",
            "y",
        ],
    ),
    # files
    "a file between": (
        {"a"},
        [
            "x = pd.DataFrame({'k': mlops.load_dataset('a')})",
            "x.to_csv('/dev/null')",
            "y = pd.read_csv('/dev/null')",
            "y",
        ],
    ),
    "a container that is only added to": (
        {"b"},
        [
            "scores = []\nx = mlops.load_dataset('a')\ny = mlops.load_dataset('b')",
            "scores.append(len(x))",
            "scores.append(len(y))",
        ],
    ),
    "a container that is added to and read": (
        {"a", "b"},
        [
            "scores = []\nx = mlops.load_dataset('a')\ny = mlops.load_dataset('b')",
            "scores.append(len(x))",
            "scores.append(len(y))\nmax(scores)",
        ],
    ),
}


@pytest.mark.parametrize("case", CELLS)
def test_the_datasets_behind_a_cell(case: str) -> None:
    expected, (*before, target) = CELLS[case]
    notebook = Notebook()
    notebook.run(IMPORTS, *before)
    assert notebook.behind(target) == expected


def test_a_cell_that_nobody_listened_to_is_known_by_its_text() -> None:
    notebook = Notebook(listening=False)
    notebook.run(IMPORTS, "x = mlops.load_dataset('a')\ny = mlops.load_dataset('b')")
    notebook.listen()
    assert notebook.behind("x") == {"a"}
    assert notebook.behind("exec('x')") == {"a", "b"}


BLOCKS: dict[str, tuple[list[set[str]], str]] = {
    "before it": (
        [{"a"}],
        """
x = mlops.load_dataset("a")
y = mlops.load_dataset("b")
with mlops.track():
    fit(x)
""",
    ),
    "in it": ([set()], "with mlops.track():\n    fit(mlops.load_dataset('a'))"),
    "one after the other": (
        [{"a"}, {"b"}, {"a", "b"}],
        """
x = mlops.load_dataset("a")
with mlops.track():
    m = fit(x)
y = mlops.load_dataset("b")
with mlops.track():
    n = fit(y)
with mlops.track():
    fit([m, n])
""",
    ),
    "in the main part": (
        [{"a"}],
        """
if __name__ == "__main__":
    x = mlops.load_dataset("a")
    y = mlops.load_dataset("b")
    with mlops.track():
        fit(x)
""",
    ),
    "in a branch": (
        [{"a"}],
        """
x = mlops.load_dataset("a")
if not x:
    pass
else:
    y = mlops.load_dataset("b")
    with mlops.track():
        fit(x)
""",
    ),
    "in a try": (
        [{"a"}],
        """
try:
    y = mlops.load_dataset("b")
    x = mlops.load_dataset("a")
    with mlops.track():
        fit(x)
finally:
    pass
""",
    ),
    "in an exception's": (
        [{"a", "b"}],
        """
try:
    x = mlops.load_dataset("a")
    x = mlops.load_dataset("b")[7]
except IndexError:
    with mlops.track():
        fit(x)
""",
    ),
    "in a loop over datasets": (
        [{"a"}, {"b"}, {"c"}],
        """
for name in "abc":
    x = mlops.load_dataset(name)
    with mlops.track():
        fit(x)
""",
    ),
    "in a loop over datasets whose results are kept": (
        [{"a"}, {"b"}],
        """
scores, models = [], {}
for name in "ab":
    x = mlops.load_dataset(name)
    with mlops.track():
        models[name] = fit(x)
        scores.append(len(x))
""",
    ),
    "in a loop whose results are used": (
        [{"a"}, {"a", "b"}],
        """
models = []
for name in "ab":
    x = mlops.load_dataset(name)
    with mlops.track():
        models.append(fit(x))
        best = max(models)
""",
    ),
    "in a loop that goes on with a model": (
        [{"a"}, {"a", "b"}],
        """
model = Model()
for name in "ab":
    x = mlops.load_dataset(name)
    with mlops.track():
        model.learn(x)
""",
    ),
    "in a loop that loads for the next round": (
        [set(), {"a"}],
        """
x = []
for name in "ab":
    with mlops.track():
        fit(x)
    x = mlops.load_dataset(name)
""",
    ),
    "in a loop that loads only sometimes": (
        [{"a"}, {"a"}, {"a", "c"}],
        """
for name in "abc":
    if name != "b":
        x = mlops.load_dataset(name)
    with mlops.track():
        fit(x)
""",
    ),
    "in a while": (
        [{"a"}, {"a", "b"}],  # what is left of the names comes from the rounds before
        """
names = ["b", "a"]
while names:
    x = mlops.load_dataset(names.pop())
    with mlops.track():
        fit(x)
""",
    ),
    "in loops in loops": (
        [{"a"}, {"a"}, {"b"}, {"b"}],
        """
for name in "ab":
    x = mlops.load_dataset(name)
    for rate in (1, 2):
        with mlops.track():
            fit(x)
""",
    ),
    "in a function that is called": (
        [{"a"}, {"b"}],
        """
def train(x):
    with mlops.track():
        fit(x)

x = mlops.load_dataset("a")
y = mlops.load_dataset("b")
train(x)
train(y)
""",
    ),
    "in a function that is called for each": (
        [{"a"}, {"b"}, {"c"}],
        """
def train(name):
    x = mlops.load_dataset(name)
    with mlops.track():
        fit(x)

train("a")
for name in "bc":
    train(name)
""",
    ),
    **{
        f"in a function that goes on with a model, {how}": (
            [{"a"}, {"a", "b"}],
            f"""
def train(name):
    x = mlops.load_dataset(name)
    with mlops.track():
        model.learn(x)

model = Model()
{calls}
""",
        )
        for how, calls in {
            "in a loop": "for name in 'ab':\n    train(name)",
            "mapped": "list(map(train, 'ab'))",
        }.items()
    },
    "in a loop of a function": (
        [{"a"}, {"a", "b"}],
        """
def main():
    model = Model()
    for name in "ab":
        x = mlops.load_dataset(name)
        with mlops.track():
            model.learn(x)

main()
""",
    ),
    "in a method": (
        [{"a"}, {"a", "b"}],
        """
class Trainer:
    def train(self, x):
        with mlops.track():
            self.model = x

trainer = Trainer()
trainer.train(mlops.load_dataset("a"))
trainer.train(mlops.load_dataset("b"))
""",
    ),
    "in a context of one's own": (
        [{"a"}],
        """
from contextlib import contextmanager

@contextmanager
def experiment():
    with mlops.track():
        yield

x = mlops.load_dataset("a")
y = mlops.load_dataset("b")
with experiment():
    fit(x)
""",
    ),
    "by what SQL names in a function": (
        [{"a", "b"}],  # its own names are not told apart there
        """
def main():
    x = mlops.load_dataset("a")
    y = mlops.load_dataset("b")
    with mlops.track():
        sql("SELECT * FROM x")

main()
""",
    ),
    "by an item that is changed in place": (
        [{"a", "b"}],
        """
x = mlops.load_dataset("a")
items = [x]
items[0] += mlops.load_dataset("b")
with mlops.track():
    fit(x)
""",
    ),
    "in a function that is an item": (
        [{"a"}],
        """
def train():
    with mlops.track():
        fit(x)

x = mlops.load_dataset("a")
y = mlops.load_dataset("b")
models = {"k": train}
models["k"]()
""",
    ),
    "that lasts longer than its statement": (
        [{"a", "b"}],
        """
x = mlops.load_dataset("a")
y = mlops.load_dataset("b")
block = mlops.track()
block.__enter__()
fit(x)
block.__exit__()
""",
    ),
    "that a stack of contexts keeps": (
        [{"a", "b"}],
        """
from contextlib import ExitStack
x = mlops.load_dataset("a")
y = mlops.load_dataset("b")
with ExitStack() as stack:
    stack.enter_context(mlops.track())
    fit(x)
""",
    ),
    "a tracked function": (
        [{"a"}, {"b"}, {"c"}],
        """
@mlops.track()
def train(x):
    fit(x)

x = mlops.load_dataset("a")
y = mlops.load_dataset("b")
train(x); z = 1
train(y)
train(mlops.load_dataset("c"))
""",
    ),
    "two tracked functions on one line": (
        [{"a", "b"}, {"a", "b"}],
        """
@mlops.track()
def train(x):
    fit(x)

x = mlops.load_dataset("a")
y = mlops.load_dataset("b")
train(x); train(y)
""",
    ),
    "a tracked function that reads a global": (
        [{"a"}],
        """
@mlops.track()
def train():
    fit(x)

x = mlops.load_dataset("a")
y = mlops.load_dataset("b")
train()
""",
    ),
    "in a recursion": (
        [{"a"}, {"a", "b"}],
        """
def train(names):
    x = mlops.load_dataset(names[0])
    with mlops.track():
        fit(x)
    if names[1:]:
        train(names[1:])

train("ab")
""",
    ),
    "in coroutines": (
        [{"a", "b"}, {"a", "b"}],
        """
import asyncio

async def train(name):
    x = mlops.load_dataset(name)
    await asyncio.sleep(0)
    with mlops.track():
        fit(x)

async def main():
    await asyncio.gather(train("a"), train("b"))

asyncio.run(main())
""",
    ),
    "in a thread": (
        [set()],
        """
import threading

def train():
    with mlops.track():
        fit(x)

x = mlops.load_dataset("a")
y = mlops.load_dataset("b")
thread = threading.Thread(target=train)
thread.start()
thread.join()
""",
    ),
    "by what exec did": (
        [{"a", "b"}],
        """
x = mlops.load_dataset("a")
y = mlops.load_dataset("b")
exec("z = y")
with mlops.track():
    fit(x)
""",
    ),
    "in a line": (
        [{"a", "b"}],
        "x = mlops.load_dataset('a'); y = mlops.load_dataset('b')\nwith mlops.track(): fit(x)",
    ),
}
LEARNING = """
import jupyter_mlops as mlops
def fit(x):
    return [x, 1]
def sql(text):
    return [text]
class Model:
    def __init__(self):
        self.seen = []
    def learn(self, x):
        self.seen.append(x)
"""


@pytest.mark.parametrize("case", BLOCKS)
def test_the_datasets_behind_the_blocks_of_a_script(case: str) -> None:
    expected, source = BLOCKS[case]
    assert Script().run(LEARNING + source) == expected


@pytest.mark.parametrize("listening", [True, False], ids=["with the extension", "without it"])
@pytest.mark.parametrize("case", BLOCKS)
def test_the_datasets_behind_the_blocks_of_a_cell(case: str, listening: bool) -> None:
    expected, source = BLOCKS[case]
    notebook = Notebook(listening=listening)
    notebook.run(LEARNING, source)
    assert notebook.found == expected
