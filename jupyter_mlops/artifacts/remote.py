"""Blobs behind any fsspec URL (s3://, gs://, sftp://, memory://, file://), with a local cache."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import Corrupt, NotFound
from ..protocols.blobs import Blob, StoredBlob
from ..remote.folder import ATOMIC_PUT, LOCAL, open_url, protocols_of, put_whole
from .digests import checked, chunks_of, is_digest
from .local import LocalBlobStore

AT_ONCE = 32
"""So many requests are under way together."""
RENEWED_AFTER_S = 24 * 3600.0
"""What was stored longer ago is marked as stored again when it is."""
S3 = frozenset({"s3", "s3a"})
SMALL_BYTES = 1024 * 1024
"""Up to this size a content is sent from memory."""


class FsspecBlobStore:
    """``<url>/ab/<digest>``; what was put or read lies in ``cache`` as well and is read from there."""

    def __init__(self, url: str, cache: Path) -> None:
        self.url = url
        self._cache = LocalBlobStore(cache)
        self._open()

    def put(self, data: bytes) -> Blob:
        return self._upload(self._cache.put(data))

    def put_file(self, path: Path) -> Blob:
        return self._upload(self._cache.put_file(path))

    def put_many(self, contents: Iterable[bytes]) -> list[Blob]:
        blobs = self._cache.put_many(contents)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._upload, dict.fromkeys(blobs)))
        return blobs

    def missing(self, digests: Collection[str]) -> set[str]:
        wanted = list(digests)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            there = list(pool.map(self._keeps, wanted))
        return {digest for digest, found in zip(wanted, there, strict=True) if not found}

    def get(self, digest: str) -> bytes:
        try:
            return self._cache.get(digest)
        except (NotFound, Corrupt):
            self._download(digest)
        return self._cache.get(digest)

    def path(self, digest: str) -> Path:
        try:
            return self._cache.path(digest)
        except (NotFound, Corrupt):
            self._download(digest)
        return self._cache.path(digest)

    def exists(self, digest: str) -> bool:
        try:
            return self._remote_size(digest) is not None
        except NotFound:
            return False

    def stored(self) -> Iterator[StoredBlob]:
        fs, root = self._open()
        fs.invalidate_cache()
        try:
            found = fs.find(root, detail=True)
        except FileNotFoundError:
            return
        for path, info in found.items():
            digest = path.rpartition("/")[2]
            if is_digest(digest):
                yield StoredBlob(digest, int(info["size"]), modified_at(info))

    def unreadable(self) -> list[Path]:
        return self._cache.unreadable()

    def delete_many(self, digests: Collection[str], *, before: float) -> list[str]:
        wanted = [digest for digest in dict.fromkeys(digests) if is_digest(digest)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            removed = list(pool.map(lambda digest: self._remove_older(digest, before), wanted))
        deleted = [digest for digest, gone in zip(wanted, removed, strict=True) if gone]
        self._cache.delete_many(deleted, before=before)
        return deleted

    def delete(self, digest: str) -> None:
        self._cache.delete(digest)
        fs, root = self._open()
        with contextlib.suppress(FileNotFoundError, NotFound):
            fs.rm_file(_place(root, digest))

    def _remove_older(self, digest: str, before: float) -> bool:
        fs, root = self._open()
        place = _place(root, digest)
        fs.invalidate_cache(place)
        try:
            if modified_at(fs.info(place)) >= before:
                return False
            fs.rm_file(place)
        except FileNotFoundError:
            return False
        return True

    def _keeps(self, digest: str, size_bytes: int | None = None) -> bool:
        """Whether it is there; then it counts as stored now, so that nobody takes it for forgotten.

        An old one that its server cannot mark so is to be put again.
        """
        fs, root = self._open()
        try:
            place = _place(root, digest)
            info = fs.info(place)
        except (FileNotFoundError, NotFound):
            return False
        if size_bytes is not None and int(info["size"]) != size_bytes:
            return False
        return modified_at(info) > time.time() - RENEWED_AFTER_S or _renewed(fs, place)

    def _upload(self, blob: Blob) -> Blob:
        if self._keeps(blob.digest, blob.size_bytes):
            return blob
        fs, root = self._open()
        place = _place(root, blob.digest)
        if blob.size_bytes <= SMALL_BYTES and protocols_of(fs) & ATOMIC_PUT:
            fs.pipe_file(place, self._cache.get(blob.digest))
        else:
            put_whole(fs, root, str(self._cache.path(blob.digest)), place)
        return blob

    def _download(self, digest: str) -> None:
        fs, root = self._open()
        try:
            with fs.open(_place(root, digest), "rb") as file:
                self._cache.add(chunks_of(file), expected=digest)
        except FileNotFoundError:
            raise NotFound(f"No blob {digest} in {self.url}.") from None

    def _remote_size(self, digest: str) -> int | None:
        fs, root = self._open()
        try:
            return int(fs.info(_place(root, digest))["size"])
        except FileNotFoundError:
            return None

    def _open(self) -> tuple[Any, str]:
        return open_url(self.url)


def modified_at(info: Mapping[str, Any]) -> float:
    """When a listed file was written: file systems say it under several names. Now if none does."""
    for name in ("mtime", "LastModified", "last_modified", "updated", "created"):
        value = info.get(name)
        if isinstance(value, datetime):
            return value.timestamp()
        if isinstance(value, (int, float)):
            return float(value)
    return time.time()


def _renewed(fs: Any, place: str) -> bool:
    """Have an object say that it was written now; whether its kind of store can do that."""
    kinds = protocols_of(fs)
    with contextlib.suppress(OSError, NotImplementedError, ValueError):
        if kinds & S3:
            # S3 refuses a copy onto itself that changes nothing at all
            fs.cp_file(place, place, MetadataDirective="REPLACE")
            return True
        if kinds & LOCAL:
            fs.touch(place, truncate=False)
            return True
    return False


def _place(root: str, digest: str) -> str:
    return f"{root}/{checked(digest)[:2]}/{digest}"
