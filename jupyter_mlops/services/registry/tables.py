"""Tables as deterministic Parquet, and what can be known of tabular files. pandas and pyarrow live here."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from ...entities import Column
from ...errors import InvalidInput

if TYPE_CHECKING:
    import pandas as pd

WHOLE_CSV_BYTES = 256 * 1024 * 1024
"""Of larger CSV and JSON-lines files only the columns are told, by their beginning: reading them takes longer
than hashing them. Their profile counts the rows."""
HEAD_BYTES = 1024 * 1024

DELIMITERS = {".csv": ",", ".tsv": "\t"}
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", "": None}


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of a table without its values."""

    rows: int | None
    columns: list[Column]


def is_table(data: Any) -> bool:
    """Whether ``data`` is a DataFrame or Series, an Arrow table, or anything that exports Arrow streams."""
    return _is_pandas(data) or hasattr(data, "__arrow_c_stream__")


def encode(data: Any) -> tuple[bytes, Shape]:
    """A table as Parquet; equal tables give equal bytes under the same pyarrow.

    Chunks are combined first, because Parquet's pages follow them. Raises InvalidInput for values that
    have no Arrow type, naming the column.
    """
    import pyarrow.parquet

    table = _arrow_table(data).combine_chunks()
    names = table.column_names
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InvalidInput(f"The table has two columns {twice!r}. Give each a name of its own.")
    sink = io.BytesIO()
    try:
        pyarrow.parquet.write_table(table, sink)
    except pyarrow.lib.ArrowException as error:
        raise InvalidInput(f"The table cannot be stored as Parquet: {error}") from error
    return sink.getvalue(), Shape(table.num_rows, _columns(table.schema))


def is_tabular(file_name: str) -> bool:
    """Whether its ending says that a file is a table."""
    return _format(file_name)[0] in _SHAPES


def shape_of(path: Path, file_name: str) -> Shape | None:
    """Rows and columns of a Parquet, CSV, TSV, JSON-lines or Feather file, by ``file_name``'s ending.

    None for other files, and for those that do not parse: they are datasets as they are.
    """
    import pyarrow

    suffix, compression = _format(file_name)
    measure = _SHAPES.get(suffix)
    if measure is None:
        return None
    try:
        with (
            _given_to_arrow(path) as source,
            pyarrow.input_stream(source, compression=compression) as stream,
        ):
            return measure(path, stream, suffix)
    except (pyarrow.lib.ArrowException, OSError, UnicodeDecodeError):
        return None


def read(path: Path, file_name: str) -> pd.DataFrame | None:
    """The file as a DataFrame, None when its ending is of no table. Raises InvalidInput if it is damaged."""
    import pandas

    suffix, compression = _format(file_name)
    options: dict[str, Any] = {"compression": compression}
    readers: dict[str, Callable[[Any], pd.DataFrame]] = {
        ".parquet": pandas.read_parquet,
        ".csv": lambda source: pandas.read_csv(source, **options),
        ".tsv": lambda source: pandas.read_csv(source, sep="\t", **options),
        ".jsonl": lambda source: pandas.read_json(source, lines=True, **options),
        ".ndjson": lambda source: pandas.read_json(source, lines=True, **options),
        ".feather": pandas.read_feather,
    }
    if suffix not in readers:
        return None
    try:
        with _given_to_arrow(path) as source:
            return readers[suffix](source)
    except (ValueError, OSError) as error:  # pandas' and Arrow's parse errors are ValueErrors
        raise InvalidInput(
            f"{file_name!r} does not read as a table: {error}. Use as_path=True for the file itself."
        ) from error


def _is_pandas(data: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, (pandas.DataFrame, pandas.Series))


def _arrow_table(data: Any) -> Any:
    import pyarrow

    if not _is_pandas(data):
        return data if isinstance(data, pyarrow.Table) else pyarrow.table(data)
    frame = data if hasattr(data, "columns") else data.to_frame()
    if frame.attrs:  # pandas has them in the Parquet file, and what is said of a table is not its content
        frame = frame.copy(deep=False)
        frame.attrs = {}
    try:
        return pyarrow.Table.from_pandas(frame, nthreads=1)
    except (pyarrow.lib.ArrowException, ValueError, TypeError) as error:
        reason = " ".join(str(part) for part in error.args)
        raise InvalidInput(
            f"The DataFrame cannot be stored as Parquet: {reason}. Give each column values of one type, "
            "for example with df['column'].astype(str)."
        ) from error


@contextmanager
def _given_to_arrow(path: Path) -> Iterator[Any]:
    """The path, or an open file where Arrow could not open it: it takes only names that are UTF-8."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        with path.open("rb") as file:
            yield file
    else:
        yield str(path)


def _columns(schema: Any) -> list[Column]:
    return [Column(name=field.name, type=str(field.type)) for field in schema]


def _format(file_name: str) -> tuple[str, str | None]:
    """The ending that says the format, and the compression around it."""
    path = PurePath(file_name.lower())
    if compression := COMPRESSIONS.get(path.suffix):
        return PurePath(path.stem).suffix, compression
    return path.suffix, None


def parquet_shape(stream: Any) -> Shape:
    """Of an open Parquet file, of which only the end is read."""
    import pyarrow.parquet

    metadata = pyarrow.parquet.read_metadata(stream)
    return Shape(metadata.num_rows, _columns(metadata.schema.to_arrow_schema()))


def _parquet_shape(path: Path, stream: Any, suffix: str) -> Shape:
    return parquet_shape(stream)


def _csv_shape(path: Path, stream: Any, suffix: str) -> Shape:
    import pyarrow.csv

    options = pyarrow.csv.ParseOptions(delimiter=DELIMITERS[suffix], newlines_in_values=True)
    if path.stat().st_size <= WHOLE_CSV_BYTES:
        table = pyarrow.csv.read_csv(stream, parse_options=options)
        return Shape(table.num_rows, _columns(table.schema))
    return Shape(None, _columns(pyarrow.csv.open_csv(stream, parse_options=options).schema))


def _json_shape(path: Path, stream: Any, suffix: str) -> Shape:
    import pyarrow.json

    if path.stat().st_size <= WHOLE_CSV_BYTES:
        table = pyarrow.json.read_json(stream)
        return Shape(table.num_rows, _columns(table.schema))
    head = stream.read(HEAD_BYTES)
    table = pyarrow.json.read_json(io.BytesIO(head[: head.rfind(b"\n") + 1]))
    return Shape(None, _columns(table.schema))


def _feather_shape(path: Path, stream: Any, suffix: str) -> Shape:
    import pyarrow.ipc

    with _given_to_arrow(path) as given:
        # a mapped file is not read for its number of rows
        with pyarrow.memory_map(given) if isinstance(given, str) else pyarrow.PythonFile(given) as source:
            file = pyarrow.ipc.open_file(source)
            rows = sum(file.get_batch(number).num_rows for number in range(file.num_record_batches))
            return Shape(rows, _columns(file.schema))


_SHAPES: dict[str, Callable[[Path, Any, str], Shape]] = {
    ".parquet": _parquet_shape,
    ".csv": _csv_shape,
    ".tsv": _csv_shape,
    ".jsonl": _json_shape,
    ".ndjson": _json_shape,
    ".feather": _feather_shape,
}
