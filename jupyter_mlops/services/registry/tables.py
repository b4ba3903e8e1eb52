"""Tables as deterministic Parquet, and what can be known of tabular files. pandas and pyarrow live here."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from ...entities import Column
from ...errors import InvalidInput, MissingPackage
from . import categories
from .arrow_tables import arrow_table
from .csv_files import CsvFile

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

_Opened = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of a table without its values."""

    rows: int | None
    columns: list[Column]


def encode(data: Any) -> tuple[bytes, Shape]:
    """A table as Parquet; equal tables give equal bytes under the same pyarrow.

    Chunks are combined first, because Parquet's pages follow them. Raises InvalidInput for values that
    have no Arrow type, naming the column, and for columns of one name.
    """
    import pyarrow.parquet

    sink = io.BytesIO()
    try:
        table = arrow_table(data).unify_dictionaries().combine_chunks()
        pyarrow.parquet.write_table(categories.kept(table), sink)
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
        return measure(path, partial(_opened, path, compression), suffix)
    except (pyarrow.lib.ArrowException, OSError, ValueError, InvalidInput):  # pandas' are ValueErrors
        return None


@contextmanager
def _opened(path: Path, compression: str | None) -> Iterator[Any]:
    """What is in a file, out of its compression."""
    import pyarrow

    with (
        _given_to_arrow(path) as source,
        pyarrow.input_stream(source, compression=compression) as stream,
    ):
        yield stream


def read(path: Path, file_name: str) -> pd.DataFrame | None:
    """The file as a DataFrame, None when its ending is of no table. Raises InvalidInput if it is damaged."""
    import pandas

    suffix, compression = _format(file_name)
    options: dict[str, Any] = {"compression": compression}
    readers: dict[str, Callable[[Any], pd.DataFrame]] = {
        ".parquet": _read_parquet,
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
    # parse errors are ValueErrors; a TypeError is of labels that pandas writes and cannot read
    except (ValueError, TypeError, OSError) as error:
        raise InvalidInput(
            f"{file_name!r} does not read as a table: {str(error).strip().rstrip('.')}. Use as_path=True "
            "for the file itself."
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
                return _parquet(source)
            import pyarrow.feather

            return pyarrow.feather.read_table(source)
    except (ValueError, OSError) as error:
        raise InvalidInput(
            f"{file_name!r} does not read as a table: {str(error).strip().rstrip('.')}."
        ) from error


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


def _parquet(source: Any) -> Any:
    import pyarrow.parquet

    return categories.restored(pyarrow.parquet.ParquetFile(source).read())


def _read_parquet(source: Any) -> pd.DataFrame:
    """As pandas reads it, with its categories.

    Times of day that are no whole microseconds keep Arrow's type: Python has none for them.
    """
    import pandas
    import pyarrow.parquet

    schema = pyarrow.parquet.read_schema(source)
    precise = pyarrow.time64("ns")
    if not categories.are_kept(schema) and precise not in schema.types:
        return pandas.read_parquet(source)
    table = _parquet(source)
    own = {} if _are_whole(table, precise) else {precise: pandas.ArrowDtype(precise)}
    frame: pd.DataFrame = table.to_pandas(types_mapper=own.get)
    return frame


def _are_whole(table: Any, kind: Any) -> bool:
    """Whether times of day of this type are whole microseconds."""
    import pyarrow

    try:
        for column in (each for each in table.columns if each.type == kind):
            column.cast(pyarrow.time64("us"))
    except pyarrow.ArrowInvalid:
        return False
    return True


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


def _parquet_shape(path: Path, opened: _Opened, suffix: str) -> Shape:
    with opened() as stream:
        return parquet_shape(stream)


def _csv_shape(path: Path, opened: _Opened, suffix: str) -> Shape:
    file = CsvFile(opened, DELIMITERS[suffix])
    whole = path.stat().st_size <= WHOLE_CSV_BYTES
    columns = file.measure() if whole else file.head()
    return Shape(file.rows if whole else None, columns)


def _json_shape(path: Path, opened: _Opened, suffix: str) -> Shape:
    import pyarrow.json

    with opened() as stream:
        if path.stat().st_size <= WHOLE_CSV_BYTES:
            table = pyarrow.json.read_json(stream)
            return Shape(table.num_rows, _columns(table.schema))
        head = stream.read(HEAD_BYTES)
    table = pyarrow.json.read_json(io.BytesIO(head[: head.rfind(b"\n") + 1]))
    return Shape(None, _columns(table.schema))


def _feather_shape(path: Path, opened: _Opened, suffix: str) -> Shape:
    import pyarrow.ipc

    with _given_to_arrow(path) as given:
        # a mapped file is not read for its number of rows
        with pyarrow.memory_map(given) if isinstance(given, str) else pyarrow.PythonFile(given) as source:
            file = pyarrow.ipc.open_file(source)
            rows = sum(file.get_batch(number).num_rows for number in range(file.num_record_batches))
            return Shape(rows, _columns(file.schema))


_SHAPES: dict[str, Callable[[Path, _Opened, str], Shape]] = {
    ".parquet": _parquet_shape,
    ".csv": _csv_shape,
    ".tsv": _csv_shape,
    ".jsonl": _json_shape,
    ".ndjson": _json_shape,
    ".feather": _feather_shape,
}
