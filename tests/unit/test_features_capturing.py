"""What a feature view's function is made of, as the text of one module."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.errors import Conflict, InvalidInput, MissingPackage
from jupyter_mlops.services.features.capturing import Captured, NotThereYet, captured
from jupyter_mlops.services.features.constants import NoExpression, expression
from jupyter_mlops.services.features.user_modules import require_same

from .cells import Cells


@pytest.fixture
def cells() -> Cells:
    cells = Cells()
    cells.run("import pandas as pd\nimport numpy as np")
    return cells


def code_of(cells: Cells, name: str = "view") -> str:
    return captured(cells[name]).code


def loaded(code: str, name: str = "view") -> Any:
    """The function of a text that knows nothing of the cells."""
    namespace: dict[str, Any] = {"__name__": "elsewhere"}
    exec(compile(code, "<elsewhere>", "exec", dont_inherit=True), namespace)
    return namespace[name]


def test_a_function_goes_with_all_that_it_uses_of_its_notebook_and_nothing_else(cells: Cells) -> None:
    cells.run("WINDOW = 7\nUNUSED = 8\nRATES = {'a': [1.5, float('inf')]}")
    cells.run("def scaled(x):\n    return x * WINDOW  # days\n\ndef unused():\n    pass")
    cells.run("def view(df):\n    return scaled(np.log(df.x)).sum() * RATES['a'][0]")
    assert code_of(cells) == (
        "import numpy as np\n\n"
        "RATES = {'a': [1.5, float('inf')]}\n\n"
        "WINDOW = 7\n\n\n"
        "def scaled(x):\n    return x * WINDOW  # days\n\n\n"
        "def view(df):\n    return scaled(np.log(df.x)).sum() * RATES['a'][0]\n"
    )


EVERYTHING = """
import re
import functools
from datetime import timedelta
from collections import OrderedDict as Ordered
import xml.dom as dom
import xml.sax.handler

PATTERN = re.compile("x+", re.I)
DAYS = timedelta(days=3)
WEIGHTS = np.array([1.0, 2.0])
START = pd.Timestamp("2024-01-01", tz="UTC")
double = lambda x: x * 2

class Base:
    rate = 3

class Clean(Base):
    DAYS = 0
    def go(self, x):
        return double(x) + self.rate + DAYS.days

@functools.lru_cache
def cached(name):
    return name.upper()

def later(x):
    return view.__name__ if x is None else x

again = later

def view(x, by=START.year):
    def inner(y):
        return Clean().go(y) + WEIGHTS.sum()
    first, *_ = [again(each) for each in (x,)]
    return (
        inner(first), by, cached("a"), PATTERN.match("XX") is not None,
        Ordered(a=1), dom.Node.__name__, xml.sax.handler.ContentHandler.__name__,
    )
"""


def test_the_text_stands_alone_and_does_what_the_function_does(cells: Cells) -> None:
    cells.run(EVERYTHING)
    assert loaded(code_of(cells))(4) == cells["view"](4)
    assert loaded(code_of(cells))(4)[0] == 17.0


def test_the_text_is_the_same_when_the_cells_run_again(cells: Cells) -> None:
    cells.run(EVERYTHING)
    before = code_of(cells)
    cells.run(EVERYTHING)
    assert code_of(cells) == before


@pytest.mark.parametrize(
    "changed",
    [
        "def scaled(x):\n    return x * WINDOW + 1",
        "WINDOW = 8",
        "class Clean:\n    rate = 2",
    ],
)
def test_the_text_changes_with_a_function_a_constant_and_a_class(cells: Cells, changed: str) -> None:
    cells.run("WINDOW = 7\nclass Clean:\n    rate = 1")
    cells.run("def scaled(x):\n    return x * WINDOW")
    cells.run("def view(df):\n    return scaled(df.x) * Clean.rate")
    before = code_of(cells)
    cells.run(changed)
    assert code_of(cells) != before


def test_the_decorator_of_the_view_is_no_part_of_it_and_others_are(cells: Cells) -> None:
    cells.run("import functools\nclass mlops:\n    feature_view = staticmethod(lambda **words: lambda f: f)")
    cells.run(
        "@mlops.feature_view(\n    source='rides',\n    keys='driver_id',\n)\ndef view(df):\n    # kept\n    return df"
    )
    assert code_of(cells) == "\ndef view(df):\n    # kept\n    return df\n"
    cells.run("@mlops.feature_view(source='rides')\n@functools.lru_cache\ndef view(df):\n    return df\n")
    assert code_of(cells) == "import functools\n\n\n@functools.lru_cache\ndef view(df):\n    return df\n"


def test_a_function_that_was_made_in_another_takes_along_what_it_closes_over(cells: Cells) -> None:
    cells.run(
        "def made(days):\n    factor = days * 2\n    def view(x):\n        return x * factor + days\n    return view\n"
        "view = made(3)"
    )
    assert loaded(code_of(cells))(1) == cells["view"](1) == 9


def test_a_name_that_a_later_cell_defines_is_asked_for(cells: Cells) -> None:
    cells.run("def view(df):\n    return clean(df)")
    with pytest.raises(NotThereYet, match="'view' uses 'clean', which is not defined"):
        code_of(cells)
    cells.run("def clean(df):\n    return df")
    assert "def clean" in code_of(cells)


REFUSED = {
    "data of the notebook": ("table = pd.DataFrame({'a': [1]})", "table", "holds pandas.*DataFrame and"),
    "a live object": ("import threading\nlock = threading.Lock()", "lock", "cannot be written down"),
    "much data": ("numbers = list(range(100_000))", "numbers", "characters"),
    "IPython": ("x = 1", "get_ipython", "IPython's magics"),
    "a secret": ("API_TOKEN = 'sk-9fJ2kLmN8qRsT4vWxYz1AbCd'", "API_TOKEN", "looks like a secret"),
    "made by exec": ("exec('def hidden(): pass')", "hidden", "source of 'hidden' cannot be found"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_text_can_stand_for_is_refused_with_its_name(cells: Cells, case: str) -> None:
    cell, name, message = REFUSED[case]
    cells.run(cell)
    cells.run(f"def view(df):\n    return {name}")
    with pytest.raises(InvalidInput, match=message):
        code_of(cells)


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(InvalidInput, match="made of a function"):
        captured(pd.DataFrame)


# ------------------------------------------------------------------ modules
@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("own_"):
            del sys.modules[name]


def imported(project: Path, name: str, text: str) -> Any:
    (project / f"{name}.py").write_text(text)
    importlib.invalidate_caches()
    return importlib.import_module(name)


def test_a_function_of_a_module_takes_along_what_it_uses_of_it(project: Path) -> None:
    module = imported(
        project,
        "own_views",
        "import math\nDAYS = 2\ndef view(x):\n    return later(x) + DAYS\ndef later(x):\n    return math.floor(x)\n",
    )
    found = captured(module.view)
    assert loaded(found.code)(1.5) == 3
    assert found == Captured(
        "import math\n\nDAYS = 2\n\n\ndef later(x):\n    return math.floor(x)\n\n\n"
        "def view(x):\n    return later(x) + DAYS\n",
        {"python": ".".join(map(str, sys.version_info[:3]))},
    )


def test_a_module_that_was_edited_after_its_import_is_refused(project: Path) -> None:
    module = imported(project, "own_edited", "def view(x):\n    return x + 1\n")
    (project / "own_edited.py").write_text("def view(x):\n    return x - 12345\n")
    with pytest.raises(InvalidInput, match=r"was changed in .* after it was imported"):
        captured(module.view)


def test_the_users_own_modules_are_told_by_their_content(cells: Cells, project: Path) -> None:
    imported(project, "own_rates", "RATE = 2\n")
    imported(project, "own_clean", "from own_rates import RATE\ndef clean(x):\n    return x * RATE\n")
    cells.run("from own_clean import clean\ndef view(x):\n    return clean(x)")
    code = code_of(cells)
    assert re.findall(r"^# (\w+) is a module of the user's own", code, re.M) == ["own_clean", "own_rates"]
    assert "from own_clean import clean" in code
    require_same(code, "The view")
    (project / "own_rates.py").write_text("RATE = 3\n")
    assert code_of(cells) != code
    with pytest.raises(Conflict, match="The view was defined with another content of the module 'own_rates'"):
        require_same(code, "The view")


def test_a_module_that_is_missing_is_named(cells: Cells, project: Path) -> None:
    imported(project, "own_gone", "def clean(x):\n    return x\n")
    cells.run("import own_gone\ndef view(x):\n    return own_gone.clean(x)")
    code = code_of(cells)
    del sys.modules["own_gone"]
    (project / "own_gone.py").unlink()
    with pytest.raises(MissingPackage, match="The view uses the module 'own_gone'"):
        require_same(code, "The view")


def test_a_module_that_is_imported_inside_counts_as_well(cells: Cells, project: Path) -> None:
    imported(project, "own_inside", "def clean(x):\n    return x\n")
    cells.run("def view(x):\n    from own_inside import clean\n    return clean(x)")
    assert "# own_inside is a module of the user's own" in code_of(cells)


def test_packages_are_told_with_their_versions(cells: Cells) -> None:
    cells.run("def view(df):\n    return pd.concat([df, np.log(df)])")
    assert captured(cells["view"]).packages == {
        "python": ".".join(map(str, sys.version_info[:3])),
        "numpy": np.__version__,
        "pandas": pd.__version__,
    }


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 1, -1.5, float("inf"), "ü\n'", b"\x00", (), (1,), [1, [2.0]], {"a": {1: None}}, ...),
        *({3, 1, 2}, frozenset("ab"), range(3), slice(1, None), complex(1, 2), pd.Timedelta("2D")),
        *(pd.Timestamp("2024-01-01", tz="Europe/Berlin"), np.float32(1.5), np.int64(3), Path("a/b")),
        *(pd.Timestamp("2024-01-01").to_pydatetime(), pd.Timestamp("2024-01-01").date()),
    ],
    ids=lambda value: type(value).__name__,  # a set is not shown in the same order by every process
)
def test_constants_are_written_as_they_are(value: object) -> None:
    found = eval(expression(value), {})
    assert (type(found), found) == (type(value), value)


def test_constants_of_classes_unknown_are_refused() -> None:
    with pytest.raises(NoExpression, match="object"):
        expression([object()])
