"""Where journals lie below the home folder.

``runs/<run id>/journal/<writer>.jsonl`` holds the records, ``active/<run id>.<writer>`` is an empty file
made before the journal's first byte, so that readers need to scan only ``active/``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SUFFIX = ".jsonl"
IMPORTED = "imported.json"
"""In the folder of a run that came from another workspace: from where, and what it may register here."""


@dataclass(frozen=True, slots=True, order=True)
class JournalKey:
    """One writer's journal of one run."""

    run_id: str
    writer: str

    def path(self, home: Path) -> Path:
        return home / "runs" / self.run_id / "journal" / (self.writer + SUFFIX)

    def active_entry(self, home: Path) -> Path:
        return home / "active" / f"{self.run_id}.{self.writer}"


def active_journals(home: Path) -> list[JournalKey]:
    """The journals that may still grow or may not be in the index yet, oldest run first."""
    try:
        names = os.listdir(home / "active")
    except FileNotFoundError:
        return []
    return sorted(JournalKey(*name.split(".", 1)) for name in names if "." in name)


def all_journals(home: Path) -> Iterator[JournalKey]:
    """Every journal below ``home``, oldest run first."""
    runs = os.path.join(home, "runs")
    for run_id in _names(runs):
        for name in _names(os.path.join(runs, run_id, "journal")):
            if name.endswith(SUFFIX):
                yield JournalKey(run_id, name.removesuffix(SUFFIX))


def _names(folder: str) -> list[str]:
    """What lies in a folder, sorted; nothing where there is none."""
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def retire(home: Path, key: JournalKey) -> None:
    """Take the journal out of the readers' scan; another reader may have done it already."""
    key.active_entry(home).unlink(missing_ok=True)


def output_tails(home: Path, run_id: str) -> Path:
    """Where the end of a long output waits for its cell's end, and stays when that never comes."""
    return home / "runs" / run_id / "outputs"
