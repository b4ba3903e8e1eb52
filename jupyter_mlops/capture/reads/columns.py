"""What each column of a tabular file holds: one digest a column, made the same way whoever makes it.

A digest is BLAKE3 over the Arrow type, the lengths, which values are missing, and the values; 32
hexadecimal digits of it are kept. pyarrow is imported in the functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from .digests import new_hasher
from .tables import MAX_COLUMNS

DIGITS = 32
BATCH_ROWS = 1024 * 1024
HEAD_BYTES = 64 * 1024
_COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}


@dataclass(frozen=True, slots=True)
class Contents:
    """The rows of a tabular file, its columns' Arrow types in order, and the digests of their contents."""

    rows: int
    columns: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)


def is_tabular(name: str) -> bool:
    """Whether :func:`contents_of` knows files with such a name."""
    return _format(name)[0] in _READERS


def contents_of(path: str, name: str = "") -> Contents | None:
    """The columns of a CSV, TSV, Parquet, Feather or JSON-lines file, by the ending of ``name`` or its own.

    None for other files and for those that do not parse. Raises MemoryError for one that is too large.
    """
    import pyarrow

    suffix, compression = _format(name or path)
    read = _READERS.get(suffix)
    if read is None:
        return None
    try:
        return read(path, compression, suffix)
    except (pyarrow.lib.ArrowException, OSError, UnicodeDecodeError, ValueError, NotImplementedError):
        return None


def _format(name: str) -> tuple[str, str | None]:
    path = PurePath(name.lower())
    if compression := _COMPRESSIONS.get(path.suffix):
        return PurePath(path.stem).suffix, compression
    return path.suffix, None


def _delimited(path: str, compression: str | None, suffix: str) -> Contents:
    import pyarrow.csv

    with pyarrow.input_stream(path, compression=compression) as stream:
        delimiter = "\t" if suffix == ".tsv" else _delimiter(stream.read(HEAD_BYTES))
    options = pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    with pyarrow.input_stream(path, compression=compression) as stream:
        return _of_table(pyarrow.csv.read_csv(stream, parse_options=options))


def _delimiter(head: bytes) -> str:
    """That of a CSV: a comma, or what its first line has instead."""
    line = head.partition(b"\n")[0]
    counts = {delimiter: line.count(delimiter.encode()) for delimiter in ",;\t|"}
    return "," if counts[","] else max(counts, key=lambda delimiter: counts[delimiter])


def _json_lines(path: str, compression: str | None, suffix: str) -> Contents:
    import pyarrow.json

    with pyarrow.input_stream(path, compression=compression) as stream:
        return _of_table(pyarrow.json.read_json(stream))


def _parquet(path: str, compression: str | None, suffix: str) -> Contents:
    """One column at a time: a Parquet file may be many times as large in memory."""
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as file:
        schema = file.schema_arrow
        if len(schema) > MAX_COLUMNS or len(set(schema.names)) != len(schema):
            return Contents(file.metadata.num_rows)
        digests = {name: _digest(file.read(columns=[name])[name]) for name in schema.names}
        return Contents(file.metadata.num_rows, {each.name: str(each.type) for each in schema}, digests)


def _feather(path: str, compression: str | None, suffix: str) -> Contents:
    import pyarrow.feather

    return _of_table(pyarrow.feather.read_table(path, memory_map=False))


def _of_table(table: Any) -> Contents:
    if table.num_columns > MAX_COLUMNS or len(set(table.column_names)) != table.num_columns:
        return Contents(table.num_rows)
    columns = {each.name: str(each.type) for each in table.schema}
    return Contents(table.num_rows, columns, {name: _digest(table[name]) for name in columns})


def _digest(column: Any) -> str:
    hasher = new_hasher()
    hasher.update(f"{column.type} {len(column)} {column.null_count}\n".encode())
    for start in range(0, len(column), BATCH_ROWS):
        for part in _parts(column.slice(start, BATCH_ROWS)):
            hasher.update(part)
    return str(hasher.hexdigest())[:DIGITS]


def _parts(column: Any) -> Iterator[Any]:
    """The bytes that make up some rows: never what lies in memory where a value is missing."""
    import pyarrow
    import pyarrow.compute as compute

    kind = column.type
    if pyarrow.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = kind.value_type
    if column.null_count:
        yield _values(compute.is_null(column).cast("uint8"))
    if pyarrow.types.is_null(kind):
        return
    if pyarrow.types.is_boolean(kind):
        yield _values(compute.fill_null(column, False).cast("uint8"))
    elif _is_bytes(kind):
        column = compute.fill_null(column.cast("large_binary"), b"")
        yield _values(compute.binary_length(column))
        yield _text(column)
    elif pyarrow.types.is_primitive(kind):
        number = getattr(pyarrow, f"int{kind.bit_width}")()
        yield _values(compute.fill_null(_as_integers(column, number), 0))
    else:  # lists, structs, decimals: as Python shows them
        yield repr(column.to_pylist()).encode(errors="surrogatepass")


def _is_bytes(kind: Any) -> bool:
    from pyarrow import types

    return bool(
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
    )


def _as_integers(column: Any, number: Any) -> Any:
    """The same bits as integers, for floats, times and unsigned numbers alike."""
    import pyarrow

    return pyarrow.chunked_array([each.view(number) for each in column.chunks], type=number)


def _values(column: Any) -> memoryview:
    array = _combined(column)
    width = array.type.bit_width // 8
    buffer = array.buffers()[1]
    view = memoryview(b"" if buffer is None else buffer).cast("B")
    return view[array.offset * width : (array.offset + len(array)) * width]


def _text(column: Any) -> memoryview:
    array = _combined(column)
    if not len(array):
        return memoryview(b"")
    _, offsets, data = array.buffers()
    ends = memoryview(offsets).cast("B").cast("q")
    view = memoryview(b"" if data is None else data).cast("B")
    return view[ends[array.offset] : ends[array.offset + len(array)]]


def _combined(column: Any) -> Any:
    import pyarrow

    whole = column.combine_chunks() if hasattr(column, "combine_chunks") else column
    if isinstance(whole, pyarrow.ChunkedArray):  # no chunk at all, in some versions
        return pyarrow.concat_arrays(whole.chunks) if whole.num_chunks else pyarrow.array([], whole.type)
    return whole


_READERS: dict[str, Callable[[str, str | None, str], Contents]] = {
    ".csv": _delimited,
    ".tsv": _delimited,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _parquet,
    ".pq": _parquet,
    ".feather": _feather,
    ".arrow": _feather,
}
