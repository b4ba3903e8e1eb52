"""Rows of the online table: what is put there, and what they are when they are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from ...protocols.features import OnlineRead, OnlineRow, OnlineTable
from . import keys as entity_keys
from . import times

if TYPE_CHECKING:
    from ...entities import FeatureViewVersion, Materialization

ALWAYS = -times.LATEST_NS
"""When the rows of a view without times became known."""


def table_of(view: FeatureViewVersion, computed: Materialization, stored: Any) -> OnlineTable:
    """What a reader has to know besides the rows."""
    assert view.version is not None
    return OnlineTable(
        view=view.name,
        version=view.version,
        source=computed.source,
        dataset=computed.dataset,
        keys=list(view.keys),
        timestamp=view.timestamp,
        schema=stored.schema.serialize().to_pybytes(),
        at=computed.at,
        ttl_s=view.ttl_s,
    )


def rows_of(view: FeatureViewVersion, stored: Any, *, now_ns: int) -> Iterator[OnlineRow]:
    """The newest row of each key until now, and those that are to be known later.

    ``stored`` is sorted by time.
    """
    import pyarrow as pa

    texts = entity_keys.texts([stored.column(name) for name in view.keys])
    if view.timestamp is None:
        instants = [ALWAYS] * stored.num_rows
    else:
        instants = times.nanoseconds(stored.column(view.timestamp))
    newest = {text: row for row, text in enumerate(texts) if instants[row] <= now_ns}
    kept = sorted([*newest.values(), *(row for row, time in enumerate(instants) if time > now_ns)])
    values = _written(stored.take(pa.array(kept, type=pa.int64())), {*view.keys, view.timestamp})
    for row, value in zip(kept, values, strict=True):
        text = texts[row]
        assert text is not None  # a checked table has no null keys
        yield OnlineRow(key=text, time_ns=instants[row], value=value)


def asked_columns(table: OnlineTable, asked: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The keys that are asked for as Arrow arrays, of the types that the table has. Raises InvalidInput."""
    schema, reference = schema_of(table), f"{table.view}@{table.version}"
    return {
        name: entity_keys.of_mappings(asked, name, schema.field(name).type, reference) for name in table.keys
    }


def texts_of(columns: Mapping[str, Any]) -> list[str | None]:
    """The keys as the table has them; None for one that is null."""
    return entity_keys.texts(list(columns.values()))


Values = tuple[list[Any], Any]
"""Values as they are stored, and the Arrow type that they stand for."""


def values_of(
    read: OnlineRead, texts: Sequence[str | None], features: Sequence[str], *, now_ns: int
) -> dict[str, Values]:
    """What each feature is, in the order of the texts; None where there is no row, or it is too old."""
    schema = schema_of(read.table)
    stored = [each for each in schema.names if each not in (*read.table.keys, read.table.timestamp)]
    rows = [_fresh(read, text, now_ns) for text in texts]
    decoded = [None if row is None else msgspec.msgpack.decode(row.value) for row in rows]
    return {
        name: ([None if row is None else row[place] for row in decoded], schema.field(name).type)
        for name in features
        for place in (stored.index(name),)
    }


def as_arrow(values: Values) -> Any:
    """An Arrow array."""
    import pyarrow as pa

    stored, kind = values
    if number := _number_of(kind):
        return pa.array(stored, type=number).cast(kind)
    if pa.types.is_decimal(kind):
        return pa.array(stored, type=pa.string()).cast(kind)
    return pa.array(stored, type=kind)


def as_python(values: Values) -> list[Any]:
    """Python's own values: most are stored as they are."""
    import pyarrow as pa

    stored, kind = values
    if pa.types.is_temporal(kind) or pa.types.is_decimal(kind):
        converted: list[Any] = as_arrow(values).to_pylist()
        return converted
    return stored


@lru_cache(maxsize=256)
def _schema(data: bytes) -> Any:
    import pyarrow as pa

    return pa.ipc.read_schema(pa.py_buffer(data))


def schema_of(table: OnlineTable) -> Any:
    """The Arrow schema of the stored dataset."""
    return _schema(table.schema)


def _fresh(read: OnlineRead, text: str | None, now_ns: int) -> OnlineRow | None:
    row = None if text is None else read.rows.get(text)
    ttl_s = read.table.ttl_s
    if row is None or ttl_s is None:
        return row
    return row if now_ns - row.time_ns <= round(ttl_s * times.PER_SECOND["ns"]) else None


def _written(table: Any, without: set[str | None]) -> Iterator[bytes]:
    columns = [
        _plain(table.column(name), table.schema.field(name).type)
        for name in table.column_names
        if name not in without
    ]
    for values in zip(*columns, strict=True):
        yield msgspec.msgpack.encode(values)


def _plain(column: Any, kind: Any) -> list[Any]:
    """Values that MessagePack keeps as they are: times as their numbers, decimals as texts."""
    import pyarrow as pa

    if number := _number_of(kind):
        column = column.cast(number)
    values: list[Any] = column.to_pylist()
    if pa.types.is_decimal(kind):
        values = [None if value is None else str(value) for value in values]
    return values


def _number_of(kind: Any) -> Any | None:
    import pyarrow as pa

    if not pa.types.is_temporal(kind):
        return None
    return pa.int32() if kind.bit_width == 32 else pa.int64()
