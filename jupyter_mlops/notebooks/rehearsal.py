"""What libraries make once, when they are first used, made before workers are forked (``warm.nursery``)."""

from __future__ import annotations

from .papermill_import import import_papermill

MINOR_VERSIONS = (4, 5)
"""Of the notebook format 4: without and with ids of cells."""


def rehearse() -> None:
    """Have what reads a notebook, and what chooses who starts a kernel, do so once."""
    import_papermill()
    import nbformat
    from jupyter_client.provisioning.factory import KernelProvisionerFactory
    from nbformat.v4 import new_code_cell, new_notebook

    for minor in MINOR_VERSIONS:
        notebook = new_notebook(cells=[new_code_cell("1")])  # type: ignore[no-untyped-call]
        if minor < 5:
            del notebook.cells[0]["id"]
        notebook.nbformat_minor = minor
        text = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
        nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]  # compiles the schema
    KernelProvisionerFactory.instance()  # looks through all installed packages
