"""Types of a result's columns when no value shows them, as far as a database tells them.

They are those that values of the column would have: what is left out, such as PostgreSQL's numeric, whose
values have digits of their own, has none.
"""

from __future__ import annotations

import re
from typing import Any

VIEW = "jupyter_mlops_result"

_POSTGRESQL = {
    16: "bool",
    17: "binary",
    **dict.fromkeys((20, 21, 23), "int64"),
    **dict.fromkeys((18, 19, 25, 1042, 1043, 2950), "string"),
    **dict.fromkeys((700, 701), "float64"),
    1082: "date32",
    1083: "time64[us]",
    1114: "timestamp[us]",
    1186: "duration[us]",
}
"""Arrow's names by the numbers of ``pg_type``, which are the same in every database."""

_SQLITE = (
    ("INT", "int64"),
    ("CHAR|CLOB|TEXT", "string"),
    ("BLOB", None),
    ("REAL|FLOA|DOUB", "float64"),
)
"""The affinity of a declared type, in the order of https://sqlite.org/datatype3.html#determination_of_column_affinity;
numeric columns hold what they are given."""


def told_types(connection: Any, query: str, description: Any) -> list[Any]:
    """The Arrow type of each column of a query without rows, null where the database does not tell it.

    ``description`` has the name and the driver's type code of each (PEP 249). Raises SQLAlchemyError where
    SQLite cannot make a view of the query.
    """
    import pyarrow as pa

    if connection.dialect.name == "postgresql":
        names = [_POSTGRESQL.get(each[1]) for each in description]
    elif connection.dialect.name == "sqlite":
        names = [_affinity(each) for each in _declared_in_sqlite(connection, query)]
    else:
        names = [None] * len(description)
    return [pa.type_for_alias(name or "null") for name in names]


def _declared_in_sqlite(connection: Any, query: str) -> list[str]:
    """SQLite tells them of a view's columns; one in ``temp`` leaves the database as it is."""
    connection.exec_driver_sql(f"CREATE TEMP VIEW {VIEW} AS {query}")
    try:
        columns = connection.exec_driver_sql(f"PRAGMA temp.table_info({VIEW})").fetchall()
    finally:
        connection.exec_driver_sql(f"DROP VIEW temp.{VIEW}")
    return [str(each[2] or "") for each in columns]


def _affinity(declared: str) -> str | None:
    return next((name for words, name in _SQLITE if re.search(words, declared.upper())), None)
