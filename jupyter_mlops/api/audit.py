"""Who decided what, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..workspace import current

if TYPE_CHECKING:
    import pandas as pd


def audit(
    subject: str = "",
    user: str = "",
    *,
    action: str = "",
    since: str | float | None = None,
    limit: int = 100,
) -> pd.DataFrame:
    """Decisions about datasets, models, jobs, sweeps and schedules, the newest first.

    Of one ``subject`` (``"model:digits@champion"``, ``"job:<id>"``), one ``user``, one ``action``
    (``"alias.set"``) or all of a kind (``"alias"``), of the last ``since`` (``"7d"``). In a terminal,
    ``jupyter mlops audit --verify`` says whether anybody has changed the trail.
    """
    import pandas as pd

    from ..services.audit import AUDIT_COLUMNS, audit_row

    found = current().audit_trail.entries(subject=subject, user=user, action=action, since=since, limit=limit)
    frame = pd.DataFrame([audit_row(each) for each in found], columns=list(AUDIT_COLUMNS))
    return frame.astype({"seq": "int64"})
