"""Whether the registry is as the audit trail tells."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlalchemy import Connection, Text, cast, select

from .registry_tables import aliases, audit

MOVES = ("alias.set", "alias.delete")


def misplaced_aliases(connection: Connection) -> list[str]:
    """The aliases that point elsewhere than their last move says, a sentence each.

    Nothing is said of an alias without a readable move: what the trail has lost, its chain shows. It looks
    twice: what is wrong only once was a move under way.
    """
    seen = list(_misplaced(connection))
    return [each for each in _misplaced(connection) if each in seen] if seen else []


def _misplaced(connection: Connection) -> Iterator[str]:
    detail = cast(audit.c.detail, Text)  # somebody may have made one that is no JSON
    moves = select(audit.c.subject, detail).where(audit.c.action.in_(MOVES)).order_by(audit.c.seq)
    last: dict[str, int | None] = {}
    for subject, told in connection.execute(moves):
        try:
            last[subject] = json.loads(told)["to"]
        except (ValueError, TypeError, KeyError):
            last.pop(subject, None)
    rows = connection.execute(select(aliases))
    present = {f"{row.kind}:{row.name}@{row.alias}": row.version for row in rows}
    for subject, told in last.items():
        if (found := present.get(subject)) != told:
            yield (
                f"The alias {subject} points to {_place(found)}, and its last move in the audit trail is to "
                f"{_place(told)}: somebody has changed it past the registry."
            )


def _place(version: int | None) -> str:
    return "no version" if version is None else f"version {version}"
