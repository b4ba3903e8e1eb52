"""Datasets: contents with a name, a version and a shape."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...config import Settings
from ...entities import Dataset, DatasetKind, DatasetVersion, VersionStatus
from ...errors import InvalidInput, NotFound
from ...protocols.blobs import BlobStore
from ...protocols.clock import Clock
from ...protocols.registry import RegistryStore
from . import tables
from .cache import DatasetCache
from .folders import store_folder
from .names import checked_name, parse_reference, pinned
from .registration import Registrar

KIND = "dataset"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredContent:
    """Data that lies in the blobs, before any name points at it."""

    kind: DatasetKind
    digest: str
    size_bytes: int
    file_name: str
    source: str = ""
    shape: tables.Shape | None = None


class DatasetService:
    """Registers and loads datasets."""

    def __init__(
        self,
        store: RegistryStore,
        blobs: BlobStore,
        settings: Settings,
        *,
        registrar: Registrar,
        clock: Clock,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._settings = settings
        self._registrar = registrar
        self._clock = clock
        self._cache = DatasetCache(settings.home / "cache", blobs)

    def register(self, data: Any, *, name: str, description: str = "") -> DatasetVersion:
        """Store ``data`` and give it a version; the same content under one name is the existing version.

        ``data`` is the path of a file or folder, a DataFrame, or anything that exports an Arrow stream.
        Raises InvalidInput or NotFound, and Unavailable outside of a run.
        """
        name = checked_name(name)
        content = self._stored(data, name)
        version = DatasetVersion(
            name=name,
            version=None,
            kind=content.kind,
            digest=content.digest,
            size_bytes=content.size_bytes,
            file_name=content.file_name,
            created_at=self._clock(),
            created_by=self._settings.user,
            rows=content.shape.rows if content.shape else None,
            columns=content.shape.columns if content.shape else None,
            source=content.source,
            description=description,
            status=VersionStatus.PENDING,
        )
        return self._registrar.register(
            KIND,
            version,
            existing=lambda: self._store.dataset_of_digest(name, content.digest),
            add=lambda pending, key: self._store.register_dataset(pending, key=key),
        )

    def load(self, reference: str, *, as_path: bool = False) -> Any:
        """A table as a DataFrame; other files, folders, and anything ``as_path``, as a read-only path.

        Raises NotFound, Corrupt, or InvalidInput when a tabular file does not parse.
        """
        version = self.version(reference)
        if version.kind is DatasetKind.FOLDER:
            value: Any = self._cache.folder(version.digest, version.file_name)
        else:
            value = self._cache.file(version.digest, version.file_name)
            if not as_path and (frame := tables.read(value, version.file_name)) is not None:
                value = frame
        self._registrar.read(KIND, version)
        return value

    def version(self, reference: str) -> DatasetVersion:
        wanted = pinned(parse_reference(reference), KIND, self._settings.pins)
        return self._store.dataset_version(wanted.name, wanted.selector)

    def named(self, name: str) -> Dataset:
        return self._store.dataset(checked_name(name))

    def all(self) -> list[Dataset]:
        return self._store.datasets()

    def _stored(self, data: Any, name: str) -> StoredContent:
        if isinstance(data, (str, os.PathLike)):
            path = Path(data).expanduser().absolute()
            if path.is_dir():
                return self._stored_folder(path, name)
            if path.is_file():
                return self._stored_file(path)
            raise NotFound(f"No file or folder {str(path)!r} to register as dataset {name!r}.")
        if tables.is_table(data):
            return self._stored_table(data, name)
        raise InvalidInput(
            f"A {type(data).__module__}.{type(data).__qualname__} is no dataset. Give the "
            "path of a file or folder, a DataFrame, or an Arrow or polars table (collect a LazyFrame first)."
        )

    def _stored_table(self, data: Any, name: str) -> StoredContent:
        encoded, shape = tables.encode(data)
        blob = self._blobs.put(encoded)
        return StoredContent(
            kind=DatasetKind.TABLE,
            digest=blob.digest,
            size_bytes=blob.size_bytes,
            file_name=f"{name}.parquet",
            source=f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}",
            shape=shape,
        )

    def _stored_file(self, path: Path) -> StoredContent:
        blob = self._blobs.put_file(path)
        return StoredContent(
            kind=DatasetKind.FILE,
            digest=blob.digest,
            size_bytes=blob.size_bytes,
            file_name=path.name,
            source=str(path),
            # of the stored bytes: the file may have changed since
            shape=tables.shape_of(self._blobs.path(blob.digest), path.name),
        )

    def _stored_folder(self, path: Path, name: str) -> StoredContent:
        stored = store_folder(path, self._blobs)
        return StoredContent(
            kind=DatasetKind.FOLDER,
            digest=stored.digest,
            size_bytes=stored.size_bytes,
            file_name=path.resolve().name or name,
            source=str(path),
        )
