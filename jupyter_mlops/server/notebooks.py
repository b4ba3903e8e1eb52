"""What the "Run as batch job" dialog asks about a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from ..notebooks.files import read_notebook
from ..notebooks.languages import language_of
from ..notebooks.parameters import parameters_cell, parameters_of
from ..notebooks.proposals import parameters_cell_for, proposals_of
from ..services.schedules.occurrences import local_timezone
from .base import MlopsHandler
from .places import notebook_below

if TYPE_CHECKING:
    from pathlib import Path

    from ..workspace import Workspace

MOST_NAMES = 1000


class ParametersHandler(MlopsHandler):
    """``notebooks/parameters?path=``: what the notebook takes, and what there is to run it on.

    Without a parameters cell (``tagged`` is false), ``proposals`` are literals that could be parameters.
    """

    @web.authenticated
    @authorized
    async def get(self) -> None:
        path, root = self.needed("path"), self.root
        await self.answer(lambda workspace: _parameters(workspace, notebook_below(root, path)))


class ParametersCellHandler(MlopsHandler):
    """``notebooks/parameters/cell?path=&name=``: how the notebook gets a parameters cell with these names.

    Nothing is written: whoever holds the document makes the edits.
    """

    @web.authenticated
    @authorized
    async def get(self) -> None:
        path, root = self.needed("path"), self.root
        names = self.several("name", most=MOST_NAMES)
        await self.answer(lambda _: parameters_cell_for(read_notebook(notebook_below(root, path)), names))


def _parameters(workspace: Workspace, path: Path) -> dict[str, Any]:
    slots = workspace.jobs.slots()
    notebook = read_notebook(path)
    return {
        "parameters": parameters_of(notebook),
        "tagged": parameters_cell(notebook) is not None,
        "proposals": proposals_of(notebook),
        "language": language_of(notebook),
        "gpus": len(slots),
        "virtual": any(slot.virtual for slot in slots),
        "executors": sorted(workspace.executors),
        "timezone": local_timezone(),
    }
