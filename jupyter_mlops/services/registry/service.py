"""Datasets and models behind one door, and the trail of what was decided about them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ...config import Settings
from ...entities import AuditEntry, Dataset, DatasetVersion, Details, Model, ModelVersion, Move, VersionRef
from ...errors import InvalidInput
from ...journal.records import Register
from ...protocols.blobs import BlobStore
from ...protocols.clock import Clock
from ...protocols.registry import RegistryChanges, RegistryStore
from ...wire import from_json
from .aliases import AliasService
from .datasets import PATH, DatasetService
from .deciding import Access, EverythingAllowed, Gatekeeper
from .guarding import DatasetGuard, Unguarded
from .models import ModelService
from .names import check_texts, checked_alias, checked_name, checked_new_tags, checked_tags, parse_reference
from .registration import Registrar, RegistrationRecorder

logger = logging.getLogger(__name__)

_LEFT_OUT = (
    "The owner and licence of dataset %r are left out: it is pending. Say them at home: "
    "jupyter_mlops.edit_dataset(%r, owner=..., licence=...)"
)


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
        guard: Callable[[], DatasetGuard | None] = lambda: None,
        clock: Clock = time.time,
    ) -> None:
        registrar = Registrar(recorder, replaying, settings.home)
        access = access or EverythingAllowed()
        self._store = store
        self._settings = settings
        self._access = access
        self._replaying = replaying
        self._aliases = AliasService(
            store, settings, access=access, gatekeeper=gatekeeper, replaying=replaying
        )
        self._datasets = DatasetService(
            store,
            blobs,
            settings,
            registrar=registrar,
            number=self._aliases.register_dataset,
            guard=lambda: guard() or Unguarded(),
            clock=clock,
        )
        self._models = ModelService(
            store, blobs, settings, registrar=registrar, number=self._aliases.register, clock=clock
        )
        self._as_another = partial(
            RegistryService,
            store,
            blobs,
            recorder=recorder,
            replaying=replaying,
            access=access,
            gatekeeper=gatekeeper,
            guard=guard,
            clock=clock,
        )

    def acting_as(self, user: str) -> RegistryService:
        """The same registry in the name of another user: of who sent a request to the server."""
        settings = self._settings
        return self if user == settings.user else self._as_another(replace(settings, user=user))

    def register_dataset(
        self,
        data: Any,
        *,
        name: str,
        description: str = "",
        copy: bool | None = None,
        alias: str | None = None,
        tags: Mapping[str, str] | None = None,
        owner: str | None = None,
        licence: str | None = None,
        inputs: Sequence[VersionRef] = (),
        view: VersionRef | None = None,
    ) -> DatasetVersion:
        """As ``DatasetService.register``; what is said of it, and its alias, are asked about by themselves.

        One that may not have the alias is registered all the same, without it.

        ``tags`` are the version's, ``owner`` and ``licence`` the dataset's.
        """
        self._require("register", f"dataset:{name}")
        alias = None if alias is None else checked_alias(alias)
        check_texts(description=description, owner=owner, licence=licence)
        if copy not in (None, True, False):
            raise InvalidInput(f"copy= is True, False, or None for by its size, not {copy!r}.")
        registered = self._datasets.register(
            data,
            name=name,
            description=description,
            copy=copy,
            alias=alias,
            tags=checked_new_tags(tags),
            inputs=inputs,
            view=view,
        )
        if registered.version is None:
            if owner is not None or licence is not None:
                logger.warning(_LEFT_OUT, registered.name, registered.name)
            return registered
        if not self._replaying():
            self._say(registered, description=description, owner=owner, licence=licence)
        return self._store.dataset_version(registered.name, registered.version)

    def dataset_content(self, version: DatasetVersion) -> Path:
        """A version's content as a local file or folder, as ``DatasetService.content`` says."""
        return self._datasets.content(version)

    def dataset_of(self, frame: Any) -> VersionRef | None:
        """The version that a DataFrame is, which is compared with it."""
        return self._datasets.of_frame(frame)

    def load_dataset(self, ref: str, *, as_path: bool = False, as_: str | None = None) -> Any:
        """As ``DatasetService.load``; ``as_path`` is short for ``as_="path"``."""
        if as_path and as_ not in (None, PATH):
            raise InvalidInput(f"as_path=True and as_={as_!r} are two things: leave one of them out.")
        return self._datasets.load(ref, as_=PATH if as_path else as_)

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
        example: Any = None,
        flavour: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> ModelVersion:
        self._require("register", f"model:{name}")
        check_texts(description=description)
        return self._models.register(
            model,
            name=name,
            alias=alias,
            description=description,
            metrics=metrics,
            example=example,
            flavour=flavour,
            tags=tags,
        )

    def is_vouched_for(self, version: ModelVersion) -> bool:
        return self._models.is_vouched_for(version)

    def load_model(self, ref: str, *, trust: bool = False) -> Any:
        return self._models.load(ref, trust=trust)

    def predict(self, ref: str, data: Any, *, trust: bool = False) -> Any:
        return self._models.predict(ref, data, trust=trust)

    def model_example(self, ref: str) -> Any:
        return self._models.example(ref)

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

    def rollback(self, name: str, alias: str, *, reason: str = "", kind: str = "model") -> Move:
        """Point ``alias`` at the version that it had before, as ``AliasService.rollback`` says."""
        return self._aliases.rollback(kind, name, alias, reason=reason)

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
        check_texts(description=description, owner=owner, licence=licence, card=card)
        subject = f"{kind}:{name}" + ("" if version is None else f"@{version}")
        self._require("describe", subject)
        said = self._store.details(kind, name, version)
        given = {"description": description, "owner": owner, "licence": licence, "card": card}
        changed = replace(
            said,
            tags=_edited(said.tags, checked_tags(tags)),
            **{field: value for field, value in given.items() if value is not None},
        )
        self._store.describe(kind, name, version, changed, user=self._settings.user)
        return self._named(kind, name)

    def edit(
        self,
        kind: str,
        ref: str,
        *,
        description: str | None = None,
        tags: Mapping[str, str | None] | None = None,
        owner: str | None = None,
        licence: str | None = None,
    ) -> Model | Dataset:
        """As :meth:`describe`, of what a reference names: a name, or with ``@`` one of its versions.

        Raises InvalidInput as well where nothing is to be changed.
        """
        if description is None and not tags and owner is None and licence is None:
            raise InvalidInput(f"Nothing to change of {ref!r}: give description, tags, owner or licence.")
        wanted = parse_reference(ref)
        version: int | None = None
        if "@" in ref:
            look_up = self.dataset_version if kind == "dataset" else self.model_version
            version = look_up(ref).version
        return self.describe(
            kind,
            wanted.name,
            version,
            description=description,
            tags=tags,
            owner=owner,
            licence=licence,
        )

    def details(self, kind: str, name: str, version: int | None = None) -> Details:
        """What people say of a name, or of a version."""
        return self._store.details(kind, checked_name(name), version)

    def _require(self, action: str, subject: str) -> None:
        self._access.require(self._settings.user, action, subject)

    def _named(self, kind: str, name: str) -> Model | Dataset:
        return self._models.named(name) if kind == "model" else self._datasets.named(name)

    def apply(self, key: str, record: Register, run_id: str, user: str) -> int:
        """The number that a recorded registration has, giving it one if it has none yet.

        Who ingests a journal calls this. The version is the ``user``'s, whatever the record says.
        Raises InvalidInput for a record that no registry can take, Forbidden, and Unavailable when it should
        be tried again later.
        """
        if self._store.applied(key) is None:  # what was applied before was allowed then
            name = record.version.get("name")
            self._access.require(user or self._settings.user, "register", f"{record.kind}:{name}")
        alias = None if record.alias is None else checked_alias(record.alias)
        owned: dict[str, Any] = {"run_id": run_id, **({"created_by": user} if user else {})}
        door = self._aliases if not user else self.acting_as(user)._aliases
        if record.kind == "dataset":
            dataset = replace(from_json(record.version, DatasetVersion), **owned)
            checked_name(dataset.name)
            number = door.register_dataset(dataset, alias=alias, key=key).version
        elif record.kind == "model":
            model = replace(from_json(record.version, ModelVersion), **owned)
            checked_name(model.name)
            number = door.register(model, alias=alias, key=key).version
        else:
            raise InvalidInput(f"A register record of kind {record.kind!r}: 'dataset' and 'model' are known.")
        assert number is not None
        return number

    def _say(
        self,
        version: DatasetVersion,
        *,
        description: str,
        owner: str | None,
        licence: str | None,
    ) -> None:
        """What was said at registering: of a version that was there already it may be new."""
        if description and description != version.description:
            self.describe("dataset", version.name, version.version, description=description)
        if owner is not None or licence is not None:
            self.describe("dataset", version.name, owner=owner, licence=licence)

    def changes(self, since: int) -> RegistryChanges:
        """The names of datasets, models and feature views that changed after ``since``."""
        return self._store.changes(since)

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
