"""BLAKE3 digests, the identity of contents (https://github.com/BLAKE3-team/BLAKE3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Any

from blake3 import blake3

from ..errors import NotFound

CHUNK_BYTES = 4 * 1024 * 1024

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


def digest_of(data: bytes) -> str:
    """64 hexadecimal digits."""
    return blake3(data).hexdigest()


def new_digest() -> Any:
    """A hash object with ``update`` and ``hexdigest``, on one thread: ``hashing`` says why."""
    return blake3()


def chunks_of(file: IO[bytes]) -> Iterator[bytes]:
    """The rest of an open file, some megabytes at a time."""
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def is_digest(text: str) -> bool:
    """Whether it has the form of a digest."""
    return _DIGEST.match(text) is not None


def checked(digest: str) -> str:
    """``digest`` itself. Raises NotFound for text that is no digest, so that it never becomes a path."""
    if not is_digest(digest):
        raise NotFound(f"No blob {digest!r}: a digest has 64 hexadecimal digits.")
    return digest
