"""``usage``."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..entities import Usage, UsageReport
from ..services.quantities import duration_text
from ..services.showing.tables import when
from ..services.usage.service import usage_row
from ..workspace import current
from .tables import console, print_json, print_table

COLUMNS = ("attempts", "failed", "GPU h", "idle GPU h", "GPU load", "CPU h", "asked", "memory", "mean wait")


def show_usage(arguments: Namespace) -> int:
    """``jupyter mlops usage``."""
    report = current().usage.report(arguments.by, since=arguments.since, user=arguments.user)
    if arguments.json:
        print_json([usage_row(each, report.by) for each in report.usage])
    elif report.usage:
        _print(report)
    else:
        console().print("No job has run in that time.")
    return 0


def _print(report: UsageReport) -> None:
    began = f"since {when(report.since)}" if report.since else "ever"
    rows = [*report.usage, *([report.total] if len(report.usage) > 1 else [])]
    print_table(f"Usage by {report.by}, {began}", (report.by, *COLUMNS), [_cells(row) for row in rows])
    if report.total.measured < report.total.attempts:
        console().print(f"Measured: {report.total.measured} of {report.total.attempts} attempts.")


def _cells(usage: Usage) -> tuple[Any, ...]:
    """``memory`` is how much of what was asked for was used at most."""
    asked, used = usage.memory_asked_gib_hours, usage.memory_used_gib_hours
    return (
        usage.group,
        usage.attempts,
        usage.failed + usage.lost or "",
        _hours(usage.gpu_hours),
        _hours(usage.gpu_idle_hours),
        "" if usage.gpu_load is None else f"{100 * usage.gpu_load:.0f} %",
        _hours(usage.cpu_hours),
        _hours(usage.cpu_asked_hours),
        f"{100 * used / asked:.0f} %" if asked else "",
        duration_text(usage.wait_mean_s),
    )


def _hours(hours: float) -> str:
    return f"{hours:.2f}" if hours >= 0.005 else "0" if not hours else "<0.01"
