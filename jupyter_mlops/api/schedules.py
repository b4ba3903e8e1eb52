"""Schedules: notebooks and cells that run again and again."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ..entities import short_id
from ..services.rows import SCHEDULE_COLUMNS, schedule_row
from ..workspace import current
from .jobs import Job, used

if TYPE_CHECKING:
    import pandas as pd

    from .. import entities


def schedule(schedule_id: str) -> Schedule:
    """One schedule, by its id or a unique end of it. Raises NotFound or Ambiguous."""
    return Schedule(current().schedules.get(schedule_id))


def schedules(*, limit: int = 100) -> pd.DataFrame:
    """Schedules as a DataFrame, newest first; ``next`` and ``last`` are times of runs."""
    import pandas as pd

    rows = [schedule_row(each) for each in current().schedules.search(limit=limit)]
    names = sorted({name for row in rows for name in row if name not in SCHEDULE_COLUMNS})
    table = pd.DataFrame(rows, columns=[*SCHEDULE_COLUMNS, *names])
    for column in ("next", "last"):
        table[column] = pd.to_datetime(table[column], utc=True)
    return table


class Schedule:
    """One schedule. Its properties show its present state; nothing is cached but the last reading."""

    def __init__(self, entity: entities.Schedule) -> None:
        self._entity = entity

    @property
    def id(self) -> str:
        return self._entity.id

    @property
    def spec(self) -> entities.ScheduleSpec:
        return self._entity.spec

    @property
    def entity(self) -> entities.Schedule:
        """The last reading; ``refresh`` makes a new one."""
        return self._entity

    @property
    def name(self) -> str:
        return self.spec.name

    def refresh(self) -> entities.Schedule:
        """Read the schedule's present state. Raises NotFound once it was deleted."""
        used()
        self._entity = current().schedules.get(self.id)
        return self._entity

    @property
    def enabled(self) -> bool:
        """Whether it goes on; else it is paused."""
        return self.refresh().enabled

    @property
    def next_run(self) -> datetime | None:
        """When its next run is due, in its time zone; None while it is paused."""
        due = self.refresh().next_at
        return None if due is None else datetime.fromtimestamp(due, ZoneInfo(self.spec.timing.timezone))

    @property
    def reason(self) -> str:
        """What somebody should know: a run that was left out or could not be queued; else empty."""
        return self.refresh().reason

    @property
    def jobs(self) -> list[Job]:
        """Its runs, newest first."""
        used()
        return [Job(each) for each in current().schedules.jobs(self.id)]

    def pause(self) -> Schedule:
        """Queue no more runs until ``resume``; those that there are go on."""
        used()
        self._entity = current().schedules.pause(self.id)
        return self

    def resume(self) -> Schedule:
        """Go on from now; what would have run while it was paused is not caught up."""
        used()
        self._entity = current().schedules.resume(self.id)
        return self

    def run_now(self) -> Job:
        """One run more, at once, whatever the time and whether it is paused or not."""
        used()
        return Job(current().schedules.run_now(self.id))

    def delete(self) -> None:
        """Forget it, with the environment that it kept; its runs stay as they are."""
        used()
        self._entity = current().schedules.delete(self.id)

    def __repr__(self) -> str:
        from ..services.schedules.occurrences import in_words, said

        entity, timing = self._entity, self.spec.timing
        due = "paused" if entity.next_at is None else f"next {said(timing, entity.next_at)}"
        reason = f": {entity.reason}" if entity.reason else ""
        return f"Schedule({short_id(self.id)}, {self.name!r}, {in_words(timing)}, {due}{reason})"
