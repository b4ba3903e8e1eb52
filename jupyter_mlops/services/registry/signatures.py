"""What values look like to a model: a table's columns, an array's shape, or whatever else they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...entities import Field, Signature

TABLE, ARRAY, OBJECT = "table", "array", "object"


def signature_of(inputs: Any, outputs: Any = None) -> Signature:
    """The signature that an example's inputs, and what was predicted for them, show."""
    input_kind, taken = described(inputs)
    output_kind, given = (OBJECT, []) if outputs is None else described(outputs)
    return Signature(inputs=taken, outputs=given, input_kind=input_kind, output_kind=output_kind)


def described(value: Any) -> tuple[str, list[Field]]:
    """The kind, and the fields: columns with their dtypes, one field without a name for an array, one for
    each array of a dict. What is none of these has its type's name for a dtype."""
    if is_table(value):
        table = as_table(value)
        return TABLE, [Field(name=str(name), dtype=str(dtype)) for name, dtype in table.dtypes.items()]
    if is_array(value):
        return ARRAY, [_of_array("", value)]
    if isinstance(value, Mapping) and value and all(map(is_array, value.values())):
        return OBJECT, [_of_array(str(name), each) for name, each in value.items()]
    if isinstance(value, (list, tuple)) and (array := numbers(value)) is not None:
        return ARRAY, [_of_array("", array)]
    return OBJECT, [Field(name="", dtype=_type_name(value))]


def is_table(value: Any) -> bool:
    """A DataFrame of pandas or polars, or a table of Arrow."""
    return hasattr(value, "columns") and (hasattr(value, "dtypes") or hasattr(value, "to_pandas"))


def is_array(value: Any) -> bool:
    """A NumPy array, a tensor, a column of a table, or a sparse matrix."""
    return hasattr(value, "dtype") and hasattr(value, "shape") and not is_table(value)


def as_table(value: Any) -> Any:
    """As a pandas DataFrame."""
    convert = getattr(value, "to_pandas", None)
    return value if convert is None else convert()


def numbers(value: Any) -> Any:
    """A list of numbers, or of lists of them, as an array; None for anything else."""
    import numpy as np

    try:
        array = np.asarray(value)
    except (TypeError, ValueError):  # lists of different lengths
        return None
    return array if array.dtype.kind in "biufc" and array.size else None


def _of_array(name: str, value: Any) -> Field:
    rows = [None] if len(value.shape) else []
    own = getattr(value, "name", None)
    return Field(
        name=name or (own if isinstance(own, str) else ""),
        dtype=str(value.dtype).removeprefix("torch."),
        shape=[*rows, *(int(size) for size in value.shape[1:])],
    )


def _type_name(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
