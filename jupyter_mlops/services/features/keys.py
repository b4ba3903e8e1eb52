"""Keys of entities: those that are asked for, in the types of those that are stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from ...errors import InvalidInput
from ..registry.arrow_tables import arrow_table, is_table
from . import types

if TYPE_CHECKING:
    import pandas as pd


def of_labels(labels: pd.DataFrame, name: str, wanted: Any, view: str) -> Any:
    """A key column of the labels as ``wanted``, the stored keys' type; nulls stay.

    Raises InvalidInput when it is missing, of several types, or of another kind: 5 is never "5".
    """
    import pyarrow as pa

    if name not in labels.columns:
        raise InvalidInput(
            f"The labels have no column {name!r}, the key of {view}: their columns are "
            f"{', '.join(map(str, labels.columns))}. Rename theirs: labels.rename(columns=...)."
        )
    try:
        column = pa.array(labels[name], from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InvalidInput(
            f"The key {name!r} of the labels holds values of several types, and those of {view} are "
            f"{types.spoken(wanted)}: {error}."
        ) from error
    except OverflowError as error:
        raise _too_large(name, labels[name], wanted, view) from error
    return as_keys(column, name, wanted, f"of the labels holds {{}}, and those of {view} are {{}}")


def as_keys(column: Any, name: str, wanted: Any, told: str) -> Any:
    """An Arrow array as keys of a type. Raises InvalidInput with what was ``told`` of both types."""
    import pyarrow as pa

    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    kind = types.plain(column.type)
    # whole numbers are floats where pandas has no key for some row
    wholes = pa.types.is_floating(kind) and wanted == pa.int64()
    if not wholes and not pa.types.is_null(kind) and types.key_type(kind) != wanted:
        held = types.spoken(types.key_type(kind) or kind)
        raise InvalidInput(
            f"The key {name!r} {told.format(held, types.spoken(wanted))}. Convert one of them, so that the "
            f"same key is the same value: .astype({'str' if wanted == pa.string() else 'int'!r})."
        )
    try:
        return column.cast(wanted)
    except pa.ArrowInvalid as error:
        raise InvalidInput(f"The key {name!r} has a value that is none: {error}.") from error


def codes(asked: Sequence[Any], stored: Sequence[Any]) -> tuple[Any, Any]:
    """One number a combination of keys, the same for those that are asked for and those that are stored.

    -1 where a key is null. Both are lists of columns, in one order.
    """
    import numpy
    import pandas as pd

    count = len(asked[0])
    total: Any = None
    for one, other in zip(asked, stored, strict=True):
        numbers, size = _numbers(one, other)
        if total is None:
            total = numbers
            continue
        missing = (total < 0) | (numbers < 0)
        total = pd.factorize(total * size + numbers)[0].astype("int64")
        total = numpy.where(missing, -1, total)
    return total[:count], total[count:]


def _numbers(one: Any, other: Any) -> tuple[Any, int]:
    """Equal values as equal numbers, -1 for null; and how many there are."""
    import pyarrow as pa

    parts = [each.chunks if hasattr(each, "chunks") else [each] for each in (one, other)]
    chunks = [chunk for part in parts for chunk in part]
    encoded = pa.chunked_array(chunks, type=one.type).combine_chunks().dictionary_encode()
    return encoded.indices.cast(pa.int64()).fill_null(-1).to_numpy(), max(len(encoded.dictionary), 1)


def texts(columns: Sequence[Any]) -> list[str | None]:
    """Rows of key columns as the one text (JSON) that the online table has for each; None for a null key."""
    rows = zip(*(column.to_pylist() for column in columns), strict=True)
    encode = msgspec.json.Encoder().encode
    return [None if None in row else encode(row).decode() for row in rows]


def asked_for(keys: Any) -> list[Mapping[str, Any]]:
    """Keys as people give them, a mapping each: those, or a table of them. Raises InvalidInput."""
    if hasattr(keys, "iloc") and hasattr(keys, "columns"):
        found: list[Any] = keys.to_dict("records")
    elif is_table(keys) and not hasattr(keys, "iloc"):
        found = arrow_table(keys).to_pylist()
    elif isinstance(keys, Iterable) and not isinstance(keys, (str, bytes, Mapping)):
        found = list(keys)
    else:
        found = [None]
    if wrong := [each for each in found if not isinstance(each, Mapping)]:
        given = keys if wrong[0] is None else wrong[0]
        raise InvalidInput(
            f"Keys are a list of dicts, [{{'driver_id': 5}}, {{'driver_id': 7}}], or a DataFrame of them, "
            f"not {given!r}."
        )
    return found


def of_mappings(asked: Sequence[Mapping[str, Any]], name: str, wanted: Any, view: str) -> Any:
    """The values of one key of each mapping, as ``wanted``. Raises InvalidInput."""
    import pyarrow as pa

    for each in asked:
        if name not in each:
            raise InvalidInput(f"{dict(each)!r} has no {name!r}, which is a key of {view}.")
    try:
        column = pa.array([_scalar(each[name]) for each in asked], from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InvalidInput(f"The keys {name!r} are of several types: {error}.") from error
    except OverflowError as error:
        raise _too_large(name, [each[name] for each in asked], wanted, view) from error
    return as_keys(column, name, wanted, f"holds {{}}, and those of {view} are {{}}")


def _too_large(name: str, values: Iterable[Any], wanted: Any, view: str) -> InvalidInput:
    large = (each for each in values if isinstance(each, int) and not -(2**63) <= each < 2**63)
    return InvalidInput(
        f"The key {name!r} has the value {next(large, 'of a number')}, which is too large for a key: those "
        f"of {view} are {types.spoken(wanted)} of at most 64 bits."
    )


def _scalar(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
