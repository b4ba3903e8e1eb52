"""Outputs and whole runs, out of the workspace and back."""

from __future__ import annotations

import os
from dataclasses import replace as changed
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MlopsError
from ..workspace import current
from .reading import Run, id_of

if TYPE_CHECKING:
    from ..entities import RunDetail


def replay(run: str | Run, *, follow: bool = False) -> None:
    """Show everything that a run displayed, also of one that still runs or whose browser tab was closed.

    In a notebook: texts, figures, tables, and widgets in their last state; in a terminal: as text. With
    ``follow``, it goes on as outputs come, until the run has ended; interrupting that only stops the
    showing. Raises NotFound, Ambiguous.
    """
    from ..services.showing.replaying import replay, screen

    run_id = id_of(run)
    try:
        replay(lambda: detail_to_show(run_id), screen(), follow=follow)
    except KeyboardInterrupt:
        if not follow:
            raise


def detail_to_show(run_id: str) -> RunDetail:
    """A run with its outputs; for a job that ran a whole notebook, those of the executed notebook."""
    from ..services.showing.replaying import notebook_outputs

    detail = current().runs.detail(run_id)
    if detail.outputs or not detail.run.job_id:
        return detail
    try:
        outputs = notebook_outputs(current().jobs.output_notebook(detail.run.job_id))
    except (MlopsError, OSError, ValueError):
        return detail  # not begun, or its folder is elsewhere
    return changed(detail, outputs=outputs)


def export_run(run: str | Run, path: str | os.PathLike[str]) -> Path:
    """Write a run out as a new folder, or as a zip file where ``path`` ends so; returns the path.

    It holds the executed notebook, params, tags, metrics (CSV and Parquet), packages, artifacts, and all that
    another workspace needs to take the run in. Raises NotFound, Ambiguous, and Conflict where there is
    something already.
    """
    return current().exports.write(id_of(run), Path(path).expanduser())


def import_run(path: str | os.PathLike[str]) -> Run:
    """Take in a run that was exported elsewhere, with its id; one that is here already is left as it is.

    Everything is verified first. Models that it registered are loaded only with ``trust=True``.
    Raises NotFound, InvalidInput, Corrupt, and Conflict when the run is here with other content.
    """
    return Run(current().imports.read(Path(path).expanduser()).run.id)
