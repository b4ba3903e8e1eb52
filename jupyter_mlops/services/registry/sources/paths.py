"""Files, folders and globs of this file system."""

from __future__ import annotations

import errno
import glob
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....entities import DatasetKind
from ....errors import InvalidInput, NotFound
from ....hashing import Stamp, digest_of, hash_file, written_to
from ..folders import Found, found_file, hash_files, manifest_bytes, scan
from ..hashes import HashMemory
from .source import Content, Shelf

OF_THE_STORE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""What only who writes meets: the trouble is with the blobs then, not with what is registered."""


@dataclass(frozen=True, slots=True)
class Group:
    """The files that a folder or a glob stands for; their relative paths begin at ``base``."""

    base: Path
    files: list[Found]
    empty_folders: list[str]

    @property
    def size_bytes(self) -> int:
        return sum(file.stamp.size for file in self.files)


class Paths:
    """Text, or a ``pathlib.Path``: what exists is meant as it stands, also with a ``*`` in its name."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def takes(self, data: Any) -> bool:
        return isinstance(data, (str, os.PathLike))

    def content(self, data: Any, *, name: str, copy: bool | None) -> Content:
        path = _absolute(data)
        try:
            if path.is_file():
                return self._file(path, copy)
            if path.is_dir() or is_glob(path):
                return self._group(path, name, copy)
        except OSError as error:
            if error.errno in OF_THE_STORE:
                raise
            raise InvalidInput(f"{str(path)!r} cannot be read: {error.strerror or error}.") from error
        if os.path.lexists(path):
            raise InvalidInput(f"{str(path)!r} is neither file nor folder (a broken link, pipe or device).")
        raise NotFound(f"No file or folder {str(path)!r} to register as dataset {name!r}.")

    def _file(self, path: Path, copy: bool | None) -> Content:
        stamp = Stamp.of(path.stat())
        copied = self._shelf.copies(copy, stamp.size)
        digest = self._stored(path, stamp) if copied else self._left(path, stamp)
        return Content(
            kind=DatasetKind.FILE,
            digest=digest,
            size_bytes=stamp.size if not copied else self._size(path, stamp, digest),
            file_name=path.name,
            source=str(path),
            # of the stored bytes where there are some: the file may have changed since
            shape=self._shelf.shape(digest, path.name, None if copied else path),
            uri=None if copied else str(path),
        )

    def _left(self, path: Path, stamp: Stamp) -> str:
        digest = digest_at(path, DatasetKind.FILE, self._shelf.hashes)
        if Stamp.of(path.stat()) != stamp:
            raise written_to(path)
        return digest

    def _stored(self, path: Path, stamp: Stamp) -> str:
        known = self._shelf.hashes.of(str(path))
        digest = known.get("", stamp)
        if digest is None or self._shelf.blobs.missing([digest]):
            digest = self._shelf.blobs.put_file(path).digest
            if Stamp.of(path.stat()) == stamp:
                known.put("", stamp, digest)
        known.save()
        return digest

    def _size(self, path: Path, stamp: Stamp, digest: str) -> int:
        """Of what was stored: the file may have been replaced between the two looks at it."""
        unchanged = Stamp.of(path.stat()) == stamp
        return stamp.size if unchanged else self._shelf.blobs.path(digest).stat().st_size

    def _group(self, path: Path, name: str, copy: bool | None) -> Content:
        group = group_at(path)
        copied = self._shelf.copies(copy, group.size_bytes)
        stored = self._shelf.folder(str(path), group.files, group.empty_folders, copied=copied)
        return Content(
            kind=DatasetKind.FOLDER,
            digest=stored.digest,
            size_bytes=stored.size_bytes,
            file_name=group.base.resolve().name or name,
            source=str(path),
            files=stored.files,
            uri=None if copied else str(path),
        )


def is_glob(path: Path) -> bool:
    return glob.has_magic(str(path)) and not path.exists()


def group_at(path: Path) -> Group:
    """The files of a folder or a glob. Raises NotFound when there are none, InvalidInput as ``scan`` does."""
    if not is_glob(path):
        return Group(path, *scan(path))
    base = _base_of(path)
    matched = sorted(set(glob.iglob(str(path), recursive=True)))
    relative = {each: Path(os.path.relpath(each, base)).as_posix() for each in matched}
    files = [found_file(relative[each], each) for each in matched if not os.path.isdir(each)]
    if not files:
        raise NotFound(f"No file matches {str(path)!r}.")
    return Group(base, files, [])


def digest_at(path: Path, kind: DatasetKind, hashes: HashMemory) -> str:
    """The identity of what lies there now. What is known and unchanged is not read again.

    Raises NotFound, InvalidInput, Conflict when it changes meanwhile, and OSError.
    """
    known = hashes.of(str(path))
    if not (path.exists() or is_glob(path)):
        raise NotFound(f"No file or folder {str(path)!r}.")
    if kind is DatasetKind.FOLDER:
        group = group_at(path)
        digests = hash_files(group.files, known)
        digest = digest_of(manifest_bytes(group.files, group.empty_folders, digests))
    elif (remembered := known.get("", Stamp.of(path.stat()))) is not None:
        digest = remembered
    else:
        digest, stamp = hash_file(path)
        known.put("", stamp, digest)
    known.save()
    return digest


def _absolute(data: Any) -> Path:
    text = os.fspath(data)
    if not isinstance(text, str):
        text = os.fsdecode(text)
    if "\0" in text:
        raise InvalidInput(f"A path has no NUL characters: {text!r}.")
    return Path(text).expanduser().absolute()


def _base_of(path: Path) -> Path:
    """The folder that stands before the first part with a ``*``."""
    for parent in reversed(path.parents):
        if glob.has_magic(parent.name):
            return parent.parent
    return path.parent
