"""What jobs have held and used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..workspace import current

if TYPE_CHECKING:
    import pandas as pd


def usage(by: str = "user", *, since: str | float | None = "7d", user: str | None = None) -> pd.DataFrame:
    """GPU-hours, CPU-hours, waste and queue wait by ``user``, ``notebook``, ``executor`` or ``day``.

    Of the last ``since`` (``7d``, ``12h``, a number of seconds; None: ever), of one ``user`` or of all.
    ``gpu_idle_hours`` are hours in which a GPU was held and not used, ``cpu_asked_hours`` those of the cores
    that were asked for; ``gpu_load`` is the mean utilisation from 0 to 1. Running jobs count as far as they
    have come. Raises InvalidInput for an unknown group.
    """
    import pandas as pd

    from ..services.usage.service import USAGE_COLUMNS, usage_row

    report = current().usage.report(by, since=since, user=user)
    return pd.DataFrame([usage_row(each, by) for each in report.usage], columns=[by, *USAGE_COLUMNS])
