"""Datasets, models, their versions and aliases, and the trail of decisions about them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol

from ..entities import AuditEntry, Dataset, DatasetVersion, Model, ModelVersion, VersionRef


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryChanges:
    """The names of what changed after some ``seq``, and the ``seq`` to ask from next time."""

    seq: int
    datasets: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)


class RegistryStore(Protocol):
    """Decisions about names: each call is one transaction, with its row in the audit trail.

    Versions of a name count 1, 2, 3, … without gaps, however many processes register at once. Lists are
    sorted by name, versions newest first. Every method raises Unavailable when the registry cannot be
    reached, and ``get``-like ones NotFound for what is not there.
    """

    def register_dataset(self, version: DatasetVersion, *, key: str | None = None) -> DatasetVersion:
        """Give ``version`` its number, or return the version that has its digest under its name.

        A ``key`` (``<run>/<writer>/<n>``) that was applied before returns what it gave then.
        """
        ...

    def register_model(
        self, version: ModelVersion, *, alias: str | None = None, key: str | None = None
    ) -> ModelVersion:
        """Give ``version`` its number and point ``alias`` at it; ``key`` as for datasets.

        The same digest twice is two versions: another run made it.
        """
        ...

    def datasets(self) -> list[Dataset]: ...

    def dataset(self, name: str) -> Dataset: ...

    def dataset_version(self, name: str, version: int | None = None) -> DatasetVersion:
        """A version, the newest by default."""
        ...

    def dataset_of_digest(self, name: str, digest: str) -> DatasetVersion | None:
        """The version of ``name`` with this content."""
        ...

    def datasets_of_digests(self, digests: Collection[str]) -> list[DatasetVersion]:
        """All versions with one of these contents, whatever their names, the newest first."""
        ...

    def models(self) -> list[Model]: ...

    def model(self, name: str) -> Model: ...

    def model_version(self, name: str, selector: int | str | None = None) -> ModelVersion:
        """A version by number or alias, the newest by default."""
        ...

    def model_of_digest(self, name: str, digest: str) -> ModelVersion | None:
        """The newest version of ``name`` with this content."""
        ...

    def set_alias(self, name: str, alias: str, version: int, *, user: str) -> Model:
        """Point ``alias`` at ``version``, away from where it pointed before."""
        ...

    def delete_alias(self, name: str, alias: str, *, user: str) -> Model: ...

    def registered_by(self, run_id: str) -> list[VersionRef]:
        """The versions that a run registered, also those that were there already."""
        ...

    def registering_runs(self, kind: str, name: str, version: int) -> list[str]:
        """The ids of the runs that registered a version, the first of them first."""
        ...

    def changes(self, since: int) -> RegistryChanges: ...

    def audit(self, *, limit: int = 100) -> list[AuditEntry]:
        """Decisions, newest first."""
        ...

    def verify_audit(self) -> list[str]:
        """What is wrong with the audit trail, a sentence a problem; empty when it is whole."""
        ...
