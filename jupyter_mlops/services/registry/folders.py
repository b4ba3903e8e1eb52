"""Folders as contents: a manifest of paths and digests, stored as a blob, and back as read-only files.

Manifest: ``{"version": 1, "files": [{"path", "digest", "size"}, ...], "empty_folders": [...]}``, sorted by
path, paths relative with "/". Names that are not UTF-8 keep their bytes as lone surrogates (PEP 383),
which JSON's ``\\u`` escapes can carry. Links are stored as what they point at.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from ...errors import Corrupt, InvalidInput
from ...hashing import Stamp, digest_of, hash_file, read_unchanged, written_to
from ...protocols.blobs import BlobStore
from .hashes import KnownHashes
from .threads import ahead, parts

VERSION = 1
SMALL_BYTES = 256 * 1024
"""Files up to this size are read whole, and stored many at once."""


class Found(NamedTuple):
    """A file below a folder."""

    relative: str
    path: str
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class StoredFolder:
    """The manifest's digest, the bytes of all files together, and how many there are."""

    digest: str
    size_bytes: int
    files: int


def store_folder(root: Path, blobs: BlobStore) -> StoredFolder:
    """Store every file below ``root``, then the manifest. Raises what :func:`scan` and reading raise."""
    files, empty = scan(root)
    return store_manifest(files, empty, store_files(files, blobs), blobs)


def scan(root: Path) -> tuple[list[Found], list[str]]:
    """The files below a folder, and its empty folders.

    Raises InvalidInput for what has no content to store: broken links, links that lead back to a folder
    above them, sockets, pipes and devices, and what may not be read.
    """
    files: list[Found] = []
    empty: list[str] = []
    for relative, path, stamp in _walk(os.fspath(root)):
        if stamp is None:
            empty.append(relative)
        else:
            files.append(Found(relative, path, stamp))
    return files, empty


def walk(root: Path) -> Iterator[tuple[str, Path | None]]:
    """(relative path, file) of every file; (relative path, None) of every empty folder.

    Raises InvalidInput as :func:`scan` does.
    """
    for relative, path, stamp in _walk(os.fspath(root)):
        yield relative, None if stamp is None else Path(path)


def hash_files(files: Sequence[Found], known: KnownHashes | None = None) -> list[str]:
    """The digests of files, in their order; those that are known and unchanged are not read."""
    found = _known(files, known)
    rest = [file for file, digest in zip(files, found, strict=True) if digest is None]
    hashed = iter([digest for part in ahead(_hash_part, parts(rest)) for digest in part])
    return [
        digest if digest is not None else _noted(next(hashed), file, known)
        for file, digest in zip(files, found, strict=True)
    ]


def store_files(files: Sequence[Found], blobs: BlobStore, known: KnownHashes | None = None) -> list[str]:
    """The digests of files, in their order, when all of them are in the blobs."""
    found = _known(files, known)
    missing = blobs.missing({digest for digest in found if digest is not None})
    digests = [None if digest in missing else digest for digest in found]
    rest = [number for number, digest in enumerate(digests) if digest is None]
    small = [number for number in rest if files[number].stamp.size <= SMALL_BYTES]
    reading = ahead(_read_part, parts([files[number] for number in small]))
    contents = (content for part in reading for content in part)
    for number, blob in zip(small, blobs.put_many(contents), strict=True):
        digests[number] = _noted(blob.digest, files[number], known)
    for number in set(rest).difference(small):
        file = files[number]
        digests[number] = _noted(blobs.put_file(Path(file.path)).digest, file, known)
    return [digest for digest in digests if digest is not None]


def store_manifest(
    files: Sequence[Found], empty: Iterable[str], digests: Sequence[str], blobs: BlobStore
) -> StoredFolder:
    """Store the manifest of files that have these digests."""
    stored = blobs.put(manifest_bytes(files, empty, digests))
    return StoredFolder(stored.digest, sum(file.stamp.size for file in files), len(files))


def manifest_bytes(files: Sequence[Found], empty: Iterable[str], digests: Sequence[str]) -> bytes:
    """The manifest of files that have these digests."""
    entries = [
        {"path": file.relative, "digest": digest, "size": file.stamp.size}
        for file, digest in zip(files, digests, strict=True)
    ]
    return encode_manifest(entries, empty)


def encode_manifest(files: Iterable[dict[str, Any]], empty_folders: Iterable[str]) -> bytes:
    """The manifest's bytes: their digest is the folder's."""
    manifest = {
        "version": VERSION,
        "files": sorted(files, key=lambda file: file["path"]),
        "empty_folders": sorted(empty_folders),
    }
    return json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode("ascii")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a folder consists of: (digest, size) by relative path, and empty folders."""

    files: dict[str, tuple[str, int]]
    empty_folders: list[str]


def manifest_of(digest: str, blobs: BlobStore) -> Manifest:
    """Raises NotFound or Corrupt."""
    try:
        manifest = json.loads(blobs.get(digest))
        files = {
            _inside(each["path"]): (str(each["digest"]), int(each["size"])) for each in manifest["files"]
        }
        return Manifest(files, [_inside(folder) for folder in manifest["empty_folders"]])
    except (ValueError, KeyError, TypeError) as error:
        raise Corrupt(f"The blob {digest} is no manifest of a folder: {error!r}.") from error


def read_manifest(digest: str, blobs: BlobStore) -> tuple[dict[str, str], list[str]]:
    """(digest of each file by relative path, empty folders). Raises NotFound or Corrupt."""
    manifest = manifest_of(digest, blobs)
    return {path: file_digest for path, (file_digest, _) in manifest.files.items()}, manifest.empty_folders


def found_file(relative: str, path: str) -> Found:
    """A file as ``scan`` finds it. Raises InvalidInput as it does."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    if not stat.S_ISREG(status.st_mode):
        raise _no_file(path)
    return Found(relative, path, Stamp.of(status))


def _known(files: Sequence[Found], known: KnownHashes | None) -> list[str | None]:
    if known is None:
        return [None] * len(files)
    return [known.get(file.relative, file.stamp) for file in files]


def _walk(root: str) -> Iterator[tuple[str, str, Stamp | None]]:
    """(relative path, path, stamp) of every file, and of every empty folder with None for a stamp."""
    pending: list[tuple[str, str, tuple[str, ...]]] = [(root, "", (os.path.realpath(root),))]
    while pending:
        folder, prefix, above = pending.pop()
        entries = _entries(folder)
        if not entries and prefix:
            yield prefix[:-1], folder, None
        for entry in entries:
            try:
                status = entry.stat()
            except OSError as error:  # also a link to itself
                raise _unreadable(entry.path, error) from error
            if stat.S_ISREG(status.st_mode):
                yield prefix + entry.name, entry.path, Stamp.of(status)
            elif stat.S_ISDIR(status.st_mode):
                real = os.path.realpath(entry.path)
                if real in above:
                    raise InvalidInput(f"{entry.path!r} is a link to a folder above it, so it has no end.")
                pending.append((entry.path, f"{prefix}{entry.name}/", (*above, real)))
            else:
                raise _no_file(entry.path)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as listed:
            return list(listed)
    except OSError as error:
        raise _unreadable(folder, error) from error


def _hash_part(files: Sequence[Found]) -> list[str]:
    return [digest_of(_read(file)) if file.stamp.size <= SMALL_BYTES else _hash(file) for file in files]


def _read_part(files: Sequence[Found]) -> list[bytes]:
    return [_read(file) for file in files]


def _read(file: Found) -> bytes:
    try:
        return read_unchanged(file.path, file.stamp)
    except OSError as error:
        raise _unreadable(file.path, error) from error


def _hash(file: Found) -> str:
    try:
        digest, stamp = hash_file(file.path)
    except OSError as error:
        raise _unreadable(file.path, error) from error
    if stamp != file.stamp:
        raise written_to(file.path)
    return digest


def _noted(digest: str, file: Found, known: KnownHashes | None) -> str:
    if known is not None:
        known.put(file.relative, file.stamp, digest)
    return digest


def _unreadable(path: str, error: OSError) -> InvalidInput:
    if isinstance(error, FileNotFoundError):
        return InvalidInput(f"{path!r} is a link to nothing. Remove it, then register again.")
    return InvalidInput(f"{path!r} cannot be read: {error.strerror or error}.")


def _no_file(path: str) -> InvalidInput:
    return InvalidInput(f"{path!r} is neither file nor folder (a pipe, socket or device).")


def _inside(relative: str) -> str:
    """A path that stays below the folder it is put in, whoever wrote the manifest."""
    path = PurePosixPath(relative)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in relative:
        raise ValueError(f"the path {relative!r} leads out of the folder")
    return relative
