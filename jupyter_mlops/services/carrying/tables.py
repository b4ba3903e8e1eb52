"""Tables as Arrow IPC files, when what is read back is what was written. Checked, not hoped.

A pandas table goes over Arrow's types and back: dtypes, the index with its names and frequency, attrs and
every value are compared, some columns at a time. What Arrow would change is left to a pickle.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHECKED_BYTES = 64 * 1024 * 1024
"""Columns are read back for the comparison in parts of about this size, or one by one where larger."""

BATCH_ROWS = 64 * 1024


def kind_of(value: Any) -> str | None:
    """``pandas``, ``polars`` or ``arrow``; None for what is no table, or a table of a derived class."""
    for name, module, attribute in (
        ("pandas", "pandas", "DataFrame"),
        ("polars", "polars", "DataFrame"),
        ("arrow", "pyarrow", "Table"),
    ):
        library = sys.modules.get(module)
        if library is not None and type(value) is getattr(library, attribute, None):
            return name
    return None


def write(value: Any, kind: str, path: Path) -> bool:
    """Write the table; False when Arrow cannot keep it exactly."""
    if kind == "polars":
        return _write_polars(value, path)
    return _write_pandas(value, path) if kind == "pandas" else _write_arrow(value, path)


def read(kind: str, path: Path) -> Any:
    """The table of a file that ``write`` wrote."""
    if kind == "polars":
        import polars

        return polars.read_ipc(path)
    table = _read(path)
    return table.to_pandas() if kind == "pandas" else table


# ------------------------------------------------------------------ Arrow
def _write_arrow(table: Any, path: Path) -> bool:
    import pyarrow

    try:
        _write(table, path, max_rows=None)
    except pyarrow.lib.ArrowException:  # chunks with several dictionaries, types without a wire format
        return False
    return bool(_schema(path).equals(table.schema, check_metadata=True))


def _write(table: Any, path: Path, *, max_rows: int | None) -> None:
    import pyarrow
    import pyarrow.ipc

    codec = "lz4" if pyarrow.Codec.is_available("lz4") else None
    options = pyarrow.ipc.IpcWriteOptions(compression=codec)
    with pyarrow.ipc.new_file(str(path), table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=max_rows)


def _read(path: Path, columns: list[int] | None = None) -> Any:
    import pyarrow
    import pyarrow.ipc

    options = pyarrow.ipc.IpcReadOptions(included_fields=columns) if columns is not None else None
    with pyarrow.OSFile(str(path)) as source:
        return pyarrow.ipc.open_file(source, options=options).read_all()


def _schema(path: Path) -> Any:
    import pyarrow
    import pyarrow.ipc

    with pyarrow.OSFile(str(path)) as source:
        return pyarrow.ipc.open_file(source).schema


# ------------------------------------------------------------------ polars
def _write_polars(frame: Any, path: Path) -> bool:
    import polars

    try:
        frame.write_ipc(path, compression="lz4")
        if polars.read_ipc_schema(path) != frame.schema:
            return False
        return all(_same_polars(frame, path, number) for number in range(frame.width))
    except BaseException as error:
        # polars' panics, for a column of Python objects, are no Exceptions
        if isinstance(error, (KeyboardInterrupt, SystemExit, OSError, MemoryError)):
            raise
        return False


def _same_polars(frame: Any, path: Path, number: int) -> bool:
    import polars

    back = polars.read_ipc(path, columns=[number]).to_series()
    return bool(back.equals(frame.to_series(number), check_dtypes=True, check_names=True, null_equal=True))


# ------------------------------------------------------------------ pandas
def _write_pandas(frame: Any, path: Path) -> bool:
    import pyarrow

    if not frame.flags.allows_duplicate_labels:
        return False
    try:
        table = pyarrow.Table.from_pandas(frame)
        _write(table, path, max_rows=BATCH_ROWS)
        schema = table.schema
        del table  # Arrow's copy, which may be as large as the frame
    except (pyarrow.lib.ArrowException, ValueError, TypeError, AttributeError, OverflowError):
        return False
    try:
        return _same_frame(frame, schema, path)
    except (pyarrow.lib.ArrowException, ValueError, TypeError, AttributeError, KeyError):
        return False  # what cannot be read back or compared is not the same


def _same_frame(frame: Any, schema: Any, path: Path) -> bool:
    outline = schema.empty_table().to_pandas()
    if not _same_index(frame.columns, outline.columns) or not _same_attrs(frame.attrs, outline.attrs):
        return False
    of_index = list(range(frame.shape[1], len(schema)))
    first = True
    for columns in _parts(frame):
        back = _read(path, [*columns, *of_index] if first else columns).to_pandas()
        if first and not _same_index(frame.index, back.index):
            return False
        first = False
        if not all(_same_column(frame.iloc[:, at], back.iloc[:, n]) for n, at in enumerate(columns)):
            return False
    return True


def _parts(frame: Any) -> Iterator[list[int]]:
    """Positions of columns, together about CHECKED_BYTES; one empty part where there is no column."""
    rows = max(len(frame), 1)
    part: list[int] = []
    size = 0
    for position, dtype in enumerate(frame.dtypes):
        size += rows * (getattr(dtype, "itemsize", None) or 8) * (8 if dtype.kind == "O" else 1)
        part.append(position)
        if size > CHECKED_BYTES:
            yield part
            part, size = [], 0
    if part or not frame.shape[1]:
        yield part


def _same_attrs(left: Any, right: Any) -> bool:
    return repr(left) == repr(right) and bool(left == right)


def _same_index(left: Any, right: Any) -> bool:
    if type(left) is not type(right) or not left.identical(right):
        return False
    if repr(list(left.names)) != repr(list(right.names)):
        return False
    if left.nlevels > 1:
        return all(
            _same_index(left.get_level_values(n), right.get_level_values(n)) for n in range(left.nlevels)
        )
    return _same_dtype(left.dtype, right.dtype) and _same_values(left, right)


def _same_column(left: Any, right: Any) -> bool:
    return _same_dtype(left.dtype, right.dtype) and _same_values(left, right)


def _same_dtype(left: Any, right: Any) -> bool:
    if left != right or type(left) is not type(right) or repr(left) != repr(right):
        return False
    if hasattr(left, "categories") and left.categories is not None:  # the order of categories counts
        return _same_index(left.categories, right.categories)
    return type(getattr(left, "tz", None)) is type(getattr(right, "tz", None))


def _same_values(left: Any, right: Any) -> bool:
    """Of two columns, or indexes, of one dtype."""
    import numpy

    if len(left) != len(right):
        return False
    if not isinstance(left.dtype, numpy.dtype):
        return bool(left.array.equals(right.array))
    a, b = left.to_numpy(), right.to_numpy()
    if a.dtype.kind == "O":
        return all(map(_same_object, a, b))
    if a.dtype.kind in "fc":
        return bool(numpy.array_equal(a, b, equal_nan=True) and (numpy.signbit(a) == numpy.signbit(b)).all())
    return bool(numpy.array_equal(a, b, equal_nan=a.dtype.kind in "mM"))


def _same_object(left: Any, right: Any) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, (float, str, int, bytes, type(None))):
        return left is right or left == right or (left != left and right != right)
    return bool(left == right) and repr(left) == repr(right)
