"""Blobs behind any fsspec URL (s3://, gs://, sftp://, memory://, file://), with a local cache."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import Corrupt, NotFound
from ..protocols.blobs import Blob, StoredBlob
from ..remote.folder import open_url, put_whole
from .digests import checked, chunks_of, is_digest
from .local import LocalBlobStore


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

    def delete(self, digest: str) -> None:
        self._cache.delete(digest)
        fs, root = self._open()
        with contextlib.suppress(FileNotFoundError, NotFound):
            fs.rm_file(_place(root, digest))

    def _upload(self, blob: Blob) -> Blob:
        if self._remote_size(blob.digest) == blob.size_bytes:
            return blob
        fs, root = self._open()
        put_whole(fs, root, str(self._cache.path(blob.digest)), _place(root, blob.digest))
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


def _place(root: str, digest: str) -> str:
    return f"{root}/{checked(digest)[:2]}/{digest}"
