"""Datasets and models behind one door, and the trail of what was decided about them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from ...config import Settings
from ...entities import AuditEntry, Dataset, DatasetVersion, Model, ModelVersion, VersionRef
from ...errors import InvalidInput
from ...journal.records import Register
from ...protocols.blobs import BlobStore
from ...protocols.clock import Clock
from ...protocols.registry import RegistryStore
from ...wire import from_json
from .datasets import DatasetService
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
        clock: Clock = time.time,
    ) -> None:
        registrar = Registrar(recorder, replaying)
        self._store = store
        self._datasets = DatasetService(store, blobs, settings, registrar=registrar, clock=clock)
        self._models = ModelService(store, blobs, settings, registrar=registrar, clock=clock)

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

    def set_alias(self, name: str, alias: str, version: int) -> Model:
        return self._models.set_alias(name, alias, version)

    def delete_alias(self, name: str, alias: str) -> Model:
        return self._models.delete_alias(name, alias)

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

    def audit(self, limit: int = 100) -> list[AuditEntry]:
        """Decisions, newest first."""
        return self._store.audit(limit=limit)

    def verify_audit(self) -> list[str]:
        """What is wrong with the audit trail; empty when it is whole."""
        return self._store.verify_audit()
