"""The registry in a SQL database."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any, Literal

from sqlalchemy import Connection

from ..entities import (
    AuditEntry,
    Dataset,
    DatasetVersion,
    Details,
    Model,
    ModelVersion,
    Move,
    VersionRef,
)
from ..errors import Conflict
from ..protocols.clock import Clock
from ..protocols.registry import ANYWHERE, RegistryChanges
from . import audit, details, registry_rows
from .changes import bump
from .database import Database
from .migrations import migrate
from .reaching import reachable
from .registry_rows import DATASETS, MODELS

__all__ = ["SqlRegistryStore", "migrate"]


class SqlRegistryStore:
    """A ``RegistryStore``. Nothing is opened or migrated before the first call."""

    def __init__(self, database: Database | Callable[[], Database], *, clock: Clock = time.time) -> None:
        self._given = database
        self._clock = clock
        self._database: Database | None = None

    def register_dataset(
        self,
        version: DatasetVersion,
        *,
        alias: str | None = None,
        expected: int | Literal["anywhere"] | None = ANYWHERE,
        key: str | None = None,
    ) -> DatasetVersion:
        with self._write() as connection:
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
        expected: int | Literal["anywhere"] | None = ANYWHERE,
        seq: int | None = None,
        key: str | None = None,
        proof: str = "",
    ) -> ModelVersion:
        with self._write() as connection:
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
        with self._read() as connection:
            return registry_rows.applied(connection, key)

    def keys(self, kind: str, name: str, version: int) -> list[str]:
        with self._read() as connection:
            return registry_rows.of_kind(kind).keys(connection, name, version)

    def datasets(self) -> list[Dataset]:
        with self._read() as connection:
            aliases = details.all_aliases(connection, DATASETS.kind)
            said = details.all_details(connection, DATASETS.kind)
            return [
                _dataset(name, seq, versions, aliases.get(name, {}), said.get(name, {}))
                for name, seq, versions in DATASETS.listed(connection)
            ]

    def dataset(self, name: str) -> Dataset:
        with self._read() as connection:
            seq, versions = DATASETS.named(connection, name)
            return _dataset(name, seq, versions, *_dress(connection, DATASETS.kind, name))

    def dataset_version(self, name: str, selector: int | str | None = None) -> DatasetVersion:
        with self._read() as connection:
            found: DatasetVersion = self._version(connection, DATASETS.kind, name, selector)
        return found

    def dataset_of_digest(self, name: str, digest: str) -> DatasetVersion | None:
        with self._read() as connection:
            found = DATASETS.of_digest(connection, name, digest)
            return found and details.dressed(found, *_dress(connection, DATASETS.kind, name))

    def datasets_of_digests(self, digests: Collection[str]) -> list[DatasetVersion]:
        with self._read() as connection:
            return DATASETS.of_digests(connection, digests)

    def models(self) -> list[Model]:
        with self._read() as connection:
            aliases = details.all_aliases(connection, MODELS.kind)
            said = details.all_details(connection, MODELS.kind)
            return [
                _model(name, seq, _linked(connection, versions), aliases.get(name, {}), said.get(name, {}))
                for name, seq, versions in list(MODELS.listed(connection))
            ]

    def model(self, name: str) -> Model:
        with self._read() as connection:
            seq, versions = MODELS.named(connection, name)
            return _model(name, seq, _linked(connection, versions), *_dress(connection, MODELS.kind, name))

    def model_version(self, name: str, selector: int | str | None = None) -> ModelVersion:
        with self._read() as connection:
            [found] = _linked(connection, [self._version(connection, MODELS.kind, name, selector)])
        return found

    def model_of_digest(self, name: str, digest: str) -> ModelVersion | None:
        with self._read() as connection:
            found = MODELS.of_digest(connection, name, digest)
            if found is None:
                return None
            [linked] = _linked(connection, [found])
            return details.dressed(linked, *_dress(connection, MODELS.kind, name))

    def model_proof(self, name: str, version: int | None) -> str | None:
        with self._read() as connection:
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
        expected: int | Literal["anywhere"] | None = ANYWHERE,
        seq: int | None = None,
        rollback: bool = False,
    ) -> bool:
        named = registry_rows.of_kind(kind)
        with self._write() as connection:
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
        with self._read() as connection:
            entries = audit.entries(connection, limit=None, subject=f"{kind}:{name}@{alias}")
        moved = [entry for entry in entries if entry.action in ("alias.set", "alias.delete")]
        return [details.move_of(kind, name, entry) for entry in moved]

    def describe(self, kind: str, name: str, version: int | None, said: Details, *, user: str) -> None:
        with self._write() as connection:
            seq = bump(connection)
            before = self._details(connection, kind, name, version)
            self._describe(connection, kind, name, version, before, said, user, seq)

    def details(self, kind: str, name: str, version: int | None) -> Details:
        with self._read() as connection:
            return self._details(connection, kind, name, version)

    def registered_by(self, run_id: str) -> list[VersionRef]:
        with self._read() as connection:
            return [
                ref
                for named in registry_rows.KINDS.values()
                for ref in named.registered_by(connection, run_id)
            ]

    def registering_runs(self, kind: str, name: str, version: int) -> list[str]:
        with self._read() as connection:
            return registry_rows.of_kind(kind).registering_runs(connection, name, version)

    def changes(self, since: int) -> RegistryChanges:
        with self._read() as connection:
            return registry_rows.changes(connection, since)

    def record(
        self, action: str, subject: str, *, user: str, detail: Mapping[str, Any] | None = None
    ) -> AuditEntry:
        with self._write() as connection:
            return audit.append(
                connection, time=self._clock(), user=user, action=action, subject=subject, detail=detail
            )

    def audit(
        self, *, limit: int | None = 100, subject: str = "", before: int | None = None
    ) -> list[AuditEntry]:
        with self._read() as connection:
            return audit.entries(connection, limit=limit, subject=subject, before=before)

    def verify_audit(self) -> list[str]:
        with self._read() as connection:
            return audit.verify(connection)

    def _version(self, connection: Connection, kind: str, name: str, selector: int | str | None) -> Any:
        named = registry_rows.of_kind(kind)
        pointing, said = _dress(connection, kind, name)
        number = selector if not isinstance(selector, str) else pointing.get(selector)
        if isinstance(selector, str) and number is None:
            named.named(connection, name)  # the name itself may be what is missing
            raise details.no_alias(kind, name, selector, pointing)
        return details.dressed(named.version(connection, name, number), pointing, said)

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
        expected: int | Literal["anywhere"] | None = ANYWHERE,
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

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with reachable(), self._open().read() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with reachable(), self._open().write() as connection:
            yield connection

    def _open(self) -> Database:
        if self._database is None:
            database = self._given if isinstance(self._given, Database) else self._given()
            migrate(database)
            self._database = database
        return self._database


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


def _dataset(
    name: str, seq: int, versions: list[DatasetVersion], pointing: dict[str, int], said: dict[int, Details]
) -> Dataset:
    return Dataset(
        name=name,
        versions=details.all_dressed(versions, pointing, said),
        aliases=pointing,
        details=said.get(details.NAME, Details()),
        seq=seq,
    )


def _model(
    name: str, seq: int, versions: list[ModelVersion], pointing: dict[str, int], said: dict[int, Details]
) -> Model:
    return Model(
        name=name,
        versions=details.all_dressed(versions, pointing, said),
        aliases=pointing,
        details=said.get(details.NAME, Details()),
        seq=seq,
    )


def _require_unchanged(kind: str, name: str, judged: int | None, present: int) -> None:
    """Raises Conflict, which undoes the transaction."""
    if judged is not None and judged != present:
        raise Conflict(
            f"Something was decided about {kind} {name!r} meanwhile, such as a rejection, or other gates. "
            "Look at it again, and repeat the move if it is still right."
        )


def _place(version: int | str | None) -> str:
    return "no version" if version is None else f"version {version}"
