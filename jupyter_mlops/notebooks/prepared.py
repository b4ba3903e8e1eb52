"""A notebook from disk made ready to run as a job: checked, and its parameters put in."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from ..entities import Parameter
from ..errors import InvalidInput, ParameterError
from .injection import INJECTED, inject, is_python
from .names import names_of
from .overrides import Code, override
from .parameters import check_names, fit_all, parameters_cell, parameters_of, plain, sweeps
from .source import parse_cell, syntax_problem
from .values import source_of


@dataclass(frozen=True, slots=True)
class Prepared:
    """A notebook with its parameters injected, and the values in their types."""

    notebook: NotebookNode
    values: dict[str, Any]


def check_notebook(notebook: NotebookNode) -> None:
    """Raise InvalidInput when there is nothing to run, or a Python cell does not parse."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    if not code:
        raise InvalidInput("The notebook has no code to run.")
    if not is_python(notebook):
        return
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code" or "raises-exception" in cell.metadata.get("tags", []):
            continue
        if problem := syntax_problem(cell.source):
            raise InvalidInput(
                f"Cell {index + 1} of the notebook does not parse: {problem.msg} (line {problem.lineno})."
            )


def spread(notebook: NotebookNode, given: Mapping[str, Any]) -> dict[str, Any]:
    """The given values with plain lists as sweeps, but for parameters that are lists themselves."""
    known = {each.name: each for each in parameters_of(notebook)}
    return {name: sweeps(value, known.get(name)) for name, value in given.items()}


def prepared(notebook: NotebookNode, given: Mapping[str, Any], *, where: str) -> Prepared:
    """A copy with the given values injected. Raises ParameterError for what cannot be overridden.

    Without a cell tagged ``parameters``, the literals that the cells assign are the parameters.
    """
    notebook = copy.deepcopy(notebook)
    if not given:
        return Prepared(notebook, {})
    if not is_python(notebook):
        values = {name: plain(value) for name, value in given.items()}
    elif parameters_cell(notebook) is None:
        values = _override(notebook, given, where)
    else:
        known = parameters_of(notebook)
        check_names(given, [each.name for each in known], where=f"the parameters cell of {where}")
        values = fit_all(given, known)
        _check_reassigned(notebook, values)
    inject(notebook, values)
    return Prepared(notebook, values)


def _override(notebook: NotebookNode, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Rewrite the cells and put a parameters cell first."""
    code = [(index, cell) for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    advice = f"{where} (it has no cell tagged 'parameters'; literals that cells assign were looked at)"
    result = override([Code(f"cell {index + 1}", cell.source) for index, cell in code], given, where=advice)
    for (_, cell), source in zip(code, result.sources, strict=True):
        cell.source = source
    notebook.cells.insert(0, parameters_cell_of(result.parameters))
    return result.values


def parameters_cell_of(parameters: Sequence[Parameter]) -> NotebookNode:
    """A cell tagged ``parameters`` that assigns the defaults."""
    lines = [f"{each.name} = {source_of(each.default)}" for each in parameters]
    source = "\n".join(["# Parameters: papermill and -p override them.", *lines])
    metadata = {"tags": ["parameters"], "mlops": {"role": "parameters"}}
    made: NotebookNode = new_code_cell(source, metadata=metadata)  # type: ignore[no-untyped-call]
    return made


def _check_reassigned(notebook: NotebookNode, values: Mapping[str, Any]) -> None:
    """Refuse when a literal after the parameters cell would silently undo an override."""
    start = parameters_cell(notebook) or 0
    for index, cell in enumerate(notebook.cells[start + 1 :], start + 1):
        if cell.cell_type != "code" or INJECTED in cell.metadata.get("tags", []):
            continue
        for binding in names_of(parse_cell(cell.source)).bindings:
            if binding.name in values and binding.obstacle is None:
                raise ParameterError(
                    f"{binding.name} cannot be overridden: cell {index + 1} assigns it again, after the "
                    "parameters cell. Take that line out."
                )
