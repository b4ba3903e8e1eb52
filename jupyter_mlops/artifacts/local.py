"""Blobs as read-only files of a local folder."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO
from uuid import uuid4

from ..errors import Corrupt, NotFound
from ..hashing import CHUNK_BYTES, check_unchanged, hash_file, opened, read_unchanged
from ..protocols.blobs import Blob, StoredBlob
from .cloning import copy_content
from .digests import checked, digest_of, is_digest, new_digest
from .packs import PACK_BYTES, Packs, PackWriter, sync_folder

INCOMING = "incoming"
PACKS = "packs"
DAMAGED = "damaged"
ABANDONED_AFTER_S = 24 * 3600.0
FRESH_S = 3600.0
"""What was stored so shortly ago need not be marked as stored again."""
AT_ONCE = 512
"""So many contents are looked for together."""


class LocalBlobStore:
    """``<root>/ab/<digest>``, mode 0444; half-written ones lie in ``<root>/incoming`` until they are moved.

    What ``put_many`` stores lies in ``<root>/packs`` until somebody wants the path of one of them. A content
    is hashed again before its first use by this object, and after any change of its file; what was found
    damaged has an empty file in ``<root>/damaged`` until it is stored again.

    Whatever is visible is whole, also after a power failure: files and packs are synced before they get their
    name. A pack is one sync for thousands of contents.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._packs = Packs(root / PACKS, root / INCOMING)
        self._verified: dict[str, tuple[int, int, int]] = {}
        self._swept = False

    def put(self, data: bytes) -> Blob:
        blob = Blob(digest_of(data), len(data))
        if not self._keeps(blob):
            self.add((data,))
        return blob

    def put_file(self, path: Path) -> Blob:
        with opened(path) as (fd, stamp):
            if stamp.size <= CHUNK_BYTES:
                return self.put(read_unchanged(path, stamp))
            with self._incoming() as (temporary, file):
                copy_content(fd, file.fileno(), stamp.size)
                check_unchanged(fd, stamp, path)
                file.flush()
                blob = Blob(hash_file(temporary, private=True)[0], os.fstat(file.fileno()).st_size)
                if not self._keeps(blob):
                    self._publish(temporary, file, blob.digest)
        return blob

    def put_many(self, contents: Iterable[bytes]) -> list[Blob]:
        blobs: list[Blob] = []
        pending = iter(contents)
        while batch := list(islice(pending, AT_ONCE)):
            with self._incoming() as (temporary, file):
                writer = PackWriter(self._packs, temporary, file)
                while batch:
                    blobs += self._pack(writer, batch)
                    batch = list(islice(pending, AT_ONCE)) if writer.size < PACK_BYTES else []
                writer.close()
        return blobs

    def missing(self, digests: Collection[str]) -> set[str]:
        wanted = {digest for digest in digests if is_digest(digest)}
        damaged = wanted & self._damaged()
        packed = self._packs.among(wanted)
        now = time.time()
        if packed and self._packs.touch(packed, before=now - FRESH_S, now=now):
            packed = self._packs.among(packed)  # somebody may just have been deleting what was old
        folders = {entry.name for entry in _entries(self.root)}
        loose = {digest for digest in wanted - packed if digest[:2] in folders and self._touch(digest)}
        return (set(digests) - packed - loose) | damaged

    def get(self, digest: str) -> bytes:
        damaged = False
        for data in self._copies(digest):
            if digest_of(data) == digest:
                return data
            damaged = True
        raise self._corrupt(digest) if damaged else _missing(digest, self.root)

    def path(self, digest: str) -> Path:
        place = self._place(digest)
        whole = self._is_whole(digest, place)
        if not whole:
            for packed in self._packs.copies(digest):
                if digest_of(packed) == digest:
                    self.add((packed,))
                    whole = self._is_whole(digest, place)
                    break
                whole = False
        if whole is None:
            raise _missing(digest, self.root)
        if not whole:
            raise self._corrupt(digest)
        return place

    def exists(self, digest: str) -> bool:
        return is_digest(digest) and (self._place(digest).is_file() or bool(self._packs.among([digest])))

    def stored(self) -> Iterator[StoredBlob]:
        packed = self._packs.stored()  # first: what leaves its pack has a file of its own by then
        for folder in _entries(self.root):
            if len(folder.name) != 2 or not folder.is_dir():
                continue
            for entry in _entries(Path(folder.path)):
                if is_digest(entry.name) and (seen := _status(entry)):
                    twin = packed.pop(entry.name, None)
                    stored_at = max(seen.st_mtime, twin.stored_at) if twin else seen.st_mtime
                    yield StoredBlob(entry.name, seen.st_size, stored_at)
        yield from packed.values()

    def unreadable(self) -> list[Path]:
        return self._packs.unreadable()

    def delete(self, digest: str) -> None:
        self.delete_many([digest], before=math.inf)

    def delete_many(self, digests: Collection[str], *, before: float) -> list[str]:
        wanted = [digest for digest in dict.fromkeys(digests) if is_digest(digest)]
        young = {digest for digest in wanted if self._stored_at(digest) >= before}
        young |= self._packs.younger(wanted, than=before)
        old = [digest for digest in wanted if digest not in young]
        packed = self._packs.delete_many(old, before=before)
        deleted: list[str] = []
        for digest in old:
            if (stored_at := self._stored_at(digest)) >= before:
                continue  # it has just been stored again
            self._place(digest).unlink(missing_ok=True)
            (self.root / DAMAGED / digest).unlink(missing_ok=True)
            self._verified.pop(digest, None)
            if digest in packed or stored_at > -math.inf:
                deleted.append(digest)
        return deleted

    def add(self, chunks: Iterable[bytes], *, expected: str | None = None) -> Blob:
        """Store a stream. Raises Corrupt, and stores nothing, when ``expected`` is not its digest."""
        with self._incoming() as (temporary, file):
            blob = _hash(_tee(chunks, file.write))
            if expected not in (None, blob.digest):
                raise Corrupt(f"The blob {expected} arrived as {blob.digest}. Fetch it again.")
            self._publish(temporary, file, blob.digest)
        return blob

    def _pack(self, writer: PackWriter, contents: list[bytes]) -> list[Blob]:
        blobs = [Blob(digest_of(content), len(content)) for content in contents]
        missing = self.missing({blob.digest for blob in blobs})
        damaged = missing & self._damaged() if missing else set()
        new: list[tuple[Blob, bytes]] = []
        for blob, content in zip(blobs, contents, strict=True):
            if blob.digest in damaged:
                self.add((content,))  # a file of its own is looked for first
            elif blob.digest in missing:
                new.append((blob, content))
        writer.add(new)
        return blobs

    def _copies(self, digest: str) -> Iterator[bytes]:
        """From wherever it lies, not verified."""
        with contextlib.suppress(FileNotFoundError):
            yield self._place(digest).read_bytes()
        yield from self._packs.copies(digest)

    def _is_whole(self, digest: str, place: Path) -> bool | None:
        """Whether its own file has this content; None when it has no such file."""
        try:
            seen = _fingerprint(os.stat(place))
            if self._verified.get(digest) != seen:
                if hash_file(place, private=True)[0] != digest:
                    return False
                self._verified[digest] = seen
        except FileNotFoundError:
            return None
        return True

    def _stored_at(self, digest: str) -> float:
        """When its own file was stored last; never, when it has none."""
        try:
            return os.stat(self._place(digest)).st_mtime
        except FileNotFoundError:
            return -math.inf

    def _damaged(self) -> set[str]:
        return {entry.name for entry in _entries(self.root / DAMAGED)}

    def _place(self, digest: str) -> Path:
        return self.root / checked(digest)[:2] / digest

    def _keeps(self, blob: Blob) -> bool:
        """Whether it is there, whole; then it counts as stored now."""
        if self.missing([blob.digest]):
            return False
        try:
            if self._place(blob.digest).exists():
                return self.path(blob.digest).stat().st_size == blob.size_bytes
            return len(self.get(blob.digest)) == blob.size_bytes
        except (NotFound, Corrupt):
            return False  # a damaged one is replaced

    def _touch(self, digest: str) -> bool:
        """Whether it is there as a file of its own; an old one says from now on that it was stored now."""
        place, now = f"{self.root}/{digest[:2]}/{digest}", time.time()
        try:
            seen = os.stat(place)
            if seen.st_mtime < now - FRESH_S:
                os.utime(place, (now, now))
                if self._verified.get(digest) == _fingerprint(seen):
                    self._verified[digest] = _fingerprint(os.stat(place))
        except FileNotFoundError:
            return False
        except OSError:
            return True  # of another user: it is there all the same
        return True

    def _corrupt(self, digest: str) -> Corrupt:
        with contextlib.suppress(OSError):
            (self.root / DAMAGED).mkdir(exist_ok=True)
            (self.root / DAMAGED / digest).touch()
        return Corrupt(
            f"The blob {digest} in {self.root} was damaged: its content has another digest. Store it again."
        )

    @contextmanager
    def _incoming(self) -> Iterator[tuple[Path, IO[bytes]]]:
        folder = self.root / INCOMING
        folder.mkdir(parents=True, exist_ok=True)
        if not self._swept:
            self._swept = True
            _remove_abandoned(folder)
        temporary = folder / uuid4().hex
        try:
            with open(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY, 0o600), "w+b") as file:
                yield temporary, file
        finally:
            temporary.unlink(missing_ok=True)

    def _publish(self, temporary: Path, file: IO[bytes], digest: str) -> None:
        file.flush()
        os.chmod(temporary, 0o444)
        os.fsync(file.fileno())
        file.close()
        # a rename replaces: whoever else stored it, or damaged it, the content is this one
        place = self._place(digest)
        if not place.parent.is_dir():
            place.parent.mkdir(exist_ok=True)
            sync_folder(self.root)
        os.replace(temporary, place)
        sync_folder(place.parent)
        (self.root / DAMAGED / digest).unlink(missing_ok=True)


_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


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
