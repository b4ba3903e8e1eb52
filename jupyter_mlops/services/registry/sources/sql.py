"""Results of SQL queries, as snapshots. SQLAlchemy is imported when one is registered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from ....capture.secret_names import is_secret_name
from ....entities import DatasetKind
from ....errors import InvalidInput, MissingPackage, MlopsError, NotFound, Unavailable
from .frames import Frames
from .source import Content, Shelf
from .sql_types import told_types

ROWS_AT_ONCE = 50_000
FILES = ("sqlite", "duckdb")
"""Databases that are a file."""
SHOWN = 200
"""How much of a query stands in an error."""

_PACKAGES = {
    "psycopg": "'jupyter-mlops[postgres]'",
    "psycopg2": "psycopg2-binary",
    "MySQLdb": "mysqlclient",
    "pymysql": "PyMySQL",
    "mysql": "mysql-connector-python",
    "duckdb_engine": "duckdb-engine",
    "snowflake": "snowflake-sqlalchemy",
}
"""What installs a driver, where that is not its own name."""

_SCHEMES = {"duckdb": "duckdb_engine", "snowflake": "snowflake", "bigquery": "sqlalchemy-bigquery"}


@dataclass(frozen=True, slots=True)
class Query:
    """A query to register: its result is what is stored.

    ``connection`` is an SQLAlchemy URL, an Engine or an open Connection.
    """

    query: str
    connection: Any


class Queries:
    """Rows come in the order of the database: without ORDER BY the same rows may make another version."""

    def __init__(self, shelf: Shelf) -> None:
        self._frames = Frames(shelf)

    def takes(self, data: Any) -> bool:
        return isinstance(data, Query)

    def content(self, data: Query, *, name: str, copy: bool | None) -> Content:
        if not isinstance(data.query, str):
            raise InvalidInput(f"A query is text, such as 'SELECT * FROM orders', not {data.query!r}.")
        if copy is False:
            raise InvalidInput(
                "The result of a query has no place where it could stay: leave copy=False out."
            )
        with _connected(data.connection) as connection:
            source = _without_password(connection.engine.url)
            table = _result(connection, data.query)
        stored = self._frames.content(table, name=name, copy=True)
        return replace(stored, kind=DatasetKind.TABLE, source=source, query=data.query)


@contextmanager
def _connected(given: Any) -> Iterator[Any]:
    """An open connection; what is made for this is closed, and nothing that the query does is committed."""
    import sqlalchemy
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

    if isinstance(given, sqlalchemy.Connection):
        yield given
        return
    try:
        engine = given if isinstance(given, sqlalchemy.Engine) else sqlalchemy.create_engine(given)
    except ModuleNotFoundError as error:
        raise _missing(error.name or "") from error
    except NoSuchModuleError as error:
        scheme = str(given).partition("+")[0].partition(":")[0]
        if scheme in _SCHEMES:
            raise _missing(_SCHEMES[scheme]) from error
        raise InvalidInput(f"SQLAlchemy knows no database {scheme!r}.") from error
    except (ArgumentError, AttributeError, TypeError) as error:
        raise InvalidInput(
            "The connection of a query is an SQLAlchemy URL such as 'postgresql+psycopg://host/database' or "
            f"'sqlite:///data.db', an Engine or a Connection, not a {type(given).__name__} like this."
        ) from error
    try:
        if engine is not given:
            _require_file(engine.url)
        try:
            connection = engine.connect()
        except SQLAlchemyError as error:
            where = _without_password(engine.url)
            raise Unavailable(f"{where} cannot be reached: {_reason(error, engine.url)}.") from error
        with connection:
            yield connection
            connection.rollback()
    finally:
        if engine is not given:
            engine.dispose()


def _require_file(url: Any) -> None:
    """SQLite and DuckDB make an empty database of a path at which there is none. Raises NotFound."""
    path = url.database
    if url.get_backend_name() not in FILES or not path or path.startswith((":memory:", "file:", "md:")):
        return
    if not Path(path).exists():
        place = str(Path(path).absolute())
        raise NotFound(f"No database at {place!r}, which {_without_password(url)} names.")


def _result(connection: Any, query: str) -> Any:
    """An Arrow table of all rows. Raises InvalidInput for a bad query, and for values of no Arrow type."""
    import pyarrow as pa
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    try:
        result = connection.execution_options(stream_results=True).execute(text(_verbatim(query)))
        if not result.returns_rows:
            raise InvalidInput(f"This is no query, it gives no rows: {query[:SHOWN]}")
        names = list(result.keys())
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise InvalidInput(f"The query gives two columns {twice!r}: name them apart with AS.")
        told = [column[:2] for column in result.cursor.description]  # gone when all rows are read
        parts = [_table(names, rows) for rows in iter(lambda: result.fetchmany(ROWS_AT_ONCE), [])]
        if parts:
            return pa.concat_tables(parts, promote_options="permissive")
        return _without_rows(connection, query, names, told)
    except MlopsError:
        raise
    except SQLAlchemyError as error:
        url = connection.engine.url
        raise InvalidInput(f"The query failed: {_reason(error, url)}. Query: {query[:SHOWN]}") from error
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InvalidInput(
            f"A column of the result has values of several types: {error}. CAST it."
        ) from error


def _table(names: list[str], rows: Any) -> Any:
    import pyarrow as pa

    columns = zip(*rows, strict=True)
    return pa.table([_column(name, values) for name, values in zip(names, columns, strict=True)], names=names)


def _without_rows(connection: Any, query: str, names: list[str], told: list[Any]) -> Any:
    import pyarrow as pa
    from sqlalchemy.exc import SQLAlchemyError

    kinds = [pa.null()] * len(names)
    with suppress(SQLAlchemyError):  # of what is no SELECT, such as PRAGMA, SQLite makes no view
        kinds = told_types(connection, query, told)
    return pa.schema(list(zip(names, kinds, strict=True))).empty_table()


def _column(name: str, values: Any) -> Any:
    import pyarrow as pa

    first = next((value for value in values if value is not None), None)
    if isinstance(first, UUID):
        values = [None if value is None else str(value) for value in values]
    elif isinstance(first, Decimal) and not all(value is None or value.is_finite() for value in values):
        values = [None if value is None else float(value) for value in values]
    elif isinstance(first, Mapping):  # JSON: objects of one column need not have the same fields
        import json

        values = [None if value is None else json.dumps(value, sort_keys=True) for value in values]
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InvalidInput(
            f"The column {name!r} has values of several types, or of one that Parquet has not: {error}. "
            "CAST it."
        ) from error


def _verbatim(query: str) -> str:
    """The query as it stands: for SQLAlchemy a colon would begin a parameter (``'12:30'``, ``x::int``)."""
    return re.sub(r"(?<!\\):(?=\w)", r"\\:", query)


def _without_password(url: Any) -> str:
    """A database's URL as it may be kept and shown."""
    kept = {name: value for name, value in url.query.items() if not is_secret_name(name)}
    bare = url.create(url.drivername, url.username, None, url.host, url.port, url.database, kept)
    return str(bare.render_as_string(hide_password=False))


def _reason(error: Exception, url: Any) -> str:
    """What the driver says, without the password that some of them repeat."""
    said = " ".join(str(getattr(error, "orig", None) or error).split())
    return said.replace(str(url.password), "…") if url.password else said


def _missing(module: str) -> MissingPackage:
    package = _PACKAGES.get(module.partition(".")[0], module)
    return MissingPackage(f"This database needs the package {module!r}: pip install {package}")
