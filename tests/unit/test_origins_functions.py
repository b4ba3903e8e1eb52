"""Tracked blocks in functions: what was read before, in this call and in those around it."""

from __future__ import annotations

import pytest

from .loading_worlds import Notebook, Script
from .test_origins import LEARNING

FUNCTIONS = {
    "a main function with a block for each dataset": (
        [{"a"}, {"b"}, set()],
        """
def main():
    for name in "ab":
        x = mlops.load_dataset(name)
        with mlops.track():
            fit(x)
    with mlops.track():
        fit([])
main()
""",
    ),
    "datasets that are read in the blocks": (
        [set(), set(), set()],
        """
def main():
    for name in "abc":
        with mlops.track():
            x = mlops.load_dataset(name)
            fit(x)
main()
""",
    ),
    "of what a function has read": (
        [{"a"}],
        """
def get(name):
    return mlops.load_dataset(name)
def main():
    x = get("a")
    y = get("b")
    with mlops.track():
        fit(x)
main()
""",
    ),
    "two on a line": (
        [{"a", "b"}],
        """
def get(name):
    return mlops.load_dataset(name)
def main():
    x = get("a"); y = get("b")
    with mlops.track():
        fit(x)
main()
""",
    ),
    "what a function is given": (
        [{"a"}],
        """
def main(x):
    with mlops.track():
        fit(x)
y = mlops.load_dataset("b")
main(mlops.load_dataset("a"))
""",
    ),
    "a global name, and a name of the function that hides one": (
        [{"a"}, {"c"}],
        """
x = mlops.load_dataset("a")
y = mlops.load_dataset("b")
def first():
    with mlops.track():
        fit(x)
def second():
    x = mlops.load_dataset("c")
    with mlops.track():
        fit(x)
first()
second()
""",
    ),
    "a closure": (
        [{"a"}],
        """
def main():
    x = mlops.load_dataset("a")
    y = mlops.load_dataset("b")
    def inner():
        with mlops.track():
            fit(x)
    inner()
main()
""",
    ),
    "an object that reads": (
        [{"a"}, {"a"}],
        """
class Experiment:
    def load(self):
        self.x = mlops.load_dataset("a")
    def run(self):
        with mlops.track():
            fit(self.x)
    def all(self):
        self.load()
        y = mlops.load_dataset("b")
        self.run()
experiment = Experiment()
experiment.all()
experiment.run()
""",
    ),
    "what calls before have left behind": (
        [set(), {"a"}, {"a", "b"}],
        """
seen = []
def one(name):
    x = mlops.load_dataset(name)
    with mlops.track():
        fit(seen)
    seen.append(x)
for name in "abc":
    one(name)
""",
    ),
    "a value that a loop replaces": (
        [{"a"}, {"a", "b"}],
        """
def main():
    x = mlops.load_dataset("a")
    for _ in range(2):
        with mlops.track():
            fit(x)
        x = mlops.load_dataset("b")
main()
""",
    ),
    "a tracked function": (
        [{"a"}],
        """
@mlops.track()
def train(x):
    fit(x)
def main():
    x = mlops.load_dataset("a")
    y = mlops.load_dataset("b")
    train(x)
main()
""",
    ),
    "a generator": (
        [{"a", "b"}],
        """
def main():
    x = mlops.load_dataset("a")
    y = mlops.load_dataset("b")
    with mlops.track():
        yield fit(x)
list(main())
""",
    ),
}


@pytest.mark.parametrize("case", FUNCTIONS)
def test_the_datasets_behind_blocks_in_functions(case: str) -> None:
    expected, source = FUNCTIONS[case]
    found = Script().run(LEARNING + source)
    assert len(found) == len(expected)
    if case in (
        "what calls before have left behind",
        "an object that reads",
    ):  # more may count than gets there
        assert all(names >= wanted for names, wanted in zip(found, expected, strict=True))
    else:
        assert found == expected


KEPT: dict[str, tuple[list[set[str]], str]] = {
    "hidden global": (
        [{"g"}],
        """
def setup():
    global x
    x = mlops.load_dataset("g")
def helper():
    return fit(x)
def main():
    setup()
    x = mlops.load_dataset("c")
    with mlops.track():
        helper()
main()
""",
    ),
    "aliased parameters": (
        [{"z"}],
        """
def train(p, q):
    p.append(mlops.load_dataset("z"))
    with mlops.track():
        fit(q)
l = []
train(l, l)
""",
    ),
    "parameter aliases a global": (
        [{"z"}],
        """
def train(p):
    p.append(mlops.load_dataset("z"))
    with mlops.track():
        fit(keep)
keep = []
train(keep)
""",
    ),
    "the same again": (
        [set(), {"d"}],
        """
def g(x=None):
    x = mlops.load_dataset("d")
    with mlops.track():
        fit(keep)
    keep.append(x)
keep = []
list(map(g, [1, 2]))
""",
    ),
    "the same again, in a loop of main": (
        [set(), {"d"}],
        """
def main():
    for i in range(2):
        x = mlops.load_dataset("d")
        with mlops.track():
            fit(keep)
        keep.append(x)
keep = []
main()
""",
    ),
    "self alias": (
        [{"a"}],
        """
class T:
    def __init__(self): self.data = []
    def run(self, other):
        self.data.append(mlops.load_dataset("a"))
        with mlops.track():
            fit(other.data)
t = T()
t.run(t)
""",
    ),
    "default argument": (
        [{"a"}],
        """
def train(x=[]):
    x.append(mlops.load_dataset("a"))
    inner()
def inner():
    with mlops.track():
        fit(train.__defaults__)
train()
""",
    ),
}
"""What gets to a block on ways that are easily missed."""


@pytest.mark.parametrize("kind", [Script, Notebook])
@pytest.mark.parametrize("case", KEPT)
def test_no_dataset_is_lost(case: str, kind: type[Script] | type[Notebook]) -> None:
    expected, source = KEPT[case]
    world = kind()
    world.run(LEARNING + source)
    assert len(world.found) == len(expected)
    assert all(names >= wanted for names, wanted in zip(world.found, expected, strict=True)), world.found
