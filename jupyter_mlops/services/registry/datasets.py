"""Datasets: contents with a name, a version and a shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from ...config import Settings
from ...entities import Dataset, DatasetKind, DatasetVersion, Storage, VersionRef, VersionStatus
from ...errors import InvalidInput, MlopsError, Unavailable
from ...protocols.blobs import BlobStore
from ...protocols.clock import Clock
from ...protocols.registry import RegistryStore
from . import arrays, tables
from .cache import DatasetCache
from .guarding import DatasetGuard
from .hashes import HashMemory
from .identity import are_equal, is_frame, mark, may_be, origin_of
from .names import checked_name, parse_reference, pinned
from .references import Contents
from .registration import NumberDataset, Registrar
from .sources import Content, Shelf, content_of

KIND = "dataset"
PATH = "path"


class DatasetService:
    """Registers and loads datasets."""

    def __init__(
        self,
        store: RegistryStore,
        blobs: BlobStore,
        settings: Settings,
        *,
        registrar: Registrar,
        number: NumberDataset,
        guard: Callable[[], DatasetGuard],
        clock: Clock,
    ) -> None:
        self._store = store
        self._settings = settings
        self._registrar = registrar
        self._number = number
        self._guard = guard
        self._clock = clock
        kept = DatasetCache(settings.home / "cache", blobs)
        hashes = HashMemory(settings.home / "cache")
        self._shelf = Shelf(blobs=blobs, hashes=hashes, cache=kept, copy_bytes=settings.copy_dataset_bytes)
        self._contents = Contents(blobs, kept, hashes, settings.home)

    def register(
        self,
        data: Any,
        *,
        name: str,
        description: str = "",
        copy: bool | None = None,
        alias: str | None = None,
        tags: dict[str, str] | None = None,
        inputs: Sequence[VersionRef] = (),
        view: VersionRef | None = None,
    ) -> DatasetVersion:
        """Give ``data`` a version; the same content under one name is the existing version.

        ``data`` is what one of the ``sources`` takes. Contents above ``Settings.copy_dataset_bytes`` stay
        where they are, or none and all with ``copy``. ``inputs`` are what it was made from, where that is
        known otherwise than by ``attrs`` of a DataFrame. Raises what sources raise, ExpectationsFailed, and
        Unavailable outside of a run.
        """
        name = checked_name(name)
        content = content_of(data, name=name, copy=copy, shelf=self._shelf)
        version = replace(
            self._version(name, content),
            description=description,
            inputs=list(inputs) or self._origins(data, content),
            view=view,
            tags=tags or {},
        )
        if not self._registrar.replaying:
            self._guard().registering(version, cache(lambda: self._contents.path(version)))
        if content.uri is not None:
            self._contents.note(content.digest, content.uri)
        registered = self._registrar.register(
            KIND,
            version,
            alias=alias,
            existing=lambda: self._store.dataset_of_digest(name, content.digest),
            add=lambda pending, key: self._number(pending, alias=alias, key=key),
        )
        if registered.version is not None:
            self._guard().registered(registered)
        return registered

    def load(self, reference: str, *, as_: str | None = None) -> Any:
        """A table as a DataFrame, arrays as arrays; other files and folders as a path.

        ``as_`` asks for a table as one of ``tables.READERS`` gives it, or with ``PATH`` for the path.

        A path is read-only where the content is a copy, and the original where it is a reference. Raises
        NotFound, Corrupt, ContentChanged, ExpectationsFailed, Unavailable, or InvalidInput when a tabular
        file does not parse, or what is no table is asked for as one.
        """
        if as_ not in (None, PATH, *tables.READERS):
            words = ", ".join(map(repr, (*tables.READERS, PATH)))
            raise InvalidInput(f"as_= is one of {words}, not {as_!r}.")
        version = self.version(reference)
        content = cache(lambda: self._contents.path(version))  # a reference is verified once
        self._guard().loading(version, content)
        path = content()
        value = path if as_ == PATH else self._value(version, path, as_)
        self._registrar.read(KIND, version)
        return value

    def content(self, version: DatasetVersion) -> Path:
        """The content as a local file or folder, not to be changed. Raises as :meth:`load` does."""
        return self._contents.path(version)

    def of_frame(self, frame: Any) -> VersionRef | None:
        """The version that a DataFrame is: only when it still has all of its values, which are compared."""
        said = origin_of(frame)
        if said is None or not is_frame(frame):
            return None
        try:
            version = self._store.dataset_version(said.name, said.version)
            if version.digest != said.digest or not may_be(frame, version):
                return None
            loaded = self._value(version, self._contents.path(version))
        except Unavailable:
            raise
        except MlopsError:
            return None
        return said if are_equal(frame, loaded) else None

    def version(self, reference: str) -> DatasetVersion:
        wanted = pinned(parse_reference(reference), KIND, self._settings.pins)
        return self._store.dataset_version(wanted.name, wanted.selector)

    def named(self, name: str) -> Dataset:
        return self._store.dataset(checked_name(name))

    def all(self) -> list[Dataset]:
        return self._store.datasets()

    def _value(self, version: DatasetVersion, path: Path, as_: str | None = None) -> Any:
        is_folder = version.kind is DatasetKind.FOLDER
        readers = (tables.read, arrays.read) if as_ is None else (tables.READERS[as_],)
        for read in () if is_folder else readers:
            if (value := read(path, version.file_name)) is not None:
                return mark(value, version)
        if as_ is not None:
            what = "a folder" if is_folder else f"the file {version.file_name!r}"
            raise InvalidInput(
                f"{version.name}@{version.version} is {what}, no table that could be loaded as_={as_!r}: "
                "load_dataset(..., as_path=True) gives its path."
            )
        return path

    def _version(self, name: str, content: Content) -> DatasetVersion:
        return DatasetVersion(
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
            files=content.files,
            source=content.source,
            storage=Storage.COPY if content.uri is None else Storage.REFERENCE,
            uri=content.uri,
            query=content.query,
            status=VersionStatus.PENDING,
        )

    def _origins(self, data: Any, content: Content) -> list[VersionRef]:
        """What a DataFrame that was loaded, and has other values now, was made from."""
        said = origin_of(data)
        if said is None or said.digest == content.digest:
            return []
        try:
            known = self._store.dataset_version(said.name, said.version)
        except MlopsError:  # of another registry, or there is none to be reached: the run's inputs tell
            return []
        return [said] if known.digest == said.digest else []
