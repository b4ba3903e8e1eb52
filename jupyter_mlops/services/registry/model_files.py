"""Models into the blobs, and back as what they were."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any
from uuid import uuid4

from ...config import Settings
from ...entities import ModelVersion
from ...errors import Untrusted
from ...protocols.blobs import BlobStore
from .cache import INCOMING, DatasetCache
from .flavours import known, storing
from .flavours.flavour import Flavour
from .folders import store_folder
from .trust import is_vouched_for, untrusted

MOST_LOADED = 4
"""How many models ``predict`` keeps in memory."""
AS_THEY_ARE = ("file", "folder")
"""Flavours whose models keep their own name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredModel:
    """A model that lies in the blobs, before any name points at it."""

    flavour: Flavour
    digest: str
    size_bytes: int
    is_folder: bool
    file_name: str
    class_name: str
    packages: dict[str, str]


class ModelFiles:
    """Stores models and loads them, where that is allowed.

    What decides how a content is read is the flavour that its version names, never what the content looks
    like: a pickle that calls itself ONNX is read as ONNX, and fails. ``proof`` gives that of a version's row.
    """

    def __init__(
        self, blobs: BlobStore, settings: Settings, *, proof: Callable[[str, int | None], str | None]
    ) -> None:
        self._blobs = blobs
        self._settings = settings
        self._proof = proof
        self._cache = DatasetCache(settings.home / "cache", blobs)
        self._loaded: OrderedDict[tuple[object, ...], Any] = OrderedDict()
        self._lock = threading.Lock()

    def store(self, model: Any, *, flavour: str | None = None) -> StoredModel:
        """Raises InvalidInput, with the reason, for what no flavour can store, and MissingPackage."""
        with self._scratch() as folder:
            by, saved = storing.save(model, folder, flavour=flavour)
            if is_folder := saved.path.is_dir():
                stored = store_folder(saved.path, self._blobs)
                digest, size_bytes = stored.digest, stored.size_bytes
            else:
                blob = self._blobs.put_file(saved.path)
                digest, size_bytes = blob.digest, blob.size_bytes
        return StoredModel(
            flavour=by,
            digest=digest,
            size_bytes=size_bytes,
            is_folder=is_folder,
            file_name=saved.path.name if by.name in AS_THEY_ARE else "",
            class_name=saved.class_name,
            packages=saved.packages,
        )

    def load(self, version: ModelVersion, *, trust: bool = False) -> Any:
        """The model itself.

        Raises Untrusted, unless ``trust``, where its author's code would run and nobody vouches for him;
        Corrupt, MissingPackage, and InvalidInput for what this flavour cannot load.
        """
        flavour, trusted = self._allowed(version, trust=trust)
        what = f"Model {version.name}@{version.version}"
        try:
            return storing.load(
                flavour, self._path(version), what=what, trusted=trusted, packages=version.packages
            )
        except Untrusted as error:
            raise untrusted(version, self._settings, error.message) from error

    def opened(self, version: ModelVersion, *, trust: bool = False) -> tuple[Flavour, Any]:
        """The flavour and the model, which is kept for the next time; raises as :meth:`load`."""
        flavour, trusted = self._allowed(version, trust=trust)
        key = (version.digest, version.format, version.is_folder, trusted)
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = self.load(version, trust=trust)
                while len(self._loaded) > MOST_LOADED:
                    self._loaded.popitem(last=False)
            self._loaded.move_to_end(key)
            return flavour, self._loaded[key]

    def is_vouched_for(self, version: ModelVersion) -> bool:
        """Whether this user registered it in this home, or its author is trusted."""
        return is_vouched_for(version, self._proof(version.name, version.version), self._settings)

    def _allowed(self, version: ModelVersion, *, trust: bool) -> tuple[Flavour, bool]:
        flavour = known.named(version.format)
        trusted = trust or self.is_vouched_for(version)
        if flavour.runs_code and not trusted:
            raise untrusted(version, self._settings)
        return flavour, trusted

    def _path(self, version: ModelVersion) -> Path:
        if version.is_folder:
            return self._cache.folder(version.digest, version.file_name or "model")
        if version.format in AS_THEY_ARE:
            return self._cache.file(version.digest, version.file_name)
        return self._blobs.path(version.digest)

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        """A folder beside the blobs; the cache takes it away later if this process is killed."""
        folder = self._settings.home / "cache" / INCOMING / uuid4().hex
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            rmtree(folder, ignore_errors=True)


def as_path(model: Any) -> Any:
    """A text is a path; anything else is itself."""
    return Path(model).expanduser().absolute() if isinstance(model, (str, os.PathLike)) else model
