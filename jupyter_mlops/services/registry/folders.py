"""Folders as contents: a manifest of paths and digests, stored as a blob, and back as read-only files.

Manifest: ``{"version": 1, "files": [{"path", "digest", "size"}, ...], "empty_folders": [...]}``, sorted by
path, paths relative with "/". Names that are not UTF-8 keep their bytes as lone surrogates (PEP 383),
which JSON's ``\\u`` escapes can carry. Links are stored as what they point at.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ...errors import Corrupt, InvalidInput
from ...protocols.blobs import BlobStore

VERSION = 1


@dataclass(frozen=True, slots=True)
class StoredFolder:
    """The manifest's digest, the bytes of all files together, and how many there are."""

    digest: str
    size_bytes: int
    files: int


def store_folder(root: Path, blobs: BlobStore) -> StoredFolder:
    """Store every file below ``root``, then the manifest.

    Raises InvalidInput for what has no content to store: broken links, links that lead back to a folder
    above them, sockets, pipes and devices.
    """
    files: list[dict[str, Any]] = []
    empty: list[str] = []
    for relative, path in walk(root):
        if path is None:
            empty.append(relative)
            continue
        blob = blobs.put_file(path)
        files.append({"path": relative, "digest": blob.digest, "size": blob.size_bytes})
    stored = blobs.put(encode_manifest(files, empty))
    return StoredFolder(stored.digest, sum(file["size"] for file in files), len(files))


def encode_manifest(files: Iterable[dict[str, Any]], empty_folders: Iterable[str]) -> bytes:
    """The manifest's bytes: their digest is the folder's."""
    manifest = {
        "version": VERSION,
        "files": sorted(files, key=lambda file: file["path"]),
        "empty_folders": sorted(empty_folders),
    }
    return json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode("ascii")


def walk(root: Path) -> Iterator[tuple[str, Path | None]]:
    """(relative path, file) of every file; (relative path, None) of every empty folder.

    Raises InvalidInput as :func:`store_folder` does.
    """
    return _walk(root, (os.path.realpath(root),))


def _walk(folder: Path, above: tuple[str, ...], prefix: str = "") -> Iterator[tuple[str, Path | None]]:
    entries = list(os.scandir(folder))
    if not entries and prefix:
        yield prefix.rstrip("/"), None
    for entry in entries:
        path = Path(entry.path)
        try:
            mode = entry.stat().st_mode
        except FileNotFoundError:
            raise InvalidInput(
                f"{str(path)!r} is a link to nothing. Remove it, then register again."
            ) from None
        if stat.S_ISDIR(mode):
            real = os.path.realpath(path)
            if real in above:
                raise InvalidInput(f"{str(path)!r} is a link to a folder above it, so it has no end.")
            yield from _walk(path, (*above, real), f"{prefix}{entry.name}/")
        elif stat.S_ISREG(mode):
            yield prefix + entry.name, path
        else:
            raise InvalidInput(f"{str(path)!r} is neither file nor folder (a pipe, socket or device).")


def read_manifest(digest: str, blobs: BlobStore) -> tuple[dict[str, str], list[str]]:
    """(digest of each file by relative path, empty folders). Raises NotFound or Corrupt."""
    try:
        manifest = json.loads(blobs.get(digest))
        files = {_inside(file["path"]): file["digest"] for file in manifest["files"]}
        return files, [_inside(folder) for folder in manifest["empty_folders"]]
    except (ValueError, KeyError, TypeError) as error:
        raise Corrupt(f"The blob {digest} is no manifest of a folder: {error!r}.") from error


def _inside(relative: str) -> str:
    """A path that stays below the folder it is put in, whoever wrote the manifest."""
    path = PurePosixPath(relative)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in relative:
        raise ValueError(f"the path {relative!r} leads out of the folder")
    return relative
