"""One file as a sealed blob, and back: gzip, the same bytes for the same content."""

from __future__ import annotations

import gzip
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import Corrupt, InvalidInput
from ...protocols.sealing import Sealed

CHUNK_BYTES = 1024 * 1024
LEVEL = 5
DIGEST_CHARACTERS = 64
_DIGEST = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


def digests_in(data: bytes) -> set[str]:
    """Everything in it that may be a digest."""
    return {found.decode() for found in _DIGEST.findall(data)}


def digests_in_file(path: Path) -> set[str]:
    """As :func:`digests_in`, of a file of any size."""
    found: set[str] = set()
    with path.open("rb") as file:
        before = b""
        while chunk := file.read(CHUNK_BYTES):
            block = before + chunk
            # one that goes on behind the block counts when the rest is there
            end = len(block) if len(chunk) < CHUNK_BYTES else len(block) - DIGEST_CHARACTERS
            found |= {each.group().decode() for each in _DIGEST.finditer(block) if each.end() <= end}
            before = block[-2 * DIGEST_CHARACTERS :]
    return found | digests_in(before)


@contextmanager
def packed(path: Path, scratch: Path) -> Iterator[tuple[Path, int]]:
    """A temporary compressed copy in the folder ``scratch``, and how many bytes of the file it has."""
    scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
    fd, name = tempfile.mkstemp(dir=scratch, prefix="sealing-")
    size = 0
    try:
        with os.fdopen(fd, "wb") as target, path.open("rb") as source:
            with gzip.GzipFile("", "wb", compresslevel=LEVEL, fileobj=target, mtime=0) as file:
                while chunk := source.read(CHUNK_BYTES):
                    file.write(chunk)
                    size += len(chunk)
        yield Path(name), size
    finally:
        Path(name).unlink(missing_ok=True)


def unpack(blob: Path, seal: Sealed, place: Path) -> None:
    """Write the file that was sealed to ``place``, whole or not at all. Raises Corrupt."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fd, name = tempfile.mkstemp(dir=place.parent, prefix=".unpacking-")
    size = 0
    try:
        with os.fdopen(fd, "wb") as target, gzip.open(blob, "rb") as source:
            while chunk := source.read(CHUNK_BYTES):
                size += len(chunk)
                if size > seal.size_bytes:
                    break
                target.write(chunk)
        if size != seal.size_bytes:
            raise Corrupt(f"What was sealed of {seal.kind} {seal.id}, {seal.path}, has another size.")
        os.replace(name, place)
    except (EOFError, gzip.BadGzipFile) as error:
        raise Corrupt(
            f"What was sealed of {seal.kind} {seal.id}, {seal.path}, is damaged: {error}"
        ) from error
    finally:
        Path(name).unlink(missing_ok=True)


def checked_path(path: str) -> str:
    """A relative path that stays where it is put, whoever wrote its row. Raises InvalidInput."""
    parts = path.split("/")
    if "\\" in path or "\0" in path or {"", ".", ".."} & set(parts) or os.path.isabs(path):
        raise InvalidInput(f"Not the path of a sealed file: {path!r}.")
    return path


def checked_id(id: str) -> str:
    """An id that is one part of a path. Raises InvalidInput."""
    if "/" in id:
        raise InvalidInput(f"Not the id of what was sealed: {id!r}.")
    return checked_path(id)
