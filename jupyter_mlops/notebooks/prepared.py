"""A notebook from disk made ready to run as a job: checked, and its parameters put in."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from ..entities import Distribution, Parameter
from ..errors import InvalidInput, ParameterError
from .carried import ROLE
from .distributions import example_of
from .injection import INJECTED, inject
from .languages import check_reassigned, is_python, language_of
from .names import names_of
from .overrides import Code, override
from .parameters import ANNOTATIONS, check_names, fit_all, parameters_cell, parameters_of, sweeps
from .source import parse_cell, syntax_problem
from .values import source_of


@dataclass(frozen=True, slots=True)
class Prepared:
    """A notebook with its parameters injected, and the values in their types; of what is searched over
    (``space``) they are examples.
    """

    notebook: NotebookNode
    values: dict[str, Any]
    space: dict[str, Distribution] = field(default_factory=dict)


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
        values = _of_another_language(notebook, given, where)
    elif parameters_cell(notebook) is None:
        values = _override(notebook, given, where)
    else:
        known = parameters_of(notebook)
        check_names(given, [each.name for each in known], where=f"the parameters cell of {where}")
        values = fit_all(given, known)
        _check_reassigned(notebook, values)
    space = {name: value for name, value in values.items() if isinstance(value, Distribution)}
    values = values | {name: example_of(each) for name, each in space.items()}
    inject(notebook, values)
    return Prepared(notebook, values, space)


def _of_another_language(notebook: NotebookNode, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Names are checked where a parameters cell declares some: of other cells not all is understood."""
    known, index = parameters_of(notebook), parameters_cell(notebook)
    if known:
        check_names(given, [each.name for each in known], where=f"the parameters cell of {where}")
    check_reassigned(notebook, given, after=index)
    return fit_all(given, known)


def with_loading(notebook: NotebookNode, source: str) -> NotebookNode:
    """A copy with a cell that loads carried objects, after the parameters. Raises InvalidInput."""
    if not is_python(notebook):
        raise InvalidInput(
            f"Objects of this kernel cannot be carried to a notebook in {language_of(notebook)}."
        )
    notebook = copy.deepcopy(notebook)
    tagged = [
        index
        for index, cell in enumerate(notebook.cells)
        if {"parameters", INJECTED} & set(cell.metadata.get("tags", []))
    ]
    metadata = {"tags": [], "mlops": {"role": ROLE}}
    made = new_code_cell(source, metadata=metadata)  # type: ignore[no-untyped-call]
    notebook.cells.insert(tagged[-1] + 1 if tagged else 0, made)
    return notebook


def _override(notebook: NotebookNode, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Rewrite the cells and put a parameters cell first."""
    code = [(index, cell) for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    advice = f"{where} (it has no cell tagged 'parameters'; literals that cells assign were looked at)"
    result = override([Code(f"cell {index + 1}", cell.source) for index, cell in code], given, where=advice)
    for (_, cell), source in zip(code, result.sources, strict=True):
        cell.source = source
    notebook.cells.insert(0, parameters_cell_of(result.parameters))
    return {**result.values, **result.space}


def parameters_cell_of(parameters: Sequence[Parameter]) -> NotebookNode:
    """A cell tagged ``parameters`` that assigns the defaults, each with its type."""
    lines = [_assignment(each) for each in parameters]
    source = "\n".join(["# Parameters: papermill and -p override them.", *lines])
    metadata = {"tags": ["parameters"], "mlops": {"role": "parameters"}}
    made: NotebookNode = new_code_cell(source, metadata=metadata)  # type: ignore[no-untyped-call]
    return made


def _assignment(parameter: Parameter) -> str:
    """With its type and what the comment beside it said, as papermill reads them."""
    kind = f": {parameter.type}" if parameter.type in ANNOTATIONS else ""
    comment = f"  # {parameter.help}" if parameter.help else ""
    return f"{parameter.name}{kind} = {source_of(parameter.default)}{comment}"


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
