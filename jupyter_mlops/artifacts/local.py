"""Blobs as read-only files of a local folder."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..errors import Corrupt, NotFound
from ..protocols.blobs import Blob, StoredBlob
from .digests import checked, chunks_of, digest_of, is_digest, new_digest

INCOMING = "incoming"
ABANDONED_AFTER_S = 24 * 3600.0


class LocalBlobStore:
    """``<root>/ab/<digest>``, mode 0444; half-written ones lie in ``<root>/incoming`` until they are moved.

    A content is hashed again before its first use by this object, and after any change of its file.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._verified: dict[str, tuple[int, int, int]] = {}
        self._swept = False

    def put(self, data: bytes) -> Blob:
        blob = Blob(digest_of(data), len(data))
        if not self._has(blob):
            self.add((data,))
        return blob

    def put_file(self, path: Path) -> Blob:
        with path.open("rb") as file:
            blob = _hash(chunks_of(file))
            if self._has(blob):
                return blob
            file.seek(0)
            return self.add(chunks_of(file))

    def get(self, digest: str) -> bytes:
        try:
            data = self._place(digest).read_bytes()
        except FileNotFoundError:
            raise _missing(digest, self.root) from None
        if digest_of(data) != digest:
            raise _corrupt(digest, self.root)
        return data

    def path(self, digest: str) -> Path:
        place = self._place(digest)
        try:
            with place.open("rb") as file:
                seen = _fingerprint(os.fstat(file.fileno()))
                if self._verified.get(digest) != seen:
                    self._verify(digest, file)
                    self._verified[digest] = seen
        except FileNotFoundError:
            raise _missing(digest, self.root) from None
        return place

    def exists(self, digest: str) -> bool:
        try:
            return self._place(digest).is_file()
        except NotFound:
            return False

    def stored(self) -> Iterator[StoredBlob]:
        for folder in _entries(self.root):
            if len(folder.name) != 2 or not folder.is_dir():
                continue
            for entry in _entries(Path(folder.path)):
                if is_digest(entry.name) and (seen := _status(entry)):
                    yield StoredBlob(entry.name, seen.st_size, seen.st_mtime)

    def delete(self, digest: str) -> None:
        with contextlib.suppress(NotFound):
            self._place(digest).unlink(missing_ok=True)
        self._verified.pop(digest, None)

    def add(self, chunks: Iterable[bytes], *, expected: str | None = None) -> Blob:
        """Store a stream. Raises Corrupt, and stores nothing, when ``expected`` is not its digest."""
        with self._incoming() as (temporary, file):
            blob = _hash(_tee(chunks, file.write))
            if expected not in (None, blob.digest):
                raise Corrupt(f"The blob {expected} arrived as {blob.digest}. Fetch it again.")
            file.flush()
            os.chmod(temporary, 0o444)
            os.fsync(file.fileno())
            file.close()
            self._publish(temporary, self._place(blob.digest))
        return blob

    def _place(self, digest: str) -> Path:
        return self.root / checked(digest)[:2] / digest

    def _has(self, blob: Blob) -> bool:
        try:
            return self.path(blob.digest).stat().st_size == blob.size_bytes
        except (NotFound, Corrupt):
            return False  # a damaged one is replaced

    def _verify(self, digest: str, file: IO[bytes]) -> None:
        if _hash(chunks_of(file)).digest != digest:
            raise _corrupt(digest, self.root)

    @contextmanager
    def _incoming(self) -> Iterator[tuple[Path, IO[bytes]]]:
        folder = self.root / INCOMING
        folder.mkdir(parents=True, exist_ok=True)
        if not self._swept:
            self._swept = True
            _remove_abandoned(folder)
        fd, name = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(fd, "wb") as file:
                yield Path(name), file
        finally:
            Path(name).unlink(missing_ok=True)

    def _publish(self, temporary: Path, place: Path) -> None:
        # a rename replaces: whoever else stored it, or damaged it, the content is this one
        if not place.parent.is_dir():
            place.parent.mkdir(exist_ok=True)
            _sync_folder(self.root)
        os.replace(temporary, place)
        _sync_folder(place.parent)


def _hash(chunks: Iterable[bytes]) -> Blob:
    hasher, size = new_digest(), 0
    for chunk in chunks:
        hasher.update(chunk)
        size += len(chunk)
    return Blob(hasher.hexdigest(), size)


def _tee(chunks: Iterable[bytes], write: Callable[[bytes], object]) -> Iterator[bytes]:
    for chunk in chunks:
        write(chunk)
        yield chunk


def _fingerprint(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _sync_folder(folder: Path) -> None:
    """Make a rename durable; Windows has no such call."""
    if os.name == "nt":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    except OSError:
        pass  # some network file systems refuse it for folders
    finally:
        os.close(fd)


def _remove_abandoned(folder: Path) -> None:
    """What writers that were killed left behind."""
    oldest = time.time() - ABANDONED_AFTER_S
    for entry in os.scandir(folder):
        try:
            if entry.stat().st_mtime < oldest:
                os.unlink(entry.path)
        except FileNotFoundError:
            continue  # its writer has just published it


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return list(os.scandir(folder))
    except FileNotFoundError:
        return []


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat()
    except FileNotFoundError:  # it has just been deleted
        return None


def _missing(digest: str, root: Path) -> NotFound:
    return NotFound(f"No blob {digest} in {root}.")


def _corrupt(digest: str, root: Path) -> Corrupt:
    return Corrupt(
        f"The blob {digest} in {root} was damaged: its content has another digest. Store it again."
    )
