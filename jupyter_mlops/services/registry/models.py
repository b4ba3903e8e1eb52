"""Models: pickles with a name, versions and aliases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...config import Settings
from ...entities import Model, ModelVersion, VersionStatus
from ...protocols.blobs import BlobStore
from ...protocols.clock import Clock
from ...protocols.registry import RegistryStore
from . import pickles
from .names import checked_alias, checked_name, parse_reference, pinned
from .registration import Registrar
from .trust import require_trust, workspace_id

KIND = "model"


class ModelService:
    """Registers and loads models, and moves their aliases."""

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

    def register(
        self,
        model: Any,
        *,
        name: str,
        alias: str | None = None,
        description: str = "",
        metrics: Mapping[str, float] | None = None,
    ) -> ModelVersion:
        """Pickle ``model`` and give it the next version of ``name``; ``alias`` then points at it.

        Raises InvalidInput, and Unavailable outside of a run.
        """
        name = checked_name(name)
        alias = None if alias is None else checked_alias(alias)
        data = pickles.dump(model)
        blob = self._blobs.put(data)
        version = ModelVersion(
            name=name,
            version=None,
            digest=blob.digest,
            size_bytes=blob.size_bytes,
            class_name=pickles.class_name(model),
            format=pickles.FORMAT,
            created_at=self._clock(),
            created_by=self._settings.user,
            aliases=[],
            packages=pickles.packages_of(data),
            metrics={key: float(value) for key, value in (metrics or {}).items()},
            description=description,
            origin=workspace_id(self._settings.home),
            status=VersionStatus.PENDING,
        )
        return self._registrar.register(
            KIND,
            version,
            alias=alias,
            existing=lambda: self._store.model_of_digest(name, blob.digest),
            add=lambda pending, key: self._store.register_model(pending, alias=alias, key=key),
        )

    def load(self, reference: str, *, trust: bool = False) -> Any:
        """The model itself.

        Raises NotFound, Untrusted (a pickle of somebody else's, unless ``trust``), Corrupt, or
        MissingPackage and InvalidInput when it cannot be unpickled here.
        """
        version = self.version(reference)
        if not trust:
            require_trust(version, self._settings)
        data = self._blobs.get(version.digest)
        label = f"Model {version.name}@{version.version}"
        model = pickles.load(data, what=label, packages=version.packages)
        self._registrar.read(KIND, version)
        return model

    def version(self, reference: str) -> ModelVersion:
        wanted = pinned(parse_reference(reference), KIND, self._settings.pins)
        return self._store.model_version(wanted.name, wanted.selector)

    def named(self, name: str) -> Model:
        return self._store.model(checked_name(name))

    def all(self) -> list[Model]:
        return self._store.models()
