"""Tables as deterministic Parquet, and what can be known of tabular files. pandas and pyarrow live here."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from ...entities import Column
from ...errors import InvalidInput, MissingPackage

if TYPE_CHECKING:
    import pandas as pd

WHOLE_CSV_BYTES = 256 * 1024 * 1024
"""Of larger CSV and JSON-lines files only the columns are told, by their beginning: reading them takes longer
than hashing them. Their profile counts the rows."""
HEAD_BYTES = 1024 * 1024

DELIMITERS = {".csv": ",", ".tsv": "\t"}
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", "": None}

SIMPLE_TYPES = (
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "bool", "string", "large_string", "binary", "null"),
    *("date32", "date64", "time32[s]", "time64[us]", "timestamp[us]", "duration[us]"),
)
"""Arrow's common names of types, as they are written."""
_COMPOSED_TYPE = re.compile(
    r"(decimal(32|64|128|256)?|timestamp|duration|fixed_size_binary|dictionary|struct|map|extension|"
    r"run_end_encoded|(sparse_|dense_)?union|(large_|fixed_size_)?list(_view)?|large_list_view)[<(\[].+[])>]"
    r"(\[\d+\])?\Z"
)
_UNNAMED_INDEX = re.compile(r"__index_level_(\d+)__\Z")


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


def type_name(text: str) -> str | None:
    """Arrow's own name of a type: ``date32[day]`` for ``date32``. None for what is no type of Arrow's.

    The inside of a type with parameters (``list<...>``) is not looked at.
    """
    import pyarrow

    try:
        return str(pyarrow.type_for_alias(text))
    except ValueError:
        return re.sub(r",\s*", ", ", text) if _COMPOSED_TYPE.match(text) else None


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


def read_arrow(path: Path, file_name: str) -> Any:
    """The file as an Arrow table, as :func:`read` does; Parquet and Feather with their own types."""
    import pyarrow

    suffix, _ = _format(file_name)
    if suffix not in (".parquet", ".feather"):
        frame = read(path, file_name)
        return None if frame is None else pyarrow.Table.from_pandas(frame, preserve_index=False)
    try:
        with _given_to_arrow(path) as source:
            if suffix == ".parquet":
                import pyarrow.parquet

                return pyarrow.parquet.ParquetFile(source).read()
            import pyarrow.feather

            return pyarrow.feather.read_table(source)
    except (ValueError, OSError) as error:
        raise InvalidInput(f"{file_name!r} does not read as a table: {error}.") from error


def read_polars(path: Path, file_name: str) -> Any:
    """The same as a DataFrame of polars'. Raises MissingPackage as well."""
    try:
        import polars
    except ImportError as error:
        raise MissingPackage("as_='polars' needs the package polars: pip install polars") from error
    table = read_arrow(path, file_name)
    return None if table is None else polars.from_arrow(table)


READERS: dict[str, Callable[[Path, str], Any]] = {
    "pandas": read,
    "arrow": read_arrow,
    "polars": read_polars,
}
"""What gives the table in a file, by the library whose it is; None when its ending is of no table."""


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


def shown_names(schema: Any) -> list[str]:
    """The names of a schema's columns; pandas' index without a name has the one that ``reset_index`` gives.

    That is ``index``, or ``level_0``, ``level_1``, … of several levels or where there is such a column.
    """
    names = list(schema.names)
    levels = {name: int(found[1]) for name in names if (found := _UNNAMED_INDEX.match(name))}
    if not levels or len(set(names)) < len(names):
        return names
    alone = list(levels.values()) == [0] and "index" not in names
    given = {name: "index" if alone else f"level_{level}" for name, level in levels.items()}
    shown = [given.get(name, name) for name in names]
    return shown if len(set(shown)) == len(shown) else names


def _columns(schema: Any) -> list[Column]:
    named = zip(shown_names(schema), schema, strict=True)
    return [Column(name=name, type=str(field.type)) for name, field in named]


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
