"""What cells define goes by value and comes home: two processes, each with a ``__main__`` of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DEFINITIONS = """
from enum import Enum
scale = 10
def scaled(x):
    return x * scale
class Base:
    pass
class Net(Base):
    kinds = {"a", "b", "c"}
    def __init__(self, w, *, of=frozenset("abc")):
        self.w = w
    def same(self, other):
        return isinstance(other, Net) and self.w in {"x", "y"}
    @property
    def doubled(self):
        return self.w * 2
class Colour(Enum):
    RED = 1
class Outer:
    class Inner:
        def __init__(self):
            self.v = 1
"""
PACK = """
from jupyter_mlops.services.carrying import pickling
with open("packed", "wb") as file:
    pickling.Pickler(file).dump((scaled, Net("x"), Colour.RED, Outer.Inner()))
"""
LOAD = """
import builtins
from jupyter_mlops.services.carrying import pickling
with open("packed", "rb") as file:
    function, net, colour, inner = pickling.load(file)
assert __builtins__ is builtins
"""


def run(code: str, folder: Path) -> str:
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=folder, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_where_nothing_is_defined_all_comes_along(tmp_path: Path) -> None:
    run(DEFINITIONS + PACK, tmp_path)
    shown = run(
        LOAD + "print(function(2), net.same(type(net)('y')), net.doubled, colour.name, inner.v, scale)",
        tmp_path,
    )
    assert shown == "20 True xx RED 1 10"


def test_what_a_replayed_cell_has_defined_is_used(tmp_path: Path) -> None:
    run(DEFINITIONS + PACK, tmp_path)
    shown = run(
        DEFINITIONS
        + LOAD
        + "scale = 3\nprint(function(2), type(net) is Net, colour is Colour.RED, type(inner) is Outer.Inner)",
        tmp_path,
    )
    assert shown == "6 True True True"


def test_a_class_of_that_name_with_other_code_is_another_class(tmp_path: Path) -> None:
    run(DEFINITIONS + PACK, tmp_path)
    other = "class Net:\n    def same(self, other):\n        return None\nscale = 3\n"
    shown = run(other + LOAD + "print(type(net) is Net, net.doubled, function(2))", tmp_path)
    assert shown == "False xx 6"
