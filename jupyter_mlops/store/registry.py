"""The registry in a SQL database."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from ..entities import (
    AuditEntry,
    Dataset,
    DatasetVersion,
    Model,
    ModelVersion,
    VersionRef,
    VersionStatus,
)
from ..errors import InvalidInput, MissingPackage, Unavailable
from ..protocols.clock import Clock
from ..protocols.registry import RegistryChanges
from . import audit, registry_rows
from .changes import bump
from .database import Database
from .migrations import migrate
from .registry_rows import DATASETS, MODELS

__all__ = ["SqlRegistryStore", "migrate"]


class SqlRegistryStore:
    """A ``RegistryStore``. Nothing is opened or migrated before the first call."""

    def __init__(self, database: Database | Callable[[], Database], *, clock: Clock = time.time) -> None:
        self._given = database
        self._clock = clock
        self._database: Database | None = None

    def register_dataset(self, version: DatasetVersion, *, key: str | None = None) -> DatasetVersion:
        with self._write() as connection:
            seq = bump(connection)
            known = DATASETS.applied(connection, key) or DATASETS.of_digest(
                connection, version.name, version.digest
            )
            registered = known or self._add_dataset(connection, version, seq)
            DATASETS.apply(connection, key, registered)
        return registered

    def register_model(
        self, version: ModelVersion, *, alias: str | None = None, key: str | None = None
    ) -> ModelVersion:
        with self._write() as connection:
            seq = bump(connection)
            if known := MODELS.applied(connection, key):
                return known
            registered = self._add_model(connection, version, seq)
            if alias is not None:
                self._move(connection, version.name, alias, registered.version, version.created_by)
                registered = replace(registered, aliases=[alias])
            MODELS.apply(connection, key, registered)
        return registered

    def datasets(self) -> list[Dataset]:
        with self._read() as connection:
            return [
                Dataset(name=name, versions=versions, seq=seq)
                for name, seq, versions in DATASETS.listed(connection)
            ]

    def dataset(self, name: str) -> Dataset:
        with self._read() as connection:
            seq, versions = DATASETS.named(connection, name)
        return Dataset(name=name, versions=versions, seq=seq)

    def dataset_version(self, name: str, version: int | None = None) -> DatasetVersion:
        with self._read() as connection:
            return DATASETS.version(connection, name, version)

    def dataset_of_digest(self, name: str, digest: str) -> DatasetVersion | None:
        with self._read() as connection:
            return DATASETS.of_digest(connection, name, digest)

    def datasets_of_digests(self, digests: Collection[str]) -> list[DatasetVersion]:
        with self._read() as connection:
            return DATASETS.of_digests(connection, digests)

    def models(self) -> list[Model]:
        with self._read() as connection:
            aliases = registry_rows.all_aliases(connection)
            return [
                registry_rows.model(name, seq, versions, aliases.get(name, {}))
                for name, seq, versions in MODELS.listed(connection)
            ]

    def model(self, name: str) -> Model:
        with self._read() as connection:
            return _model(connection, name)

    def model_version(self, name: str, selector: int | str | None = None) -> ModelVersion:
        with self._read() as connection:
            aliases = registry_rows.aliases_of(connection, name)
            number = selector if not isinstance(selector, str) else aliases.get(selector)
            if isinstance(selector, str) and number is None:
                MODELS.named(connection, name)  # the name itself may be what is missing
                raise registry_rows.no_alias(name, selector, aliases)
            found = MODELS.version(connection, name, number)
        return registry_rows.with_aliases(found, aliases)

    def model_of_digest(self, name: str, digest: str) -> ModelVersion | None:
        with self._read() as connection:
            found = MODELS.of_digest(connection, name, digest)
            return found and registry_rows.with_aliases(found, registry_rows.aliases_of(connection, name))

    def set_alias(self, name: str, alias: str, version: int, *, user: str) -> Model:
        with self._write() as connection:
            seq = bump(connection)
            MODELS.version(connection, name, version)
            if self._move(connection, name, alias, version, user):
                MODELS.touch(connection, name, seq)
            return _model(connection, name)

    def delete_alias(self, name: str, alias: str, *, user: str) -> Model:
        with self._write() as connection:
            seq = bump(connection)
            MODELS.named(connection, name)
            aliases = registry_rows.aliases_of(connection, name)
            if alias not in aliases:
                raise registry_rows.no_alias(name, alias, aliases)
            self._move(connection, name, alias, None, user)
            MODELS.touch(connection, name, seq)
            return _model(connection, name)

    def registered_by(self, run_id: str) -> list[VersionRef]:
        with self._read() as connection:
            return [*DATASETS.registered_by(connection, run_id), *MODELS.registered_by(connection, run_id)]

    def registering_runs(self, kind: str, name: str, version: int) -> list[str]:
        with self._read() as connection:
            return registry_rows.of_kind(kind).registering_runs(connection, name, version)

    def changes(self, since: int) -> RegistryChanges:
        with self._read() as connection:
            return registry_rows.changes(connection, since)

    def audit(self, *, limit: int = 100) -> list[AuditEntry]:
        with self._read() as connection:
            return audit.entries(connection, limit=limit)

    def verify_audit(self) -> list[str]:
        with self._read() as connection:
            return audit.verify(connection)

    def _add_dataset(self, connection: Connection, version: DatasetVersion, seq: int) -> DatasetVersion:
        number = DATASETS.next_number(connection, version.name)
        added = replace(version, version=number, status=VersionStatus.READY)
        DATASETS.add(connection, added, seq)
        self._trace_registration(connection, "dataset", added)
        return added

    def _add_model(self, connection: Connection, version: ModelVersion, seq: int) -> ModelVersion:
        number = MODELS.next_number(connection, version.name)
        added = replace(version, version=number, status=VersionStatus.READY, aliases=[])
        MODELS.add(connection, added, seq)
        self._trace_registration(connection, "model", added)
        return added

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

    def _move(self, connection: Connection, name: str, alias: str, version: int | None, user: str) -> bool:
        """Point an alias elsewhere, or nowhere; False when it is there already."""
        before = registry_rows.aliases_of(connection, name).get(alias)
        if before == version:
            return False
        registry_rows.point_alias(connection, name, alias, version)
        audit.append(
            connection,
            time=self._clock(),
            user=user,
            action="alias.delete" if version is None else "alias.set",
            subject=f"model:{name}@{alias}",
            detail={"alias": alias, "from": before, "to": version},
        )
        return True

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with _reachable(), self._open().read() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with _reachable(), self._open().write() as connection:
            yield connection

    def _open(self) -> Database:
        if self._database is None:
            database = self._given if isinstance(self._given, Database) else self._given()
            migrate(database)
            self._database = database
        return self._database


def _model(connection: Connection, name: str) -> Model:
    seq, versions = MODELS.named(connection, name)
    return registry_rows.model(name, seq, versions, registry_rows.aliases_of(connection, name))


@contextmanager
def _reachable() -> Iterator[None]:
    """Without its driver or folder it is as if the database were away; what it cannot hold is refused."""
    try:
        yield
    except IntegrityError as error:
        raise InvalidInput(f"The registry cannot hold that: {error.orig}.") from error
    except (MissingPackage, OSError) as error:
        raise Unavailable(
            f"The registry cannot be reached: {error}. Check it with: jupyter mlops doctor"
        ) from error
