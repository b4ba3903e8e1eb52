"""Metrics that a model has been measured by."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ...errors import InvalidInput
from ..hints import did_you_mean
from .measured import Training

RUNS_READ = 20
"""Of so many versions, the newest, the runs are read; of the others what is kept with them is enough."""
SHOWN = 20


def refuse_unknown_metrics(model: str, metrics: Collection[str], trainings: Iterable[Training]) -> None:
    """Raises InvalidInput when one of the metrics is of no version, nor of its run, newest first.

    Where a run cannot be read from here nobody knows, and all of them are taken.
    """
    known = set[str]()
    for number, training in enumerate(trainings):
        if set(metrics) <= known:
            return
        known.update(training.version.metrics if number >= RUNS_READ else training.values)
        if training.trouble and training.version.run_id is not None:
            return
    unknown = [metric for metric in metrics if metric not in known]
    if not unknown:
        return
    more = ", …" if len(known) > SHOWN else ""
    raise InvalidInput(
        f"No version of model {model!r} has a metric {', '.join(map(repr, unknown))}; they have "
        f"{', '.join(sorted(known)[:SHOWN]) or 'none'}{more}.{did_you_mean(unknown[0], known)} One "
        f"that later versions are to have is named as such: new_metrics=[{unknown[0]!r}] (--new-metric in a "
        "terminal)."
    )
