"""Whether a table is as it is expected, by SQL over the file: nothing is loaded.

A missing value breaks ``not_null`` only; NaN counts as missing, as pandas has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...entities import Expectation, ExpectationResult
from ...errors import InvalidInput
from ..columnar.engine import Engine, EngineError, literal
from ..columnar.tables import Table, TableColumn

EXAMPLES = 5
LONGEST_EXAMPLE = 80
_TIMES = ("DATE", "TIME")

FAMILIES: dict[str, Callable[[TableColumn], bool]] = {
    "int": lambda column: column.is_integer,
    "integer": lambda column: column.is_integer,
    "real": lambda column: column.kind == "number" and not column.is_integer,
    "number": lambda column: column.kind == "number",
    "text": lambda column: column.kind == "text",
    "str": lambda column: column.kind == "text",
    "object": lambda column: column.kind == "text",
    "boolean": lambda column: column.kind == "boolean",
    "bool": lambda column: column.kind == "boolean",
    "time": lambda column: column.kind == "time",
    "datetime": lambda column: column.engine_type.startswith("TIMESTAMP"),
    "float64": lambda column: column.engine_type == "DOUBLE",
    "float32": lambda column: column.engine_type == "FLOAT",
}
"""Words for types that are not Arrow's names."""


def check_table(engine: Engine, table: Table, expectation: Expectation) -> ExpectationResult:
    """One expectation of the table's columns or rows."""
    if expectation.check == "rows":
        return _counted(expectation, table.rows, "row")
    there = {column.name: column for column in table.columns}
    missing = [name for name in expectation.columns if name not in there]
    if missing:
        names = ", ".join(map(repr, missing))
        has = ", ".join(map(repr, list(there)[:20])) or "none"
        return result(expectation, passed=False, message=f"There is no column {names}. There are: {has}.")
    if expectation.check == "columns":
        return result(expectation, passed=True, message=f"All {len(expectation.columns)} columns are there.")
    columns = [there[name] for name in expectation.columns]
    if expectation.check == "type":
        return _typed(expectation, columns[0])
    try:
        return _CHECKS[expectation.check](engine, table, expectation, columns)
    except EngineError as error:
        message = f"{_names(columns)} of type {columns[0].type} cannot be looked at so: {error.message}."
        return result(expectation, passed=False, message=message)


def refuse_bad_pattern(engine: Engine, column: str, regex: str) -> None:
    """Raises InvalidInput for a regular expression that the engine does not take."""
    try:
        engine.row(f"SELECT regexp_full_match('', {literal(regex)})")
    except EngineError as error:
        raise InvalidInput(
            f"matches of {column!r}: {regex!r} is no regular expression of RE2, which knows no look-ahead "
            f"and no back references: {error.message}."
        ) from error


def refuse_bad_values(engine: Engine, expectation: Expectation, column: TableColumn, where: str) -> None:
    """Raises InvalidInput for ends or values that a column of this type can never be compared with.

    ``where`` says whose column it is, such as ``train@3``.
    """
    arguments = expectation.arguments
    values = arguments.get("values") or [arguments.get("min"), arguments.get("max")]
    for value in values:
        if value is None:
            continue
        try:
            engine.row(f"SELECT {_comparable(column, value)} IS NULL")
        except EngineError as error:
            raise InvalidInput(
                f"{expectation.check} of {column.name!r}: {error.message}, and the column is "
                f"{column.type} in {where}. Say values of that type; if later versions are to have "
                f"another, name the column in new_columns=[{column.name!r}] (--new-column on the command "
                "line)."
            ) from error


def count_files(expectation: Expectation, files: int) -> ExpectationResult:
    """An expectation of how many files there are."""
    return _counted(expectation, files, "file")


def result(
    expectation: Expectation,
    *,
    passed: bool,
    message: str,
    failing: int | None = None,
    examples: Sequence[str] = (),
) -> ExpectationResult:
    """What came of one expectation."""
    return ExpectationResult(
        name=expectation.name,
        check=expectation.check,
        severity=expectation.severity,
        passed=passed,
        message=message,
        columns=expectation.columns,
        failing=failing,
        examples=list(examples),
    )


def _typed(expectation: Expectation, column: TableColumn) -> ExpectationResult:
    wanted = expectation.arguments["type"]
    family = FAMILIES.get(wanted)
    passed = column.type == wanted or (family is not None and family(column))
    said = f"{column.name!r} is {column.type}"
    return result(expectation, passed=passed, message=f"{said}." if passed else f"{said}, not {wanted}.")


def _counted(expectation: Expectation, count: int, what: str) -> ExpectationResult:
    low, high = expectation.arguments["min"], expectation.arguments["max"]
    passed = (low is None or count >= low) and (high is None or count <= high)
    said = f"{count:,} {what}{'' if count == 1 else 's'}"
    message = f"{said}." if passed else f"{said}, not {_span(expectation.arguments)}."
    return result(expectation, passed=passed, message=message)


def _not_null(
    engine: Engine, table: Table, expectation: Expectation, columns: Sequence[TableColumn]
) -> ExpectationResult:
    (failing,) = engine.row(f"SELECT count(*) FILTER (NOT ({columns[0].present})) FROM {table.source}")
    said = f"{_names(columns)} has no value in {_share(failing, table.rows)}."
    message = said if failing else f"{_names(columns)} has a value in every row."
    return result(expectation, passed=not failing, message=message, failing=failing)


def _between(
    engine: Engine, table: Table, expectation: Expectation, columns: Sequence[TableColumn]
) -> ExpectationResult:
    column, span = columns[0], expectation.arguments
    ends = {name: _comparable(column, span[name]) for name in ("min", "max") if span[name] is not None}
    outside = [f"{column.sql} {'<' if name == 'min' else '>'} {end}" for name, end in ends.items()]
    return _values(engine, table, expectation, column, " OR ".join(outside), f"is not {_span(span)}")


def _one_of(
    engine: Engine, table: Table, expectation: Expectation, columns: Sequence[TableColumn]
) -> ExpectationResult:
    column, values = columns[0], expectation.arguments["values"]
    listed = ", ".join(_comparable(column, value) for value in values)
    some = ", ".join(map(repr, values[:8])) + (", …" if len(values) > 8 else "")
    return _values(
        engine, table, expectation, column, f"{column.sql} NOT IN ({listed})", f"is none of {some}"
    )


def _matches(
    engine: Engine, table: Table, expectation: Expectation, columns: Sequence[TableColumn]
) -> ExpectationResult:
    column, regex = columns[0], expectation.arguments["regex"]
    breaks = f"NOT regexp_full_match({column.sql}::VARCHAR, {literal(regex)})"
    return _values(engine, table, expectation, column, breaks, f"does not match {regex!r}")


def _values(
    engine: Engine, table: Table, expectation: Expectation, column: TableColumn, breaks: str, what: str
) -> ExpectationResult:
    where = f"({column.present}) AND ({breaks})"
    (failing,) = engine.row(f"SELECT count(*) FILTER ({where}) FROM {table.source}")
    if not failing:
        return result(expectation, passed=True, message=f"{column.name!r} is so in every row.", failing=0)
    shown = engine.rows(
        f"SELECT left({column.sql}::VARCHAR, {LONGEST_EXAMPLE}) FROM {table.source} WHERE {where} "
        f"GROUP BY {column.sql} ORDER BY count(*) DESC, {column.sql} LIMIT {EXAMPLES}"
    )
    examples = [value for (value,) in shown]
    some = ", ".join(map(repr, examples[:3]))
    message = f"{column.name!r} {what} in {_share(failing, table.rows)}, such as {some}."
    return result(expectation, passed=False, message=message, failing=failing, examples=examples)


def _unique(
    engine: Engine, table: Table, expectation: Expectation, columns: Sequence[TableColumn]
) -> ExpectationResult:
    """A row without all of the values is no duplicate, as SQL has it."""
    listed = ", ".join(column.sql for column in columns)
    present = " AND ".join(column.present for column in columns)
    groups = (
        f"SELECT {listed}, count(*) AS {_COUNT} FROM {table.source} WHERE {present} "
        f"GROUP BY {listed} HAVING count(*) > 1"
    )
    (failing,) = engine.row(f"SELECT coalesce(sum({_COUNT}), 0)::BIGINT FROM ({groups})")
    if not failing:
        return result(expectation, passed=True, message=f"{_names(columns)}: no value twice.", failing=0)
    texts = ", ".join(f"left({column.sql}::VARCHAR, {LONGEST_EXAMPLE})" for column in columns)
    rows = engine.rows(f"SELECT {texts} FROM ({groups}) ORDER BY {_COUNT} DESC, {listed} LIMIT {EXAMPLES}")
    examples = [", ".join(row) for row in rows]
    message = (
        f"{_names(columns)}: {_share(failing, table.rows)} have values that are there twice or more, such as "
        f"{', '.join(map(repr, examples[:3]))}."
    )
    return result(expectation, passed=False, message=message, failing=failing, examples=examples)


_COUNT = '"how many, says jupyter-mlops"'
"""No column of the table may have the same name."""

_CHECKS: dict[str, Callable[[Engine, Table, Expectation, Sequence[TableColumn]], ExpectationResult]] = {
    "not_null": _not_null,
    "between": _between,
    "one_of": _one_of,
    "matches": _matches,
    "unique": _unique,
}


def _comparable(column: TableColumn, value: Any) -> str:
    """A value in the column's type: texts of dates become dates."""
    is_time = column.engine_type in _TIMES or column.engine_type.startswith("TIMESTAMP")
    if isinstance(value, str) and is_time:
        return f"CAST({literal(value)} AS {column.engine_type})"
    if isinstance(value, str) and column.kind in ("number", "boolean"):
        raise EngineError(f"{value!r} is a text")
    if not isinstance(value, str) and column.kind in ("text", "time"):
        raise EngineError(f"{value!r} is no text" + (" of a time" if is_time else ""))
    return literal(value)


def _span(arguments: dict[str, Any]) -> str:
    low, high = arguments["min"], arguments["max"]
    if low == high:
        return f"{low}"
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"between {low} and {high}"


def _names(columns: Sequence[TableColumn]) -> str:
    return ", ".join(repr(column.name) for column in columns)


def _share(failing: int, rows: int) -> str:
    return f"{failing:,} of {rows:,} rows"
