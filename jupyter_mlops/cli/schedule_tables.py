"""Schedules as tables and as text."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable

from ..entities import Schedule, ScheduleDetail
from ..services.rows import schedule_row
from ..services.showing.schedules import COLUMNS, schedule_cells, schedule_text
from .tables import print_json, print_table


def print_schedules(found: Iterable[Schedule], arguments: Namespace, *, title: str = "Schedules") -> None:
    """A table for people, or JSON."""
    found = list(found)
    if arguments.json:
        print_json([schedule_row(each) for each in found])
    else:
        print_table(title, COLUMNS, map(schedule_cells, found))


def print_schedule(detail: ScheduleDetail) -> None:
    """All of a schedule."""
    print(schedule_text(detail))
