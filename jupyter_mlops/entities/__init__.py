"""The domain's words as frozen dataclasses and enums: no I/O, no clock, no libraries.

A class is made when it is first asked for, with those of its module: there are over a hundred, and a kernel
that loads the extension needs none of them. Those of ``upkeep`` are imported from there: no page shows them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .datasets import *  # noqa: F403
    from .expectations import *  # noqa: F403
    from .features import *  # noqa: F403
    from .ids import derived_id as derived_id
    from .ids import is_id as is_id
    from .ids import new_id as new_id
    from .ids import short_id as short_id
    from .jobs import *  # noqa: F403
    from .lineage import *  # noqa: F403
    from .models import *  # noqa: F403
    from .profiles import *  # noqa: F403
    from .promotion import *  # noqa: F403
    from .registry import AuditEntry as AuditEntry
    from .registry import Details as Details
    from .registry import Move as Move
    from .registry import Role as Role
    from .registry import VersionStatus as VersionStatus
    from .runs import *  # noqa: F403
    from .schedules import *  # noqa: F403
    from .sweeps import *  # noqa: F403
    from .usage import *  # noqa: F403
    from .views import *  # noqa: F403

_NAMES = {
    "datasets": "Column Dataset DatasetKind DatasetVersion Storage",
    "expectations": "CheckReport Expectation ExpectationResult Severity",
    "features": "FeatureView FeatureViewVersion Materialization",
    "ids": "derived_id is_id new_id short_id",
    "jobs": "Carried Cause Exit GpuSlot Job JobSpec JobStatus Kept LogChunk Resources Started Used",
    "lineage": "Edge Impact Lineage Node",
    "models": "Field Model ModelVersion Signature",
    "profiles": (
        "ColumnDrift ColumnProfile DatasetDiff FileDiff FileSummary Histogram ImageSummary Profile "
        "ProfileStatus RetypedColumn RowChange RowDiff TextSummary ValueCount"
    ),
    "promotion": "Approval Gate GateKind GateResult Gates Review",
    "registry": "AuditEntry Details Move Role VersionStatus",
    "runs": (
        "Artifact CellTiming DataRead History MetricSummary Output Process Progress Run RunDetail "
        "RunError RunKind RunPage RunStatus SeenModel VersionRef Versioned number_text reference_text"
    ),
    "schedules": "CatchUp Overlap Schedule ScheduleDetail ScheduleSpec Timing",
    "sweeps": "Distribution Goal Sweep SweepDetail SweepSpec SweepStatus Trial TrialStatus",
    "usage": "EndedAttempt OpenCount Size Totals Usage UsageReport",
    "views": (
        "Axis CellEdit Check CodeRow ColumnChange Comparison DataDifference Difference FigureRow "
        "FigureTable MetricMatch ParallelCoordinates Parameter ParametersCell Proposal Reproduction "
        "RunLine RunTable RunTableRow SharedGpu"
    ),
}
"""What is imported from which module, as if it were defined here."""
_HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}

__all__ = sorted(_HOMES)

if not TYPE_CHECKING:  # for a type checker any name would exist

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        # not kept: a forked kernel forgets modules of its parent, and must not get their classes
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
