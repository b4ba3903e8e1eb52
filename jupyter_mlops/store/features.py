"""The feature views in the registry's database."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace as changed

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from ..entities import Column, Details, FeatureView, FeatureViewVersion, Materialization, VersionRef
from ..errors import Conflict, NotFound
from ..protocols.clock import Clock
from ..wire import from_json, to_json
from . import audit, details
from .changes import bump
from .database import Database
from .reaching import LazyDatabase
from .registry_rows import VIEWS
from .registry_tables import materializations, view_versions

KIND = VIEWS.kind


class SqlFeatureStore:
    """See ``protocols.features.FeatureStore``. Nothing is opened or migrated before the first call."""

    def __init__(self, database: Database | Callable[[], Database], *, clock: Clock = time.time) -> None:
        self._database = LazyDatabase(database)
        self._clock = clock

    def register(self, version: FeatureViewVersion, *, proof: str = "") -> FeatureViewVersion:
        if known := self.of_digest(version.name, version.digest):
            return known  # a cell that runs again takes no turn among the writers
        with self._database.write() as connection:
            seq = bump(connection)
            if known := VIEWS.of_digest(connection, version.name, version.digest):
                return known
            registered = VIEWS.register(connection, version, seq, proof=proof)
            audit.append(
                connection,
                time=self._clock(),
                user=version.created_by,
                action="view.register",
                subject=_subject(version.name, registered.version),
                detail={"digest": version.digest, "source": version.source, "run_id": version.run_id},
            )
        return registered

    def proof(self, name: str, version: int | None) -> str | None:
        with self._database.read() as connection:
            return VIEWS.proof(connection, name, version)

    def prove(self, name: str, digest: str, proof: str) -> None:
        with self._database.write() as connection:
            connection.execute(
                update(view_versions)
                .where(view_versions.c.name == name, view_versions.c.digest == digest)
                .values(proof=proof)
            )

    def views(self) -> list[FeatureView]:
        with self._database.read() as connection:
            said = details.all_details(connection, KIND)
            computed: dict[str, list[Materialization]] = {}
            for each in _found(connection):
                computed.setdefault(each.view.name, []).append(each)
            return [
                FeatureView(
                    name=name,
                    versions=versions,
                    materializations=computed.get(name, []),
                    details=said.get(name, {}).get(details.NAME, Details()),
                    seq=seq,
                )
                for name, seq, versions in VIEWS.listed(connection)
            ]

    def view(self, name: str) -> FeatureView:
        with self._database.read() as connection:
            seq, versions = VIEWS.named(connection, name)
            return FeatureView(
                name=name,
                versions=versions,
                materializations=_found(connection, materializations.c.view == name),
                details=details.details_of(connection, KIND, name).get(details.NAME, Details()),
                seq=seq,
            )

    def version(self, name: str, selector: int | str | None = None) -> FeatureViewVersion:
        with self._database.read() as connection:
            return VIEWS.selected(connection, name, selector)

    def of_digest(self, name: str, digest: str) -> FeatureViewVersion | None:
        with self._database.read() as connection:
            return VIEWS.of_digest(connection, name, digest)

    def materialized(
        self, found: Materialization, *, features: Sequence[Column], replace: bool = False
    ) -> Materialization:
        with self._database.write() as connection:
            seq = bump(connection)
            present = _at(connection, found.view, found.source)
            if present is not None and not replace:
                return present
            self._keep_features(connection, found.view, list(features))
            if present is not None and present.dataset == found.dataset:
                found = changed(found, online_rows=present.online_rows)
            _put(connection, found)
            VIEWS.touch(connection, found.view.name, seq)
            audit.append(
                connection,
                time=self._clock(),
                user=found.user,
                action="view.materialize",
                subject=_subject(found.view.name, found.view.version),
                detail={
                    "source": f"{found.source.name}@{found.source.version}",
                    "dataset": f"{found.dataset.name}@{found.dataset.version}",
                    "digest": found.dataset.digest,
                    "rows": found.rows,
                    "run_id": found.run_id,
                },
            )
        return found

    def online(self, view: VersionRef, source: VersionRef, rows: int, *, user: str) -> Materialization:
        with self._database.write() as connection:
            seq = bump(connection)
            present = _at(connection, view, source)
            if present is None:
                raise NotFound(
                    f"{view.name}@{view.version} was not materialised from {source.name}@{source.version}."
                )
            found = changed(present, online_rows=rows)
            _put(connection, found)
            VIEWS.touch(connection, view.name, seq)
            audit.append(
                connection,
                time=self._clock(),
                user=user,
                action="view.online",
                subject=_subject(view.name, view.version),
                detail={"dataset": f"{found.dataset.name}@{found.dataset.version}", "keys": rows},
            )
        return found

    def materialization(self, view: VersionRef, source: VersionRef) -> Materialization | None:
        with self._database.read() as connection:
            return _at(connection, view, source)

    def materializations(self, name: str, version: int | None = None) -> list[Materialization]:
        table = materializations.c
        its = () if version is None else (table.view_version == version,)
        with self._database.read() as connection:
            return _found(connection, table.view == name, *its)

    def _keep_features(self, connection: Connection, view: VersionRef, features: list[Column]) -> None:
        version = VIEWS.version(connection, view.name, view.version)
        if version.features == features:
            return
        if version.features:
            raise Conflict(
                f"The features of {view.name}@{view.version} are {_listed(version.features)}; "
                f"now they are {_listed(features)}."
            )
        connection.execute(
            update(view_versions)
            .where(view_versions.c.name == view.name, view_versions.c.version == view.version)
            .values(entity=to_json(changed(version, features=features)))
        )


def _found(connection: Connection, *conditions: ColumnElement[bool]) -> list[Materialization]:
    table = materializations.c
    rows = connection.scalars(
        select(table.entity)
        .where(*conditions)
        .order_by(table.view, table.view_version.desc(), table.source_version.desc(), table.at.desc())
    )
    return [from_json(entity, Materialization) for entity in rows]


def _at(connection: Connection, view: VersionRef, source: VersionRef) -> Materialization | None:
    entity = connection.scalar(select(materializations.c.entity).where(*_place(view, source)))
    return None if entity is None else from_json(entity, Materialization)


def _put(connection: Connection, found: Materialization) -> None:
    connection.execute(delete(materializations).where(*_place(found.view, found.source)))
    connection.execute(
        insert(materializations).values(
            view=found.view.name,
            view_version=found.view.version,
            source=found.source.name,
            source_version=found.source.version,
            dataset=found.dataset.name,
            dataset_version=found.dataset.version,
            at=found.at,
            entity=to_json(found),
        )
    )


def _place(view: VersionRef, source: VersionRef) -> tuple[ColumnElement[bool], ...]:
    table = materializations.c
    return (
        table.view == view.name,
        table.view_version == view.version,
        table.source == source.name,
        table.source_version == source.version,
    )


def _subject(name: str, version: int | None) -> str:
    return f"{KIND}:{name}@{version}"


def _listed(features: Sequence[Column]) -> str:
    return ", ".join(f"{each.name} ({each.type})" for each in features)
