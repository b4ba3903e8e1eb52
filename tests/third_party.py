"""The example of an executor that others add, with an ssh that stays on this host."""

from __future__ import annotations

import json
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "examples" / "executor"
SSH = """#!/bin/sh
for last; do :; done
exec sh -c "$last"
"""


def ssh_in(folder: Path) -> Path:
    """A folder for PATH in which ``ssh`` runs the command here."""
    folder.mkdir()
    (folder / "ssh").write_text(SSH)
    (folder / "ssh").chmod(0o755)
    return folder


def configure(home: Path, *, python: str) -> None:
    home.mkdir(exist_ok=True, mode=0o700)
    (home / "ssh.json").write_text(json.dumps({"host": "gpu2", "gpus": 2, "python": python}))
