"""Which executed cells a cell depends on."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mlops.capture.history import ExecutedCell
from jupyter_mlops.notebooks.slicing import NOT_USED, OVERWRITTEN, SETS_NOTHING, Slice, dependencies


def sliced(*sources: str, namespace: dict[str, Any] | None = None, raised: tuple[int, ...] = ()) -> Slice:
    """The last source is the target; cells are numbered from 1."""
    *before, target = sources
    cells = [ExecutedCell(number, source, number not in raised) for number, source in enumerate(before, 1)]
    return dependencies(cells, target, namespace)


def needed(*sources: str, **options: Any) -> list[int]:
    return [each.number for each in sliced(*sources, **options).needed]


CASES: dict[str, tuple[list[int], list[str]]] = {
    # bindings
    "an assignment": ([1, 3], ["a = 1", "b = 2", "c = a", "c"]),
    "the last assignment": ([2], ["a = 1", "a = 2", "a"]),
    "an assignment that may not happen": ([1, 2], ["a = 1", "if x():\n    a = 2", "a"]),
    "both branches": ([1, 2], ["a = 1", "if True:\n    a = 2\nelse:\n    a = 3", "a"]),
    "unpacking": ([1], ["a, (b, *c) = 1, (2, 3)", "x = 0", "c"]),
    "a chain": ([1, 2], ["a = b = []", "a.append(1)", "b"]),
    "a swap": ([1, 2], ["a, b = [1], [2]", "a, b = b, a", "a"]),
    "an annotated name": ([1], ["a: int = 1", "b: int", "a"]),
    "a loop's variable": ([1], ["for i in range(3):\n    pass", "j = 1", "i"]),
    "a name of with": ([1], ["with open('/dev/null') as f:\n    n = f.read()", "m = 1", "n"]),
    "an exception's block": ([1, 2], ["a = 1", "try:\n    a = int('x')\nexcept ValueError:\n    pass", "a"]),
    "a walrus": ([1, 2], ["n = 0", "if (n := 5) > 3:\n    pass", "n"]),
    "a match": ([1, 2], ["p = (1, 2)", "match p:\n    case (x, y):\n        pass", "x"]),
    "a match of a mapping": (
        [1, 2],
        ["p = {'a': 1}", "match p:\n    case {'a': x, **rest}:\n        pass", "rest"],
    ),
    "an import": ([1], ["import math", "import json", "math.pi"]),
    "an import with a name": ([1], ["import json as j", "x = 1", "j.dumps(1)"]),
    "an import of a submodule": ([1, 2], ["import xml.dom", "import xml", "xml.dom.Node"]),
    "a from-import": ([1], ["from math import pi, tau as t", "x = 1", "t"]),
    "a star import": ([1], ["from math import *", "x = 1", "pi"]),
    "a comprehension keeps its names": ([1], ["i = 1", "x = [i for i in range(3)]", "i"]),
    "a deleted name": ([1, 2], ["a = 1", "del a", "a"]),
    "another cell magic's result": ([1], ["%%bash --out listing\nls", "x = 1", "listing"]),
    "the value of a shell line": ([1], ["files = !ls", "x = 1", "files"]),
    # functions
    "a function and what it reads": ([1, 2], ["k = 1", "def f():\n    return k", "z = 1", "f()"]),
    "what a function reads when it is called": ([1, 3], ["def f():\n    return k", "k = 1", "k = 2", "f()"]),
    "a function that is not called": ([2], ["k = 1", "def f():\n    return k", "f"]),
    "a function passed twice": (
        [1, 2, 3],
        ["a, b = [], []", "def f(x):\n    x.append(1)", "apply(f, a)\napply(f, b)", "b"],
    ),
    "functions that call each other": (
        [1, 2, 3],
        ["def f():\n    return g()", "def g():\n    return k", "k = 1", "z = 2", "f()"],
    ),
    "a function that is defined again": (
        [1, 3],
        ["def f():\n    return g()", "def g():\n    return 1", "def g():\n    return 2", "f()"],
    ),
    "recursion": ([1], ["def f(n):\n    return n and f(n - 1)", "x = 1", "f(3)"]),
    "a default": ([1, 2], ["k = 1", "def f(x=k):\n    return x", "k = 2", "f()"]),
    "a decorator": ([1, 2], ["def twice(f):\n    return f", "@twice\ndef g():\n    pass", "x = 1", "g()"]),
    "a lambda": ([1, 2], ["k = 1", "f = lambda x: x + k", "z = 1", "f(1)"]),
    "a global that a function sets": (
        [1, 2, 3],
        ["n = 0", "def count():\n    global n\n    n += 1", "count()", "m = 1", "n"],
    ),
    "a list that a function changes": (
        [1, 2, 3],
        ["log = []", "def note(x):\n    log.append(x)", "note(1)", "z = 1", "log"],
    ),
    "a function that only reads its argument": (
        [1],
        ["xs = [1, 2]", "def total(values):\n    return sum(values)", "t = total(xs)", "xs"],
    ),
    "a function that changes its argument": (
        [1, 2, 3],
        ["xs = [1]", "def grow(values):\n    values.append(2)", "grow(xs)", "xs"],
    ),
    "a closure that counts": (
        [1, 2, 3],
        [
            "def make():\n    n = 0\n    def inc():\n        nonlocal n\n        n += 1\n        return n\n    return inc",
            "one = make()",
            "one()",
            "other = make()",
            "other()",
            "one()",
        ],
    ),
    "a default that remembers": (
        [1, 2],
        ["def add(x, seen=[]):\n    seen.append(x)\n    return seen", "add(1)", "y = 1", "add(2)"],
    ),
    "a function passed to a builtin": (
        [1, 2],
        ["k = 1", "def f(x):\n    return x + k", "z = 1", "list(map(f, [1]))"],
    ),
    # classes
    "a class and its methods": (
        [1, 2],
        ["k = 1", "class A:\n    def run(self):\n        return k", "z = 1", "A().run()"],
    ),
    "an object that is changed": (
        [1, 2, 4],
        [
            "class A:\n    def __init__(self):\n        self.n = 0\n    def inc(self):\n        self.n += 1",
            "a = A()",
            "b = A()",
            "a.inc()",
            "b.inc()",
            "a.n",
        ],
    ),
    "a base class": ([1, 2], ["class A:\n    x = 1", "class B(A):\n    pass", "z = 1", "B().x"]),
    "a method that is put in later": (
        [1, 2, 3],
        ["class A:\n    pass", "def run(self):\n    return 1", "A.run = run", "A().run()"],
    ),
    "what a class shares": (
        [1, 2, 3],
        [
            "class A:\n    known = []\n    def add(self, x):\n        self.known.append(x)",
            "a = A()",
            "a.add(1)",
            "A.known",
        ],
    ),
    "a property": (
        [1, 2, 3],
        ["k = 1", "class A:\n    @property\n    def x(self):\n        return k", "a = A()", "z = 1", "a.x"],
    ),
    # mutation
    "a method call": ([1, 2], ["xs = []", "xs.append(1)", "ys = []", "xs"]),
    "an item": ([1, 2], ["d = {}", "d['a'] = 1", "e = {}", "d"]),
    "an attribute": ([1, 2, 3], ["class A: pass", "a = A()", "a.x = 1", "b = 1", "a.x"]),
    "a deleted item": ([1, 2], ["d = {1: 2}", "del d[1]", "d"]),
    "an augmented assignment": ([1, 2], ["n = 1", "n += 1", "n"]),
    "an augmented item": ([1, 2], ["d = {'a': 1}", "d['a'] += 1", "d"]),
    "through an alias": ([1, 2, 3], ["a = []", "b = a", "b.append(1)", "c = 1", "a"]),
    "through a container": ([1, 2, 3], ["a = []", "box = {'a': a}", "box['a'].append(1)", "a"]),
    "through a loop": ([1, 2, 3], ["a = []", "box = [a, []]", "for each in box:\n    each.append(1)", "a"]),
    "of an argument of an unknown function": ([1, 2, 3], ["import helper", "a = []", "helper.fill(a)", "a"]),
    "not of a number": ([1], ["n = 1", "m = n\nm += 1", "n"]),
    "an iterator that is used up": ([1, 2], ["it = iter([1, 2])", "next(it)", "list(it)"]),
    "a generator that is used up": ([1, 2], ["g = (i for i in range(3))", "first = list(g)", "list(g)"]),
    "reading changes nothing": ([1], ["xs = [3, 1]", "print(len(xs), sorted(xs), xs[0])", "xs"]),
    "of a name that came with a star": (
        [1, 2],
        ["from helper import *", "items.append(1)", "x = 1", "items"],
    ),
    "a generator of random numbers": (
        [1, 2, 3],
        ["import random", "rng = random.Random(0)", "first = rng.sample([1, 2, 3], 2)", "rng.random()"],
    ),
    "a setattr": ([1, 2, 3], ["class A: pass", "a = A()", "setattr(a, 'x', 1)", "a.x"]),
    # what has effects elsewhere
    "a seed": ([1, 2], ["import random", "random.seed(0)", "x = 1", "y = 2", "1 + 1"]),
    "draws after a seed": (
        [1, 2, 3],
        ["import random", "random.seed(0)", "a = random.random()", "b = 1", "random.random()"],
    ),
    "draws without a seed": ([1], ["import random", "a = random.random()", "random.random()"]),
    "only the last seed's draws": (
        [1, 2, 4],
        ["import random", "random.seed(0)", "a = random.random()", "random.seed(1)", "random.random()"],
    ),
    "an environment variable": ([1, 2], ["import os", "os.environ['X'] = '1'", "x = 1", "1"]),
    "a warning filter": ([1, 2], ["import warnings", "warnings.filterwarnings('ignore')", "x = 1", "1"]),
    "a path": ([1, 2], ["import sys", "sys.path.append('lib')", "x = 1", "1"]),
    "a style": ([1, 2], ["import matplotlib.pyplot as plt", "plt.style.use('ggplot')", "plt.plot([1])", "1"]),
    "a setting of a library": (
        [1, 2],
        ["import pandas as pd", "pd.set_option('display.width', 80)", "x = 1", "1"],
    ),
    "a file that is written and read": (
        [1, 2, 3],
        [
            "import json",
            "data = {'a': 1}",
            "json.dump(data, open('out.json', 'w'))",
            "x = 1",
            "open('out.json').read()",
        ],
    ),
    "a file that nobody reads": ([1], ["a = 1", "open('log.txt', 'w').write('x')", "a"]),
    "a cell that becomes a file": ([1], ["%%writefile helper.py\nx = 1", "y = 1", "import helper"]),
    "a path that is known by a name": (
        [1, 2],
        ["path = 'out.txt'", "open(path, 'w').write('x')", "y = 1", "open(path).read()"],
    ),
    # found by corpus and by random programs
    "a view of a view": (
        [1, 2, 3, 4],
        [
            "import numpy as np",
            "grid = np.zeros((3, 4))",
            "flat = grid[1].reshape(2, 2)",
            "flat[0, :] = 5",
            "grid.sum()",
        ],
    ),
    "an array that a table was made of": (
        [1, 2, 3, 4],
        [
            "import pandas as pd\nimport numpy as np",
            "x = np.zeros((2, 2))",
            "df = pd.DataFrame(x)",
            "df[0] = 1",
            "x",
        ],
    ),
    "a class's attribute through type()": (
        [1, 2],
        [
            "class A:\n    n = 0\n    def __init__(self):\n        type(self).n += 1",
            "first = A()",
            "x = 1",
            "A.n",
        ],
    ),
    "a class method that changes the class": (
        [1, 2],
        [
            "class A:\n    all = []\n    @classmethod\n    def make(cls, x):\n        cls.all.append(x)",
            "A.make(1)",
            "A.all",
        ],
    ),
    "a static method has no instance": (
        [1, 2, 3, 4],
        [
            "xs, ys = [], []",
            "class A:\n    @staticmethod\n    def grow(x, y):\n        y.append(x)",
            "a = A()",
            "a.grow(xs, ys)",
            "ys",
        ],
    ),
    "a method called on its class": (
        [1, 2, 3, 4],
        [
            "class A:\n    def grow(self, x):\n        x.append(self)",
            "a = A()",
            "xs = []",
            "A.grow(a, xs)",
            "xs",
        ],
    ),
    "a context that there is only once": (
        [1, 2],
        ["from decimal import getcontext", "getcontext().prec = 5", "x = 1", "1"],
    ),
    "a logger": (
        [1, 2],
        ["import logging", "logging.getLogger('a').setLevel(10)", "logging.getLogger('a').info('x')", "1"],
    ),
    "a display that counts": (
        [1, 2, 3],
        [
            "class A:\n    n = 0\n    def __repr__(self):\n        self.n += 1\n        return ''",
            "a = A()",
            "a",
            "a.n",
        ],
    ),
    "an extension that a cell wrote": (
        [1, 2],
        ["%%writefile ours.py\nx = 1", "%load_ext ours", "y = 1", "1"],
    ),
    "a script that a cell wrote": ([1], ["%%writefile script.py\nx = 1", "y = 1", "%run script.py"]),
    "captured output": ([1], ["%%capture shown\nprint(1)", "x = 1", "shown.stdout"]),
    "a module that is loaded again": (
        [1, 2, 4, 5],
        [
            "import importlib",
            "import ours",
            "x = 1",
            "%%writefile ours.py\nx = 2",
            "importlib.reload(ours)",
            "ours.x",
        ],
    ),
    "a magic of their own": (
        [1, 2],
        [
            "from IPython.core.magic import register_line_magic",
            "@register_line_magic\ndef triple(line):\n    return 3",
            "x = 1",
            "y = %triple 5",
        ],
    ),
    "pyplot's current figure": (
        [1, 3],
        [
            "import matplotlib.pyplot as plt",
            "plt.plot([1])",
            "plt.figure()\nplt.plot([2])",
            "x = 1",
            "plt.gca().get_xlabel()",
        ],
    ),
    "plots that nobody asks for": (
        [1],
        ["import matplotlib.pyplot as plt", "plt.figure()\nplt.plot([1])", "plt.subplots()"],
    ),
    "what a loop carries on": (
        [1, 2, 3],
        ["a, b, c = [], [], []", "for k in range(2):\n    a.append(b)\n    b = c", "c.append(1)", "a"],
    ),
    "what a comprehension carries on": (
        [1, 2, 3, 4],
        [
            "a, last = [], None",
            "def note(x):\n    global last\n    a.append(last)\n    last = x",
            "items = [[1], [2]]\n[note(x) for x in items]",
            "items[0].append(3)",
            "a",
        ],
    ),
    "a loop's variable of another loop": (
        [1],
        ["xs = [1]", "for k in xs:\n    print(k)", "for k in xs:\n    total = k\nprint(total)"],
    ),
    "what recursion keeps": (
        [1, 2, 3],
        [
            "a, b = [], []",
            "def f(x, n=2):\n    global a\n    a = x\n    if n:\n        f([x, b], n - 1)\nf([])",
            "b.append(1)",
            "a",
        ],
    ),
    "a bound method that is passed on": ([1, 2], ["a = []", "list(map(a.append, (1, 2)))", "x = 1", "a"]),
    "a bound method that is kept": ([1, 2, 3], ["a = []", "note = a.append", "note(1)", "x = 1", "a"]),
    "a function of a module, or another": (
        [1, 2, 3, 4],
        [
            "import random",
            "def f(x):\n    pass",
            "g = random.shuffle if len('ab') else f",
            "a = [1, 2]\ng(a)",
            "a",
        ],
    ),
    "a deep copy is another object": (
        [1],
        ["a = [[1]]", "import copy\nb = copy.deepcopy(a)", "b[0].append(2)", "a"],
    ),
    "a submodule that is imported again": (
        [],
        [
            "import matplotlib.pyplot as plt",
            "import matplotlib.pyplot as plt\nplt.plot([1])",
            "import matplotlib.pyplot as plt\nplt.plot([1])",
        ],
    ),
    "carried objects": (
        [1, 5],
        [
            "import pandas as pd",
            "df = pd.read_csv('a.csv')",
            "df['x'] = 1",
            "model = make(df)",
            "import jupyter_mlops as _mlops; df, model = _mlops.carried('a', 'b')",
            "pd.concat([df, model.predict(df)])",
        ],
    ),
    "a harmless shell cell": ([], ["%%bash\nls -la\n# nothing\nwc -l a.csv", "1"]),
    "our own line magics": ([], ["%mlops runs", "1"]),
    "a slice of a list holds the same items": (
        [1, 2, 3],
        ["a = [[2], [1]]", "b = a[1:]", "b[0].append(5)", "x = 1", "a"],
    ),
    "a slice of a list is another list": ([1], ["a = [2, 1]", "b = a[1:]", "b.append(5)", "a"]),
    "what a builtin type makes": (
        [1, 2],
        ["d = dict.fromkeys('abc')", "for k in list(d):\n    del d[k]", "x = 1", "d"],
    ),
    "a builtin type's own method": ([1, 2], ["d = {}", "dict.update(d, a=1)", "x = 1", "d"]),
    "an argument that a method shuffles": (
        [1, 2, 3],
        ["import numpy as np", "a = np.arange(9)", "np.random.default_rng(0).shuffle(a)", "x = 1", "a"],
    ),
    "a view of memory": ([1, 2], ["b = bytearray(3)", "memoryview(b)[0] = 1", "x = 1", "b"]),
    "a file to print to": (
        [1, 2],
        ["import io\nout = io.StringIO()", "print(1, file=out)", "x = 1", "out.getvalue()"],
    ),
    "axes to plot on": (
        [1, 2, 3, 4],
        [
            "import matplotlib.pyplot as plt",
            "s = load()",
            "fig, ax = plt.subplots()",
            "s.plot(ax=ax)",
            "x = 1",
            "ax",
        ],
    ),
    "a base class that hears of subclasses": (
        [1, 2, 3],
        [
            "known = []",
            "class A:\n    def __init_subclass__(cls):\n        known.append(cls)",
            "class B(A):\n    pass",
            "x = 1",
            "known",
        ],
    ),
    "an accessor that is registered": (
        [1, 2],
        [
            "import pandas as pd",
            "@pd.api.extensions.register_series_accessor('geo')\nclass G:\n    pass",
            "x = 1",
            "1",
        ],
    ),
    "looking for an item uses an iterator up": (
        [1, 2],
        ["it = iter(range(6))", "3 in it", "x = 1", "list(it)"],
    ),
    "an item that counts how often it is shown": (
        [1, 2, 3],
        [
            "class A:\n    n = 0\n    def __repr__(self):\n        self.n += 1\n        return ''",
            "a = A()",
            "[a]",
            "a.n",
        ],
    ),
    "a view of a dict": ([1, 2, 3], ["d = {}", "k = d.keys()", "d['a'] = 1", "x = 1", "list(k)"]),
    "a cached value": (
        [1, 2],
        [
            "import functools\n@functools.lru_cache\ndef get(k):\n    return []",
            "get('a').append(1)",
            "x = 1",
            "get('a')",
        ],
    ),
    "the namespace by way of the shell": ([1, 2], ["ip = get_ipython()", "ip.user_ns['x'] = 1", "x"]),
    # magics
    "a magic that sets something": ([1], ["%matplotlib inline", "x = 1", "1"]),
    "a shell line": ([1], ["!pip install nothing", "x = 1", "1"]),
    "a shell line that only shows": ([], ["!ls -la", "!nvidia-smi", "1"]),
    "a magic that only shows": ([], ["%who", "%timeit 1 + 1", "1"]),
    "a shell line that reads a variable": ([1, 2], ["name = 'x'", "!touch {name}", "1"]),
    "a cell under %%time": ([1], ["%%time\na = 1", "b = 1", "a"]),
    "a line under %time": ([1], ["%time a = 1", "b = 1", "a"]),
    "the extension itself": ([], ["%load_ext jupyter_mlops", "1"]),
    "another extension": ([1], ["%load_ext autoreload", "1"]),
    "a cell that only shows HTML": ([], ["%%html\n<b>x</b>", "1"]),
    "a shell cell": ([1], ["%%bash\nmake", "1"]),
    # what cannot be decided
    "exec": ([1, 2], ["a = 1", "exec('b = a')", "b"]),
    "a literal eval": ([1], ["a = 1", "b = 2", "eval('a + 1')"]),
    "globals": ([1, 2], ["a = 1", "globals()['b'] = a", "b"]),
    "%run": ([1], ["%run script.py", "x = 1", "result"]),
    "a query with a name": ([2], ["a = 1", "lowest = 2", "frame.query('x > @lowest')"]),
    "the last value": ([2], ["1", "2", "x = 1", "_"]),
    # cells that do nothing
    "a cell that does not parse": ([], ["a = = 1", "1"]),
    "an empty cell": ([], ["# nothing", "1"]),
    "async": ([1, 2], ["async def f():\n    return 1", "x = await f()", "y = 1", "x"]),
}


@pytest.mark.parametrize("name", CASES)
def test_the_needed_cells(name: str) -> None:
    expected, sources = CASES[name]
    found = sliced(*sources)
    assert [each.number for each in found.needed] == expected, [
        (each.cell.source, each.why) for each in found.cells
    ]
    assert all(each.why for each in found.cells)


def test_types_in_the_namespace_make_the_slice_smaller() -> None:
    sources = [
        "data = load()",
        "n = data['n']",
        "check(n)",
        "data.keys()",
        "rows = [each for each in data]",
        "data",
    ]
    assert needed(*sources) == [1, 2, 3, 4, 5]
    assert needed(*sources, namespace={"data": {"n": 1}, "n": 1}) == [1]


def test_a_living_defaultdict_and_a_living_iterator_are_changed_by_looking() -> None:
    assert needed("d = make()", "d['x']", "d", namespace={"d": defaultdict(list)}) == [1, 2]
    assert needed("d = make()", "list(d)", "d", namespace={"d": iter([1])}) == [1, 2]


def test_a_module_is_told_from_an_object_by_the_namespace() -> None:
    assert needed("m = find()", "x = m.floor(1.5)", "m", namespace={"m": math, "x": 1}) == [1]
    assert needed("m = find()", "x = m.floor(1.5)", "m", namespace={"m": SimpleNamespace(), "x": 1}) == [1, 2]


def test_the_namespace_says_nothing_of_a_value_that_was_bound_again() -> None:
    assert needed("d = make()", "d.keys()", "e = d", "d = {}", "e", namespace={"d": {}}) == [1, 2, 3]


def test_the_namespace_says_nothing_of_what_the_cell_itself_binds() -> None:
    assert needed("a = [1]", "a = [2]\na.pop()\nb = a", namespace={"a": 1}) == []


def test_a_cell_that_raised_may_have_done_its_part() -> None:
    assert needed("a = 1", "a = 2\n1 / 0", "a", raised=(2,)) == [1, 2]
    assert needed("a = 1", "a = 2", "a = 3\n1 / 0", "a", raised=(3,)) == [2, 3]


def test_reasons_name_the_name_and_the_reader() -> None:
    found = sliced("a = 1", "b = [a]", "b.append(2)", "c = 1", "c = 2", "1", "b, c")
    assert [each.why for each in found.cells] == [
        "sets a, which cell 2 uses",
        "sets b, which the cell itself uses",
        "may change b, which the cell itself uses",
        OVERWRITTEN,
        "sets c, which the cell itself uses",
        SETS_NOTHING,
    ]
    assert sliced("unused = 1", "2").cells[0].why == NOT_USED


def test_what_cannot_be_decided_is_said() -> None:
    assert sliced("exec(code)", "x").undecided == ("cell 1: exec() may set any name",)
    assert sliced("1", "Out[1]").undecided[0].startswith("the cell itself: Out names a cell by its number")


def test_missing_seeds_are_said_and_seeded_ones_are_not() -> None:
    assert sliced("import random", "random.random()").unseeded == ("the cell itself: random.random()",)
    assert sliced("import random\nrandom.seed(1)", "random.random()").unseeded == ()
    assert sliced("import random\nrandom.seed()", "random.random()").unseeded != ()
    split = "from sklearn.model_selection import train_test_split"
    assert sliced(split, "train_test_split(x)").unseeded == ("the cell itself: train_test_split()",)
    assert sliced(split, "train_test_split(x, random_state=0)").unseeded == ()
    assert sliced("import numpy as np", "rng = np.random.default_rng()", "rng.random()").unseeded == (
        "cell 2: np.random.default_rng()",
    )
    assert sliced("import torch", "torch.manual_seed(0)", "torch.randn(3)").unseeded == ()


def test_a_realistic_notebook_leaves_out_what_is_looked_at() -> None:
    sources = [
        "import pandas as pd\nimport numpy as np",
        "df = pd.read_csv('data.csv')",
        "df.head()",
        "df.describe()",
        "df['ratio'] = df.a / df.b",
        "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.hist(df.ratio)\nplt.show()",
        "print(df.isna().sum())",
        "from sklearn.model_selection import train_test_split",
        "X_train, X_test, y_train, y_test = train_test_split(df[['a']], df.ratio, random_state=0)",
        "from sklearn.linear_model import Ridge",
        "baseline = Ridge().fit(X_train, y_train)",
        "baseline.score(X_test, y_test)",
        "model = Ridge(alpha=0.1)\nmodel.fit(X_train, y_train)\nscore = model.score(X_test, y_test)",
    ]
    assert needed(*sources) == [1, 2, 5, 8, 9, 10]


def test_the_first_question_leaves_closures_as_they_were() -> None:
    """A target is tried out on a copy: what it does to a closure's variables stays in the copy."""
    cells = [
        ExecutedCell(
            1,
            "def make():\n    n = []\n    def inner(x):\n        n.append(x)\n        return n\n    return inner",
            True,
        ),
        ExecutedCell(2, "one = make()", True),
        ExecutedCell(3, "a = []", True),
    ]
    for target in ("one(a)", "b = [[]]; one(b)", "one(1)", "a"):
        found = dependencies(cells, target)
    assert [each.number for each in found.needed] == [3]


def test_what_is_found_out_beside_user_code_is_kept_apart() -> None:
    """The namespace may already be a later one there: a list that is a number by now."""
    cells = [ExecutedCell(1, "a = make()", True), ExecutedCell(2, "a.append(1)", True)]
    assert [each.number for each in dependencies(cells, "a", {"a": 1}, beside=True).needed] == [1]
    assert [each.number for each in dependencies(cells, "a", {"a": []}).needed] == [1, 2]


def test_many_classes_with_special_methods_are_followed_in_reasonable_steps() -> None:
    """Functions that call one another are followed once for each place of a call, not for each path to it."""
    methods = "\n".join(
        f"    def __{name}__(self, x=None): return C(self) if x else a + o"
        for name in ("add", "len", "eq", "iter", "getitem")
    )
    cells = [f"a, o = [1], None\nclass C:\n    def __init__(self, x): self.x = x\n{methods}"]
    cells += ["o = C(o)\no + o == o[o]\n[x for x in o]"] * 6
    assert needed(*cells, "o") == [1, 2, 3, 4, 5, 6, 7]
    assert not sliced(*cells, "o").undecided


def test_the_next_question_of_a_kernel_starts_from_the_last_one() -> None:
    cells = [ExecutedCell(number, f"x{number} = {number}", True) for number in range(1, 50)]
    assert [each.number for each in dependencies(cells, "x3").needed] == [3]
    cells.append(ExecutedCell(50, "y = x7", True))
    assert [each.number for each in dependencies(cells, "y").needed] == [7, 50]
    assert [each.number for each in dependencies(cells[:10], "x3").needed] == [3]


def test_code_of_any_kind_is_no_error() -> None:
    """Whatever people execute, there is an answer."""
    letters = random.Random(1)
    pieces = [
        "def f(",
        "x = ",
        "[",
        "]",
        "(",
        ")",
        "\n",
        "  ",
        "import a",
        "*",
        "lambda: ",
        "yield ",
        "%%time\n",
        "!",
        "?",
        "\0",
    ]
    for _ in range(300):
        source = "".join(letters.choice(pieces) for _ in range(letters.randint(1, 12)))
        sliced(source, "x")
    sliced("x = " + "(" * 50 + "1" + ")" * 50, "x")
    sliced("x = " + "+".join("y" for _ in range(2000)), "x")
