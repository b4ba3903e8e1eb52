"""Files as tables of the engine: Parquet where it lies, all else read once into the engine."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

from ...entities import Column
from ...errors import InvalidInput
from ..registry.tables import COMPRESSIONS, DELIMITERS, shown_names
from .engine import Engine, EngineError, literal, quoted

CONTENT = "content"
"""The name of the table that is read into the engine."""
WHOLE_TEXT_BYTES = 256 * 1024 * 1024
"""Types are told from all rows of a CSV up to this size; of larger ones first from some."""
NO_VALUE = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>"),
    *("N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)
"""What pandas takes for a missing value in a CSV: the profile is of what loading gives."""
MOST_STATISTICS = 100_000
"""Of so many parts of columns a file's own statistics are read; of more that takes longer than it spares."""

_ARROW_NAMES = {
    "TINYINT": "int8",
    "SMALLINT": "int16",
    "INTEGER": "int32",
    "BIGINT": "int64",
    "UTINYINT": "uint8",
    "USMALLINT": "uint16",
    "UINTEGER": "uint32",
    "UBIGINT": "uint64",
    "FLOAT": "float",
    "DOUBLE": "double",
    "VARCHAR": "string",
    "BOOLEAN": "bool",
    "BLOB": "binary",
    "DATE": "date32[day]",
    "TIME": "time64[us]",
    "TIMESTAMP": "timestamp[us]",
    "TIMESTAMP_S": "timestamp[s]",
    "TIMESTAMP_MS": "timestamp[ms]",
    "TIMESTAMP_NS": "timestamp[ns]",
    "TIMESTAMP WITH TIME ZONE": "timestamp[us, tz=UTC]",
}
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_REALS = ("FLOAT", "DOUBLE", "DECIMAL")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """A column: ``type`` is Arrow's name of its type, ``engine_type`` the engine's.

    ``stored`` is its name in the file, where that is another one: an index of pandas' without a name.
    """

    name: str
    type: str
    engine_type: str
    stored: str = ""

    @property
    def kind(self) -> str:
        """number, text, boolean, time or other."""
        base = self.engine_type.partition("(")[0]
        if self.type == "null":  # of which some versions of DuckDB make an INTEGER
            return "other"
        if base.endswith("]"):
            return "other"
        if self.is_integer or base in _REALS:
            return "number"
        if base in ("VARCHAR", "ENUM", "UUID"):
            return "text"
        if base == "BOOLEAN":
            return "boolean"
        return "time" if base in ("DATE", "TIME") or base.startswith("TIMESTAMP") else "other"

    @property
    def is_integer(self) -> bool:
        return self.engine_type.removeprefix("U") in _INTEGERS

    @property
    def is_float(self) -> bool:
        return self.engine_type in ("FLOAT", "DOUBLE")

    @property
    def sql(self) -> str:
        return quoted(self.stored or self.name)

    @property
    def present(self) -> str:
        """What is true of values that are there: neither NULL nor NaN, as pandas sees it."""
        if self.is_float:
            # not isnan(): DuckDB 2.0 takes it for false where a Parquet file's statistics leave NaN out
            return f"coalesce(isfinite({self.sql}) OR abs({self.sql}) = 'Infinity'::DOUBLE, false)"
        return f"{self.sql} IS NOT NULL"

    @property
    def as_float(self) -> str:
        """A number or a time on a line of numbers: times in seconds since 1970, or since midnight."""
        return f"epoch({self._moment})::DOUBLE" if self.kind == "time" else f"{self.sql}::DOUBLE"

    @property
    def usable(self) -> str:
        """What is true of values that lie on that line."""
        if self.is_float:
            return f"isfinite({self.sql})"
        if self.kind == "time" and self.engine_type != "TIME":
            return f"isfinite({self._moment})"
        return f"{self.sql} IS NOT NULL"

    @property
    def _moment(self) -> str:
        return self.sql if self.engine_type in ("DATE", "TIME") else f"{self.sql}::TIMESTAMP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """What a file itself says of a column of numbers; NaN is not among them."""

    low: float | int
    high: float | int
    nulls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows that the engine can read again and again.

    ``source`` goes behind FROM; ``numbered`` as well, and has ``row`` beside the columns: its number as SQL.
    ``ends`` are those of columns of which the file says them, by their names.
    """

    source: str
    numbered: str
    row: str
    columns: list[TableColumn]
    rows: int
    ends: dict[str, Ends] = field(default_factory=dict)

    def column(self, name: str) -> TableColumn | None:
        return next((each for each in self.columns if each.name == name), None)


def open_table(
    engine: Engine,
    path: Path,
    file_name: str,
    *,
    view: str = CONTENT,
    columns: Sequence[Column] | None = None,
) -> Table | None:
    """The table in a file, by ``file_name``'s ending; None for other files.

    ``view`` is its name in the engine, where several are open; ``columns`` say what its types are called,
    where they are known otherwise. Raises InvalidInput when the file does not read as what its ending says.
    """
    suffix, compression = _format(file_name)
    opener = _OPENERS.get(suffix)
    if opener is None:
        return None
    # a link with a name of our own: DuckDB takes *, ? and [ in a path for a pattern
    place = engine.scratch / f"{view}{suffix}"
    if compression == "bz2":
        _decompress(path, place)
        compression = None
    else:
        place.symlink_to(path.resolve())
    try:
        return _called(opener(engine, place, suffix, compression, view), columns or ())
    except (EngineError, OSError, ValueError) as error:  # Arrow's errors are ValueErrors or OSErrors
        said = error.message if isinstance(error, EngineError) else str(error)
        raise InvalidInput(f"{file_name!r} does not read as a table: {said}") from error


def _called(table: Table, columns: Sequence[Column]) -> Table:
    """With the names of types that the registry has."""
    if [each.name for each in columns] != [each.name for each in table.columns]:
        return table
    named = [replace(own, type=each.type) for own, each in zip(table.columns, columns, strict=True)]
    return replace(table, columns=named)


def is_tabular(file_name: str) -> bool:
    """Whether a file of that name is taken for a table."""
    return _format(file_name)[0] in _OPENERS


def _format(file_name: str) -> tuple[str, str | None]:
    path = PurePath(file_name.lower())
    if compression := COMPRESSIONS.get(path.suffix):
        return PurePath(path.stem).suffix, compression
    return path.suffix, None


def _decompress(path: Path, place: Path) -> None:
    import bz2

    with bz2.open(path) as source, place.open("wb") as target:
        shutil.copyfileobj(source, target, 1024 * 1024)


def _parquet(engine: Engine, path: Path, suffix: str, compression: str | None, view: str) -> Table:
    import pyarrow.parquet

    if compression:
        raise InvalidInput("Parquet is compressed inside; a compressed Parquet file is not read.")
    file = pyarrow.parquet.ParquetFile(path)
    names = [str(field.type) for field in file.schema_arrow]
    rows = file.metadata.num_rows
    if not names:
        return Table(source="(SELECT 1 WHERE false)", numbered="", row="0", columns=[], rows=rows)
    source = f"read_parquet({literal(str(path))}, hive_partitioning = false)"
    numbered = f"read_parquet({literal(str(path))}, hive_partitioning = false, file_row_number = true)"
    columns = _columns(engine, source, names)
    if column_named(columns, "file_row_number"):  # the file has one of its own
        return _materialized(engine, f"SELECT * FROM {source}", view, names)
    columns = [
        column if column.name == name else replace(column, name=name, stored=column.name)
        for column, name in zip(columns, _shown_names(columns, file.schema_arrow), strict=True)
    ]
    ends = _ends(file.metadata, columns)
    return Table(
        source=source, numbered=numbered, row="file_row_number", columns=columns, rows=rows, ends=ends
    )


def _shown_names(columns: Sequence[TableColumn], schema: Any) -> list[str]:
    """Those of the engine, which tells two columns of one name apart, but for an index without a name."""
    shown = shown_names(schema)
    own = [column.name for column in columns]
    return shown if own == list(schema.names) else own


def _ends(metadata: Any, columns: Sequence[TableColumn]) -> dict[str, Ends]:
    """The ends of columns of numbers, where each row group has them."""
    if (
        metadata.num_columns != len(columns)
        or metadata.num_columns * metadata.num_row_groups > MOST_STATISTICS
    ):
        return {}
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    found = {}
    for number, column in enumerate(columns):
        if not (column.is_integer or column.is_float):
            continue
        parts = [group.column(number).statistics for group in groups]
        if parts and all(each is not None and each.has_min_max and each.has_null_count for each in parts):
            found[column.name] = Ends(
                low=min(each.min for each in parts),
                high=max(each.max for each in parts),
                nulls=sum(each.null_count for each in parts),
            )
    return found


def _csv(engine: Engine, path: Path, suffix: str, compression: str | None, view: str) -> Table:
    if path.stat().st_size == 0:
        raise InvalidInput("it is empty")
    whole = path.stat().st_size <= WHOLE_TEXT_BYTES
    options = {
        "delim": literal(DELIMITERS[suffix]),
        "header": "true",
        "nullstr": f"[{', '.join(map(literal, NO_VALUE))}]",
        **_compressed(compression),
    }
    # what does not fit the types of the first rows is read again with those of all rows; then as Latin-1
    tries: list[dict[str, str]] = [] if whole else [{}]
    tries += [{"sample_size": "-1"}, {"sample_size": "-1", "encoding": "'latin-1'"}]
    return _first_that_reads(
        engine, view, [f"read_csv({_call(path, {**options, **more})})" for more in tries]
    )


def _json(engine: Engine, path: Path, suffix: str, compression: str | None, view: str) -> Table:
    if path.stat().st_size == 0:
        raise InvalidInput("it is empty")
    options = {
        "format": "'newline_delimited'",
        "maximum_object_size": str(256 * 1024 * 1024),
        **_compressed(compression),
    }
    tries: list[dict[str, str]] = [{}, {"sample_size": "-1"}]
    return _first_that_reads(
        engine, view, [f"read_json({_call(path, {**options, **more})})" for more in tries]
    )


def _feather(engine: Engine, path: Path, suffix: str, compression: str | None, view: str) -> Table:
    """As Parquet, batch by batch: DuckDB does not take all of Arrow's types from memory."""
    import pyarrow.ipc
    import pyarrow.parquet

    target = engine.scratch / f"{view}.arrow.parquet"
    with pyarrow.memory_map(str(path)) as source:
        file = pyarrow.ipc.open_file(source)
        with pyarrow.parquet.ParquetWriter(target, file.schema) as writer:
            for number in range(file.num_record_batches):
                writer.write_batch(file.get_batch(number))
    return _parquet(engine, target, ".parquet", None, view)


def _numpy(engine: Engine, path: Path, suffix: str, compression: str | None, view: str) -> Table:
    from .arrays import arrays_to_parquet

    target = engine.scratch / f"{view}.array.parquet"
    arrays_to_parquet(path, target)
    return _parquet(engine, target, ".parquet", None, view)


_OPENERS: dict[str, Callable[[Engine, Path, str, str | None, str], Table]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".tsv": _csv,
    ".jsonl": _json,
    ".ndjson": _json,
    ".feather": _feather,
    ".npy": _numpy,
    ".npz": _numpy,
}


def column_named(columns: Sequence[TableColumn], name: str) -> bool:
    return any(each.name == name for each in columns)


def _first_that_reads(engine: Engine, view: str, calls: Sequence[str]) -> Table:
    for call in calls[:-1]:
        try:
            return _materialized(engine, f"SELECT * FROM {call}", view)
        except EngineError:
            continue
    return _materialized(engine, f"SELECT * FROM {calls[-1]}", view)


def _materialized(engine: Engine, query: str, view: str, names: Sequence[str] = ()) -> Table:
    engine.rows(f"CREATE OR REPLACE TEMP TABLE {quoted(view)} AS {query}")
    source = quoted(view)
    columns = _columns(engine, source, names)
    (rows,) = engine.row(f"SELECT count(*) FROM {source}")
    return Table(source=source, numbered=source, row="rowid", columns=columns, rows=rows)


def _columns(engine: Engine, source: str, names: Sequence[str]) -> list[TableColumn]:
    """The columns; of two with one name the engine calls the second ``name_1``."""
    described: list[tuple[Any, ...]] = engine.rows(f"DESCRIBE SELECT * FROM {source}")
    types = list(names) if len(names) == len(described) else [_arrow_name(str(each[1])) for each in described]
    return [
        TableColumn(name=each[0], type=type, engine_type=str(each[1]).strip('"'))
        for each, type in zip(described, types, strict=True)
    ]


def _arrow_name(engine_type: str) -> str:
    return _ARROW_NAMES.get(engine_type, engine_type.lower())


def _compressed(compression: str | None) -> dict[str, str]:
    """The link to the file does not have the ending that says it."""
    return {"compression": literal(compression)} if compression else {}


def _call(path: Path, options: dict[str, str]) -> str:
    return ", ".join([literal(str(path)), *(f"{name} = {value}" for name, value in options.items())])
