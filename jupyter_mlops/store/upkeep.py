"""All rows at once, for upkeep. The contract is on :class:`~..protocols.upkeep.Rows`."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, select, update

from ..errors import Unavailable
from ..protocols.upkeep import ARTIFACTS, Content, Named
from . import audit, index_tables, registry_tables
from .database import Database, sqlite_url
from .index_document import detail_from, long_texts, unpack_details
from .index_texts import bodies
from .migrations import migrate

PAGE = 500
LISTED_PROBLEMS = 5
_DIGEST = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")

# What was decided once needs nothing any more; the hashes of the chain are no digests of blobs.
_SILENT = frozenset({"audit", "counters"})


class SqlRows:
    """The registry's database and the index's; a team's is both."""

    def __init__(self, registry: Callable[[], Database], index: Callable[[], Database]) -> None:
        self._registry = registry
        self._index = index

    def named(self) -> Iterator[Named]:
        with self._registry().read() as connection:
            for table in registry_tables.metadata.sorted_tables:
                if table.name not in _SILENT:
                    yield from _named_in(connection, table, _registry_label(table))
        with self._index().read() as connection:
            ids = _run_ids(connection)
            for table in index_tables.metadata.sorted_tables:
                yield from _named_in(connection, table, lambda row: _run_label(row, ids))

    def contents(self) -> Iterator[Content]:
        with self._registry().read() as connection:
            for kind, table in _VERSIONS.items():
                for row in _rows(connection, table):
                    content = _content(kind, row.entity)
                    yield content
                    for name in _BESIDE:
                        if digest := row.entity.get(name):
                            words = name.removesuffix("_digest")
                            yield Content(what=f"{content.what}, {words}", digest=digest)
            for row in _rows(connection, registry_tables.sealed):
                if row.digest:
                    yield Content(what=f"{row.kind} {row.id}, sealed {row.path}", digest=row.digest)
        with self._index().read() as connection:
            yield from _artifacts(connection)

    def journals(self) -> Iterator[tuple[str, str, int]]:
        journals, runs = index_tables.journals, index_tables.runs
        query = select(runs.c.id, journals.c.writer, journals.c.offset)
        query = query.select_from(journals.join(runs, runs.c.key == journals.c.run))
        with self._index().read() as connection:
            for row in connection.execution_options(yield_per=PAGE).execute(query):
                yield row.id, row.writer, row.offset

    def problems(self) -> list[tuple[str, str]]:
        found = []
        for database in dict.fromkeys((self._registry(), self._index())):
            if not (database.is_sqlite and database.url.database):
                continue
            with database.read() as connection:
                rows = connection.exec_driver_sql(f"PRAGMA integrity_check({LISTED_PROBLEMS})")
                words = [str(row[0]) for row in rows]
            if words != ["ok"]:
                found.append((database.url.database, "; ".join(words)))
        return found


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a SQLite file by its own backup (https://www.sqlite.org/backup.html), consistent while in use.

    Raises Unavailable for a file that SQLite cannot read.
    """
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as one,
            closing(sqlite3.connect(target)) as other,
        ):
            one.backup(other)
            # the copy is one file, without a write-ahead log beside it
            other.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise Unavailable(f"{source} cannot be copied: {error}") from error


def problems_of_registry(home: Path) -> list[str]:
    """What is wrong with the registry's file in a home, or its chain of decisions; nothing without one."""
    path = home / "registry.sqlite"
    if not path.exists():
        return []
    database = Database(sqlite_url(path))
    try:
        rows = SqlRows(lambda: database, lambda: database)
        if found := [f"{file}: {problem}" for file, problem in rows.problems()]:
            return found
        migrate(database)
        with database.read() as connection:
            return audit.verify(connection)
    except Unavailable as error:
        return [error.message]
    finally:
        database.close()


def disown_unproved(home: Path) -> None:
    """Have the registry's file in a home vouch for no version that was registered before there were proofs.

    Such a row counts only where nobody else can have written it.
    """
    path = home / "registry.sqlite"
    if not path.exists():
        return
    database = Database(sqlite_url(path))
    try:
        migrate(database)
        versions = registry_tables.model_versions
        with database.write() as connection:
            connection.execute(update(versions).where(versions.c.proof.is_(None)).values(proof=""))
    finally:
        database.close()


# ---------------------------------------------------------------------- rows

_VERSIONS = {
    "dataset": registry_tables.dataset_versions,
    "model": registry_tables.model_versions,
}
_BESIDE = ("example_digest", "requirements_digest", "code_digest")
"""What a version may have beside its content."""
_KINDS = {**{table.name: kind for kind, table in _VERSIONS.items()}, "view_versions": "feature view"}


def _rows(connection: Connection, table: Table) -> Iterator[Any]:
    yield from connection.execution_options(yield_per=PAGE).execute(select(table))


def _named_in(connection: Connection, table: Table, label: Callable[[Any], str]) -> Iterator[Named]:
    for row in _rows(connection, table):
        digests = {found for value in row for found in _digests(value)}
        if digests:
            what = label(row)
            for digest in digests:
                yield Named(what=what, digest=digest)


def _digests(value: Any) -> list[str]:
    """Digests in a value of any column; packed bytes hold them as they are."""
    if isinstance(value, (dict, list)):
        value = json.dumps(value)
    if isinstance(value, str):
        value = value.encode("utf-8", "replace")
    if isinstance(value, memoryview):
        value = bytes(value)
    return [found.decode() for found in _DIGEST.findall(value)] if isinstance(value, bytes) else []


def _registry_label(table: Table) -> Callable[[Any], str]:
    kind = _KINDS.get(table.name)
    if kind is not None:
        return lambda row: f"{kind} {row.name}@{row.version}"
    if table.name == "sealed":
        return lambda row: f"{row.kind} {row.id}"
    if "id" in table.c:
        return lambda row: f"{table.name.removesuffix('s')} {row.id}"
    return lambda row: f"{table.name} {row[0]}"


def _run_ids(connection: Connection) -> dict[int, str]:
    runs = index_tables.runs.c
    return {row.key: row.id for row in connection.execute(select(runs.key, runs.id))}


def _run_label(row: Any, ids: Mapping[int, str]) -> str:
    key = row._mapping.get("run", row._mapping.get("key"))
    return f"run {ids[key]}" if "run" in row._mapping and key in ids else "runs"


def _content(kind: str, entity: Mapping[str, Any]) -> Content:
    referred = entity.get("storage") == "reference"
    uri = entity.get("uri") or entity.get("source") or ""
    return Content(
        what=f"{kind} {entity['name']}@{entity['version']}",
        digest=str(entity["digest"]),
        is_folder=entity.get("kind") == "folder" or bool(entity.get("is_folder")),
        referred=referred,
        uri=str(uri),
        size_bytes=entity.get("size_bytes"),
    )


def _artifacts(connection: Connection) -> Iterator[Content]:
    ids = _run_ids(connection)
    for row in _rows(connection, index_tables.details):
        details = unpack_details(row.data)
        values = {
            name: value for (kind, name), (value, _) in details.items() if kind in (ARTIFACTS, "context")
        }
        texts = bodies(connection, long_texts(values.values()))
        found = {key: detail_from("context", value, texts) for key, value in values.items()}
        # what an export could not bring along is known not to be here
        imported = found.pop("imported", None)
        missing = imported.get("missing", ()) if isinstance(imported, dict) else ()
        for name, each in found.items():
            if isinstance(each, dict) and (ARTIFACTS, name) in details and each.get("digest") not in missing:
                yield Content(
                    what=f"run {ids.get(row.run, row.run)}, artifact {name}",
                    digest=str(each.get("digest")),
                    size_bytes=each.get("size_bytes"),
                )
