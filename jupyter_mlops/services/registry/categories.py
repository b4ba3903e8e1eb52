"""Categories of numbers and times. Parquet brings back those of texts, and of all others only the values.

Their categories lie beside the values, in the metadata of the schema, and they are categories again when they
are loaded.
"""

from __future__ import annotations

import base64
from typing import Any

KEY = b"jupyter_mlops.categories"


def kept(table: Any) -> Any:
    """An Arrow table (of one chunk a column) with its categories in the metadata; one without is itself."""
    import pyarrow as pa

    said = {
        field.name: _outline(table.column(position), field.type)
        for position, field in enumerate(table.schema)
        if pa.types.is_dictionary(field.type) and _is_lost(field.type.value_type)
    }
    if not said:
        return table
    written = base64.b64encode(_written(pa.table(said)))
    return table.replace_schema_metadata({**(table.schema.metadata or {}), KEY: written})


def are_kept(schema: Any) -> bool:
    """Whether a table of this schema has such categories."""
    return KEY in (schema.metadata or {})


def restored(table: Any) -> Any:
    """A table that was read, with its categories, but for those that lack a value of their column."""
    import pyarrow as pa

    metadata = dict(table.schema.metadata or {})
    said = metadata.pop(KEY, None)
    if said is None:
        return table
    with pa.ipc.open_stream(base64.b64decode(said)) as stream:
        outlines = stream.read_all()
    for name, outline in zip(outlines.column_names, outlines.columns, strict=True):
        position = table.schema.get_field_index(name)
        column = None if position < 0 else _restored(table.column(position), outline)
        if column is not None:
            table = table.set_column(position, table.schema.field(position).with_type(column.type), column)
    return table.replace_schema_metadata(metadata)


def _is_lost(values: Any) -> bool:
    """Not of times in a zone: pandas would get them without it."""
    import pyarrow as pa

    of = pa.types
    return bool(
        of.is_integer(values)
        or of.is_floating(values)
        or of.is_boolean(values)
        or of.is_null(values)
        or of.is_decimal(values)
        or of.is_date(values)
        or of.is_time(values)
        or of.is_duration(values)
        or (of.is_timestamp(values) and values.tz is None)
    )


def _outline(column: Any, kind: Any) -> Any:
    """One null with all of the column's categories."""
    import pyarrow as pa

    categories = column.chunk(0).dictionary if column.num_chunks else pa.array([], kind.value_type)
    return pa.DictionaryArray.from_arrays(pa.array([None], kind.index_type), categories, ordered=kind.ordered)


def _written(outlines: Any) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, outlines.schema) as writer:
        writer.write_table(outlines)
    return bytes(sink.getvalue().to_pybytes())


def _restored(column: Any, outline: Any) -> Any | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = outline.type
    categories = outline.chunk(0).dictionary
    try:
        known = categories.cast(column.type)  # Parquet has no times in whole seconds
        codes = [pc.index_in(chunk, value_set=known).cast(kind.index_type) for chunk in column.chunks]
    except pa.lib.ArrowException:
        return None
    if sum(each.null_count for each in codes) != column.null_count:
        return None
    chunks = [pa.DictionaryArray.from_arrays(each, categories, ordered=kind.ordered) for each in codes]
    return pa.chunked_array(chunks, type=kind)
