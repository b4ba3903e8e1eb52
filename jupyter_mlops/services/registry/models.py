"""Models: what was trained, with a name, versions and aliases."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...config import Settings
from ...entities import Model, ModelVersion, VersionStatus
from ...errors import InvalidInput, NotFound
from ...ownership import workspace_id
from ...protocols.blobs import BlobStore
from ...protocols.clock import Clock
from ...protocols.registry import RegistryStore
from .conforming import conformed
from .model_evidence import ModelEvidence
from .model_files import ModelFiles, StoredModel, as_path
from .names import checked_alias, checked_name, checked_new_tags, parse_reference, pinned
from .registration import NumberModel, Registrar
from .trust import GIVEN

KIND = "model"


class ModelService:
    """Registers models, loads them and predicts with them."""

    def __init__(
        self,
        store: RegistryStore,
        blobs: BlobStore,
        settings: Settings,
        *,
        registrar: Registrar,
        number: NumberModel,
        clock: Clock,
    ) -> None:
        self._store = store
        self._number = number
        self._settings = settings
        self._registrar = registrar
        self._clock = clock
        self._files = ModelFiles(blobs, settings, proof=store.model_proof)
        self._evidence = ModelEvidence(blobs)

    def register(
        self,
        model: Any,
        *,
        name: str,
        alias: str | None = None,
        description: str = "",
        metrics: Mapping[str, float] | None = None,
        example: Any = None,
        flavour: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> ModelVersion:
        """Store ``model`` and give it the next version of ``name``; ``alias`` then points at it.

        A text is the path of a file or folder; nobody vouches for what these hold. Raises InvalidInput,
        NotFound for a path that is none, MissingPackage, and Unavailable outside of a run.
        """
        name = checked_name(name)
        alias, said = None if alias is None else checked_alias(alias), checked_new_tags(tags)
        if model is None:
            raise InvalidInput(
                f"None is no model to register as {name!r}. Does the function that made it return the model?"
            )
        model = as_path(model)
        if isinstance(model, Path) and not model.exists():
            raise NotFound(f"No file or folder {os.fspath(model)!r} to register as model {name!r}.")
        stored = self._files.store(model, flavour=flavour)
        shown = self._evidence.example(model, stored.flavour, example)
        version = replace(
            self._version(name, stored, given=isinstance(model, os.PathLike)),
            description=description,
            tags=said,
            metrics={key: float(value) for key, value in (metrics or {}).items()},
            signature=shown.signature,
            example_digest=shown.digest,
            example_name=shown.name,
        )
        return self._registrar.register(
            KIND,
            version,
            alias=alias,
            existing=lambda: self._store.model_of_digest(name, stored.digest),
            add=lambda pending, key: self._number(pending, alias=alias, key=key),
        )

    def load(self, reference: str, *, trust: bool = False) -> Any:
        """The model itself, as its flavour loads it.

        Raises NotFound, Untrusted (where somebody else's code would run, unless ``trust``), Corrupt, or
        MissingPackage and InvalidInput when it cannot be loaded here.
        """
        version = self.version(reference)
        model = self._files.load(version, trust=trust)
        self._registrar.read(KIND, version)
        return model

    def predict(self, reference: str, data: Any, *, trust: bool = False) -> Any:
        """What a model makes of ``data``, which is brought into the form of its signature.

        The model is kept in memory for the next time. Raises as :meth:`load`, and InvalidInput for data
        that lack columns, or hold what the model cannot take.
        """
        version = self.version(reference)
        flavour, model = self._files.opened(version, trust=trust)
        fitting = conformed(data, version.signature, what=f"Model {version.name}@{version.version}")
        predicted = flavour.predict(model, fitting)
        self._registrar.read(KIND, version)
        return predicted

    def is_vouched_for(self, version: ModelVersion) -> bool:
        """Whether this user registered it here, or its author is trusted: then it is loaded as it is."""
        return self._files.is_vouched_for(version)

    def example(self, reference: str) -> Any:
        """The kept example of a version's input. Raises NotFound where there is none."""
        return self._evidence.kept_example(self.version(reference))

    def version(self, reference: str) -> ModelVersion:
        wanted = pinned(parse_reference(reference), KIND, self._settings.pins)
        return self._store.model_version(wanted.name, wanted.selector)

    def named(self, name: str) -> Model:
        return self._store.model(checked_name(name))

    def all(self) -> list[Model]:
        return self._store.models()

    def _version(self, name: str, stored: StoredModel, *, given: bool) -> ModelVersion:
        """A version without its number, linked to the run that makes it; ``given`` as a path."""
        links = self._registrar.links()
        return ModelVersion(
            name=name,
            version=None,
            digest=stored.digest,
            size_bytes=stored.size_bytes,
            class_name=stored.class_name,
            format=stored.flavour.name,
            is_folder=stored.is_folder,
            file_name=stored.file_name,
            created_at=self._clock(),
            created_by=self._settings.user,
            requirements_digest=self._evidence.requirements(),
            code_digest=self._evidence.code(links.code),
            job_id=links.job_id,
            notebook=links.notebook,
            datasets=links.datasets,
            packages=stored.packages,
            origin=GIVEN if given else workspace_id(self._settings.home),
            status=VersionStatus.PENDING,
        )
