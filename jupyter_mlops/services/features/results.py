"""What a view's function gave, checked: keys, times, features of types that stay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...entities import Column, FeatureViewVersion
from ...errors import InvalidInput
from ..registry.arrow_tables import arrow_table, is_table
from . import types
from .times import utc

EXAMPLES = 3


def checked(result: Any, view: FeatureViewVersion, *, of: str) -> Any:
    """The result as an Arrow table: keys, timestamp (UTC), features; sorted by timestamp and keys.

    ``of`` is the source's reference, for messages. Keys are int64, string, bool or date32. Raises
    InvalidInput for what is missing, null, there twice, of no type that a feature has, or of another type
    than it had before.
    """
    what = f"{view.name} of {of}"
    table = _arrow(result, view, what)
    keys = {name: _key(table.column(name), name, what) for name in view.keys}
    columns = dict(keys)
    if view.timestamp is not None:
        column = table.column(view.timestamp)
        _require_values(column, view.timestamp, what)
        columns[view.timestamp] = utc(column, f"The timestamp {view.timestamp!r} of {what}")
    features = [name for name in table.column_names if name not in columns]
    columns |= _features({name: table.column(name) for name in features}, view, what)
    import pyarrow as pa

    made = pa.table(columns)
    identity = [*([] if view.timestamp is None else [view.timestamp]), *view.keys]
    made = made.sort_by([(name, "ascending") for name in identity]).combine_chunks()
    _require_unique(made, identity, what)
    return made


def features_of(table: Any, view: FeatureViewVersion) -> list[Column]:
    """The features of a checked table."""
    others = {*view.keys, view.timestamp}
    return [Column(name=each.name, type=str(each.type)) for each in table.schema if each.name not in others]


def _arrow(result: Any, view: FeatureViewVersion, what: str) -> Any:
    if not is_table(result):
        raise InvalidInput(
            f"{view.function}() gave a {type(result).__qualname__}, not {what}: a feature view returns a "
            "DataFrame."
        )
    import pyarrow as pa

    wanted = [*view.keys, *([] if view.timestamp is None else [view.timestamp])]
    try:
        table = _of_pandas(result, wanted, what) if hasattr(result, "iloc") else arrow_table(result)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        reason = " ".join(str(part) for part in error.args)
        raise InvalidInput(f"{what} has a column without one type: {reason}.") from error
    names = table.column_names
    if missing := [name for name in wanted if name not in names]:
        there = ", ".join(names) or "none"
        raise InvalidInput(f"{what} has no column {missing[0]!r}: its columns are {there}.")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidInput(f"{what} has two columns {twice!r}.")
    if len(names) == len(wanted):
        raise InvalidInput(f"{what} has no features, only {', '.join(names)}.")
    return table


def _of_pandas(result: Any, wanted: Sequence[str], what: str) -> Any:
    """With those levels of the index that are wanted, as ``groupby(...).agg(...)`` leaves them there."""
    import pyarrow as pa

    frame = result if hasattr(result, "columns") else result.to_frame()
    inside = [name for name in frame.index.names if name in wanted and name not in frame.columns]
    if inside:
        frame = frame.reset_index(level=inside)
    if odd := [name for name in frame.columns if not isinstance(name, str)]:
        raise InvalidInput(f"{what} has a column whose name is no text: {odd[0]!r}.")
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise InvalidInput(f"{what} has two columns {twice!r}.")
    return pa.Table.from_pandas(frame, preserve_index=False, nthreads=1).replace_schema_metadata(None)


def _key(column: Any, name: str, what: str) -> Any:
    import pyarrow as pa

    _require_values(column, name, what)  # first: whole numbers with nulls among them are floats in pandas
    wanted = types.key_type(column.type)
    if wanted is None and not pa.types.is_null(column.type):
        raise InvalidInput(
            f"The key {name!r} of {what} is {column.type}: keys are {types.KEYS}. Convert it in the "
            f"function, for example with .astype({{{name!r}: 'int64'}})."
        )
    return _cast(column, wanted or pa.int64(), f"The key {name!r} of {what}")


def _features(columns: dict[str, Any], view: FeatureViewVersion, what: str) -> dict[str, Any]:
    known = {each.name: types.named(each.type) for each in view.features}
    if known and set(known) != set(columns):
        raise InvalidInput(
            f"{what} has the features {', '.join(columns)}, and {view.name}@{view.version} had "
            f"{', '.join(known)} before: those of a version stay. Give them all in each case."
        )
    return {name: _feature(columns[name], name, known.get(name), what) for name in known or columns}


def _feature(column: Any, name: str, wanted: Any | None, what: str) -> Any:
    import pyarrow as pa

    kind = types.plain(column.type)
    if wanted is None and pa.types.is_null(kind):
        raise InvalidInput(
            f"The feature {name!r} of {what} holds nothing but nulls, so its type cannot be told. Give it "
            f"one: .astype({{{name!r}: 'float64'}})."
        )
    if wanted is None and not types.is_feature(kind):
        raise InvalidInput(
            f"The feature {name!r} of {what} is {kind}: features are {types.SCALARS}, or lists of them."
        )
    if wanted is not None and kind != wanted and not types.may_become(kind, wanted):
        raise InvalidInput(
            f"The feature {name!r} of {what} is {kind}, and it was {wanted} before: types of a version stay. "
            "Convert it in the function."
        )
    return _cast(column, kind if wanted is None else wanted, f"The feature {name!r} of {what}")


def _cast(column: Any, wanted: Any, what: str) -> Any:
    import pyarrow as pa

    if column.type == wanted:
        return column
    try:
        return column.cast(wanted)
    except pa.ArrowInvalid as error:
        raise InvalidInput(f"{what} cannot be {wanted}: {error}.") from error


def _require_values(column: Any, name: str, what: str) -> None:
    if not column.null_count:
        return
    row = column.is_null().index(True).as_py()
    raise InvalidInput(
        f"{column.null_count} of {len(column)} rows of {what} have no {name!r}, the first is row {row}. "
        f"Drop them in the function: .dropna(subset=[{name!r}])."
    )


def _require_unique(table: Any, identity: Sequence[str], what: str) -> None:
    frame = table.select(identity).to_pandas()
    twice = frame.duplicated()
    if not twice.any():
        return
    examples = "; ".join(
        ", ".join(f"{name} {value}" for name, value in row.items())
        for row in frame[twice].drop_duplicates().head(EXAMPLES).to_dict("records")
    )
    raise InvalidInput(
        f"{what} has {int(twice.sum())} rows too many: which of them holds cannot be told. More than one row "
        f"has {examples}. Aggregate them in the function, or drop_duplicates({list(identity)})."
    )
