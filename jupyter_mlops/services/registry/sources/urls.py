"""Files, folders and globs behind any fsspec URL."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from ....entities import DatasetKind
from ....errors import Conflict, InvalidInput, NotFound
from ....hashing import Stamp, digest_of
from ..folders import SMALL_BYTES, StoredFolder, encode_manifest
from ..hashes import KnownHashes
from ..remote_files import Remote, RemoteFiles
from ..threads import on_threads, parts
from .paths import Paths
from .source import Content, Shelf

AT_ONCE = 4
"""So many parts of a folder are fetched together: each asks for many files itself."""
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(::[A-Za-z][A-Za-z0-9+.-]+)*://")


def is_url(data: Any) -> bool:
    return isinstance(data, str) and _URL.match(data) is not None


class Urls:
    """``s3://``, ``https://``, ``gs://``, ``sftp://``, ``memory://`` …; ``file://`` is a path."""

    def __init__(self, shelf: Shelf, paths: Paths) -> None:
        self._shelf = shelf
        self._paths = paths

    def takes(self, data: Any) -> bool:
        return is_url(data)

    def content(self, data: str, *, name: str, copy: bool | None) -> Content:
        if data.partition(":")[0] in ("file", "local"):
            return self._paths.content(_path_of(data), name=name, copy=copy)
        there = RemoteFiles(data)
        with there.reaching():
            files = there.listed()
            if not files:
                raise NotFound(f"Nothing at {there.shown} to register as dataset {name!r}.")
            copied = self._shelf.copies(copy, sum(file.size or 0 for file in files))
            if not copied:
                there.check_referable()
            if len(files) == 1 and not files[0].relative:
                return self._file(there, files[0], copied)
            return self._folder(there, files, name, copied)
        raise AssertionError

    def _file(self, there: RemoteFiles, file: Remote, copied: bool) -> Content:
        known = self._shelf.hashes.of(there.url)
        file_name = there.name
        digest, size = _remembered(known, file), file.size
        if not copied and digest is None:
            digest, size = there.digest(file)
        elif digest is None or (copied and self._shelf.blobs.missing([digest])):
            with self._shelf.cache.scratch() as scratch:
                there.fetch(file, scratch)
                digest, size = self._shelf.blobs.put_file(scratch).digest, scratch.stat().st_size
        shape = self._shelf.shape(digest, file_name) if copied else there.shape(file)
        _remember(known, file, digest)
        return Content(
            kind=DatasetKind.FILE,
            digest=digest,
            size_bytes=size or 0,
            file_name=file_name,
            source=there.shown,
            shape=shape,
            uri=None if copied else there.url,
        )

    def _folder(self, there: RemoteFiles, files: list[Remote], name: str, copied: bool) -> Content:
        _check_paths(files, there)
        known = self._shelf.hashes.of(there.url)
        digests = self._digests(there, files, known, copied)
        entries = [
            {"path": file.relative, "digest": digests[file.relative], "size": file.size} for file in files
        ]
        manifest = self._shelf.blobs.put(encode_manifest(entries, ()))
        stored = StoredFolder(manifest.digest, sum(file.size or 0 for file in files), len(files))
        return Content(
            kind=DatasetKind.FOLDER,
            digest=stored.digest,
            size_bytes=stored.size_bytes,
            file_name=there.name or name,
            source=there.shown,
            files=stored.files,
            uri=None if copied else there.url,
        )

    def _digests(
        self, there: RemoteFiles, files: list[Remote], known: KnownHashes, copied: bool
    ) -> dict[str, str]:
        """Of each file, by its relative path; with ``copied`` all of them are in the blobs then."""
        found = {file.relative: digest for file in files if (digest := _remembered(known, file))}
        missing = self._shelf.blobs.missing(set(found.values())) if copied else set()
        rest = [file for file in files if found.get(file.relative) in {None, *missing}]
        small = [file for file in rest if file.size is not None and file.size <= SMALL_BYTES]
        contents = self._contents(there, small)
        if copied:
            digests = [blob.digest for blob in self._shelf.blobs.put_many(contents)]
        else:
            digests = [digest_of(content) for content in contents]
        found.update(zip((file.relative for file in small), digests, strict=True))
        taken = {file.relative for file in small}
        for file in rest:
            if file.relative not in taken:
                found[file.relative] = self._large(there, file, copied)
        for file in files:
            _remember(known, file, found[file.relative], save=False)
        known.save()
        return found

    def _contents(self, there: RemoteFiles, files: Sequence[Remote]) -> Iterator[bytes]:
        for part in on_threads(there.contents, parts(files), at_once=AT_ONCE):
            yield from part

    def _large(self, there: RemoteFiles, file: Remote, copied: bool) -> str:
        if not copied:
            return there.digest(file)[0]
        with self._shelf.cache.scratch() as scratch:
            there.fetch(file, scratch)
            if scratch.stat().st_size != file.size:
                raise Conflict(f"{file.place} changed while it was fetched. Try again when that has ended.")
            return self._shelf.blobs.put_file(scratch).digest


def _check_paths(files: Sequence[Remote], there: RemoteFiles) -> None:
    """Object stores have keys that no folder can hold: those with ``..``, and files that others lie below."""
    names = {file.relative for file in files}
    for file in files:
        path = PurePosixPath(file.relative)
        bad = path.is_absolute() or ".." in path.parts or str(path) != file.relative
        if bad or any(str(parent) in names for parent in path.parents):
            raise InvalidInput(
                f"{there.shown} holds {file.relative!r}, which cannot be a file of a folder. Rename it there."
            )


def _remembered(known: KnownHashes, file: Remote) -> str | None:
    return known.get(file.relative, _stamp(file)) if file.token else None


def _remember(known: KnownHashes, file: Remote, digest: str, *, save: bool = True) -> None:
    if file.token:
        known.put(file.relative, _stamp(file), digest)
    if save:
        known.save()


def _stamp(file: Remote) -> Stamp:
    """A server's word that a content is the same (an ETag) in the place of inode and times."""
    return Stamp(0, int(digest_of(file.token.encode())[:15], 16), file.size or 0, 0, 0)


def _path_of(url: str) -> Path:
    return Path(os.path.sep + unquote(url.partition("://")[2]).lstrip("/"))
