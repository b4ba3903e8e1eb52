"""Which of 500 executed cells a cell depends on."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator

from jupyter_mlops.capture.history import ExecutedCell
from jupyter_mlops.notebooks import slicing, source
from jupyter_mlops.notebooks.reading import steps_of

from .figures import Benchmark, Figure
from .measuring import seconds_of

CELLS = 500
ROUNDS = 9
IDIOMS = (
    "import pandas as pd\nimport numpy as np",
    "df{n} = pd.read_csv('data{n}.csv')",
    "df{n}.head()",
    "df{n}['ratio'] = df{n}.a / df{n}.b\ndf{n} = df{n}.dropna(subset=['ratio'])",
    """def clean{n}(frame, lower=0.1):
    out = frame[frame.x > lower].copy()
    out['y'] = [row * 2 for row in out.x]
    return out.reset_index(drop=True)""",
    "X{n} = clean{n}(df{n})\nprint(len(X{n}), X{n}.shape)",
    """from sklearn.linear_model import Ridge
model{n} = Ridge(alpha={n})
model{n}.fit(df{n}[['x']], df{n}.y)
score{n} = model{n}.score(df{n}[['x']], df{n}.y)""",
    """import matplotlib.pyplot as plt
fig, ax = plt.subplots(figsize=(8, 4))
for k in range(3):
    ax.plot(df{n}.x, df{n}.y * k, label=f'{{k}}')
plt.show()""",
    """class Net{n}:
    def __init__(self, n=3):
        self.layers = [n] * 3
    def forward(self, x):
        for layer in self.layers:
            x = x * layer
        return x
net{n} = Net{n}(5)
y{n} = net{n}.forward(np.ones(3))""",
    """losses{n} = []
for epoch in range(10):
    loss = float(np.mean((df{n}.x - epoch) ** 2))
    losses{n}.append(loss)""",
)
TARGET = "model40.predict(X40)"


def _executed() -> list[ExecutedCell]:
    return [
        ExecutedCell(number + 1, IDIOMS[number % len(IDIOMS)].format(n=number // len(IDIOMS)), True)
        for number in range(CELLS)
    ]


def slicing_cells() -> Iterator[Figure]:
    """A submit in the kernel that executed the cells, and in a process that never saw them."""
    submit, never_seen, again, raw = [], [], [], []
    for _ in range(ROUNDS):
        cells = _executed()
        steps_of.cache_clear()
        source.parse_cell.cache_clear()
        never_seen.append(seconds_of(lambda: slicing.dependencies(cells, TARGET, {})))  # noqa: B023
        cells = _executed()  # other objects: nothing is known but how their texts read
        submit.append(seconds_of(lambda: slicing.dependencies(cells, TARGET, {})))  # noqa: B023
        again.append(seconds_of(lambda: slicing.dependencies(cells, TARGET, {})))  # noqa: B023
        raw.append(seconds_of(lambda: [ast.parse(each.source) for each in cells]))  # noqa: B023
    limit, limit_is = statistics.median(raw) * 1e3, "ast.parse of the same cells"
    for what, spent, goal in (
        (f"the first submit's slice of {CELLS} cells that this kernel executed", submit, 40.0),
        ("the next submit's", again, 40.0),
        (f"a slice of {CELLS} cells that this process never saw", never_seen, None),
    ):
        value = statistics.median(spent) * 1e3
        yield Figure(what=what, unit="ms", value=value, goal=goal, limit=limit, limit_is=limit_is)


BENCHMARKS: dict[str, Benchmark] = {"slicing": slicing_cells}
