"""Notebooks that make a run once more: from the recorded history of a cell, or from an executed notebook."""

from __future__ import annotations

import builtins
import copy
from collections.abc import Mapping, Sequence
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_notebook

from ..capture.history import ExecutedCell
from ..capture.redact import REDACTED
from ..entities import Parameter
from ..errors import InvalidInput
from .injection import inject
from .names import names_of
from .prepared import parameters_cell_of
from .promotion import SETUP, kernel_metadata, made_cell, replay_of, tracked
from .removal import is_code
from .slicing import Slice, dependencies
from .source import parse_cell

JOB_MAGICS = ("submit", "mlops")


def rebuilt(
    cells: Sequence[ExecutedCell], target: str, *, name: str, values: Mapping[str, Any]
) -> NotebookNode:
    """The notebook that replays ``cells`` in their order, and then runs ``target`` as the run ``name``.

    ``values`` are assigned first. A cell that raised is replayed up to where it raises again.
    """
    notebook: NotebookNode = new_notebook(metadata=kernel_metadata())  # type: ignore[no-untyped-call]
    kept = [(cell, source) for cell in cells if is_code(source := replay_of(cell.source))]
    parameters = [
        Parameter(name=key, default=value, type=type(value).__name__) for key, value in values.items()
    ]
    notebook.cells = [
        *([parameters_cell_of(parameters)] if parameters else []),
        made_cell(SETUP, "setup"),
        *(made_cell(_forgiving(cell, source), "replay", cell) for cell, source in kept),
        made_cell(tracked(target, name), "submitted"),
    ]
    if values:
        inject(notebook, values)
    return notebook


def _forgiving(cell: ExecutedCell, source: str) -> str:
    return source if cell.ok else f"get_ipython().run_cell({source!r}).success"


def unbound(cells: Sequence[ExecutedCell], target: str) -> set[str]:
    """The names that these cells read and that none of them binds."""
    bound: set[str] = set()
    missing: set[str] = set()
    for source in [*(each.source for each in cells), target]:
        names = names_of(parse_cell(source))
        missing |= names.reads - bound
        bound |= names.bound
    return missing - set(dir(builtins))


def again(data: bytes) -> NotebookNode:
    """An executed notebook as it was before: without outputs and without what papermill noted.

    Raises InvalidInput for what is no notebook.
    """
    try:
        notebook: NotebookNode = nbformat.reads(data.decode(), as_version=4)  # type: ignore[no-untyped-call]
    except (ValueError, nbformat.ValidationError) as error:
        raise InvalidInput(f"The recorded notebook cannot be read: {error}") from error
    notebook = copy.deepcopy(notebook)
    parameters = notebook.metadata.get("papermill", {}).get("parameters", {})
    notebook.metadata["papermill"] = {"parameters": parameters}
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        cell.metadata.setdefault("tags", [])
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def randomness(notebook: NotebookNode) -> Slice:
    """What of a notebook, run from top to bottom, draws random numbers that no seed decides."""
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    cells = [ExecutedCell(number, source, True) for number, source in enumerate(sources, 1)]
    return dependencies(cells, "")


def hides_secrets(sources: Sequence[str]) -> bool:
    """Whether a secret was taken out of one of the sources."""
    return any(REDACTED in each for each in sources)
