"""A run as an executed notebook that any Jupyter opens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nbformat import NotebookNode, from_dict, validate
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ..capture.widgets import STATE
from ..entities import Output, RunDetail
from .files import encoded


def executed_notebook(
    detail: RunDetail, history: Sequence[Mapping[str, Any]] = (), *, title: str = ""
) -> bytes:
    """The cells that ran before, then the run's own with its outputs.

    ``history`` are the cells of the run's recorded history (``number``, ``source``), in their order.
    """
    notebook: NotebookNode = new_notebook()  # type: ignore[no-untyped-call]
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
    }
    notebook.metadata["mlops"] = {"run": detail.run.id}
    if detail.widgets is not None:
        notebook.metadata["widgets"] = {STATE: detail.widgets}
    cells = [new_markdown_cell(title)] if title else []  # type: ignore[no-untyped-call]
    for cell in history:
        cells.append(_cell(str(cell.get("source", "")), cell.get("number"), "history"))
    own = _cell(detail.source, None, "run")
    own["outputs"] = [_output(each) for each in detail.outputs]
    notebook.cells = [*cells, own]
    validate(notebook)
    return encoded(notebook)


def _cell(source: str, number: Any, role: str) -> NotebookNode:
    cell: NotebookNode = new_code_cell(source, metadata={"mlops": {"role": role}})  # type: ignore[no-untyped-call]
    cell["execution_count"] = number if isinstance(number, int) and number > 0 else None
    return cell


def _output(output: Output) -> NotebookNode:
    text = str(output.data.get("text/plain", ""))
    if output.kind == "stream":
        made: dict[str, Any] = {"name": output.name or "stdout", "text": text}
    elif output.kind == "error":
        last = text.strip().splitlines()[-1:] or [""]
        made = {"ename": output.name or "Error", "evalue": last[0], "traceback": text.split("\n")}
    else:
        made = {"data": output.data, "metadata": output.metadata}
        if output.kind == "execute_result":
            made["execution_count"] = None
    node: NotebookNode = from_dict({"output_type": output.kind, **made})  # type: ignore[no-untyped-call]
    return node
