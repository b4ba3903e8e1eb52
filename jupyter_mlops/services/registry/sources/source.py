"""What every source of datasets gives, and what it works with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ....entities import DatasetKind
from ....protocols.blobs import BlobStore
from .. import tables
from ..cache import DatasetCache
from ..folders import Found, StoredFolder, hash_files, store_files, store_manifest
from ..hashes import HashMemory


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Data with its identity, before any name points at it.

    It lies in the blobs, or with a ``uri`` stays there (of a folder only the manifest is a blob then).
    """

    kind: DatasetKind
    digest: str
    size_bytes: int
    file_name: str
    source: str = ""
    shape: tables.Shape | None = None
    files: int | None = None
    uri: str | None = None
    query: str | None = None


class Source(Protocol):
    """One kind of data that users register."""

    def takes(self, data: Any) -> bool:
        """Whether ``data`` is for this source to read."""
        ...

    def content(self, data: Any, *, name: str, copy: bool | None) -> Content:
        """Store ``data``, or with ``copy=False`` leave it where it lies; None is by its size.

        ``name`` is the dataset's. Raises InvalidInput, NotFound, Conflict when the data changes meanwhile,
        MissingPackage, and Unavailable for what cannot be reached.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Where sources put what they read, and what they know of what was read before."""

    blobs: BlobStore
    hashes: HashMemory
    cache: DatasetCache
    copy_bytes: int

    def copies(self, copy: bool | None, size_bytes: int) -> bool:
        """Whether contents of this size are copied into the blobs."""
        return size_bytes <= self.copy_bytes if copy is None else copy

    def folder(
        self, place: str, files: Sequence[Found], empty: Sequence[str], *, copied: bool
    ) -> StoredFolder:
        """The manifest of files of this place; with ``copied`` they are in the blobs as well."""
        known = self.hashes.of(place)
        digests = store_files(files, self.blobs, known) if copied else hash_files(files, known)
        stored = store_manifest(files, empty, digests, self.blobs)
        known.save()
        return stored

    def shape(self, digest: str, file_name: str, path: Path | None = None) -> tables.Shape | None:
        """Of a table's bytes: those that are stored, unless they stay at ``path``."""
        if not tables.is_tabular(file_name):
            return None
        return tables.shape_of(path or self.blobs.path(digest), file_name)
