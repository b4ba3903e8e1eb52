"""``%mlops reproduce ID``."""

from __future__ import annotations

import json

from ..capture.history import on_job_use
from ..services.reproduction.showing import as_text
from ..wire import to_json
from ..workspace import Workspace


def reproduce(workspace: Workspace, run_id: str, *, as_json: bool) -> str:
    """Make a run again as a job, wait for its end, and say how it came out."""
    for hook in on_job_use:
        hook()
    begun = workspace.reproduction.start(run_id)
    for each in begun.warnings:
        print(f"Note: {each}")
    report = workspace.reproduction.wait(begun.job_id)
    return json.dumps(to_json(report), indent=2) if as_json else as_text(report)
