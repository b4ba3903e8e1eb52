"""A promoted notebook computes what the live kernel computes: realistic sessions, replayed for real."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from jupyter_mlops.capture.history import ExecutedCell
from jupyter_mlops.entities import RunStatus
from jupyter_mlops.notebooks.execution import KernelChoice, execute_notebook
from jupyter_mlops.notebooks.kernels import launcher
from jupyter_mlops.notebooks.promotion import Promotion, promote
from jupyter_mlops.notebooks.values import expand, parse_parameters

from .kernel import Kernel, environment, running_kernel
from .recorder import RememberingRecorder

HISTORY = (
    "__import__('json').dumps([[c.number, c.source, c.ok, c.used_jobs] for c in "
    "__import__('jupyter_mlops.magics').magics.history_of(get_ipython()).cells()])"
)


@dataclass(frozen=True)
class Session:
    """Cells in the order of their execution, the submitted cell, and an expression that sums it all up."""

    cells: tuple[str, ...]
    submitted: str
    probe: str
    left_out: int = 0


SESSIONS = {
    "a plain script": Session(
        ("import math", "lr = 0.05\nsteps = 4", "loss = [math.exp(-lr * i) for i in range(steps)]"),
        "total = sum(loss)",
        "(lr, steps, loss, total)",
    ),
    "cells executed again": Session(("x = 1", "x = x * 3", "x = x * 3", "x = x * 3"), "y = x + 1", "(x, y)"),
    "cells executed out of order": Session(
        (
            "def scale(v):\n    return v * factor",
            "factor = 10",
            "a = scale(2)",
            "factor = 100",
            "b = scale(2)",
        ),
        "c = scale(3)",
        "(a, b, c)",
    ),
    "a function defined again": Session(
        (
            "def f(x):\n    return x + 1",
            "first = f(1)",
            "def f(x):\n    return x * 10",
            "second = f(1)",
        ),
        "third = f(2)",
        "(first, second, third)",
    ),
    "a class that grows over cells": Session(
        (
            "class Model:\n    layers = []\n    def __init__(self, n):\n        self.n = n",
            "def grow(self):\n    self.n += 1\n    return self\nModel.grow = grow",
            "class Deep(Model):\n    def grow(self):\n        return super().grow().__class__(self.n * 2)",
        ),
        "n = Deep(1).grow().n, Model(1).grow().n",
        "n",
    ),
    "magics of all kinds": Session(
        (
            "%matplotlib inline",
            "%env GREETING=hello\nimport os\ngreeting = os.environ['GREETING']",
            "files = !echo one two",
            "%time squared = 7 ** 2",
            "%%capture shown\nprint('captured')",
            "!true",
        ),
        "words = files[0].split()",
        "(greeting, words, squared, shown.stdout)",
    ),
    "top-level await": Session(
        (
            "import asyncio\nasync def load(n):\n    await asyncio.sleep(0)\n    return n * 2",
            "value = await load(4)",
            "values = await asyncio.gather(*(load(i) for i in range(3)))",
        ),
        "last = await load(value)",
        "(value, values, last)",
    ),
    "tracked cells": Session(
        (
            "import jupyter_mlops as mlops",
            "%%track first -p lr=0.1\nlr = 0.1\nmlops.log(loss=1 - lr)\nbest = 1 - lr",
            "%%track\n%%time\nbest = best / 2\nmlops.log(loss=best)",
            "# why\n\n%%track third\nwith mlops.track('inner') as run:\n    run.log({'x': 1})\nbest = best + 1",
        ),
        "final = best * 2",
        "(lr, best, final)",
    ),
    "a failing cell that was mended": Session(
        (
            "rows = [1, 2, 3]",
            "mean = sum(row) / len(rows)",
            "mean = sum(rows) / len(rows)",
            "1 / 0",
        ),
        "centred = [row - mean for row in rows]",
        "(mean, centred)",
        left_out=2,
    ),
    "a module beside the notebook": Session(
        (
            "%%writefile helpers_of_mine.py\ndef twice(x):\n    return 2 * x",
            "import sys, os\nsys.path.insert(0, os.getcwd())\nfrom helpers_of_mine import twice",
        ),
        "y = twice(21)",
        "y",
    ),
    "a folder that was changed": Session(
        ("import os\nos.makedirs('data', exist_ok=True)", "%cd data", "open('x.txt', 'w').write('content')"),
        "text = open('x.txt').read()",
        "(text, os.path.basename(os.getcwd()))",
    ),
    "random numbers": Session(
        ("import random\nrandom.seed(7)", "a = random.random()", "a = random.random()"),
        "b = random.random()",
        "(a, b)",
    ),
    "comprehensions, walruses and star assignments": Session(
        (
            "first, *rest = range(5)",
            "if (n := len(rest)) > 2:\n    big = True",
            "d = {k: v for k, v in zip('ab', rest)}",
        ),
        "[total := i for i in rest]",
        "(first, rest, n, big, d, total)",
    ),
    "text that looks like magics": Session(
        (
            "text = '''\n%%track\n%matplotlib\n!ls\n'''",
            'code = """\n    %submit me\n""".strip() if False else \'ü\'',
        ),
        "length = len(text)",
        "(text, code, length)",
    ),
    "data frames": Session(
        (
            "import pandas as pd\ndf = pd.DataFrame({'g': list('aab'), 'v': [1, 2, 3]})",
            "df['w'] = df.v * 2",
            "df",
            "means = df.groupby('g').w.mean()",
        ),
        "result = means.to_dict()",
        "result",
    ),
    "outputs are the next cell's input": Session(("21", "x = _ * 2"), "y = x", "y"),
    "code that is indented and semicolons": Session(
        ("    a = 1; b = 2\n    c = a + b", "if c == 3:\n    d = 4;"), "e = a + b + c + d", "e"
    ),
    "a decorator, a dataclass and a generator": Session(
        (
            "from dataclasses import dataclass\nfrom functools import lru_cache",
            "@dataclass\nclass Point:\n    x: int\n    y: int = 2",
            "@lru_cache\ndef fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)",
            "points = list(Point(i) for i in range(3))",
        ),
        "answer = fib(20) + sum(p.x * p.y for p in points)",
        "(answer, str(points))",
    ),
}


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    (tmp_path / "live").mkdir()
    with running_kernel(tmp_path, cwd=tmp_path / "live") as kernel:
        yield kernel


def history(kernel: Kernel) -> list[ExecutedCell]:
    found = json.loads(kernel.value(HISTORY))
    return [ExecutedCell(number=n, source=source, ok=ok, used_jobs=used) for n, source, ok, used in found]


def run_promoted(promotion: Promotion, folder: Path, probe: str) -> Any:
    """Execute the notebook in a folder of its own; the value of the probe at its end."""
    (folder / "job").mkdir()
    promotion.notebook.cells.append(new_code_cell(f"print('PROBE', repr({probe}))"))
    path = folder / "promoted.ipynb"
    nbformat.validate(promotion.notebook)
    nbformat.write(promotion.notebook, path)
    log: list[str] = []
    outcome = execute_notebook(
        path,
        folder / "output.ipynb",
        recorder=RememberingRecorder(),
        kernel=KernelChoice(name="python3", argv=launcher(sys.executable)),
        environment=environment(folder / "job"),
        cwd=folder / "job",
        log=log.append,
    )
    assert outcome.status is RunStatus.FINISHED, (outcome, "".join(log))
    return "".join(log).partition("PROBE ")[2].strip()


def computed(kernel: Kernel, session: Session) -> tuple[list[ExecutedCell], str]:
    """The cells before the submitted one, and what the probe is after it."""
    for cell in session.cells:
        kernel.run(cell)
    cells = history(kernel)
    assert kernel.run(session.submitted).ok
    reply = kernel.run(f"print(repr({session.probe}))")
    assert reply.ok, reply.errors
    return cells, reply.text.strip()


@pytest.mark.parametrize("name", SESSIONS)
def test_a_promoted_session_computes_what_the_live_kernel_does(
    kernel: Kernel, tmp_path: Path, name: str
) -> None:
    session = SESSIONS[name]
    cells, expected = computed(kernel, session)
    promotion = promote(cells, f"{session.submitted}\n({session.probe})", name="job", params={})
    assert run_promoted(promotion, tmp_path, session.probe) == expected


@pytest.mark.parametrize("name", ["a failing cell that was mended", "tracked cells"])
def test_a_session_that_is_taken_whole_computes_what_the_live_kernel_does(
    kernel: Kernel, tmp_path: Path, name: str
) -> None:
    session = SESSIONS[name]
    cells, expected = computed(kernel, session)
    promotion = promote(cells, session.submitted, name="job", params={}, whole=True)
    assert len(promotion.left_out) == session.left_out
    assert run_promoted(promotion, tmp_path, session.probe) == expected


OVERRIDDEN = {
    "in the first cell": (("lr = 0.05", "loss = 1 - lr"), "result = loss", "lr=0.25", "result == 0.75"),
    "in every place": (
        ("lr = 1.0", "a = lr", "lr = 2.0", "b = lr"),
        "lr = 3.0\n(a, b)",
        "lr=5",
        "(a, b, lr) == (5.0,) * 3",
    ),
    "inside a timed cell": (("%%time\nlr = 1\nx = lr",), "y = x", "lr=4", "y == 4"),
    "a list that is changed": (
        ("s = [1]\ns.append(2)", "s = [1]\ns.append(2)"),
        "t = s",
        "s=[9]",
        "t == [9, 2]",
    ),
    "unpacked with others": (("lr, n = 0.1, 5",), "r = lr * n", "lr=2", "r == 10"),
    "never assigned": ((), "r = lr * 2", "lr=4", "r == 8"),
    "text with quotes": (("name = 'x'",), "r = name", 'name="it\'s"', 'r == "it\'s"'),
}


@pytest.mark.parametrize("name", OVERRIDDEN)
def test_an_override_has_its_effect(tmp_path: Path, name: str) -> None:
    cells, submitted, parameter, expectation = OVERRIDDEN[name]
    executed = [ExecutedCell(number=n, source=source, ok=True) for n, source in enumerate(cells, 1)]
    (values,) = expand(parse_parameters([parameter]))
    promotion = promote(executed, submitted, name="job", params=values)
    assert run_promoted(promotion, tmp_path, expectation) == "True"
