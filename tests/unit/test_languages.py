"""Notebooks in other languages: their parameters cells, and what may be given."""

from __future__ import annotations

from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_mlops.errors import InvalidInput, ParameterError
from jupyter_mlops.notebooks.languages import declared
from jupyter_mlops.notebooks.parameters import parameters_of
from jupyter_mlops.notebooks.prepared import prepared
from jupyter_mlops.notebooks.values import parse_parameters


def notebook_of(language: str, *sources: str, tagged: bool = True, kernel: str = "") -> Any:
    """A notebook whose first cell is tagged ``parameters``."""
    spec = {"name": kernel or language.lower(), "display_name": language, "language": language}
    notebook = new_notebook(cells=[new_code_cell(each) for each in sources], metadata={"kernelspec": spec})
    if tagged:
        notebook.cells[0].metadata["tags"] = ["parameters"]
    return notebook


def injected(notebook: Any, *given: str) -> str:
    ready = prepared(notebook, parse_parameters(given), where="train.ipynb").notebook
    (cell,) = [each for each in ready.cells if "injected-parameters" in each.metadata.get("tags", [])]
    return str(cell.source).strip()


@pytest.mark.parametrize(
    ("language", "source", "found"),
    [
        ("bash", "lr=0.1 # step size", ("lr", 0.1, "float", "step size")),
        ("bash", "export NAME='a # b'", ("NAME", "a # b", "str", "")),
        ("bash", "mode=fast", ("mode", "fast", "str", "")),
        ("bash", "n=$(nproc)", ("n", None, "unknown", "")),
        ("bash", "declare -i n=3;", ("n", 3, "int", "")),
        ("R", "lr <- 0.1  # step size", ("lr", 0.1, "float", "step size")),
        ("R", "n = 10L", ("n", 10, "int", "")),
        ("R", 'name <- "lbfgs"', ("name", "lbfgs", "str", "")),
        ("R", "fast <- TRUE", ("fast", True, "bool", "")),
        ("R", "x <- c(1, 2)", ("x", None, "unknown", "")),
        ("R", "x <- NULL", ("x", None, "NoneType", "")),
        ("julia", "const lr::Float64 = 1e-3", ("lr", 0.001, "float", "")),
        ("scala", "val n: Int = 3 // trees", ("n", 3, "int", "trees")),
        ("matlab", "n = 3; % trees", ("n", 3, "int", "trees")),
    ],
)
def test_a_line_that_assigns_a_literal_declares_a_parameter(language: str, source: str, found: Any) -> None:
    (each,) = declared(source, language)
    assert (each.name, each.default, each.type, each.help) == found


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("bash", "echo lr=1"),
        ("bash", "  lr=1"),
        ("R", "if (x == 1) y"),
        ("R", "f(x = 1)"),
        ("julia", "x == 1"),
    ],
)
def test_other_lines_declare_nothing(language: str, source: str) -> None:
    assert declared(source, language) == []


@pytest.mark.parametrize(
    ("language", "kernel", "cell"),
    [
        ("bash", "bash", "# Parameters\nlr=0.5\nname='a b'"),
        ("R", "ir", '# Parameters\nlr = 0.5\nname = "a b"'),
        ("julia", "julia-1.10", '# Parameters\nlr = 0.5\nname = "a b"'),
        ("matlab", "matlab", '% Parameters\nlr = 0.5;\nname = "a b";'),
        ("scala", "scala", '// Parameters\nval lr = 0.5\nval name = "a b"'),
    ],
)
def test_values_are_injected_in_the_language_with_its_own_comments(
    language: str, kernel: str, cell: str
) -> None:
    notebook = notebook_of(language, "", "run()", kernel=kernel)
    assert injected(notebook, "lr=0.5", "name=a b") == cell


def test_names_and_types_are_checked_where_the_parameters_cell_declares_them() -> None:
    notebook = notebook_of("R", 'lr <- 0.1\nname <- "a"', "train(lr)", kernel="ir")
    assert [each.name for each in parameters_of(notebook)] == ["lr", "name"]
    assert injected(notebook, "lr=1", "name=2") == '# Parameters\nlr = 1.0\nname = "2"'
    with pytest.raises(ParameterError, match="Did you mean 'lr'"):
        injected(notebook, "lrr=1")
    with pytest.raises(ParameterError, match="of type float"):
        injected(notebook, "lr=fast")


def test_without_a_parameters_cell_values_come_first_unless_a_cell_sets_them_again() -> None:
    notebook = notebook_of("bash", "echo $lr", tagged=False)
    assert injected(notebook, "lr=0.5") == "# Parameters\nlr=0.5"
    with pytest.raises(ParameterError, match=r"cell 2 assigns it\. Tag that cell 'parameters'"):
        injected(notebook_of("bash", "set -e", "lr=0.1", tagged=False), "lr=0.5")


def test_a_cell_below_that_sets_a_parameter_again_is_refused() -> None:
    notebook = notebook_of("R", "lr <- 0.1", "lr <- 0.2", kernel="ir")
    with pytest.raises(
        ParameterError, match=r"lr cannot be overridden: cell 2 assigns it\. Take that line out"
    ):
        injected(notebook, "lr=1")


def test_a_language_without_a_translator_is_refused_only_when_there_are_parameters() -> None:
    notebook = notebook_of("ruby", "lr = 0.1", "puts lr", kernel="iruby")
    assert prepared(notebook, {}, where="train.ipynb").notebook.cells == notebook.cells
    with pytest.raises(InvalidInput) as refusal:
        injected(notebook, "lr=1")
    assert refusal.value.message.startswith(
        "Parameters cannot be passed to a notebook in ruby (kernel 'iruby'): papermill writes python, R, "
    )
    assert refusal.value.message.endswith("Submit it without -p, and set the values in the notebook.")


def test_a_value_that_the_language_has_no_words_for_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"cannot write these values in bash: x=\{'a': 1\}"):
        injected(notebook_of("bash", "", "echo $x"), "x={'a': 1}")
