"""Feature views as cells of a table for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...entities import FeatureView
from ..quantities import spoken
from ..showing.tables import when
from .rows import newest_of

DAY_S = 86400.0

SHOWN_COLUMNS = (
    "view",
    "source",
    "keys",
    "timestamp",
    "ttl",
    "features",
    "dataset",
    "rows",
    "online",
    "materialised",
    "by",
)


def shown_cells(view: FeatureView) -> Iterator[tuple[Any, ...]]:
    """``SHOWN_COLUMNS`` of each version, the newest first."""
    for version in view.versions:
        computed = newest_of(view, version)
        yield (
            f"{version.name}@{version.version}",
            version.source,
            ", ".join(version.keys),
            version.timestamp or "",
            _age(version.ttl_s),
            ", ".join(each.name for each in version.features),
            f"{computed.dataset.name}@{computed.dataset.version}" if computed else "",
            computed.rows if computed else "",
            "" if computed is None or computed.online_rows is None else computed.online_rows,
            when(computed.at) if computed else "",
            version.created_by,
        )


def _age(ttl_s: float | None) -> str:
    if ttl_s is None:
        return ""
    return f"{ttl_s / DAY_S:g} d" if ttl_s % DAY_S == 0 else spoken(ttl_s)
