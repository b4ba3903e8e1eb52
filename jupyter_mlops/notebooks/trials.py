"""A trial's notebook: the sweep's, with the trial's values put in."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from typing import Any

import nbformat
from nbformat import NotebookNode

from .files import encoded
from .injection import INJECTED, inject, is_python

FIXED = "fixed-parameters"


def trial_notebook(template: bytes, values: Mapping[str, Any]) -> bytes:
    """The notebook with one more cell of parameters, after those that are the same for all trials."""
    notebook = nbformat.reads(template.decode(), as_version=4)  # type: ignore[no-untyped-call]
    fixed = [cell for cell in notebook.cells if INJECTED in cell.metadata.get("tags", [])]
    for cell in fixed:
        cell.metadata["tags"] = [FIXED if tag == INJECTED else tag for tag in cell.metadata["tags"]]
        if is_python(notebook):
            cell.source = _without(cell.source, values)
    shared = dict(notebook.metadata.get("papermill", {}).get("parameters", {}))
    inject(notebook, values)
    if fixed:
        _move_after(notebook, fixed[-1])
        notebook.metadata.papermill.parameters = {**shared, **notebook.metadata.papermill.parameters}
    return encoded(notebook)


def _move_after(notebook: NotebookNode, fixed: NotebookNode) -> None:
    """The cell of the trial's values."""
    (made,) = [cell for cell in notebook.cells if INJECTED in cell.metadata.get("tags", [])]
    notebook.cells.remove(made)
    notebook.cells.insert(notebook.cells.index(fixed) + 1, made)


def _without(source: str, names: Collection[str]) -> str:
    """The source without the lines that assign an example of what the trial assigns."""
    lines = source.splitlines()
    for node in reversed(ast.parse(source).body):
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(target, ast.Name) and target.id in names:
            del lines[node.lineno - 1 : node.end_lineno]
    return "\n".join(lines)
