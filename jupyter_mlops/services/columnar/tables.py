"""Files as tables of the engine: Parquet where it lies, all else read once into the engine."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

from ...entities import Column
from ...errors import InvalidInput
from ..registry.csv_files import CsvFile
from ..registry.tables import COMPRESSIONS, DELIMITERS, read_arrow, shown_names
from .engine import Engine, EngineError, literal, quoted

CONTENT = "content"
"""The name of the table that is read into the engine."""
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
_ENGINE_TYPES = {arrow: engine for engine, arrow in _ARROW_NAMES.items()} | {
    "halffloat": "FLOAT",
    "large_string": "VARCHAR",
    "string_view": "VARCHAR",
    "time64[ns]": "TIME",
}
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_REALS = ("FLOAT", "DOUBLE", "DECIMAL")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """A column: ``type`` is Arrow's name of its type, ``engine_type`` the engine's.

    ``stored`` is its name in the engine, where that is another one: its names do not differ in case only.
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


def column_of(said: Column) -> TableColumn | None:
    """A column as the engine would have it, by what the registry says of it; None for lists and such."""
    engine_type = _ENGINE_TYPES.get(said.type)
    if said.type.startswith("timestamp["):
        engine_type = "TIMESTAMP WITH TIME ZONE" if "tz=" in said.type else "TIMESTAMP"
    elif said.type.startswith("decimal"):
        engine_type = "DECIMAL" + said.type[said.type.index("(") :]
    return (
        None if engine_type is None else TableColumn(name=said.name, type=said.type, engine_type=engine_type)
    )


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
    where the engine does not name them so: a CSV has those of its values. Raises InvalidInput when the file
    does not read as what its ending says.
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
        table = opener(engine, place, suffix, compression, view)
    except (InvalidInput, OSError, ValueError) as error:  # Arrow's and pandas' are ValueErrors or OSErrors
        said = error.message if isinstance(error, InvalidInput) else str(error)
        said = said.replace(str(place), file_name).strip().rstrip(".")
        raise InvalidInput(
            f"{file_name!r} does not read as a table: {said}. Correct the file and register it anew; "
            "load_dataset(…, as_path=True) gives it as it is."
        ) from error
    return table if suffix in DELIMITERS else _called(table, columns or ())


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
    shown = _shown_names(file.schema_arrow)
    columns = _columns(engine, source, names)
    if any(name.casefold() == "file_row_number" for name in shown):  # the file has one of its own
        return _named(_materialized(engine, f"SELECT * FROM {source}", view, names), shown)
    table = Table(source=source, numbered=numbered, row="file_row_number", columns=columns, rows=rows)
    table = _named(table, shown)
    return replace(table, ends=_ends(file.metadata, table.columns))


def _shown_names(schema: Any) -> list[str]:
    """Of columns with one name, which only other writers than the registry make, each is told apart."""
    taken: set[str] = set()
    names = []
    for name in shown_names(schema):
        number, shown = 0, name
        while shown in taken or (number and shown in schema.names):
            number += 1
            shown = f"{name}_{number}"
        taken.add(shown)
        names.append(shown)
    return names


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
    import pyarrow

    if path.stat().st_size == 0:
        raise InvalidInput("it is empty")
    file = CsvFile(lambda: pyarrow.input_stream(str(path), compression=compression), DELIMITERS[suffix])
    while not file.settled:
        engine.rows(f"DROP TABLE IF EXISTS {quoted(view)}")
        for piece in file.pieces():
            engine.append(view, piece)
    return _named(_opened(engine, view), file.names)


def _json(engine: Engine, path: Path, suffix: str, compression: str | None, view: str) -> Table:
    if path.stat().st_size == 0:
        raise InvalidInput("it is empty")
    options = {
        "format": "'newline_delimited'",
        "map_inference_threshold": "-1",
        "maximum_object_size": str(256 * 1024 * 1024),
        **_compressed(compression),
    }
    tries: list[dict[str, str]] = [{}, {"sample_size": "-1"}]
    table = _first_that_reads(
        engine, view, [f"read_json({_call(path, {**options, **more})})" for more in tries]
    )
    objects = f"read_ndjson_objects({_call(path, {name: options[name] for name in options if name in _RAW})})"
    return _loaded(engine, path, compression, view) if _has_own_names(engine, table, objects) else table


_RAW = ("compression", "maximum_object_size")
_GIVEN_NAME = re.compile(r"(.+)_\d+\Z", re.DOTALL)


def _has_own_names(engine: Engine, table: Table, objects: str) -> bool:
    """Whether the engine has named columns itself: of keys that differ only in case, it calls one ``a_1``.

    Or it makes one column of all, of JSON. ``objects`` is the source of the lines as they are.
    """
    if [(column.name, column.engine_type) for column in table.columns] == [("json", "JSON")]:
        return True
    folded = {column.name.casefold() for column in table.columns}
    for name in (column.name for column in table.columns):
        given = _GIVEN_NAME.match(name)
        if given and given[1].casefold() in folded:
            key = literal("/" + name.replace("~", "~0").replace("/", "~1"))
            if not engine.rows(f"SELECT 1 FROM {objects} WHERE json_exists(json, {key}) LIMIT 1"):
                return True
    return False


def _loaded(engine: Engine, path: Path, compression: str | None, view: str) -> Table:
    """As it is loaded, whole."""
    ending = next(each for each, known in COMPRESSIONS.items() if known == compression)
    table = read_arrow(path, path.name + ending)
    engine.rows(f"DROP TABLE IF EXISTS {quoted(view)}")
    engine.append(view, table.rename_columns([f"c{number}" for number in range(table.num_columns)]))
    return _named(_opened(engine, view), table.column_names)


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


def _first_that_reads(engine: Engine, view: str, calls: Sequence[str]) -> Table:
    for call in calls[:-1]:
        try:
            return _materialized(engine, f"SELECT * FROM {call}", view)
        except EngineError:
            continue
    return _materialized(engine, f"SELECT * FROM {calls[-1]}", view)


def _materialized(engine: Engine, query: str, view: str, names: Sequence[str] = ()) -> Table:
    engine.rows(f"CREATE OR REPLACE TEMP TABLE {quoted(view)} AS {query}")
    return _opened(engine, view, names)


def _opened(engine: Engine, view: str, names: Sequence[str] = ()) -> Table:
    """A table that was read into the engine."""
    source = quoted(view)
    columns = _columns(engine, source, names)
    (rows,) = engine.row(f"SELECT count(*) FROM {source}")
    return Table(source=source, numbered=source, row="rowid", columns=columns, rows=rows)


def _named(table: Table, names: Sequence[str]) -> Table:
    """With the names that the columns have outside of the engine, by their order.

    The engine takes names that differ only in case for the same and calls the second ``name_1``; one without
    a letter it calls ``C0``.
    """
    columns = [
        column if column.name == name else replace(column, name=name, stored=column.name)
        for column, name in zip(table.columns, names, strict=True)
    ]
    return replace(table, columns=columns)


def _columns(engine: Engine, source: str, names: Sequence[str]) -> list[TableColumn]:
    """The columns as the engine calls them; ``names`` are those of their types."""
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
