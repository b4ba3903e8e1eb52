"""Content-addressed storage."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Blob:
    """A stored content: its BLAKE3 digest (64 hexadecimal digits) and its size."""

    digest: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob as a listing has it; ``stored_at`` is when it was stored last, in seconds since the epoch."""

    digest: str
    size_bytes: int
    stored_at: float


class BlobStore(Protocol):
    """The same bytes are stored once; what is stored never changes.

    A put is atomic: a blob is there whole or not at all, also after ``kill -9``, and putting it again
    costs no second copy. OSError is raised for a full or unwritable store.
    """

    def put(self, data: bytes) -> Blob:
        """Store bytes."""
        ...

    def put_file(self, path: Path) -> Blob:
        """Store a file's content without reading it whole into memory.

        Raises Conflict when somebody writes to the file meanwhile, and stores nothing.
        """
        ...

    def put_many(self, contents: Iterable[bytes]) -> list[Blob]:
        """Store many small contents, for much less than a put each; their blobs in the same order."""
        ...

    def missing(self, digests: Collection[str]) -> set[str]:
        """Those that are not there, or are known to be damaged: to be put again."""
        ...

    def get(self, digest: str) -> bytes:
        """The content, verified. Raises NotFound, or Corrupt when it is not what the digest says."""
        ...

    def path(self, digest: str) -> Path:
        """A local read-only file with the content, verified on first use. Raises as ``get`` does."""
        ...

    def exists(self, digest: str) -> bool:
        """Whether the content is there."""
        ...

    def stored(self) -> Iterator[StoredBlob]:
        """All that is there, in no order; what comes or goes meanwhile may be told or not."""
        ...

    def unreadable(self) -> list[Path]:
        """Files of this store, on this machine, that should hold many contents and cannot be understood.

        What they held counts as not stored.
        """
        ...

    def delete_many(self, digests: Collection[str], *, before: float) -> list[str]:
        """Remove those that were stored before that time, and tell which.

        When it was stored is looked at for each in the moment it is removed: what somebody has stored again
        since it was listed stays.
        """
        ...

    def delete(self, digest: str) -> None:
        """Remove a content; nothing happens when it is not there."""
        ...
