"""Datasets and models behind one door, and the trail of what was decided about them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ...config import Settings
from ...entities import AuditEntry, Dataset, DatasetVersion, Details, Model, ModelVersion, Move, VersionRef
from ...errors import InvalidInput
from ...journal.records import Register
from ...protocols.blobs import BlobStore
from ...protocols.clock import Clock
from ...protocols.registry import RegistryStore
from ...wire import from_json
from .aliases import AliasService
from .datasets import DatasetService
from .deciding import Access, EverythingAllowed, Gatekeeper
from .models import ModelService
from .names import checked_alias, checked_name
from .registration import Registrar, RegistrationRecorder


class RegistryService:
    """What ``DatasetService`` and ``ModelService`` say, plus lineage, changes and the audit trail."""

    def __init__(
        self,
        store: RegistryStore,
        blobs: BlobStore,
        settings: Settings,
        *,
        recorder: Callable[[], RegistrationRecorder | None] = lambda: None,
        replaying: Callable[[], bool] = lambda: False,
        access: Access | None = None,
        gatekeeper: Callable[[], Gatekeeper | None] = lambda: None,
        clock: Clock = time.time,
    ) -> None:
        registrar = Registrar(recorder, replaying)
        access = access or EverythingAllowed()
        self._store = store
        self._settings = settings
        self._access = access
        self._datasets = DatasetService(store, blobs, settings, registrar=registrar, clock=clock)
        self._models = ModelService(store, blobs, settings, registrar=registrar, clock=clock)
        self._aliases = AliasService(
            store, settings, access=access, gatekeeper=gatekeeper, replaying=replaying
        )
        self._as_another = partial(
            RegistryService,
            store,
            blobs,
            recorder=recorder,
            replaying=replaying,
            access=access,
            gatekeeper=gatekeeper,
            clock=clock,
        )

    def acting_as(self, user: str) -> RegistryService:
        """The same registry in the name of another user: of who sent a request to the server."""
        settings = self._settings
        return self if user == settings.user else self._as_another(replace(settings, user=user))

    def register_dataset(self, data: Any, *, name: str, description: str = "") -> DatasetVersion:
        return self._datasets.register(data, name=name, description=description)

    def load_dataset(self, ref: str, *, as_path: bool = False) -> Any:
        return self._datasets.load(ref, as_path=as_path)

    def datasets(self) -> list[Dataset]:
        return self._datasets.all()

    def dataset(self, name: str) -> Dataset:
        return self._datasets.named(name)

    def dataset_version(self, ref: str) -> DatasetVersion:
        return self._datasets.version(ref)

    def register_model(
        self,
        model: Any,
        *,
        name: str,
        alias: str | None = None,
        description: str = "",
        metrics: Mapping[str, float] | None = None,
    ) -> ModelVersion:
        return self._models.register(model, name=name, alias=alias, description=description, metrics=metrics)

    def load_model(self, ref: str, *, trust: bool = False) -> Any:
        return self._models.load(ref, trust=trust)

    def datasets_of_digests(self, digests: Collection[str]) -> dict[str, list[VersionRef]]:
        """The dataset versions with these contents by their digests, the newest first."""
        found: dict[str, list[VersionRef]] = {}
        for each in self._store.datasets_of_digests(digests):
            ref = VersionRef(kind="dataset", name=each.name, version=each.version, digest=each.digest)
            found.setdefault(each.digest, []).append(ref)
        return found

    def models(self) -> list[Model]:
        return self._models.all()

    def model(self, name: str) -> Model:
        return self._models.named(name)

    def model_version(self, ref: str) -> ModelVersion:
        return self._models.version(ref)

    def set_alias(
        self, name: str, alias: str, version: int, *, reason: str = "", kind: str = "model"
    ) -> Model | Dataset:
        """Point ``alias`` at ``version``, as ``AliasService.move`` says."""
        self._aliases.move(kind, name, alias, int(version), reason=reason)
        return self._named(kind, name)

    def delete_alias(
        self, name: str, alias: str, *, reason: str = "", kind: str = "model"
    ) -> Model | Dataset:
        """Take ``alias`` away; the version stays."""
        self._aliases.move(kind, name, alias, None, reason=reason)
        return self._named(kind, name)

    def moves(self, name: str, alias: str, *, kind: str = "model") -> list[Move]:
        """Where an alias has been, the newest move first."""
        return self._aliases.moves(kind, name, alias)

    def describe(
        self,
        kind: str,
        name: str,
        version: int | None = None,
        *,
        description: str | None = None,
        tags: Mapping[str, str | None] | None = None,
        owner: str | None = None,
        licence: str | None = None,
        card: str | None = None,
    ) -> Model | Dataset:
        """Change what is said of a name or a version; None leaves a field, a tag of None is removed."""
        name = checked_name(name)
        subject = f"{kind}:{name}" + ("" if version is None else f"@{version}")
        self._access.require(self._settings.user, "describe", subject)
        said = self._store.details(kind, name, version)
        given = {"description": description, "owner": owner, "licence": licence, "card": card}
        changed = replace(
            said,
            tags=_edited(said.tags, tags or {}),
            **{field: value for field, value in given.items() if value is not None},
        )
        self._store.describe(kind, name, version, changed, user=self._settings.user)
        return self._named(kind, name)

    def details(self, kind: str, name: str, version: int | None = None) -> Details:
        """What people say of a name, or of a version."""
        return self._store.details(kind, checked_name(name), version)

    def _named(self, kind: str, name: str) -> Model | Dataset:
        return self._models.named(name) if kind == "model" else self._datasets.named(name)

    def apply(self, key: str, record: Register, run_id: str, user: str) -> int:
        """The number that a recorded registration has, giving it one if it has none yet.

        Who ingests a journal calls this. The version is the ``user``'s, whatever the record says.
        Raises InvalidInput for a record that no registry can take, Unavailable when it should be tried
        again later.
        """
        alias = None if record.alias is None else checked_alias(record.alias)
        owned: dict[str, Any] = {"run_id": run_id, **({"created_by": user} if user else {})}
        if record.kind == "dataset":
            dataset = replace(from_json(record.version, DatasetVersion), **owned)
            checked_name(dataset.name)
            number = self._store.register_dataset(dataset, key=key).version
        elif record.kind == "model":
            model = replace(from_json(record.version, ModelVersion), **owned)
            checked_name(model.name)
            number = self._store.register_model(model, alias=alias, key=key).version
        else:
            raise InvalidInput(f"A register record of kind {record.kind!r}: 'dataset' and 'model' are known.")
        assert number is not None
        return number

    def registered_by(self, run_id: str) -> list[VersionRef]:
        """The versions that a run registered, also those that were there already."""
        return self._store.registered_by(run_id)

    def registering_runs(self, kind: str, name: str, version: int) -> list[str]:
        """The ids of the runs that registered a version, the first of them first."""
        return self._store.registering_runs(kind, name, version)

    def changes(self, since: int) -> tuple[int, list[str], list[str]]:
        """The present ``seq``, and the names of datasets and models that changed after ``since``."""
        found = self._store.changes(since)
        return found.seq, found.datasets, found.models

    def audit(
        self, limit: int | None = 100, *, subject: str = "", before: int | None = None
    ) -> list[AuditEntry]:
        """Decisions, newest first: on one subject, or all; those numbered below ``before``."""
        return self._store.audit(limit=limit, subject=subject, before=before)

    def verify_audit(self) -> list[str]:
        """What is wrong with the audit trail; empty when it is whole."""
        return self._store.verify_audit()


def _edited(tags: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    merged = {**tags, **changes}
    return {key: str(value) for key, value in merged.items() if value is not None}
