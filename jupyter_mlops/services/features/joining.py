"""Point-in-time joins: for each label the newest row of its key that was known then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import InvalidInput
from . import keys as entity_keys
from . import times

if TYPE_CHECKING:
    import pandas as pd

    from ...entities import FeatureViewVersion


def rows_as_of(labels: pd.DataFrame, stored: Any, view: FeatureViewVersion, timestamp: str) -> Any:
    """For each label the number of the row of ``stored`` that it gets; -1 for none.

    That is the newest row of the same keys whose time is not after the label's (one of the same instant
    counts), and not older than the view's time to live, which is inclusive. ``stored`` is a checked table: no
    keys have two rows of one time. Labels without a key or a time get none.
    """
    reference = f"{view.name}@{view.version}"
    asked = [
        entity_keys.of_labels(labels, name, stored.schema.field(name).type, reference) for name in view.keys
    ]
    if not len(labels) or not stored.num_rows:
        return _none(len(labels))
    ours, theirs = entity_keys.codes(asked, [stored.column(name) for name in view.keys])
    if view.timestamp is None:
        return _matched(ours, theirs)
    instants = times.of_labels(labels, timestamp)
    label_times, row_times, per_second = _comparable(instants, stored.column(view.timestamp))
    known = (ours >= 0) & instants.is_valid().to_numpy()
    tolerance = None if view.ttl_s is None else round(view.ttl_s * per_second)
    return _as_of(ours, label_times, known, theirs, row_times, tolerance)


def _as_of(
    ours: Any, label_times: Any, known: Any, theirs: Any, row_times: Any, tolerance: int | None
) -> Any:
    import numpy
    import pandas as pd

    found = _none(len(ours))
    (labels,) = numpy.nonzero(known)
    left = pd.DataFrame({"time": label_times[labels], "code": ours[labels], "label": labels})
    right = pd.DataFrame({"time": row_times, "code": theirs, "row": numpy.arange(len(theirs))})
    joined = pd.merge_asof(
        left.sort_values("time", kind="stable"),
        right.sort_values("time", kind="stable"),
        on="time",
        by="code",
        tolerance=tolerance,
    )
    hit = joined["row"].notna().to_numpy()
    found[joined["label"].to_numpy()[hit]] = joined["row"].to_numpy()[hit].astype("int64")
    return found


def _matched(ours: Any, theirs: Any) -> Any:
    """Rows of a view without times, by their keys alone."""
    import numpy

    place = numpy.full(max(ours.max(), theirs.max()) + 2, -1, dtype="int64")
    place[theirs] = numpy.arange(len(theirs))
    return place[ours]  # a null key is -1: the last place, which no key has


def _comparable(labels: Any, stored: Any) -> tuple[Any, Any, int]:
    """Both as whole numbers of one unit, the finer of the two: a coarser one would reach into the future."""
    import pyarrow as pa

    unit = "ns" if "ns" in (labels.type.unit, stored.type.unit) else "us"
    try:
        both = [each.cast(pa.timestamp(unit, times.UTC)).cast(pa.int64()) for each in (labels, stored)]
    except pa.ArrowInvalid as error:
        raise InvalidInput(
            f"Times in nanoseconds and times beyond the year 2262 cannot be compared: {error}. Give both in "
            "microseconds: .dt.as_unit('us')."
        ) from error
    ours, theirs = (each.fill_null(0).to_numpy() for each in both)
    return ours, theirs, times.PER_SECOND[unit]


def _none(count: int) -> Any:
    import numpy

    return numpy.full(count, -1, dtype="int64")
