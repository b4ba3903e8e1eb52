"""Where schedules are kept."""

from __future__ import annotations

from typing import Any, Protocol

from ..entities import Schedule


class ScheduleStore(Protocol):
    """One row a schedule. Its runs are no rows of their own: they are the jobs that name it.

    Every change takes a new ``seq``, and an update is refused when the row has changed since it was read.
    """

    def add(self, schedule: Schedule) -> Schedule:
        """Keep a new schedule, with an audit entry. Raises Conflict when there is one with its id."""
        ...

    def get(self, schedule_id: str) -> Schedule:
        """The schedule; a unique end (at least 4 characters) of its id will do.

        Raises NotFound, Ambiguous.
        """
        ...

    def search(self, *, enabled: bool | None = None, limit: int = 100, offset: int = 0) -> list[Schedule]:
        """The matching schedules, newest first."""
        ...

    def enabled(self) -> list[Schedule]:
        """All that are not paused, oldest first."""
        ...

    def update(self, schedule: Schedule, /, **changes: Any) -> Schedule | None:
        """Set fields of a schedule as it was read; None when its row has changed meanwhile."""
        ...

    def switch(
        self, schedule: Schedule, *, enabled: bool, next_at: float | None, user: str, time: float
    ) -> Schedule | None:
        """Pause it or have it go on, with an audit entry. None as for ``update``."""
        ...

    def ran(self, schedule: Schedule, job_id: str, *, user: str, time: float) -> Schedule | None:
        """Note a run that somebody asked for, with an audit entry. None as for ``update``."""
        ...

    def remove(self, schedule: Schedule, *, user: str, time: float) -> bool:
        """Forget it, with an audit entry; False when its row was gone already."""
        ...

    def was_removed(self, schedule_id: str) -> bool:
        """Whether there was a schedule with that whole id, and somebody has deleted it here."""
        ...

    def changes(self, since: int) -> tuple[int, list[str]]:
        """The present ``seq``, and the ids of the schedules that changed after ``since``."""
        ...
