"""Times as instants in UTC: a time without a zone is taken as UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import InvalidInput

if TYPE_CHECKING:
    import pandas as pd

UTC = "UTC"
LATEST_NS = 2**63 - 1
PER_SECOND = {"us": 1_000_000, "ns": 1_000_000_000}


def utc(column: Any, what: str) -> Any:
    """An Arrow column of instants in microseconds, or in nanoseconds where it has those.

    Raises InvalidInput for what is no time: dates and texts are not, since nothing says which hour is meant.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_timestamp(column.type):
        raise InvalidInput(
            f"{what} is {column.type}, not a time. Convert it with pandas.to_datetime(...), and let it say "
            "when a row was known: the end of a day, not its beginning."
        )
    unit = "ns" if column.type.unit == "ns" else "us"
    try:
        if column.type.tz is None:
            column = pc.assume_timezone(column.cast(pa.timestamp(unit)), UTC)
        return column.cast(pa.timestamp(unit, UTC))
    except pa.ArrowInvalid as error:
        raise InvalidInput(f"{what} cannot be kept as a time in UTC: {error}.") from error


def of_labels(labels: pd.DataFrame, name: str) -> Any:
    """A DataFrame's column of times as ``utc`` gives them; nulls stay. Raises InvalidInput."""
    import pandas as pd
    import pyarrow as pa

    if not isinstance(name, str):
        raise InvalidInput(f"timestamp= is the name of a column of the labels, not {name!r}.")
    if name not in labels.columns:
        timed = [each for each in labels.columns if pd.api.types.is_datetime64_any_dtype(labels[each])]
        told = f"those of times are {', '.join(map(str, timed))}" if timed else "none of them has times"
        raise InvalidInput(
            f"The labels have no column {name!r} that says as of when the features are wanted: their columns "
            f"are {', '.join(map(str, labels.columns))}, and {told}. Name it: "
            f"timestamp={str(timed[0]) if timed else 'event_timestamp'!r}."
        )
    series = labels[name]
    # objects: Arrow would take times of several zones for those of the first one
    if series.dtype == object and pd.api.types.infer_dtype(series, skipna=True) in ("datetime", "datetime64"):
        series = pd.to_datetime(series, utc=True)
    try:
        column = pa.chunked_array([pa.array(series, from_pandas=True)]) if len(series) else None
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InvalidInput(f"The timestamp {name!r} of the labels has no one type: {error}.") from error
    if column is None or pa.types.is_null(column.type):
        return pa.chunked_array([pa.nulls(len(series), pa.timestamp("us", UTC))])
    return utc(column, f"The timestamp {name!r} of the labels")


def nanoseconds(column: Any) -> list[int]:
    """Instants as numbers since 1970; what lies beyond the year 2262 is the last moment there is."""
    import pyarrow as pa

    scale = PER_SECOND["ns"] // PER_SECOND[column.type.unit]
    numbers = column.cast(pa.int64()).to_pylist()
    return numbers if scale == 1 else [max(-LATEST_NS, min(number * scale, LATEST_NS)) for number in numbers]
