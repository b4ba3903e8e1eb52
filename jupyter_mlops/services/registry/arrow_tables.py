"""Tables in memory as Arrow tables that Parquet can hold: of pandas, polars, and whatever exports them.

What has no Arrow type is refused, naming the column and what to do with it.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ...errors import InvalidInput

if TYPE_CHECKING:
    import pandas as pd

UNNAMED = "values"
"""The name of a column that comes alone and has none."""

_OF_POLARS = {
    "Object": "whose values are Python objects: {0}.map_elements(str, return_dtype=pl.String)",
    "Int128": "which Arrow has not: {0}.cast(pl.Int64), or pl.String where numbers are larger",
    "UInt128": "which Arrow has not: {0}.cast(pl.UInt64), or pl.String where numbers are larger",
}
"""Types that Arrow has not, and what to do. Of a column of objects polars exports their addresses."""


def is_table(data: Any) -> bool:
    """Whether ``data`` is a DataFrame or Series, an Arrow table, or anything that exports Arrow streams."""
    return _is_of("pandas", data, "DataFrame", "Series") or hasattr(data, "__arrow_c_stream__")


def arrow_table(data: Any) -> Any:
    """A table as Arrow has it; of a Series, or an Arrow array in chunks, a table of one column.

    Raises InvalidInput for values that have no Arrow type, and for columns of one name.
    """
    import pyarrow

    if _is_of("pandas", data, "DataFrame", "Series"):
        table = _of_pandas(data if hasattr(data, "columns") else data.to_frame())
    elif _is_of("polars", data, "DataFrame", "Series"):
        table = _of_polars(data if hasattr(data, "columns") else data.to_frame(data.name or UNNAMED))
    else:
        table = data if isinstance(data, pyarrow.Table) else _of_stream(data)
    _refuse_twins(table.column_names)
    return table


def _is_of(module: str, data: Any, *names: str) -> bool:
    library = sys.modules.get(module)
    return library is not None and isinstance(data, tuple(getattr(library, name) for name in names))


def _refuse_twins(names: Iterable[Any]) -> None:
    twice = next((name for name, times in Counter(map(str, names)).items() if times > 1), None)
    if twice is not None:
        raise InvalidInput(f"The table has two columns {twice!r}. Give each a name of its own.")


def _of_stream(data: Any) -> Any:
    import pyarrow

    try:
        return pyarrow.table(data)
    except pyarrow.lib.ArrowException as error:
        try:
            return pyarrow.table([pyarrow.chunked_array(data)], names=[UNNAMED])
        except (pyarrow.lib.ArrowException, TypeError):
            kind = type(data)
            raise InvalidInput(
                f"This {kind.__module__}.{kind.__qualname__} cannot be taken as an Arrow table: "
                f"{str(error).rstrip('.')}. Convert it first, such as by its to_pandas()."
            ) from error


def _of_polars(frame: Any) -> Any:
    import pyarrow

    for name, dtype in frame.schema.items():
        if (what := _OF_POLARS.get(str(dtype))) is not None:
            raise InvalidInput(
                f"The column {name!r} has polars' type {dtype}, {what.format(f'pl.col({name!r})')}. "
                "Convert it in df.with_columns(...)."
            )
    try:
        table = pyarrow.table(frame)
    except pyarrow.lib.ArrowException as error:
        raise InvalidInput(
            f"The polars DataFrame has a column of a type that Arrow has not: {str(error).rstrip('.')}. "
            "Convert it first: df.with_columns(pl.col(...).cast(...))."
        ) from error
    held = [position for position, field in enumerate(table.schema) if _has_categories(field.type)]
    if not held:
        return table
    # Parquet does not take categories whose texts Arrow has as views, which polars gives by itself
    import polars

    older = frame.select(frame.columns[at] for at in held).to_arrow(compat_level=polars.CompatLevel.oldest())
    for position, column, field in zip(held, older.columns, older.schema, strict=True):
        table = table.set_column(position, field, column)
    return table


def _has_categories(kind: Any) -> bool:
    import pyarrow

    if pyarrow.types.is_dictionary(kind):
        return True
    return any(_has_categories(kind.field(number).type) for number in range(kind.num_fields))


def _of_pandas(frame: pd.DataFrame) -> Any:
    import pyarrow

    _refuse_twins(frame.columns)
    _refuse_types(frame)
    frame = frame.copy(deep=False)
    # pandas has them in the Parquet file, and what is said of a table is not its content
    frame.attrs = {}
    frame.columns = _readable(frame.columns)
    try:
        return pyarrow.Table.from_pandas(frame, nthreads=1)
    except OverflowError as error:
        raise InvalidInput(
            f"The column {_with_large_numbers(frame)!r} has whole numbers of more than 64 bits. Make them "
            "texts or floats: df['column'].astype(str)."
        ) from error
    except (pyarrow.lib.ArrowException, ValueError, TypeError) as error:
        reason = " ".join(str(part) for part in error.args)
        raise InvalidInput(
            f"The DataFrame cannot be stored as Parquet: {reason.rstrip('.')}. Give each column values of "
            "one type, for example with df['column'].astype(str)."
        ) from error


def _readable(labels: Any) -> Any:
    """Labels of columns that are read back as they are: instead of categories, what these are of.

    They are texts in a Parquet file. Of periods, intervals and durations pandas then reads none, and of
    ``False`` it makes ``True``: these stay texts.
    """
    import pandas

    if isinstance(labels, pandas.MultiIndex):
        return labels.set_levels([_readable(level) for level in labels.levels])
    if isinstance(labels.dtype, pandas.CategoricalDtype):
        labels = labels.astype(labels.categories.dtype)
    own = isinstance(labels.dtype, (pandas.IntervalDtype, pandas.PeriodDtype))
    return labels.map(str) if own or labels.dtype.kind in "mb" else labels


def _refuse_types(frame: pd.DataFrame) -> None:
    for position, name in enumerate(frame.columns):
        if (advice := _advice(frame.dtypes.iloc[position])) is not None:
            raise InvalidInput(f"The column {name!r} {advice.format(f'df[{name!r}]')}.")
    index: Any = frame.index
    for values in index.levels if index.nlevels > 1 else [index]:
        if (advice := _advice(values.dtype)) is not None:
            shown = "index" if values.name is None else values.name
            raise InvalidInput(
                f"The index {shown!r} {advice.format(f'df[{shown!r}]')}, after df = df.reset_index()."
            )


def _advice(dtype: Any) -> str | None:
    """What is wrong with a column of this type, and what to do; None for a type that may do."""
    import pandas

    if isinstance(dtype, pandas.SparseDtype):
        return "is sparse, and Parquet stores columns whole. Make it dense: {0}.sparse.to_dense()"
    if isinstance(dtype, pandas.CategoricalDtype):
        of = dtype.categories.dtype
        if isinstance(of, (pandas.IntervalDtype, pandas.PeriodDtype)):
            return f"has categories of the type {of}. Make them texts: {{0}}.cat.rename_categories(str)"
        return None
    if dtype.kind == "c":
        return (
            f"has complex numbers ({dtype}), which Parquet has not. Make two columns of it: "
            "{0}.to_numpy().real and {0}.to_numpy().imag"
        )
    if dtype.kind == "f" and getattr(dtype, "itemsize", 8) > 8:
        return f"has the type {dtype}, which Parquet has not. Round it: {{0}}.astype('float64')"
    return None


def _with_large_numbers(frame: pd.DataFrame) -> Any:
    """The column that does not convert by itself."""
    import pyarrow

    for position, name in enumerate(frame.columns):
        try:
            pyarrow.array(frame.iloc[:, position], from_pandas=True)
        except OverflowError:
            return name
    return frame.index.name
