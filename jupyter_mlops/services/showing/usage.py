"""Usage as text."""

from __future__ import annotations

from ...entities import Usage, UsageReport
from ..quantities import duration_text
from .tables import table

COLUMNS = ("attempts", "failed", "GPU h", "idle GPU h", "GPU load", "CPU h", "asked CPU h", "mean wait")


def usage_table(report: UsageReport) -> str:
    """A line for each group, the total last where there are several."""
    rows = [*report.usage, *([report.total] if len(report.usage) > 1 else [])]
    return table((report.by, *COLUMNS), map(_cells, rows))


def _cells(usage: Usage) -> tuple[object, ...]:
    return (
        usage.group,
        usage.attempts,
        usage.failed + usage.lost,
        round(usage.gpu_hours, 3),
        round(usage.gpu_idle_hours, 3),
        "" if usage.gpu_load is None else f"{100 * usage.gpu_load:.0f} %",
        round(usage.cpu_hours, 3),
        round(usage.cpu_asked_hours, 3),
        duration_text(usage.wait_mean_s),
    )
