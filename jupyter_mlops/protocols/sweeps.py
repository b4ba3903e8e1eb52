"""Where sweeps are kept, and what they need to know of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ..entities import History, Run, Sweep, SweepStatus
from .jobs import JobRuns


class SweepStore(Protocol):
    """One row a sweep. Its trials are no rows of their own: they are the jobs that name the sweep.

    Every change takes a new ``seq``, and an update is refused when the row has changed since it was read.
    """

    def add(self, sweep: Sweep) -> Sweep:
        """Keep a new sweep, with an audit entry. Raises Conflict when there is one with its id."""
        ...

    def get(self, sweep_id: str) -> Sweep:
        """The sweep; a unique end (at least 4 characters) of its id will do. Raises NotFound, Ambiguous."""
        ...

    def search(self, *, status: SweepStatus | None = None, limit: int = 100, offset: int = 0) -> list[Sweep]:
        """The matching sweeps, newest first."""
        ...

    def open(self) -> list[Sweep]:
        """All sweeps that have not ended, oldest first."""
        ...

    def update(self, sweep: Sweep, /, **changes: Any) -> Sweep | None:
        """Set fields of a sweep as it was read; None when its row has changed meanwhile."""
        ...

    def request_cancel(self, sweep: Sweep, *, user: str, time: float) -> Sweep | None:
        """Mark it, with an audit entry. None as for ``update``."""
        ...

    def changes(self, since: int) -> tuple[int, list[str]]:
        """The present ``seq``, and the ids of the sweeps that changed after ``since``."""
        ...


class SweepRuns(JobRuns, Protocol):
    """What sweeps need to know of runs."""

    def children(self, run_id: str) -> Sequence[Run]:
        """The runs whose parent it is, oldest first."""
        ...

    def histories(self, run_ids: Sequence[str], names: Sequence[str]) -> Sequence[History]:
        """Metrics of several runs; a metric that a run has not is left out."""
        ...
