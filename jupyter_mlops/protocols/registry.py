"""Datasets, models, their versions and aliases, and the trail of decisions about them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ..entities import (
    AuditEntry,
    Dataset,
    DatasetVersion,
    Details,
    Model,
    ModelVersion,
    Move,
)

ANYWHERE: Literal["anywhere"] = "anywhere"
"""An alias may point at any version, or at none, before it is moved."""

Place = int | Literal["anywhere"] | None
"""Where an alias has to point for a decision about it to hold: at a version, at none, or ANYWHERE."""

IMPORTED_KEY = "import/"
"""How the keys of versions begin that came with a file; those of runs begin with the run's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryChanges:
    """The names of what changed after some ``seq``, and the ``seq`` to ask from next time."""

    seq: int
    datasets: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    views: list[str] = field(default_factory=list)


class RegistryStore(Protocol):
    """Decisions about names: each call is one transaction, with its row in the audit trail.

    Versions of a name count 1, 2, 3, … without gaps, however many processes register at once. Lists are
    sorted by name, versions newest first. A ``kind`` is ``dataset`` or ``model``. Every method raises
    Unavailable when the registry cannot be reached, and ``get``-like ones NotFound for what is not there.
    """

    def register_dataset(
        self,
        version: DatasetVersion,
        *,
        alias: str | None = None,
        expected: Place = ANYWHERE,
        key: str | None = None,
    ) -> DatasetVersion:
        """Give ``version`` its number, or take the version that has its digest under its name; point
        ``alias`` at it, and add its tags to those of the version.

        One that was only imported so far counts as registered here from now on, if ``version`` is not.
        Raises Conflict, and registers nothing, when the alias does not point where it is ``expected`` to. A
        ``key`` (``<run>/<writer>/<n>``) that was applied before returns what it gave then, and moves nothing.
        """
        ...

    def register_model(
        self,
        version: ModelVersion,
        *,
        alias: str | None = None,
        expected: Place = ANYWHERE,
        seq: int | None = None,
        key: str | None = None,
        proof: str = "",
    ) -> ModelVersion:
        """Give ``version`` its number and point ``alias`` at it; ``key`` as for datasets.

        ``proof`` is kept in its row: what the home that registers it says of it.

        The same digest twice is two versions: another run made it. Raises Conflict, and registers nothing,
        when the alias does not point where it is ``expected`` to, or the model has not the ``seq`` any more
        that it was judged by (0: it was not there). A key that was applied before moves nothing.
        """
        ...

    def applied(self, key: str) -> tuple[str, int] | None:
        """The name and number that the record of this key was given; None when it has not been applied."""
        ...

    def keys(self, kind: str, name: str, version: int) -> list[str]:
        """The keys of the records that gave this version or were told that it is there, sorted."""
        ...

    def datasets(self) -> list[Dataset]: ...

    def dataset(self, name: str) -> Dataset: ...

    def dataset_version(self, name: str, selector: int | str | None = None) -> DatasetVersion:
        """A version by number or alias; by default the newest that was registered here, or where there is
        none, the newest that was imported."""
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

    def model_proof(self, name: str, version: int | None) -> str | None:
        """The proof in a version's row; None of before there were proofs, empty where there is none."""
        ...

    def move_alias(
        self,
        kind: str,
        name: str,
        alias: str,
        to: int | None,
        *,
        user: str,
        reason: str = "",
        expected: Place = ANYWHERE,
        seq: int | None = None,
        rollback: bool = False,
    ) -> bool:
        """Point ``alias`` at version ``to``, or with None take it away; False when it is there already.

        Raises Conflict when it does not point where it is ``expected`` to, or what it is an alias of has not
        the ``seq`` any more: somebody was quicker.
        """
        ...

    def moves(self, kind: str, name: str, alias: str) -> list[Move]:
        """Where an alias has been, the newest move first."""
        ...

    def describe(self, kind: str, name: str, version: int | None, details: Details, *, user: str) -> None:
        """Replace what is said of a version, or with None of the name itself; the audit says what changed."""
        ...

    def details(self, kind: str, name: str, version: int | None) -> Details:
        """What is said of a version, or of the name itself; empty where nothing is."""
        ...

    def changes(self, since: int) -> RegistryChanges: ...

    def record(
        self, action: str, subject: str, *, user: str, detail: Mapping[str, Any] | None = None
    ) -> AuditEntry:
        """Note a decision that changed no row, such as a refusal."""
        ...

    def audit(
        self, *, limit: int | None = 100, subject: str = "", before: int | None = None
    ) -> list[AuditEntry]:
        """Decisions, newest first: on one subject, or all; those numbered below ``before``."""
        ...

    def verify_audit(self) -> list[str]:
        """What is wrong with the audit trail, a sentence a problem; empty when it is whole."""
        ...
