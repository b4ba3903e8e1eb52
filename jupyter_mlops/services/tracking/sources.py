"""The code of a run, for a process that has joined it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...capture.redact import redact_source
from ...journal.reader import read_chunk
from ...journal.records import Source
from .tails import oldest_journals

HEAD_BYTES = 4 * 1024 * 1024


def code_of_run(home: Path, run_id: str, job_id: str | None) -> str:
    """What its owner recorded near the beginning, else the notebook of its job; empty where neither is there.

    A job's run records no code: its notebook lies in the job's folder.
    """
    return _recorded(home, run_id) or (_of_job(home, job_id) if job_id else "")


def _recorded(home: Path, run_id: str) -> str:
    for path in oldest_journals(home, run_id):
        try:
            records = read_chunk(path, limit=HEAD_BYTES).records
        except OSError:
            continue
        for record in records:
            if isinstance(record, Source):
                return record.text
    return ""


def _of_job(home: Path, job_id: str) -> str:
    try:
        notebook = json.loads((home / "jobs" / job_id / "input.ipynb").read_bytes())
        cells = [_text(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return redact_source("\n\n".join(f"# %%\n{cell}" for cell in cells if cell))


def _text(source: Any) -> str:
    """A cell's source is a text, or a list of its lines."""
    return source if isinstance(source, str) else "".join(source)
