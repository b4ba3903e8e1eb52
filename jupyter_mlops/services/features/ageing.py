"""Rows of a view that are too old to be used as of now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..quantities import age_text, counted
from .times import PER_SECOND

if TYPE_CHECKING:
    from ...entities import FeatureViewVersion


def age_note(view: FeatureViewVersion, table: Any, *, now: float) -> str:
    """What it means that rows are older than the view's ttl; empty where each key has one that is not.

    ``table`` is a checked Arrow table, and ``now`` in seconds since 1970. A row as old as the ttl still
    counts.
    """
    if view.ttl_s is None or view.timestamp is None or not table.num_rows:
        return ""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = table.schema.field(view.timestamp).type
    limit = round((now - view.ttl_s) * PER_SECOND[kind.unit])
    times = table.column(view.timestamp).cast(pa.int64())
    columns = {str(number): table.column(name) for number, name in enumerate(view.keys)}
    by_key = pa.table({**columns, "time": times}).group_by(list(columns))
    newest = by_key.aggregate([("time", "max")]).column("time_max")
    keys = pc.sum(pc.less(newest, limit)).as_py()
    if not keys:
        return ""
    rows = pc.sum(pc.less(times, limit)).as_py()
    return (
        f"{rows} of {counted(table.num_rows, 'row')} of {view.name}@{view.version} are older than its ttl of "
        f"{age_text(view.ttl_s)}, and {keys} of {counted(len(newest), 'key')} have no newer one: online "
        "their features are null by now, as they are in a training set for labels that are later by more "
        f"than the ttl. Materialise a newer version of {view.source}, or give the view a longer ttl."
    )
