"""Which home a schedule is of, and whether its folder is still there."""

from __future__ import annotations

import contextlib

from ...config import Settings
from ...entities import Schedule, is_id
from ...errors import Unavailable
from ...protocols.schedules import ScheduleStore
from .folder import ScheduleFolder


def lies_here(schedule: Schedule, settings: Settings) -> bool:
    """Whether its folder is in this home: others may keep their schedules in the same database."""
    return ScheduleFolder.find(settings.home, schedule.id) is not None


def is_lost(schedule: Schedule, settings: Settings) -> bool:
    """Whether its folder should be in this home, and is not."""
    made_in = (schedule.spec.host, schedule.spec.home)
    is_of_here = made_in == (settings.host, str(settings.home)) and is_id(schedule.id)
    return is_of_here and not lies_here(schedule, settings)


def say_that_it_is_lost(schedule: Schedule, store: ScheduleStore, settings: Settings) -> None:
    """Else nobody would know why it does not run: without its folder it is nobody's to run."""
    folder = ScheduleFolder.of(settings.home, schedule.id).path
    reason = (
        f"it does not run: its folder {folder}, with its notebook and environment, is gone. Bring that back, "
        "or delete the schedule and make it anew"
    )
    if schedule.reason != reason:
        with contextlib.suppress(Unavailable):
            store.update(schedule, reason=reason)
