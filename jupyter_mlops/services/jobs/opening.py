"""Where a person finds an executed notebook: its failing cell, and a place that the Jupyter server shows."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ...entities import Job, short_id

SERVER_PID = "JPY_PARENT_PID"
SESSION = "JPY_SESSION_NAME"
"""What a Jupyter server tells a kernel: who it is, and the path of the notebook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A Jupyter server that runs on this host."""

    url: str
    root: Path
    pid: int

    def shows(self, path: Path) -> bool:
        """Whether its file browser does: below its root, and in no hidden folder."""
        try:
            relative = path.resolve().relative_to(self.root.resolve())
        except ValueError:
            return False
        return not any(part.startswith(".") for part in relative.parts)

    def link(self, path: Path) -> str:
        """The address of the file in JupyterLab."""
        relative = path.resolve().relative_to(self.root.resolve())
        return f"{self.url.rstrip('/')}/lab/tree/{quote(relative.as_posix())}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCell:
    """``index`` from 0 in the notebook, ``id`` as nbformat 4.5 has it, ``title`` for people."""

    index: int
    id: str | None
    title: str


def failed_cell(path: Path) -> FailedCell | None:
    """The cell at which the execution stopped; None where it went on to the end, or goes on."""
    try:
        cells: list[Any] = json.loads(path.read_bytes())["cells"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    for index, cell in enumerate(cells):
        about = cell.get("metadata", {})
        if about.get("papermill", {}).get("status") == "failed":
            return FailedCell(index=index, id=cell.get("id"), title=_title(about.get("mlops", {}), index))
    return None


def _title(about: Mapping[str, Any], index: int) -> str:
    if about.get("role") == "replay":
        return f"the replay of cell {about.get('number')}"
    names = {"submitted": "the submitted cell", "carry": "the cell that loads what is carried"}
    return names.get(str(about.get("role")), f"cell {index}")


def server_of(runtime: Path, environ: Mapping[str, str]) -> Server | None:
    """The server that started this kernel; None where none did, or it is on another host."""
    pid = environ.get(SERVER_PID, "")
    return _read(runtime / f"jpserver-{pid}.json") if pid.isdigit() else None


def servers(runtime: Path) -> Iterator[Server]:
    """All that run in this user's name."""
    for path in sorted(runtime.glob("jpserver-*.json")):
        server = _read(path)
        if server is not None and _lives(server.pid):
            yield server


def _read(path: Path) -> Server | None:
    """What a server writes of itself (jupyter_server's ``write_server_info_file``)."""
    try:
        found = json.loads(path.read_bytes())
        return Server(url=found["url"], root=Path(found["root_dir"]), pid=int(found["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def folder_of_kernel(server: Server | None, environ: Mapping[str, str]) -> Path | None:
    """Where the notebook lies whose kernel this is."""
    told = environ.get(SESSION, "")
    if not told:
        return None
    folder = ((server.root if server else Path.cwd()) / told).parent
    return folder if folder.is_dir() else None


def copy_for(job: Job, source: Path, folder: Path) -> Path:
    """The executed notebook in ``folder``, with the job in its name; one that was changed there is kept."""
    stem = re.sub(r"[^\w.-]+", "-", job.spec.name).strip("-.") or "job"
    target = folder / f"{stem}-{short_id(job.id)}.ipynb"
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        shutil.copyfile(source, target)
    return target
