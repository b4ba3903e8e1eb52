"""What the submit dialog asks about a notebook that has no parameters cell yet."""

from __future__ import annotations

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

PATH = "plain.ipynb"
SOURCES = ("import x", "lr = 0.1  # step\nfit(lr)", "layers = (64, 32)")


@pytest.fixture
def notebook(jp_root_dir):
    path = jp_root_dir / PATH
    nbformat.write(new_notebook(cells=[new_code_cell(each) for each in SOURCES]), path)
    return path


async def test_literals_are_proposed(api, notebook):
    answer = await api.get("notebooks/parameters", path=PATH)
    assert (answer["tagged"], answer["parameters"]) == (False, [])
    assert answer["proposals"] == [
        {"name": "lr", "default": 0.1, "type": "float", "source": "0.1", "cell": 2, "help": "step"},
        {"name": "layers", "default": [64, 32], "type": "tuple", "source": "(64, 32)", "cell": 3, "help": ""},
    ]


async def test_the_edits_for_a_parameters_cell_are_told_and_nothing_is_written(api, notebook):
    before = notebook.read_bytes()
    assert await api.get("notebooks/parameters/cell", path=PATH, name="lr") == {
        "index": 1,
        "source": "# Parameters: papermill and -p override them.\nlr: float = 0.1  # step",
        "edits": [{"index": 1, "before": SOURCES[1], "after": "fit(lr)"}],
    }
    assert notebook.read_bytes() == before


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"path": PATH}, "'name' is missing"),
        ({"path": PATH, "name": "l"}, "Did you mean 'lr'"),
        ({"path": "none.ipynb", "name": "lr"}, "No notebook"),
        ({"path": "../plain.ipynb", "name": "lr"}, "leads out"),
    ],
)
async def test_what_cannot_be_written_is_refused(api, notebook, query, said):
    status, _, message = await api.refused("GET", "notebooks/parameters/cell", **query)
    assert status in {400, 404}
    assert said in message


async def test_a_notebook_that_has_such_a_cell_already_conflicts(api, notebook):
    saved = nbformat.read(notebook, as_version=4)
    saved.cells[1].metadata["tags"] = ["parameters"]
    nbformat.write(saved, notebook)
    status, code, message = await api.refused("GET", "notebooks/parameters/cell", path=PATH, name="lr")
    assert (status, code) == (409, "conflict")
    assert "already" in message
