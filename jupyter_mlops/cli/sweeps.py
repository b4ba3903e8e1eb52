"""``sweeps``, and ``show`` of a sweep."""

from __future__ import annotations

from argparse import Namespace

from ..entities import Sweep, SweepDetail, short_id
from ..services.rows import sweep_row
from ..services.showing.sweeps import best_text, ended_trials, goal_text, sweep_text
from ..services.showing.tables import when
from ..workspace import current
from .tables import console, print_json, print_table

COLUMNS = ("id", "name", "status", "submitted", "trials", "goal", "best", "reason")


def list_sweeps(arguments: Namespace) -> int:
    """``jupyter mlops sweeps``."""
    found = current().sweeps.search(status=arguments.status, limit=arguments.limit)
    if arguments.json:
        print_json([sweep_row(sweep) for sweep in found])
    elif found:
        print_sweeps(found)
    else:
        some = "No sweeps match." if arguments.status else "No sweeps yet: %%submit -p lr=0.1,0.01 makes one."
        console().print(some)
    return 0


def print_sweeps(sweeps: list[Sweep], title: str = "Sweeps") -> None:
    """A table of sweeps for people."""
    rows = [
        (
            short_id(sweep.id),
            sweep.spec.name,
            sweep.status.value,
            when(sweep.spec.submitted_at),
            f"{ended_trials(sweep)}/{sweep.spec.trials}",
            goal_text(sweep),
            best_text(sweep),
            sweep.reason,
        )
        for sweep in sweeps
    ]
    print_table(title, COLUMNS, rows)


def print_sweep(detail: SweepDetail) -> None:
    """All of a sweep, with its trials, the best first."""
    print(sweep_text(detail))
