"""What could be a notebook's parameters, and how it gets a cell with them."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from jupyter_mlops.entities import CellEdit, ParametersCell, Proposal
from jupyter_mlops.errors import Conflict, InvalidInput, NotFound, ParameterError
from jupyter_mlops.notebooks.prepared import prepared
from jupyter_mlops.notebooks.proposals import (
    apply_edits,
    note_on_proposals,
    parameters_cell_for,
    proposals_of,
    write_parameters,
)

BASH = {"name": "bash", "display_name": "Bash", "language": "bash"}


def notebook_of(*sources: str, kernel: dict[str, str] | None = None) -> Any:
    metadata = {"kernelspec": kernel} if kernel else {}
    return new_notebook(cells=[new_code_cell(source) for source in sources], metadata=metadata)


def proposed(*sources: str) -> list[str]:
    return [each.name for each in proposals_of(notebook_of(*sources))]


def written(notebook: Any, names: list[str] | None = None) -> list[str]:
    apply_edits(notebook, parameters_cell_for(notebook, names))
    return [cell.source for cell in notebook.cells]


def test_literals_are_proposed_with_value_type_comment_and_cell() -> None:
    notebook = notebook_of("import x", "lr = 0.1  # step size\nlayers: list = [64, 32]")
    notebook.cells.insert(0, new_markdown_cell("# Training"))
    assert proposals_of(notebook) == [
        Proposal(name="lr", default=0.1, type="float", source="0.1", cell=3, help="step size"),
        Proposal(name="layers", default=[64, 32], type="list", source="[64, 32]", cell=3),
    ]


@pytest.mark.parametrize(
    "sources",
    [
        ["x = f()"],
        ["x = 1", "x = 2"],
        ["x = 0", "x += 1"],
        ["x = 0", "for x in y: pass"],
        ["if y:\n    x = 1"],
        ["def f():\n    x = 1"],
        ["x = []"],
        ["x = None"],
        ["_x = 1"],
        ["x = '''a\nlong text'''"],
        ["api_key = 'sk-0123456789abcdef'"],
        ["x = 1", "from y import *"],
        ["x = y = 1"],
        ["%%bash\nx=1"],
        ["%%time\nx = 1"],
        ["x = (1"],
    ],
)
def test_what_cannot_well_be_a_parameter_is_not_proposed(sources: list[str]) -> None:
    assert proposed(*sources) == []


def test_a_star_import_before_is_no_obstacle() -> None:
    assert proposed("from fastai.vision.all import *", "lr = 0.1") == ["lr"]


def test_nothing_is_proposed_where_there_is_a_parameters_cell() -> None:
    notebook = notebook_of("lr = 0.1", "n = 2")
    notebook.cells[0].metadata["tags"] = ["parameters"]
    assert proposals_of(notebook) == []
    with pytest.raises(Conflict, match="already"):
        parameters_cell_for(notebook)


def test_the_note_names_what_could_be_parameters_and_what_to_do() -> None:
    assert note_on_proposals(notebook_of("import x", "lr = 0.1")) == (
        "The notebook has no cell tagged 'parameters'; these could be its parameters: lr = 0.1 (cell 2). "
        "--write-parameters writes that cell into the notebook."
    )
    many = "\n".join(f"x{number} = {number}" for number in range(8))
    assert "x5 = 5 (cell 1) and 2 more." in (note_on_proposals(notebook_of(many)) or "")
    assert note_on_proposals(notebook_of("f()")) is None


def test_a_cell_that_holds_nothing_else_is_tagged_and_stays_as_it_is() -> None:
    notebook = notebook_of("import x", "# Settings\nlr = 0.1  # step\nn = 3", "fit(lr, n)")
    assert parameters_cell_for(notebook) == ParametersCell(
        index=1, edits=[CellEdit(index=1, before=notebook.cells[1].source, after=notebook.cells[1].source)]
    )
    assert written(notebook) == ["import x", "# Settings\nlr = 0.1  # step\nn = 3", "fit(lr, n)"]
    assert [cell.metadata.get("tags") for cell in notebook.cells] == [None, ["parameters"], None]


def test_assignments_leave_their_cells_for_a_new_one_before_the_first_of_them() -> None:
    notebook = notebook_of("import x", "lr = 0.1  # step\nfit(lr)", "n = 3", "score(n)")
    assert written(notebook) == [
        "import x",
        "# Parameters: papermill and -p override them.\nlr: float = 0.1  # step\nn: int = 3",
        "fit(lr)",
        "score(n)",
    ]
    assert notebook.cells[1].metadata == {"tags": ["parameters"]}
    nbformat.validate(notebook)


def test_only_the_chosen_names_move() -> None:
    notebook = notebook_of("lr = 0.1\nn = 3\nfit(lr, n)")
    assert written(notebook, ["n"])[1] == "lr = 0.1\nfit(lr, n)"
    with pytest.raises(ParameterError, match="Did you mean 'lr'"):
        parameters_cell_for(notebook_of("lr = 0.1\nfit()"), ["l"])


def test_what_is_written_can_be_overridden() -> None:
    notebook = notebook_of("lr = 0.1; n = 3\nfit(lr, n)")
    apply_edits(notebook, parameters_cell_for(notebook))
    ready = prepared(notebook, {"lr": 0.5, "n": 4}, where="x")
    assert [cell.source for cell in ready.notebook.cells][1:] == [
        "# Parameters\nlr = 0.5\nn = 4",
        "fit(lr, n)",
    ]


def test_a_notebook_of_another_language_gets_its_cell_in_that_language() -> None:
    notebook = notebook_of("set -e", 'lr=0.1  # step\nname="a b"\necho $lr $name', kernel=BASH)
    assert [(each.name, each.default, each.help) for each in proposals_of(notebook)] == [
        ("lr", 0.1, "step"),
        ("name", "a b", ""),
    ]
    assert written(notebook) == ["set -e", "# Parameters\nlr=0.1\nname='a b'\n", "echo $lr $name"]


def test_nothing_to_write_is_said() -> None:
    with pytest.raises(InvalidInput, match="No cell assigns a literal"):
        parameters_cell_for(notebook_of("fit()"))


def test_edits_of_a_notebook_that_has_changed_are_refused_whole() -> None:
    notebook = notebook_of("lr = 0.1\nfit(lr)", "n = 1\nfit(n)")
    cell = parameters_cell_for(notebook)
    notebook.cells[1].source = "n = 2"
    before = [each.source for each in notebook.cells]
    with pytest.raises(Conflict, match="Cell 2 has changed"):
        apply_edits(notebook, cell)
    assert [each.source for each in notebook.cells] == before


def test_a_file_keeps_all_else_that_it_had(tmp_path: Path) -> None:
    notebook = notebook_of("lr = 0.1\nfit(lr)", "score()")
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="x")]
    notebook.metadata["mine"] = {"a": 1}
    path, link = tmp_path / "train.ipynb", tmp_path / "link.ipynb"
    nbformat.write(notebook, path)
    path.chmod(0o640)
    link.symlink_to(path)
    before = json.loads(path.read_text())
    assert [each.name for each in write_parameters(link)] == ["lr"]
    after = json.loads(path.read_text())
    assert after["cells"][1:] == [{**before["cells"][0], "source": ["fit(lr)"]}, before["cells"][1]]
    assert (after["metadata"], stat.S_IMODE(path.stat().st_mode)) == (before["metadata"], 0o640)
    assert link.is_symlink()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.ipynb", "train.ipynb"]
    with pytest.raises(Conflict, match="already"):
        write_parameters(path)


def test_a_file_of_an_older_format_stays_one(tmp_path: Path) -> None:
    notebook = notebook_of("lr = 0.1\nfit(lr)")
    notebook.nbformat_minor = 4
    del notebook.cells[0]["id"]
    path = tmp_path / "old.ipynb"
    nbformat.write(notebook, path)
    write_parameters(path)
    after = json.loads(path.read_text())
    assert after["nbformat_minor"] == 4
    assert not any("id" in cell for cell in after["cells"])
    nbformat.validate(after)


def test_a_file_that_is_no_notebook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        write_parameters(tmp_path / "none.ipynb")
    (tmp_path / "bad.ipynb").write_text("{")
    with pytest.raises(InvalidInput):
        write_parameters(tmp_path / "bad.ipynb")
