"""Parameters put into a notebook as papermill does it: a tagged cell after the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from ..wire import to_json
from .languages import is_python, language_of, translated
from .parameters import parameters_cell
from .values import source_of

__all__ = ["INJECTED", "inject", "is_python", "language_of"]

INJECTED = "injected-parameters"


def inject(notebook: NotebookNode, values: Mapping[str, Any]) -> None:
    """Put the values into the notebook, in place of any that were injected before.

    Python values are written as they are (papermill would make strings of tuples and sets); for other
    languages papermill translates.
    """
    source = _assignments(values) if is_python(notebook) else translated(notebook, values)
    made = new_code_cell(source, metadata={"tags": [INJECTED]})  # type: ignore[no-untyped-call]
    cells = [cell for cell in notebook.cells if INJECTED not in cell.metadata.get("tags", [])]
    index = parameters_cell(notebook)
    place = 0 if index is None else cells.index(notebook.cells[index]) + 1
    notebook.cells = [*cells[:place], made, *cells[place:]]
    notebook.metadata.setdefault("papermill", {})["parameters"] = to_json(dict(values))


def _assignments(values: Mapping[str, Any]) -> str:
    lines = [f"{name} = {source_of(value)}" for name, value in values.items()]
    return "\n".join(["# Parameters", *lines])
