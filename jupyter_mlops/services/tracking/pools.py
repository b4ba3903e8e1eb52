"""Workers of process pools: they outlive the run that they were made in and are given the next one's tasks.

Such a worker belongs to the run that the process which made it has open *now*. Any other child process (a
script in the background, say) belongs to the run it was started in, and to none after that run's end.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ...capture.processes import ancestors
from ...journal.layout import active_journals
from ...journal.reader import read_chunk
from ...journal.records import Start
from .tails import has_ended

_WORKERS = frozenset(
    (
        "concurrent.futures.process",
        "joblib.externals.loky.process_executor",
        "loky.process_executor",
        "multiprocessing.pool",
        "torch.utils.data._utils.worker",
    )
)
"""The modules of the functions that workers execute."""
_FIRST_BYTES = 64 * 1024


def in_pool_worker() -> bool:
    """Whether this process is a worker of a pool (multiprocessing's kin; their workers are its processes)."""
    process: Any = sys.modules.get("multiprocessing.process")
    if process is None:
        return False
    target = getattr(process.current_process(), "_target", None)
    return getattr(target, "__module__", None) in _WORKERS


def run_of_makers(home: Path) -> str | None:
    """The run that a process above this one has open, of nested ones the innermost; None for several."""
    makers = ancestors()
    opened: dict[str, str | None] = {}
    for run_id, start in _started(home):
        if start.process in makers and not has_ended(home, run_id):
            opened[run_id] = start.parent_id
    innermost = set(opened) - set(opened.values())
    return innermost.pop() if len(innermost) == 1 else None


def _started(home: Path) -> list[tuple[str, Start]]:
    """The runs that may be open, with their first records."""
    try:
        keys = active_journals(home)
    except OSError:
        return []
    first = ((key.run_id, read_chunk(key.path(home), limit=_FIRST_BYTES).records[:1]) for key in keys)
    return [(run_id, records[0]) for run_id, records in first if records and isinstance(records[0], Start)]
