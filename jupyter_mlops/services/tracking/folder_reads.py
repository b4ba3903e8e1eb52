"""A folder that was read as a whole, or file by file: how much it holds, and the digest of its manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...capture.reads.digests import Stamp, new_hasher
from ...errors import InvalidInput
from ..registry.folders import encode_manifest, walk

MAX_FILES = 200_000
"""Folders with more files are not looked through."""


@dataclass(frozen=True, slots=True)
class FolderState:
    """What tells that a folder has not been changed: how many files, their bytes, the newest change."""

    files: int
    size_bytes: int
    newest_ns: int


def look_at(folder: Path) -> FolderState:
    """Raises OSError, or InvalidInput for one that cannot be a dataset."""
    stamps = [stamp for _, _, stamp in _files(folder) if stamp is not None]
    newest = max((stamp.mtime_ns for stamp in stamps), default=0)
    return FolderState(len(stamps), sum(stamp.size for stamp in stamps), newest)


def digest_of_folder(folder: Path, digest: Callable[[str, Stamp], str]) -> str:
    """The digest that the folder has as a registered dataset; ``digest`` gives a file's.

    Raises OSError, InvalidInput, and what ``digest`` raises.
    """
    files: list[dict[str, Any]] = []
    empty: list[str] = []
    for relative, path, stamp in _files(folder):
        if path is None or stamp is None:
            empty.append(relative)
        else:
            files.append({"path": relative, "digest": digest(str(path), stamp), "size": stamp.size})
    hasher = new_hasher()
    hasher.update(encode_manifest(files, empty))
    return str(hasher.hexdigest())


def _files(folder: Path) -> Iterator[tuple[str, Path | None, Stamp | None]]:
    for number, (relative, path) in enumerate(walk(folder)):
        if number >= MAX_FILES:
            raise InvalidInput(f"the folder has more than {MAX_FILES:,} files")
        yield relative, path, None if path is None else Stamp.of(path.stat())
