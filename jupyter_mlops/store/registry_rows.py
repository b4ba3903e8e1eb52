"""Rows of datasets, models and feature views as entities, inside a transaction of the caller's."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, Table, func, insert, select, true, update

from ..entities import DatasetVersion, FeatureViewVersion, ModelVersion, VersionRef, VersionStatus
from ..errors import InvalidInput, NotFound
from ..protocols.registry import RegistryChanges
from ..wire import from_json, to_json
from .changes import current
from .details import aliases_of, no_alias
from .registry_tables import (
    dataset_versions,
    datasets,
    model_versions,
    models,
    registrations,
    view_versions,
    views,
)

V = TypeVar("V", DatasetVersion, ModelVersion, FeatureViewVersion)

PLURAL = {"dataset": "datasets", "model": "models", "view": "features"}
"""The words that list them."""

DIGESTS_A_QUERY = 500
"""Databases limit the values of one statement."""


@dataclass(frozen=True)
class NamedVersions(Generic[V]):
    """The names of one kind and their numbered versions."""

    kind: str
    names: Table
    versions: Table
    entity: type[V]

    def listed(self, connection: Connection) -> Iterator[tuple[str, int, list[V]]]:
        """(name, seq, versions newest first) of every name."""
        rows = connection.execute(
            select(self.names.c.seq, self.versions.c.name, self.versions.c.entity)
            .join(self.names, self.names.c.name == self.versions.c.name)
            .order_by(self.versions.c.name, self.versions.c.version.desc())
        )
        for (name, seq), group in groupby(rows, key=lambda row: (row.name, row.seq)):
            yield name, seq, [from_json(row.entity, self.entity) for row in group]

    def named(self, connection: Connection, name: str) -> tuple[int, list[V]]:
        """(seq, versions newest first). Raises NotFound."""
        seq = connection.scalar(select(self.names.c.seq).where(self.names.c.name == name))
        if seq is None:
            raise self._no_name(connection, name)
        rows = connection.scalars(
            select(self.versions.c.entity)
            .where(self.versions.c.name == name)
            .order_by(self.versions.c.version.desc())
        )
        return seq, [from_json(entity, self.entity) for entity in rows]

    def version(self, connection: Connection, name: str, number: int | None) -> V:
        """A version, or the latest. Raises NotFound, saying which there are."""
        if number is None:
            found = self.latest(connection, name)
        else:
            found = self._newest(connection, name, self.versions.c.version == number)
        if found is not None:
            return found
        newest = self.next_number(connection, name) - 1
        if not newest:
            raise self._no_name(connection, name)
        raise NotFound(f"No version {number} of {self.kind} {name!r}: its versions are 1 to {newest}.")

    def selected(self, connection: Connection, name: str, selector: int | str | None) -> V:
        """The version of a number or an alias, or the latest. Raises NotFound."""
        if isinstance(selector, str):
            pointing = aliases_of(connection, self.kind, name)
            if selector not in pointing:
                self.named(connection, name)  # the name itself may be what is missing
                raise no_alias(self.kind, name, selector, pointing)
            selector = pointing[selector]
        return self.version(connection, name, selector)

    def latest(self, connection: Connection, name: str) -> V | None:
        """The newest that was registered here; of a name that only imports brought, the newest of these."""
        found = self._newest(connection, name)
        if not getattr(found, "imported", False):
            return found
        here = self.versions.c.entity["imported"].as_boolean().is_not(true())
        return self._newest(connection, name, here) or found

    def _newest(self, connection: Connection, name: str, *those: ColumnElement[bool]) -> V | None:
        versions = self.versions.c
        query = select(versions.name, versions.version, versions.entity).where(versions.name == name, *those)
        row = connection.execute(query.order_by(versions.version.desc()).limit(1)).first()
        if row is None:
            return None
        # whoever wrote the row may have put another name into the entity: what was asked for counts
        return replace(from_json(row.entity, self.entity), name=row.name, version=row.version)

    def of_digest(self, connection: Connection, name: str, digest: str) -> V | None:
        """The newest version of ``name`` with this content."""
        return self._newest(connection, name, self.versions.c.digest == digest)

    def of_digests(self, connection: Connection, digests: Collection[str]) -> list[V]:
        """The versions with one of these contents, under any name, the newest first."""
        versions = self.versions.c
        wanted = list(digests)
        found: list[tuple[float, Any]] = []
        for start in range(0, len(wanted), DIGESTS_A_QUERY):
            part = versions.digest.in_(wanted[start : start + DIGESTS_A_QUERY])
            rows = connection.execute(select(versions.created_at, versions.entity).where(part))
            found += [(row.created_at, row.entity) for row in rows]
        found.sort(key=lambda each: each[0], reverse=True)
        return [from_json(entity, self.entity) for _, entity in found]

    def proof(self, connection: Connection, name: str, number: int | None) -> str | None:
        """The proof in a version's row; None in a row of before there were proofs, empty without a row."""
        found = self.versions.c
        row = connection.execute(
            select(found.proof).where(found.name == name, found.version == number)
        ).first()
        return row.proof if row else ""

    def next_number(self, connection: Connection, name: str) -> int:
        newest = select(func.max(self.versions.c.version)).where(self.versions.c.name == name)
        return (connection.scalar(newest) or 0) + 1

    def register(self, connection: Connection, version: V, seq: int, **more: object) -> V:
        """Give ``version`` the next number of its name; ``more`` are columns of this kind's own."""
        number = self.next_number(connection, version.name)
        added = replace(version, version=number, status=VersionStatus.READY)
        self._add(connection, added, seq, more)
        return added

    def _add(self, connection: Connection, version: V, seq: int, more: Mapping[str, object]) -> None:
        if version.version == 1:
            connection.execute(insert(self.names).values(name=version.name, seq=seq))
        else:
            self.touch(connection, version.name, seq)
        connection.execute(
            insert(self.versions).values(
                name=version.name,
                version=version.version,
                digest=version.digest,
                run_id=version.run_id,
                created_at=version.created_at,
                entity=to_json(version),
                **more,
            )
        )

    def change(self, connection: Connection, version: V, seq: int) -> V:
        """Replace what is kept of a version, but for its number and its content."""
        own = self.versions.c
        this = (own.name == version.name, own.version == version.version)
        connection.execute(update(self.versions).where(*this).values(entity=to_json(version)))
        self.touch(connection, version.name, seq)
        return version

    def seq(self, connection: Connection, name: str) -> int:
        """When a name changed last; 0 of one that is not there."""
        return connection.scalar(select(self.names.c.seq).where(self.names.c.name == name)) or 0

    def touch(self, connection: Connection, name: str, seq: int) -> None:
        connection.execute(update(self.names).where(self.names.c.name == name).values(seq=seq))

    def applied(self, connection: Connection, key: str | None) -> V | None:
        """What the register record of this key gave when it was applied."""
        row = key and connection.execute(select(registrations).where(registrations.c.key == key)).first()
        return self.version(connection, row.name, row.version) if row else None

    def apply(self, connection: Connection, key: str | None, version: V) -> None:
        """Note that the record of this key was applied, once."""
        if key is None or self.applied(connection, key):
            return
        values = {"kind": self.kind, "name": version.name, "version": version.version}
        connection.execute(insert(registrations).values(key=key, **values))

    def keys(self, connection: Connection, name: str, number: int) -> list[str]:
        """Those of the register records that gave this version, sorted."""
        applied = registrations.c
        query = select(applied.key).where(
            applied.kind == self.kind, applied.name == name, applied.version == number
        )
        return list(connection.scalars(query.order_by(applied.key)))

    def changed(self, connection: Connection, since: int) -> list[str]:
        names = self.names.c
        return list(connection.scalars(select(names.name).where(names.seq > since).order_by(names.name)))

    def _no_name(self, connection: Connection, name: str) -> NotFound:
        known = list(connection.scalars(select(self.names.c.name)))
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return NotFound(
            f"No {self.kind} {name!r}.{hint} List them: %mlops {PLURAL.get(self.kind, self.kind)}"
        )


def numbered(connection: Connection, refs: Iterable[VersionRef]) -> list[VersionRef]:
    """With the numbers that contents have by now that had none when they were named."""
    return [ref if ref.version is not None else _numbered(connection, ref) for ref in refs]


def _numbered(connection: Connection, ref: VersionRef) -> VersionRef:
    named = KINDS.get(ref.kind)
    found = named and named.of_digest(connection, ref.name, ref.digest)
    return replace(ref, version=found.version) if found else ref


def applied(connection: Connection, key: str) -> tuple[str, int] | None:
    """The name and number that the register record of this key was given."""
    row = connection.execute(select(registrations).where(registrations.c.key == key)).first()
    return None if row is None else (row.name, row.version)


DATASETS = NamedVersions("dataset", datasets, dataset_versions, DatasetVersion)
MODELS = NamedVersions("model", models, model_versions, ModelVersion)
VIEWS = NamedVersions("view", views, view_versions, FeatureViewVersion)

KINDS: dict[str, NamedVersions[Any]] = {each.kind: each for each in (DATASETS, MODELS, VIEWS)}


def of_kind(kind: str) -> NamedVersions[Any]:
    """DATASETS, MODELS or VIEWS. Raises InvalidInput for another word."""
    if kind not in KINDS:
        raise InvalidInput(f"No registry of {kind!r}: there are {', '.join(KINDS)}.")
    return KINDS[kind]


def changes(connection: Connection, since: int) -> RegistryChanges:
    return RegistryChanges(
        seq=current(connection),
        datasets=DATASETS.changed(connection, since),
        models=MODELS.changed(connection, since),
        views=VIEWS.changed(connection, since),
    )
