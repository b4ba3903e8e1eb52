"""Saved notebooks, as a client finds them below the server's root folder."""

from __future__ import annotations

from pathlib import Path

import nbformat


def save_notebook(path: Path, *cells: str, parameters: str = "") -> Path:
    """A notebook with these code cells, behind a cell tagged ``parameters``."""
    tagged = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    notebook = nbformat.v4.new_notebook(
        cells=[tagged, *map(nbformat.v4.new_code_cell, cells)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path
