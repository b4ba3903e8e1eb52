"""Tables in memory: of pandas, polars, Arrow, DuckDB and whatever else exports Arrow streams."""

from __future__ import annotations

from typing import Any

from ....entities import DatasetKind
from .. import tables
from ..arrow_tables import is_table
from .source import Content, Shelf


class Frames:
    """Stored as Parquet; there is no place where they could stay."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def takes(self, data: Any) -> bool:
        return is_table(data)

    def content(self, data: Any, *, name: str, copy: bool | None) -> Content:
        encoded, shape = tables.encode(data)
        blob = self._shelf.blobs.put(encoded)
        return Content(
            kind=DatasetKind.TABLE,
            digest=blob.digest,
            size_bytes=blob.size_bytes,
            file_name=f"{name}.parquet",
            source=f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}",
            shape=shape,
        )
