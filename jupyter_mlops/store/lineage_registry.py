"""What the registry's database knows of how versions, runs and jobs hang together."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, Text, and_, cast, or_, select

from ..entities import Materialization, VersionRef
from ..protocols.lineage import JobPlace, Made, Named, Origin
from ..protocols.registry import IMPORTED_KEY
from ..wire import from_json
from .database import Database
from .index_rows import chunks
from .reaching import LazyDatabase
from .registry_rows import KINDS, numbered, of_kind
from .registry_tables import aliases, jobs, materializations, registrations

FEW_RUNS = 50
"""Of so many runs the registrations are looked up; of more all are read at once."""
FEW_NAMES = 20
VERSIONS_A_QUERY = 200

Key = tuple[str, str, int | None]
"""Kind, name and number of a version."""


class SqlRegistryLinks:
    """See ``protocols.lineage.RegistryLinks``."""

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = LazyDatabase(database)

    # ------------------------------------------------------------ versions
    def find(self, kind: str, name: str, selector: int | str | None = None) -> VersionRef:
        with self._database.read() as connection:
            found = of_kind(kind).selected(connection, name, selector)
        return VersionRef(kind=kind, name=name, version=found.version, digest=found.digest)

    def origins(self, versions: Collection[VersionRef]) -> list[Origin]:
        with self._database.read() as connection:
            return [
                _origin(connection, kind, row)
                for kind, part in _parts(versions)
                for row in connection.execute(_rows_of(kind).where(_is_one_of(_table(kind), part)))
            ]

    def made_from(self, versions: Collection[VersionRef]) -> list[tuple[VersionRef, Origin]]:
        wanted = {_key(each): each for each in versions}
        names = {each.name for each in versions}
        found: dict[tuple[Key, Key], tuple[VersionRef, Origin]] = {}
        with self._database.read() as connection:
            for kind in ("dataset", "model"):
                for row in connection.execute(_mentioning(kind, names)):
                    origin = _origin(connection, kind, row)
                    for each in (*origin.inputs, *filter(None, [origin.view])):
                        if key := wanted.get(_key(each)):
                            found[_key(each), _key(origin.version)] = (key, origin)
        return list(found.values())

    def of_contents(self, digests: Collection[str]) -> list[tuple[str, VersionRef]]:
        found: list[tuple[float, str, VersionRef]] = []
        with self._database.read() as connection:
            for kind in KINDS:
                version = _table(kind).c
                query = select(version.created_at, version.digest, version.name, version.version)
                for part in chunks(digests):
                    for at, digest, name, number in connection.execute(query.where(version.digest.in_(part))):
                        found.append((at, digest, _ref(kind, name, number, digest)))
        found.sort(key=lambda each: each[0], reverse=True)
        return [(digest, version) for _, digest, version in found]

    # ------------------------------------------------------------ registrations
    def registered_by(self, run_ids: Collection[str]) -> list[Made]:
        wanted = set(run_ids)
        with self._database.read() as connection:
            made = dict.fromkeys((*_own(connection, wanted), *_applied(connection, wanted)))
            digests = _digests(connection, {key for _, key in made})
        return [Made(run, _ref(*key, digests[key])) for run, key in made if key in digests]

    def registering(self, versions: Collection[VersionRef]) -> list[Made]:
        wanted = {_key(each): each for each in versions}
        made: list[Made] = []
        with self._database.read() as connection:
            for kind, part in _parts(versions):
                table = _table(kind)
                query = select(table.c.run_id, table.c.name, table.c.version)
                query = query.where(table.c.run_id.isnot(None), _is_one_of(table, part))
                own = connection.execute(query).all()
                applied = registrations.c
                again = connection.execute(
                    select(applied.key, applied.name, applied.version)
                    .where(applied.kind == kind, _is_one_of(registrations, part))
                    .where(~applied.key.startswith(IMPORTED_KEY))
                    .order_by(applied.key)
                )
                for run, name, number in (*own, *again):
                    made.append(Made(run.split("/", 1)[0], wanted[kind, name, number]))
        return list(dict.fromkeys(made))

    def computed(self, versions: Collection[VersionRef]) -> list[Materialization]:
        row = materializations.c
        columns = {
            "view": [(row.view, row.view_version)],
            "dataset": [(row.source, row.source_version), (row.dataset, row.dataset_version)],
        }
        found: dict[tuple[Any, ...], Materialization] = {}
        with self._database.read() as connection:
            for kind, part in _parts(versions):
                for name, number in columns.get(kind, ()):
                    this = or_(*(and_(name == each.name, number == each.version) for each in part))
                    for each in connection.execute(select(materializations).where(this)):
                        key = (each.view, each.view_version, each.source, each.source_version)
                        found[key] = from_json(each.entity, Materialization)
        return list(found.values())

    def aliases(self, versions: Collection[VersionRef]) -> list[Named]:
        wanted = {_key(each): each for each in versions}
        with self._database.read() as connection:
            return [
                Named(wanted[kind, row.name, row.version], row.alias)
                for kind, part in _parts(versions)
                for row in connection.execute(
                    select(aliases)
                    .where(aliases.c.kind == kind, _is_one_of(aliases, part))
                    .order_by(aliases.c.name, aliases.c.alias)
                )
            ]

    # ------------------------------------------------------------ jobs
    def jobs(self, job_ids: Collection[str]) -> list[JobPlace]:
        job = jobs.c
        query = select(job.id, job.parent_run_id, job.run_id, job.spec["notebook"].as_string())
        with self._database.read() as connection:
            return [JobPlace(*row) for row in _each(connection, query, job.id, job_ids)]

    def jobs_of_runs(self, run_ids: Collection[str]) -> list[tuple[str, str]]:
        job = jobs.c
        query = select(job.parent_run_id, job.id).order_by(job.submitted_at, job.id)
        with self._database.read() as connection:
            return [(row[0], row[1]) for row in _each(connection, query, job.parent_run_id, run_ids)]

    def jobs_of_notebooks(self, paths: Collection[str]) -> list[tuple[str, str]]:
        job = jobs.c
        notebook = job.spec["notebook"].as_string()
        query = select(notebook, job.id).where(job.parent_run_id.is_(None))
        query = query.order_by(job.submitted_at, job.id)
        with self._database.read() as connection:
            return [(row[0], row[1]) for row in _each(connection, query, notebook, paths)]


def _each(
    connection: Connection, query: Select[Any], column: ColumnElement[Any], values: Iterable[str]
) -> Iterator[Any]:
    for part in chunks(values):
        yield from connection.execute(query.where(column.in_(part)))


def _table(kind: str) -> Table:
    return of_kind(kind).versions


def _parts(versions: Collection[VersionRef]) -> Iterator[tuple[str, Sequence[VersionRef]]]:
    """(kind, some of its versions), not more than go into one query."""
    of_its_kind: dict[str, list[VersionRef]] = defaultdict(list)
    for each in versions:
        if each.version is not None and each.kind in KINDS:
            of_its_kind[each.kind].append(each)
    for kind, wanted in of_its_kind.items():
        for start in range(0, len(wanted), VERSIONS_A_QUERY):
            yield kind, wanted[start : start + VERSIONS_A_QUERY]


def _is_one_of(table: Table, versions: Iterable[VersionRef]) -> ColumnElement[bool]:
    """By name and number; of one name in one condition, since a name may have thousands."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for each in versions:
        numbers[each.name].append(each.version or 0)
    return or_(*(and_(table.c.name == name, table.c.version.in_(wanted)) for name, wanted in numbers.items()))


def _rows_of(kind: str) -> Select[Any]:
    version = _table(kind).c
    return select(version.name, version.version, version.digest, version.run_id, version.entity)


def _mentioning(kind: str, names: Collection[str]) -> Select[Any]:
    """The versions whose rows may name one of these; with many names that is any."""
    query = _rows_of(kind)
    if len(names) > FEW_NAMES:
        return query
    text = cast(_table(kind).c.entity, Text)
    return query.where(or_(*(text.contains(json.dumps(name), autoescape=True) for name in names)))


def _origin(connection: Connection, kind: str, row: Row[Any]) -> Origin:
    entity = row.entity
    inputs = entity.get("datasets" if kind == "model" else "inputs") or []
    view = entity.get("view") if kind == "dataset" else None
    return Origin(
        _ref(kind, row.name, row.version, row.digest),
        str(entity.get("status", "")),
        row.run_id,
        numbered(connection, (from_json(each, VersionRef) for each in inputs)),
        from_json(view, VersionRef) if view else None,
    )


def _own(connection: Connection, run_ids: set[str]) -> Iterator[tuple[str, Key]]:
    """Of versions that say themselves which run made them."""
    for kind in KINDS:
        version = _table(kind).c
        query = select(version.run_id, version.name, version.version).order_by(version.name, version.version)
        for run, name, number in _each(connection, query, version.run_id, run_ids):
            yield run, (kind, name, number)


def _applied(connection: Connection, run_ids: set[str]) -> Iterator[tuple[str, Key]]:
    """Of register records, which are kept by ``<run>/<writer>/<n>``."""
    key = registrations.c.key
    query = select(registrations).order_by(key)
    if len(run_ids) <= FEW_RUNS:
        query = query.where(or_(*(key.startswith(f"{run}/", autoescape=True) for run in run_ids)))
    for row in connection.execute(query):
        run = row.key.split("/", 1)[0]
        if run in run_ids:
            yield run, (row.kind, row.name, row.version)


def _digests(connection: Connection, keys: Collection[Key]) -> dict[Key, str]:
    found: dict[Key, str] = {}
    for kind, part in _parts([_ref(*key, "") for key in keys]):
        version = _table(kind).c
        query = select(version.name, version.version, version.digest)
        for name, number, digest in connection.execute(query.where(_is_one_of(_table(kind), part))):
            found[kind, name, number] = digest
    return found


def _key(version: VersionRef) -> Key:
    return version.kind, version.name, version.version


def _ref(kind: str, name: str, version: int | None, digest: str) -> VersionRef:
    return VersionRef(kind=kind, name=name, version=version, digest=digest)
