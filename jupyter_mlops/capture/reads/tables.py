"""Rows and columns of what a reader returned, known by what the object can do; nothing is imported."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

MAX_COLUMNS = 1000


@dataclass(frozen=True, slots=True)
class Facts:
    """The rows of a table or array, and its columns' dtypes in order (empty for an array)."""

    rows: int
    columns: dict[str, str] = field(default_factory=dict)


def facts_of(result: Any) -> Facts | None:
    """What is known of a DataFrame (pandas, polars), an Arrow table, or an array; None of anything else."""
    library = type(result).__module__.partition(".")[0]
    if library == "pandas":
        return _of_pandas(result)
    if library == "polars":
        return _of_polars(result)
    if library == "pyarrow":
        return _of_arrow(result)
    if library == "numpy":
        return _of_numpy(result)
    return None


def _of_pandas(frame: Any) -> Facts | None:
    pandas: Any = sys.modules.get("pandas")
    tables: tuple[Any, ...] = (pandas.DataFrame, pandas.Series)
    if not isinstance(frame, tables):
        return None
    if not hasattr(frame, "columns"):
        return Facts(len(frame), {str(frame.name or "0"): str(frame.dtype)})
    names = list(frame.columns)
    if len(names) > MAX_COLUMNS:
        return Facts(len(frame))
    return Facts(len(frame), {str(name): str(kind) for name, kind in zip(names, frame.dtypes, strict=True)})


def _of_polars(frame: Any) -> Facts | None:
    if type(frame).__name__ != "DataFrame":  # a LazyFrame knows nothing before it is collected
        return None
    kinds = {str(name): str(kind) for name, kind in frame.schema.items()}
    return Facts(frame.height, kinds if len(kinds) <= MAX_COLUMNS else {})


def _of_arrow(table: Any) -> Facts | None:
    schema, rows = getattr(table, "schema", None), getattr(table, "num_rows", None)
    if schema is None or not isinstance(rows, int):
        return None
    kinds = {str(each.name): str(each.type) for each in schema} if len(schema) <= MAX_COLUMNS else {}
    return Facts(rows, kinds)


def _of_numpy(array: Any) -> Facts | None:
    shape, dtype = getattr(array, "shape", None), getattr(array, "dtype", None)
    if not shape or dtype is None:
        return None
    fields = getattr(dtype, "fields", None) or {}
    return Facts(int(shape[0]), {str(name): str(kind[0]) for name, kind in fields.items()})
