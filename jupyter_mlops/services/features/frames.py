"""Features as columns of a DataFrame: the same dtypes, whether they were joined or served online."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

WHOLE = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
FEW = 10_000
"""Rows that are converted before threads for it have been started."""


def frame_of(columns: Mapping[str, Any]) -> pd.DataFrame:
    """Arrow columns for people: as pandas reads Parquet, but nulls leave whole numbers and booleans exact.

    Without nulls these are NumPy's dtypes; with some, pandas' nullable ones (``Int64``, ``boolean``): a large
    id would not survive as a float.
    """
    import pandas as pd
    import pyarrow as pa

    nullable = {getattr(pa, name.lower())(): getattr(pd, f"{name}Dtype")() for name in WHOLE}
    nullable[pa.bool_()] = pd.BooleanDtype()
    exact = {name for name, column in columns.items() if column.null_count and column.type in nullable}
    parts = []
    for names, mapper in ((exact, nullable.get), (columns.keys() - exact, None)):
        if names:
            table = pa.table({name: columns[name] for name in columns if name in names})
            threads = table.num_rows > FEW
            parts.append(table.to_pandas(types_mapper=mapper, use_threads=threads))
    if len(parts) == 1:
        whole: pd.DataFrame = parts[0]
        return whole
    return pd.concat(parts, axis=1)[list(columns)] if parts else pd.DataFrame()


def taken(column: Any, rows: Any) -> Any:
    """The values of an Arrow column at these rows, null where the row is -1."""
    import pyarrow as pa

    return column.take(pa.array(rows, mask=rows < 0))
