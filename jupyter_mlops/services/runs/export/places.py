"""Where exports are written to and read from: a folder, or a zip file."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Protocol

from blake3 import blake3

from ....errors import Conflict, Corrupt, InvalidInput, NotFound
from .manifest import FileEntry, check_path

CHUNK_BYTES = 1024 * 1024
SAMPLE_BYTES = 64 * 1024
WORTH_IT = 0.9
"""What a file shrinks to at most, of its size, to be compressed."""


class Target(Protocol):
    """Takes the files of an export, one after the other."""

    def write(self, path: str, chunks: Iterable[bytes]) -> FileEntry:
        """A file from a stream; nothing is held in memory."""
        ...


class Source(Protocol):
    """Gives the files of an export."""

    def open(self, path: str) -> IO[bytes]:
        """Raises NotFound, and InvalidInput for a path that leads out of the export."""
        ...


class FolderTarget:
    """A new folder, or an empty one. Raises Conflict for one that holds something."""

    def __init__(self, root: Path) -> None:
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise Conflict(f"{root} is there already: name a new folder, or one that is empty.")
        root.mkdir(parents=True, exist_ok=True)
        self._root = root

    def write(self, path: str, chunks: Iterable[bytes]) -> FileEntry:
        place = self._root / check_path(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as file:
            return _copied(chunks, file)


class ZipTarget:
    """A zip file (zip64 where it is large); what is compressed already is stored as it is."""

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=3)

    def write(self, path: str, chunks: Iterable[bytes]) -> FileEntry:
        rest = iter(chunks)
        first = next(rest, b"")
        self._zip.compression = zipfile.ZIP_DEFLATED if _shrinks(first) else zipfile.ZIP_STORED
        with self._zip.open(check_path(path), "w", force_zip64=True) as file:
            return _copied(chain((first,), rest), file)

    def close(self) -> None:
        self._zip.close()


class FolderSource:
    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def open(self, path: str) -> IO[bytes]:
        place = (self._root / check_path(path)).resolve()
        if not place.is_relative_to(self._root):
            raise InvalidInput(f"{path!r} leads out of the export {self._root}.")
        if not place.is_file():
            raise NotFound(f"The export {self._root} has no file {path!r}: it is incomplete.")
        return place.open("rb")


class ZipSource:
    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise InvalidInput(
                f"{path} is no zip file: {error}. Give the folder or zip of an export."
            ) from error
        # of a file that was cut off, zipfile finds a zip that lay within it
        if min((each.header_offset for each in self._zip.infolist()), default=0):
            self._zip.close()
            raise InvalidInput(f"{path} is no whole zip file: it was cut off, or something stands before it.")

    def open(self, path: str) -> IO[bytes]:
        try:
            return self._zip.open(check_path(path))
        except KeyError:
            raise NotFound(f"The export {self._path} has no file {path!r}: it is incomplete.") from None
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise Corrupt(f"{path} of {self._path} cannot be read: {error}") from error

    def close(self) -> None:
        self._zip.close()


@contextmanager
def source_of(path: Path) -> Iterator[Source]:
    """The export at ``path``. Raises NotFound."""
    if path.is_dir():
        yield FolderSource(path)
        return
    if not path.is_file():
        raise NotFound(f"No export at {path}.")
    source = ZipSource(path)
    try:
        yield source
    finally:
        source.close()


def chunks_of(path: Path, *, until: int | None = None) -> Iterator[bytes]:
    """A file's content, or its first ``until`` bytes."""
    left = until
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES if left is None else min(CHUNK_BYTES, left)):
            if left is not None:
                left -= len(chunk)
            yield chunk


def verified(source: Source, path: str, entry: FileEntry) -> Iterator[bytes]:
    """The content of a file, read no further than it should be long. Raises Corrupt when it is another."""
    hasher, size = blake3(), 0
    with source.open(path) as file:
        try:
            while chunk := file.read(CHUNK_BYTES):
                size += len(chunk)
                if size > entry.size_bytes:
                    break
                hasher.update(chunk)
                yield chunk
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise Corrupt(f"{path} of the export cannot be read: {error}") from error
    if size != entry.size_bytes or hasher.hexdigest() != entry.digest:
        raise Corrupt(f"{path} of the export is damaged: its content is not what the manifest says.")


def write_verified(source: Source, path: str, entry: FileEntry, place: Path) -> None:
    """Copy a file of the export to ``place``, mode 0600. Raises Corrupt."""
    fd = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        for chunk in verified(source, path, entry):
            file.write(chunk)


def _shrinks(sample: bytes) -> bool:
    """Whether deflating is worth it: weights and pictures would take minutes to become no smaller."""
    sample = sample[:SAMPLE_BYTES]
    return len(zlib.compress(sample, 1)) < WORTH_IT * len(sample)


def _copied(chunks: Iterable[bytes], file: IO[bytes]) -> FileEntry:
    hasher, size = blake3(), 0
    for chunk in chunks:
        file.write(chunk)
        hasher.update(chunk)
        size += len(chunk)
    return FileEntry(digest=hasher.hexdigest(), size_bytes=size)
