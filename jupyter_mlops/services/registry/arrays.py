"""Arrays as deterministic ``.npy`` and ``.npz`` files, and back. NumPy and torch live here.

Tensors are kept as NumPy arrays: the same numbers are the same dataset, whatever library holds them.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import Any

from ...entities import Column
from ...errors import InvalidInput
from .tables import Shape

ONE, SEVERAL = ".npy", ".npz"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Zip files have no earlier time: without it the same arrays would differ by when they were stored."""


def is_array(data: Any) -> bool:
    """Whether ``data`` is an array, of NumPy, torch or another library that converts to NumPy's."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(data, torch.Tensor):
        return True
    return hasattr(data, "__array__") and hasattr(data, "dtype") and hasattr(data, "shape")


def is_dict_of_arrays(data: Any) -> bool:
    return isinstance(data, dict) and bool(data) and all(is_array(each) for each in data.values())


def write(data: Any, path: Path) -> tuple[Shape, str]:
    """Into a new file; equal arrays give equal bytes. Their shape, and the ending of their format.

    Raises InvalidInput for what cannot be stored without pickling.
    """
    import numpy as np

    if not isinstance(data, dict):
        array = _plain(data, "The array")
        with path.open("xb") as file:
            np.lib.format.write_array(file, array, version=(2, 0), allow_pickle=False)
        return Shape(len(array) if array.ndim else 1, [_column("values", array)]), ONE
    named = {_key(key): _plain(each, f"The array {key!r}") for key, each in sorted(data.items(), key=str)}
    with zipfile.ZipFile(path, "x", zipfile.ZIP_STORED) as archive:
        for key, array in named.items():
            entry = zipfile.ZipInfo(f"{key}.npy", EPOCH)
            with archive.open(entry, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, version=(2, 0), allow_pickle=False)
    lengths = {len(array) if array.ndim else 1 for array in named.values()}
    rows = lengths.pop() if len(lengths) == 1 else None
    return Shape(rows, [_column(key, array) for key, array in named.items()]), SEVERAL


def read(path: Path, file_name: str) -> Any:
    """An array, or a dict of them; None when the ending is of no arrays. Raises InvalidInput if it is
    damaged.

    Nothing is unpickled: a file with Python objects in it gives None, as a file like any other.
    """
    import numpy as np

    ending = file_name.lower()[-4:]
    if ending not in (ONE, SEVERAL):
        return None
    try:
        if ending == ONE:
            return np.load(path, allow_pickle=False)
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        if "allow_pickle=False" in str(error):
            return None
        raise InvalidInput(
            f"{file_name!r} does not read as arrays: {str(error).rstrip('.')}. Use as_path=True for the "
            "file itself."
        ) from error


def _plain(data: Any, what: str) -> Any:
    """A NumPy array in C order, so that the layout in memory does not count."""
    import numpy as np

    if isinstance(data, np.ma.MaskedArray):
        raise InvalidInput(f"{what} has a mask, which would get lost. Fill it: array.filled(value).")
    array = np.asarray(_of_torch(data, what), order="C")
    if array.dtype.hasobject or array.dtype.char == "T":
        raise InvalidInput(
            f"{what} has the type {array.dtype}, whose values are Python objects. Give it one of numbers or "
            "texts of a fixed length, such as array.astype('U'), or register a DataFrame."
        )
    return array


def _of_torch(data: Any, what: str) -> Any:
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(data, torch.Tensor):
        return data
    try:
        return data.detach().cpu().resolve_conj().resolve_neg().numpy()
    except (TypeError, RuntimeError) as error:
        raise InvalidInput(
            f"{what} cannot be stored as a NumPy array: {error}. Convert it, such as by tensor.float() or "
            "tensor.to_dense()."
        ) from error


def _key(key: Any) -> str:
    if not isinstance(key, str) or not key or "\0" in key:
        raise InvalidInput(f"The names of arrays in a dict are texts that are not empty, not {key!r}.")
    return key


def _column(name: str, array: Any) -> Column:
    return Column(name=name, type=f"{array.dtype}{list(array.shape)}".replace(" ", ""))
