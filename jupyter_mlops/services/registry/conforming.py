"""Data as a model's signature wants it: columns in its order and of its types, arrays of its shape.

Only what loses nothing is done silently. What is missing, and what would lose something, is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...entities import Field, Signature
from ...errors import InvalidInput
from .signatures import ARRAY, TABLE, as_table, is_array, is_table, numbers


def conformed(data: Any, signature: Signature | None, *, what: str) -> Any:
    """``data`` for a model called ``what`` in messages.

    Tables get the signature's columns in its order, others are left out; arrays and lists become tables where
    it wants one, and the other way round. Raises InvalidInput, naming every column that does not do.
    """
    if signature is None or not signature.inputs:
        return data
    if signature.input_kind == TABLE:
        return _as_columns(data, signature.inputs, what)
    if signature.input_kind == ARRAY:
        return _as_one_array(data, signature.inputs[0], what)
    named = [field.name for field in signature.inputs if field.name]
    if named and (isinstance(data, Mapping) or is_table(data)):
        _require(named, list(data if isinstance(data, Mapping) else data.columns), what)
        return {name: data[name] for name in named} if isinstance(data, Mapping) else data[named]
    return data


def _as_columns(data: Any, fields: list[Field], what: str) -> Any:
    table = _table(data, [field.name for field in fields], what)
    names = [str(label) for label in table.columns]
    if twice := [field.name for field in fields if names.count(field.name) > 1]:
        raise InvalidInput(
            f"{what} needs one column {twice[0]!r}, and the data has {names.count(twice[0])} of that name. "
            "Drop or rename the others."
        )
    by_name = _labels(list(table.columns), [field.name for field in fields])
    _require([field.name for field in fields], list(by_name), what)
    table = table[[by_name[field.name] for field in fields]].copy(deep=False)
    wrong = []
    for field in fields:
        column = table[by_name[field.name]]
        try:
            fitting = _cast_column(column, field.dtype)
        except (TypeError, ValueError) as error:
            wrong.append(f"{field.name!r} is {column.dtype}, not {field.dtype} ({error})")
        else:
            if fitting is not column:
                table[by_name[field.name]] = fitting
    if wrong:
        raise InvalidInput(f"{what} cannot take these columns: {'; '.join(wrong)}.")
    return table


def _labels(given: list[Any], wanted: list[str]) -> dict[str, Any]:
    """The data's own label of each name.

    LightGBM writes a space in its names as ``_``: such a name is also that of the only column with spaces
    that it can stand for.
    """
    labels = {str(label): label for label in given}
    spaced: dict[str, list[str]] = {}
    for name in labels:
        if " " in name:
            spaced.setdefault(name.replace(" ", "_"), []).append(name)
    meant = {name: spaced.get(name, []) for name in wanted if name not in labels}
    return labels | {
        name: labels[found[0]] for name, found in meant.items() if len(found) == 1 and found[0] not in wanted
    }


def _table(data: Any, names: list[str], what: str) -> Any:
    import pandas as pd

    if is_table(data):
        return as_table(data)
    if isinstance(data, Mapping):
        scalars = not any(hasattr(each, "__len__") and not isinstance(each, str) for each in data.values())
        return pd.DataFrame([data] if scalars else dict(data))
    if isinstance(data, (list, tuple)) and data and all(isinstance(row, Mapping) for row in data):
        return pd.DataFrame(list(data))
    array = data.detach().cpu().numpy() if hasattr(data, "detach") else data
    rows = array if is_array(array) else numbers(data)
    if rows is not None and len(rows.shape) == 2 and rows.shape[1] == len(names):
        return pd.DataFrame(rows, columns=names)
    raise InvalidInput(
        f"{what} takes a table with the columns {', '.join(map(repr, names))}, not a {_shown(data)}. Give a "
        "DataFrame, a dict of columns, or a list of rows as dicts."
    )


def _cast_column(column: Any, dtype: str) -> Any:
    """The column itself where it does. Raises ValueError or TypeError for what would lose something."""
    import numpy as np

    if not dtype or str(column.dtype) == dtype:
        return column
    texts = ("object", "str", "string", "category")
    if dtype in texts and str(column.dtype) in texts:
        return column.astype(dtype) if dtype == "category" else column
    try:
        wanted = np.dtype(dtype)
    except TypeError:  # a type of pandas' own
        return column.astype(dtype)
    if wanted.kind in "OUS":
        return column
    if wanted.kind in "mM":
        if column.dtype.kind != wanted.kind:
            raise ValueError("texts and numbers are no times")
        return column
    if column.dtype.kind in "mM" or str(column.dtype) == "category":
        raise ValueError("that would change its meaning")
    if str(column.dtype) in texts:
        if any(isinstance(each, str) for each in column):
            raise ValueError("it holds texts")
        column = column.astype(float)
    return _cast_numbers(column, wanted)


def _cast_numbers(values: Any, wanted: Any) -> Any:
    """Numbers of another dtype that are the same numbers; floats may lose digits, not their size."""
    import numpy as np

    given = np.asarray(values)
    if given.dtype.kind not in "biufc":
        given = given.astype(float)
    with np.errstate(all="ignore"):
        if given.dtype.kind == "f" and wanted.kind in "biu" and not np.isfinite(given).all():
            raise ValueError("it holds nulls, NaN or infinities")
        fitting = given.astype(wanted)
        if given.dtype.kind in "fc" and wanted.kind in "fc":
            same = np.isfinite(fitting) == np.isfinite(given)
        else:
            same = fitting == given
    if not np.all(same) or (given.dtype.kind == "c" and wanted.kind != "c"):
        raise ValueError("some values have no equal there")
    return values.astype(wanted)


def _as_one_array(data: Any, field: Field, what: str) -> Any:
    if isinstance(data, Mapping) and field.name in data:
        data = data[field.name]
    array = _array(data, what)
    shape = field.shape
    if shape is not None and not _fits(array.shape, shape):
        wanted = "(" + ", ".join("any" if size is None else str(size) for size in shape) + ")"
        one = len(array.shape) + 1 == len(shape) and _fits((1, *array.shape), shape)
        hint = " For one row give data[None, :] or a list of one row." if one else ""
        raise InvalidInput(f"{what} takes an array of shape {wanted}, not {tuple(array.shape)}.{hint}")
    if hasattr(array, "detach") or hasattr(array, "tocsr"):
        return array
    return _cast_array(array, field.dtype, what)


def _array(data: Any, what: str) -> Any:
    if is_table(data):
        return as_table(data).to_numpy()
    if is_array(data):
        return data.to_numpy() if hasattr(data, "to_numpy") else data
    if isinstance(data, (list, tuple)) and (array := numbers(data)) is not None:
        return array
    raise InvalidInput(f"{what} takes an array of numbers, not a {_shown(data)}.")


def _cast_array(array: Any, dtype: str, what: str) -> Any:
    import numpy as np

    try:
        wanted = np.dtype(dtype) if dtype else array.dtype
    except TypeError:  # bfloat16, for one, which NumPy does not have
        return array
    if array.dtype == wanted or wanted.kind not in "biufc":
        return array
    if array.dtype.kind in "OUS" and any(isinstance(each, (str, bytes)) for each in array.flat):
        raise InvalidInput(f"{what} takes {dtype}, and there are texts in the array.")
    try:
        return _cast_numbers(array, wanted)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{what} takes {dtype}, not {array.dtype}: {error}.") from error


def _require(names: list[str], given: list[Any], what: str) -> None:
    missing = [name for name in names if name not in map(str, given)]
    if missing:
        there = ", ".join(repr(str(each)) for each in given) or "none"
        lacking = ", ".join(map(repr, missing))
        raise InvalidInput(f"{what} needs the columns {lacking}, which the data lacks. It has: {there}.")


def _fits(shape: tuple[int, ...], wanted: list[int | None]) -> bool:
    return len(shape) == len(wanted) and all(
        size is None or size == there for size, there in zip(wanted, shape, strict=True)
    )


def _shown(data: Any) -> str:
    shape = getattr(data, "shape", None)
    return type(data).__name__ + ("" if shape is None else f" of shape {tuple(shape)}")
