"""Arrays in memory: of NumPy and torch, one or a dict of them."""

from __future__ import annotations

from typing import Any

from ....entities import DatasetKind
from .. import arrays
from .source import Content, Shelf


class Arrays:
    """Stored as ``.npy`` or ``.npz``; there is no place where they could stay."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def takes(self, data: Any) -> bool:
        return arrays.is_array(data) or arrays.is_dict_of_arrays(data)

    def content(self, data: Any, *, name: str, copy: bool | None) -> Content:
        with self._shelf.cache.scratch() as scratch:
            shape, ending = arrays.write(data, scratch)
            blob = self._shelf.blobs.put_file(scratch)
        what = data if not isinstance(data, dict) else next(iter(data.values()))
        source = f"{type(what).__module__.partition('.')[0]}.{type(what).__name__}"
        return Content(
            kind=DatasetKind.ARRAY,
            digest=blob.digest,
            size_bytes=blob.size_bytes,
            file_name=f"{name}{ending}",
            source=source if what is data else f"dict of {source}",
            shape=shape,
        )
