"""Notebooks on disk."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat import NotebookNode

from ..errors import InvalidInput, NotFound


def read_notebook(path: Path) -> NotebookNode:
    """The notebook in nbformat 4's present form. Raises NotFound, or InvalidInput for anything else."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise NotFound(f"The notebook {str(path)!r} {what}. Paths are taken from {Path.cwd()}.")
    try:
        notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
        nbformat.validate(notebook)
    except Exception as error:
        raise InvalidInput(f"{str(path)!r} is no notebook that can be read: {_first_line(error)}") from error
    return upgraded(notebook)


def encoded(notebook: NotebookNode) -> bytes:
    """The notebook as its file has it."""
    text: str = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    return text.encode()


def upgraded(notebook: NotebookNode) -> NotebookNode:
    """With what papermill expects of any notebook: tags and its own metadata."""
    notebook.metadata.setdefault("papermill", {})
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])
    return notebook


def _first_line(error: Exception) -> str:
    if isinstance(error, (AttributeError, KeyError, TypeError)):  # nbformat, of JSON that is something else
        return "its JSON does not have the form of a notebook"
    return (str(error).strip() or type(error).__name__).splitlines()[0]
