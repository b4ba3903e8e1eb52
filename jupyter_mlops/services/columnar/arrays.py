"""NumPy arrays as tables: a row an item of the first axis, a column a number in it."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InvalidInput

if TYPE_CHECKING:
    import numpy

MOST_COLUMNS = 1000
"""Of an array that is wider, or has more than two axes, all values are one column."""
BATCH_VALUES = 1_000_000


def arrays_to_parquet(path: Path, target: Path) -> None:
    """Write a ``.npy`` or ``.npz`` file as Parquet, piece by piece.

    Raises InvalidInput for complex numbers, and for several arrays that are not of one length; ValueError for
    arrays of objects.
    """
    import pyarrow
    import pyarrow.parquet

    columns = _columns(_arrays(path, target.parent))
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        raise InvalidInput(f"its arrays have {' and '.join(map(str, sorted(lengths)))} rows")
    rows, step = max(lengths, default=0), max(1, BATCH_VALUES // max(1, len(columns)))
    writer = None
    try:
        for start in range(0, max(1, rows), step):
            part = {name: _arrow(values[start : start + step]) for name, values in columns.items()}
            table = pyarrow.table(part)
            writer = writer or pyarrow.parquet.ParquetWriter(target, table.schema)
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def _arrays(path: Path, scratch: Path) -> dict[str, Any]:
    """The arrays by their names, the only one of a ``.npy`` by none; none of them is read yet."""
    import numpy

    if not zipfile.is_zipfile(path):
        return {"": numpy.load(path, mmap_mode="r", allow_pickle=False)}
    found = {}
    with zipfile.ZipFile(path) as archive:
        for number, member in enumerate(archive.namelist()):
            place = scratch / f"member-{number}.npy"  # a member's own name may lead elsewhere
            with archive.open(member) as source, place.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1024 * 1024)
            name = member.removesuffix(".npy")
            found[name] = numpy.load(place, mmap_mode="r", allow_pickle=False)
    return found


def _columns(arrays: dict[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name, array in arrays.items():
        before = f"{name}." if name else ""
        if array.dtype.names:
            flat = array.reshape(-1)
            columns |= {f"{before}{field}": flat[field] for field in array.dtype.names}
        elif array.ndim == 2 and array.shape[1] <= MOST_COLUMNS:
            columns |= {f"{before}{number}": array[:, number] for number in range(array.shape[1])}
        elif len(arrays) > 1 and array.ndim > 1:
            columns[name] = array  # other arrays say how many rows there are
        else:
            columns[name or "value"] = array.reshape(-1)
    return columns


def _arrow(values: numpy.ndarray[Any, Any]) -> Any:
    import numpy
    import pyarrow

    if values.dtype.kind == "c":
        raise InvalidInput("An array of complex numbers has no order to make a profile of.")
    if values.ndim > 1:  # a field that is an array itself, or images beside their labels
        return pyarrow.array([each.tobytes() for each in values])
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    if values.dtype == numpy.dtype("float16"):
        values = values.astype("float32")
    if values.dtype.kind in "SV":
        return pyarrow.array([bytes(each) for each in values])
    return pyarrow.array(numpy.ascontiguousarray(values))
