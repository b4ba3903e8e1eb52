"""Examples of models' inputs: a few rows, kept in formats that anybody may read without running anything."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

from ...errors import InvalidInput
from .signatures import as_table, is_array, is_table, numbers

MOST_ROWS = 100
LARGEST_BYTES = 16 * 1024 * 1024


def first_rows(example: Any, count: int = MOST_ROWS) -> Any:
    """A copy of at most ``count`` rows: what is predicted with them must not change the user's own.

    Raises InvalidInput for what cannot be copied.
    """
    try:
        return _copied(example, count)
    except Exception as error:  # others' code may raise anything
        raise InvalidInput(f"The example, a {type(example).__name__}, cannot be copied: {error}") from error


def encoded(example: Any) -> tuple[str, bytes]:
    """A file's name and content. Raises InvalidInput for what is no table, array or JSON, or too large."""
    name, data = _encoded(example)
    if len(data) > LARGEST_BYTES:
        raise InvalidInput(f"An example of {len(data):,} bytes is too large to keep: give fewer rows.")
    return name, data


def decoded(name: str, data: bytes) -> Any:
    """The example again; arrays without unpickling. Raises ValueError, OSError for what is none."""
    import numpy as np
    import pandas as pd

    file = io.BytesIO(data)
    if name.endswith(".parquet"):
        return pd.read_parquet(file)
    if name.endswith(".npy"):
        return np.load(file, allow_pickle=False)
    if name.endswith(".npz"):
        with np.load(file, allow_pickle=False) as arrays:
            return {each: arrays[each] for each in arrays.files}
    return json.loads(data)


def _copied(example: Any, count: int) -> Any:
    if is_table(example):
        return as_table(example).head(count).copy()
    if hasattr(example, "detach"):
        return example.detach()[:count].clone() if len(example.shape) else example.detach().clone()
    if is_array(example):
        return example[:count].copy() if len(example.shape) else example.copy()
    if isinstance(example, Mapping):
        return {key: _copied(each, count) for key, each in example.items()}
    if isinstance(example, (list, tuple)):
        return copy.deepcopy(example[:count])
    return copy.deepcopy(example)


def _encoded(example: Any) -> tuple[str, bytes]:
    import numpy as np

    if is_table(example):
        return "example.parquet", _filled(lambda file: example.to_parquet(file))
    if is_array(example) and (array := _plain_array(example)) is not None:
        return "example.npy", _filled(lambda file: np.save(file, array, allow_pickle=False))
    if isinstance(example, Mapping) and example and all(map(is_array, example.values())):
        arrays = {str(key): _plain_array(each) for key, each in example.items()}
        if all(each is not None for each in arrays.values()):
            return "example.npz", _filled(lambda file: np.savez(file, **arrays))
    if isinstance(example, (list, tuple)) and (array := numbers(example)) is not None:
        return "example.npy", _filled(lambda file: np.save(file, array, allow_pickle=False))
    return "example.json", _as_json(example)


def _plain_array(value: Any) -> Any:
    """A NumPy array that is written without a pickle; None where there is none."""
    import numpy as np

    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float() if str(value.dtype) == "torch.bfloat16" else value
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        return None
    return None if array.dtype.hasobject else array


def _filled(write: Callable[[Any], object]) -> bytes:
    file = io.BytesIO()
    try:
        write(file)
    except Exception as error:  # Arrow and NumPy have many words for what they cannot write
        raise InvalidInput(f"The example cannot be written: {error}") from error
    return file.getvalue()


def _as_json(example: Any) -> bytes:
    plain = example.tolist() if is_array(example) and hasattr(example, "tolist") else example
    try:
        return json.dumps(plain, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"A {type(example).__name__} is no example that can be kept ({error}). Give a table, an array, a "
            "dict of arrays, or what JSON can say."
        ) from error
