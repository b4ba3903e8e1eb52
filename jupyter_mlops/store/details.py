"""Aliases of versions, and what people say of names and versions, inside a transaction of the caller's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from blake3 import blake3
from sqlalchemy import Connection, delete, insert, select

from ..entities import AuditEntry, DatasetVersion, Details, ModelVersion, Move
from ..errors import NotFound
from ..wire import from_json, to_json
from .registry_tables import aliases, details

V = TypeVar("V", DatasetVersion, ModelVersion)

NAME = 0
"""Stands for the name itself where a version's number stands."""
LONGEST_TRACED = 1000
"""Characters of a text that the audit trail keeps as it is."""


def aliases_of(connection: Connection, kind: str, name: str) -> dict[str, int]:
    """Where each alias of a name points."""
    rows = connection.execute(
        select(aliases.c.alias, aliases.c.version)
        .where(aliases.c.kind == kind, aliases.c.name == name)
        .order_by(aliases.c.alias)
    )
    return {row.alias: row.version for row in rows}


def all_aliases(connection: Connection, kind: str) -> dict[str, dict[str, int]]:
    """By name."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    query = select(aliases).where(aliases.c.kind == kind).order_by(aliases.c.alias)
    for row in connection.execute(query):
        found[row.name][row.alias] = row.version
    return found


def point_alias(connection: Connection, kind: str, name: str, alias: str, version: int | None) -> None:
    """Point an alias at a version, or take it away."""
    at = (aliases.c.kind == kind, aliases.c.name == name, aliases.c.alias == alias)
    connection.execute(delete(aliases).where(*at))
    if version is not None:
        connection.execute(insert(aliases).values(kind=kind, name=name, alias=alias, version=version))


def no_alias(kind: str, name: str, alias: str, pointing: Mapping[str, int]) -> NotFound:
    there = ", ".join(pointing) or "none"
    return NotFound(f"No alias {alias!r} of {kind} {name!r}. Its aliases: {there}.")


def move_of(kind: str, name: str, entry: AuditEntry) -> Move:
    """The move that an audit row tells of."""
    return Move(
        kind=kind,
        name=name,
        alias=entry.detail["alias"],
        before=entry.detail["from"],
        after=entry.detail["to"],
        user=entry.user,
        at=entry.time,
        reason=entry.detail.get("reason", ""),
        rollback=entry.detail.get("rollback", False),
    )


def details_of(connection: Connection, kind: str, name: str) -> dict[int, Details]:
    """What is said of the name (by NAME) and of its versions (by their numbers), where something is."""
    query = select(details.c.version, details.c.entity).where(details.c.kind == kind, details.c.name == name)
    return {row.version: from_json(row.entity, Details) for row in connection.execute(query)}


def all_details(connection: Connection, kind: str) -> dict[str, dict[int, Details]]:
    """By name."""
    found: dict[str, dict[int, Details]] = defaultdict(dict)
    for row in connection.execute(select(details).where(details.c.kind == kind)):
        found[row.name][row.version] = from_json(row.entity, Details)
    return found


def describe(connection: Connection, kind: str, name: str, version: int, said: Details) -> None:
    """Replace what is said of a name or a version."""
    at = (details.c.kind == kind, details.c.name == name, details.c.version == version)
    connection.execute(delete(details).where(*at))
    connection.execute(insert(details).values(kind=kind, name=name, version=version, entity=to_json(said)))


def traced(field: str, value: Any) -> Any:
    """What the audit trail keeps of what is said: of cards and other long texts which text it was."""
    if not isinstance(value, str) or (field != "card" and len(value) <= LONGEST_TRACED):
        return value
    return {"digest": blake3(value.encode("utf-8", "surrogatepass")).hexdigest(), "characters": len(value)}


def dressed(version: V, pointing: Mapping[str, int], said: Mapping[int, Details]) -> V:
    """A version with its aliases, and with the tags and the description that it was given since."""
    its = said.get(version.version or NAME)
    return replace(
        version,
        aliases=[alias for alias, at in pointing.items() if at == version.version],
        tags=its.tags if its else {},
        description=(its and its.description) or version.description,
    )
