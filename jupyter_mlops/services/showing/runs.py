"""Runs as rows of a table, and what they read and registered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...entities import Run, VersionRef, reference_text, short_id
from ..quantities import duration_text
from .tables import main_first, pairs, when

RUN_COLUMNS = ("id", "name", "experiment", "status", "started", "took", "params", "metrics")


def run_cells(run: Run) -> tuple[Any, ...]:
    """The cells of ``RUN_COLUMNS``; of a metric its last value."""
    return (
        short_id(run.id),
        run.name,
        run.experiment,
        run.status.value,
        when(run.started_at),
        duration_text(run.duration_s),
        pairs(main_first(run.params)),
        pairs({name: summary.last for name, summary in run.metrics.items()}),
    )


def refs_text(refs: Iterable[VersionRef]) -> str:
    """``dataset train@2, model digits@1``."""
    return ", ".join(f"{each.kind} {reference_text(each)}" for each in refs)
