"""What the kernel was seen to read: the files in the records of runs of the very same cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ...capture.redact import redact_source
from ...entities import RunDetail, RunPage
from ...notebooks.source import without_track

MOST_RUNS = 200


class Runs(Protocol):
    """What is needed of the runs' service."""

    def search(self, filter: str = "", *, limit: int = 100, total: bool = True) -> RunPage:
        """One page of runs, newest first."""
        ...

    def detail(self, run_id: str, *, digests_wait_s: float = 0.0) -> RunDetail:
        """All that is known of a run."""
        ...


def recorded_reads(runs: Runs, sources: Sequence[str], notebook: str | None) -> list[str]:
    """Paths of files, and of folders, that the newest runs of these cells of the notebook have read."""
    if notebook is None:
        return []
    cells = {_text(each) for each in sources}
    found: dict[str, None] = {}
    for run in runs.search(limit=MOST_RUNS, total=False).runs:
        if run.notebook != notebook:
            continue
        detail = runs.detail(run.id, digests_wait_s=0.0)
        if _text(detail.source) in cells:
            found.update(dict.fromkeys(each.uri for each in detail.data if "://" not in each.uri))
    return list(found)


def _text(source: str) -> str:
    """A cell as a run's record has it."""
    return redact_source(without_track(source)).strip()
