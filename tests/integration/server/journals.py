"""Runs as other processes leave them: real journals, written with the journal's own writer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_mlops.artifacts.local import LocalBlobStore
from jupyter_mlops.entities import RunKind, RunStatus, new_id
from jupyter_mlops.journal import JournalWriter
from jupyter_mlops.journal.records import (
    Artifacts,
    Close,
    Context,
    Displayed,
    End,
    Params,
    Source,
    Start,
    Tags,
)

STARTED_AT = 1_700_000_000.0


class RunFiles:
    """Writes finished runs into a home folder; each is a minute later than the one before."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._blobs = LocalBlobStore(home / "blobs")
        self._minutes = 0

    def finished(
        self,
        name: str = "run",
        *,
        experiment: str = "digits",
        params: Mapping[str, Any] | None = None,
        metrics: Mapping[str, list[float]] | None = None,
        tags: Mapping[str, str] | None = None,
        artifacts: Mapping[str, tuple[str, bytes]] | None = None,
        source: str = "fit()",
        job_id: str | None = None,
        context: Mapping[str, Any] | None = None,
        printed: str = "",
        figure: str = "",
    ) -> str:
        """The new run's id.

        ``metrics`` are values by step, ``artifacts`` media types and contents, ``figure`` a PNG in base64.
        """
        self._minutes += 1
        now = STARTED_AT + 60 * self._minutes
        run_id = new_id(now)
        journal = JournalWriter(self._home, run_id, clock=lambda: now)
        kind = RunKind.JOB if job_id else RunKind.CELL
        journal.append(Start(name=name, experiment=experiment, kind=kind, user="ada", job_id=job_id))
        journal.append(Source(text=source))
        if context:
            journal.append(Context(values=dict(context)))
        if printed:
            journal.append(Displayed(message="stream", data={"text/plain": printed}, name="stdout"))
        if figure:
            journal.append(Displayed(message="display_data", data={"image/png": figure}))
        journal.append(Params(p=dict(params or {})))
        journal.append(Tags(g=dict(tags or {})))
        for metric, values in (metrics or {}).items():
            for step, value in enumerate(values):
                journal.metrics({metric: value}, step)
        for artifact, (media_type, content) in (artifacts or {}).items():
            blob = self._blobs.put(content)
            journal.append(
                Artifacts(
                    name=artifact, digest=blob.digest, size_bytes=blob.size_bytes, media_type=media_type
                )
            )
        journal.append(End(status=RunStatus.FINISHED))
        journal.append(Close())
        journal.close()
        return run_id


def write_in_another_process(home: Path, name: str) -> str:
    """A run that a process of its own wrote, and its id."""
    code = (
        "import sys; from pathlib import Path; "
        "from tests.integration.server.journals import RunFiles; "
        "print(RunFiles(Path(sys.argv[1])).finished(sys.argv[2]))"
    )
    command = [sys.executable, "-c", code, str(home), name]
    root = Path(__file__).parents[3]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=root, timeout=60
    ).stdout.strip()
