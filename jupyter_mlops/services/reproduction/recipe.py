"""How a recorded run is made again: its notebook, and the surroundings that it needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec

from ...capture.history import ExecutedCell
from ...config import Settings
from ...entities import JobSpec, RunDetail, RunKind, short_id
from ...errors import InvalidInput, NotFound
from ...protocols.blobs import BlobStore
from ..jobs.folder import JobFolder

EXECUTED = "notebook.ipynb"
"""The artifact that holds the notebook which papermill executed."""


class _Entry(msgspec.Struct):
    """A cell of the recorded history."""

    number: int
    source: str
    ok: bool
    needed: bool
    why: str = ""
    cell_id: str | None = None


class Artifacts(Protocol):
    """Where the files of runs are read."""

    def artifact(self, run_id: str, name: str) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A notebook (nbformat's node) that is ready to run, and where."""

    notebook: Any
    name: str
    cwd: str
    interpreter: str
    python_path: list[str] = field(default_factory=list)
    params: Mapping[str, Any] = field(default_factory=dict)
    promoted: bool = False
    spec: JobSpec | None = None
    """The job's, where the run was a job's."""
    warnings: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def recipe_of(detail: RunDetail, *, blobs: BlobStore, artifacts: Artifacts, settings: Settings) -> Recipe:
    """Raises InvalidInput for a run that cannot be made again, and NotFound where its files are gone."""
    kind = detail.run.kind
    if kind is RunKind.JOB:
        return _of_job(detail, settings)
    if kind is RunKind.NOTEBOOK:
        return _of_notebook(detail, artifacts)
    if kind is RunKind.SCRIPT:
        raise InvalidInput(
            f"Run {short_id(detail.run.id)} was tracked in a script: only cells, notebooks and jobs can be "
            "reproduced. Run the script again, and compare: mlops.compare(a, b)."
        )
    return _of_cell(detail, blobs)


def _of_cell(detail: RunDetail, blobs: BlobStore) -> Recipe:
    from ...notebooks.rebuilding import hides_secrets, rebuilt, unbound

    history = _history(detail)
    entries = _entries(blobs.get(str(history["digest"])))
    cells = [ExecutedCell(each.number, each.source, each.ok, each.cell_id) for each in entries if each.needed]
    run = detail.run
    missing = unbound(cells, detail.source)
    values = {name: run.params[name] for name in sorted(missing & run.params.keys())}
    warnings = _beforehand(history)
    if hides_secrets([*(each.source for each in cells), detail.source]):
        warnings.append("the code held secrets, which are not recorded: [redacted] stands in their place")
    raised = [each.number for each in cells if not each.ok]
    if raised:
        warnings.append(f"cells {', '.join(map(str, raised))} raised, and are replayed up to there")
    return Recipe(
        notebook=rebuilt(cells, detail.source, name=run.name, values=values),
        name=run.name,
        cwd=_folder(history.get("cwd"), _parent(run.notebook)),
        interpreter=_interpreter(detail),
        python_path=[str(each) for each in history.get("python_path") or ()],
        params=values,
        promoted=True,
        warnings=warnings,
        left_out=[
            f"cell {each.number} ({_first_line(each.source)}): {each.why}"
            for each in entries
            if not each.needed
        ],
    )


def _history(detail: RunDetail) -> Mapping[str, Any]:
    history = detail.context.get("history")
    if not isinstance(history, Mapping) or not history.get("digest") or not detail.source:
        raise InvalidInput(
            f"Run {short_id(detail.run.id)} has no recorded history: it was tracked by an older version, or "
            "ended before its history was written. Run its cell again under %%track, and reproduce that run."
        )
    return history


def _entries(data: bytes) -> list[_Entry]:
    try:
        return msgspec.json.decode(data, type=list[_Entry])
    except msgspec.DecodeError as error:
        raise InvalidInput(f"The recorded history cannot be read: {error}") from error


def _beforehand(history: Mapping[str, Any]) -> list[str]:
    found = []
    if history.get("in_order") is False:
        found.append(f"the notebook was not run from top to bottom: {history.get('reason')}")
    found += [f"not decided by the code: {each}" for each in history.get("undecided") or ()]
    found += [f"no seed decides what is drawn: {each}" for each in history.get("unseeded") or ()]
    return found


def _of_job(detail: RunDetail, settings: Settings) -> Recipe:
    from ...notebooks.rebuilding import again, randomness

    run = detail.run
    folder = JobFolder.of(settings.home, run.job_id or "")
    if run.job_id is None or not folder.exists() or not folder.input.exists():
        raise NotFound(
            f"Run {short_id(run.id)} was the job {run.job_id}, whose folder {folder.path} is not here: a job "
            "is reproduced where it was submitted."
        )
    spec = folder.spec()
    notebook = again(folder.input.read_bytes())
    return Recipe(
        notebook=notebook,
        name=spec.name,
        cwd=_folder(spec.cwd),
        interpreter=_interpreter(detail, spec.interpreter),
        python_path=spec.python_path,
        params=spec.params,
        promoted=spec.promoted,
        spec=spec,
        warnings=[f"no seed decides what is drawn: {each}" for each in randomness(notebook).unseeded],
    )


def _of_notebook(detail: RunDetail, artifacts: Artifacts) -> Recipe:
    from ...notebooks.rebuilding import again, randomness

    run = detail.run
    try:
        data = artifacts.artifact(run.id, EXECUTED)
    except NotFound as error:
        raise NotFound(
            f"Run {short_id(run.id)} has kept no notebook: it ended before {EXECUTED} was stored."
        ) from error
    notebook = again(data)
    return Recipe(
        notebook=notebook,
        name=run.name,
        cwd=_folder(_parent(run.notebook)),
        interpreter=_interpreter(detail),
        params=dict(notebook.metadata["papermill"]["parameters"]),
        warnings=[f"no seed decides what is drawn: {each}" for each in randomness(notebook).unseeded],
    )


def _interpreter(detail: RunDetail, *before: str) -> str:
    """The one that the run had, where it is still there; else this one."""
    for each in (detail.context.get("executable"), *before):
        if isinstance(each, str) and os.access(each, os.X_OK):
            return each
    return sys.executable


def _folder(*candidates: Any) -> str:
    for each in candidates:
        if isinstance(each, str) and os.path.isdir(each):
            return each
    return os.getcwd()


def _parent(notebook: str | None) -> str | None:
    return str(Path(notebook).parent) if notebook and os.path.isabs(notebook) else None


def _first_line(source: str) -> str:
    line = next((each.strip() for each in source.splitlines() if each.strip()), "")
    return line if len(line) <= 50 else line[:47] + "..."
