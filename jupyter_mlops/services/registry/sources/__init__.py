"""Where datasets come from, a module each.

A further source is a module with a class that satisfies ``source.Source``, and its line in ``sources_of``.
"""

from __future__ import annotations

from typing import Any

from ....errors import InvalidInput
from .arrays import Arrays
from .frames import Frames
from .paths import Paths
from .source import Content, Shelf, Source
from .sql import Queries
from .urls import Urls

__all__ = ["Content", "Shelf", "Source", "content_of", "sources_of"]


def sources_of(shelf: Shelf) -> tuple[Source, ...]:
    """All of them; the first that takes an object has it."""
    paths = Paths(shelf)
    return (Urls(shelf, paths), paths, Frames(shelf), Queries(shelf), Arrays(shelf))


def content_of(data: Any, *, name: str, copy: bool | None, shelf: Shelf) -> Content:
    """What ``data`` consists of, stored or looked at where it lies. Raises InvalidInput for no data."""
    for source in sources_of(shelf):
        if source.takes(data):
            return source.content(data, name=name, copy=copy)
    raise InvalidInput(
        f"A {type(data).__module__}.{type(data).__qualname__} is no dataset. Give the path of a file or "
        "folder, a glob or a URL as text, a DataFrame, an Arrow or polars table (collect a LazyFrame first), "
        "a NumPy array or torch tensor, a dict of arrays, or jupyter_mlops.sql(query, connection)."
    )
