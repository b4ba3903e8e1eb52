"""The registry in a SQL database."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection

from ..entities import (
    AuditEntry,
    Dataset,
    DatasetVersion,
    Details,
    Model,
    ModelVersion,
    Move,
)
from ..errors import Conflict
from ..protocols.clock import Clock
from ..protocols.registry import ANYWHERE, Place, RegistryChanges
from . import audit, details, registry_rows
from .changes import bump
from .database import Database
from .reaching import LazyDatabase
from .registry_rows import DATASETS, MODELS, NamedVersions


class SqlRegistryStore:
    """A ``RegistryStore``. Nothing is opened or migrated before the first call."""

    def __init__(self, database: Database | Callable[[], Database], *, clock: Clock = time.time) -> None:
        self._database = LazyDatabase(database)
        self._clock = clock

    def register_dataset(
        self,
        version: DatasetVersion,
        *,
        alias: str | None = None,
        expected: Place = ANYWHERE,
        key: str | None = None,
    ) -> DatasetVersion:
        with self._database.write() as connection:
            seq = bump(connection)
            if applied := DATASETS.applied(connection, key):
                return applied
            known = DATASETS.of_digest(connection, version.name, version.digest)
            if known is None:
                registered = DATASETS.register(connection, replace(version, aliases=[], tags={}), seq)
            elif known.imported and not version.imported:
                registered = DATASETS.change(connection, replace(known, imported=False), seq)
            else:
                registered = known
            if registered is not known:
                self._trace_registration(
                    connection, "dataset", replace(registered, created_by=version.created_by)
                )
            if version.tags:
                registered = self._tag(connection, registered, version, seq)
            if alias is not None:
                user = version.created_by
                if self._move(connection, "dataset", version.name, alias, registered.version, user, expected):
                    DATASETS.touch(connection, version.name, seq)
            DATASETS.apply(connection, key, registered)
        return registered

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
        with self._database.write() as connection:
            changed = bump(connection)
            if known := MODELS.applied(connection, key):
                return known
            present = MODELS.seq(connection, version.name)
            registered = MODELS.register(
                connection, replace(version, aliases=[], tags={}), changed, proof=proof
            )
            self._trace_registration(connection, "model", registered)
            if version.tags:
                said = Details(tags=version.tags)
                details.describe(connection, "model", version.name, registered.version or details.NAME, said)
                registered = replace(registered, tags=version.tags)
            if alias is not None:
                user = version.created_by
                self._move(connection, "model", version.name, alias, registered.version, user, expected)
                _require_unchanged("model", version.name, seq, present)
                registered = replace(registered, aliases=[alias])
            MODELS.apply(connection, key, registered)
        return registered

    def applied(self, key: str) -> tuple[str, int] | None:
        with self._database.read() as connection:
            return registry_rows.applied(connection, key)

    def keys(self, kind: str, name: str, version: int) -> list[str]:
        with self._database.read() as connection:
            return registry_rows.of_kind(kind).keys(connection, name, version)

    def datasets(self) -> list[Dataset]:
        with self._database.read() as connection:
            return [Dataset(**fields) for fields in _all_fields(connection, DATASETS)]

    def dataset(self, name: str) -> Dataset:
        with self._database.read() as connection:
            return Dataset(**_fields(connection, DATASETS, name))

    def dataset_version(self, name: str, selector: int | str | None = None) -> DatasetVersion:
        with self._database.read() as connection:
            found: DatasetVersion = self._version(connection, DATASETS.kind, name, selector)
        return found

    def dataset_of_digest(self, name: str, digest: str) -> DatasetVersion | None:
        with self._database.read() as connection:
            found = DATASETS.of_digest(connection, name, digest)
            return found and details.dressed(found, *_dress(connection, DATASETS.kind, name))

    def datasets_of_digests(self, digests: Collection[str]) -> list[DatasetVersion]:
        with self._database.read() as connection:
            return DATASETS.of_digests(connection, digests)

    def models(self) -> list[Model]:
        with self._database.read() as connection:
            return [_model(connection, fields) for fields in _all_fields(connection, MODELS)]

    def model(self, name: str) -> Model:
        with self._database.read() as connection:
            return _model(connection, _fields(connection, MODELS, name))

    def model_version(self, name: str, selector: int | str | None = None) -> ModelVersion:
        with self._database.read() as connection:
            [found] = _linked(connection, [self._version(connection, MODELS.kind, name, selector)])
        return found

    def model_of_digest(self, name: str, digest: str) -> ModelVersion | None:
        with self._database.read() as connection:
            found = MODELS.of_digest(connection, name, digest)
            if found is None:
                return None
            [linked] = _linked(connection, [found])
            return details.dressed(linked, *_dress(connection, MODELS.kind, name))

    def model_proof(self, name: str, version: int | None) -> str | None:
        with self._database.read() as connection:
            return MODELS.proof(connection, name, version)

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
        named = registry_rows.of_kind(kind)
        with self._database.write() as connection:
            changed = bump(connection)
            if to is None:
                named.named(connection, name)  # the name itself may be what is missing
            else:
                named.version(connection, name, to)
            why = {"reason": reason} if reason else {}
            back = {"rollback": True} if rollback else {}
            moved = self._move(connection, kind, name, alias, to, user, expected, {**why, **back})
            if moved:
                _require_unchanged(kind, name, seq, named.seq(connection, name))
                named.touch(connection, name, changed)
        return moved

    def moves(self, kind: str, name: str, alias: str) -> list[Move]:
        with self._database.read() as connection:
            entries = audit.entries(connection, limit=None, subject=f"{kind}:{name}@{alias}")
        moved = [entry for entry in entries if entry.action in ("alias.set", "alias.delete")]
        return [details.move_of(kind, name, entry) for entry in moved]

    def describe(self, kind: str, name: str, version: int | None, said: Details, *, user: str) -> None:
        with self._database.write() as connection:
            seq = bump(connection)
            before = self._details(connection, kind, name, version)
            self._describe(connection, kind, name, version, before, said, user, seq)

    def details(self, kind: str, name: str, version: int | None) -> Details:
        with self._database.read() as connection:
            return self._details(connection, kind, name, version)

    def changes(self, since: int) -> RegistryChanges:
        with self._database.read() as connection:
            return registry_rows.changes(connection, since)

    def record(
        self, action: str, subject: str, *, user: str, detail: Mapping[str, Any] | None = None
    ) -> AuditEntry:
        with self._database.write() as connection:
            return audit.append(
                connection, time=self._clock(), user=user, action=action, subject=subject, detail=detail
            )

    def audit(
        self, *, limit: int | None = 100, subject: str = "", before: int | None = None
    ) -> list[AuditEntry]:
        with self._database.read() as connection:
            return audit.entries(connection, limit=limit, subject=subject, before=before)

    def verify_audit(self) -> list[str]:
        with self._database.read() as connection:
            return audit.verify(connection)

    def _version(self, connection: Connection, kind: str, name: str, selector: int | str | None) -> Any:
        found = registry_rows.of_kind(kind).selected(connection, name, selector)
        return details.dressed(found, *_dress(connection, kind, name))

    def _details(self, connection: Connection, kind: str, name: str, version: int | None) -> Details:
        named = registry_rows.of_kind(kind)
        if version is None:
            named.named(connection, name)
        else:
            named.version(connection, name, version)
        return details.details_of(connection, kind, name).get(version or details.NAME, Details())

    def _tag(
        self, connection: Connection, registered: DatasetVersion, given: DatasetVersion, seq: int
    ) -> DatasetVersion:
        """Add the tags that a version is registered with to those that it has."""
        name, number = registered.name, registered.version
        before = self._details(connection, "dataset", name, number)
        said = replace(before, tags={**before.tags, **given.tags})
        self._describe(connection, "dataset", name, number, before, said, given.created_by, seq)
        return replace(registered, tags=said.tags)

    def _describe(
        self,
        connection: Connection,
        kind: str,
        name: str,
        version: int | None,
        before: Details,
        said: Details,
        user: str,
        seq: int,
    ) -> None:
        if before == said:
            return
        details.describe(connection, kind, name, version or details.NAME, said)
        registry_rows.of_kind(kind).touch(connection, name, seq)
        was = asdict(before)
        audit.append(
            connection,
            time=self._clock(),
            user=user,
            action=f"{kind}.describe",
            subject=f"{kind}:{name}" + ("" if version is None else f"@{version}"),
            detail={
                key: {"from": details.traced(key, was[key]), "to": details.traced(key, value)}
                for key, value in asdict(said).items()
                if value != was[key]
            },
        )

    def _trace_registration(
        self, connection: Connection, kind: str, version: DatasetVersion | ModelVersion
    ) -> None:
        audit.append(
            connection,
            time=self._clock(),
            user=version.created_by,
            action=f"{kind}.register",
            subject=f"{kind}:{version.name}@{version.version}",
            detail={"digest": version.digest, "size_bytes": version.size_bytes, "run_id": version.run_id},
        )

    def _move(
        self,
        connection: Connection,
        kind: str,
        name: str,
        alias: str,
        version: int | None,
        user: str,
        expected: Place = ANYWHERE,
        more: Mapping[str, Any] | None = None,
    ) -> bool:
        """Point an alias elsewhere, or nowhere; False when it is there already."""
        pointing = details.aliases_of(connection, kind, name)
        before = pointing.get(alias)
        if version is None and before is None:
            raise details.no_alias(kind, name, alias, pointing)
        if expected != ANYWHERE and before != expected:
            raise Conflict(
                f"The alias {alias!r} of {kind} {name!r} points at {_place(before)} now, not at "
                f"{_place(expected)}: somebody moved it meanwhile. Look at it again, and repeat the move if "
                "it is still right."
            )
        if before == version:
            return False
        details.point_alias(connection, kind, name, alias, version)
        audit.append(
            connection,
            time=self._clock(),
            user=user,
            action="alias.delete" if version is None else "alias.set",
            subject=f"{kind}:{name}@{alias}",
            detail={"alias": alias, "from": before, "to": version, **(more or {})},
        )
        return True


def _dress(connection: Connection, kind: str, name: str) -> tuple[dict[str, int], dict[int, Details]]:
    return details.aliases_of(connection, kind, name), details.details_of(connection, kind, name)


def _linked(connection: Connection, versions: Sequence[ModelVersion]) -> list[ModelVersion]:
    """With the numbers of the datasets that had none, or were not here, when a model was registered."""
    return [
        replace(each, datasets=registry_rows.numbered(connection, each.datasets))
        if any(ref.version is None for ref in each.datasets)
        else each
        for each in versions
    ]


def _model(connection: Connection, fields: dict[str, Any]) -> Model:
    return Model(**{**fields, "versions": _linked(connection, fields["versions"])})


def _fields(connection: Connection, named: NamedVersions[Any], name: str) -> dict[str, Any]:
    """What a Dataset or a Model of this name is made of. Raises NotFound."""
    seq, versions = named.named(connection, name)
    return _fields_of(name, seq, versions, *_dress(connection, named.kind, name))


def _all_fields(connection: Connection, named: NamedVersions[Any]) -> list[dict[str, Any]]:
    """The same of every name, in few queries."""
    aliases = details.all_aliases(connection, named.kind)
    said = details.all_details(connection, named.kind)
    return [
        _fields_of(name, seq, versions, aliases.get(name, {}), said.get(name, {}))
        for name, seq, versions in named.listed(connection)
    ]


def _fields_of(
    name: str, seq: int, versions: Sequence[Any], pointing: dict[str, int], said: dict[int, Details]
) -> dict[str, Any]:
    return {
        "name": name,
        "versions": [details.dressed(each, pointing, said) for each in versions],
        "aliases": pointing,
        "details": said.get(details.NAME, Details()),
        "seq": seq,
    }


def _require_unchanged(kind: str, name: str, judged: int | None, present: int) -> None:
    """Raises Conflict, which undoes the transaction."""
    if judged is not None and judged != present:
        raise Conflict(
            f"Something was decided about {kind} {name!r} meanwhile, such as a rejection, or other gates. "
            "Look at it again, and repeat the move if it is still right."
        )


def _place(version: int | str | None) -> str:
    return "no version" if version is None else f"version {version}"
