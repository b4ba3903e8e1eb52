"""The audit trail: an append-only chain of hashes over decisions.

Each row's hash is BLAKE3 over the hash before it and the row's canonical JSON (sorted keys, no spaces,
ASCII), so that a changed, moved or missing row breaks the chain. A counter beside the table holds the
number of rows, which also shows that rows are missing at the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from blake3 import blake3
from sqlalchemy import Connection, Row, insert, select

from ..entities import AuditEntry
from ..wire import to_json
from .changes import bump, current
from .registry_tables import audit

COUNTER = "audit"
ORIGIN = "0" * 64
"""What stands before the first row."""


def append(
    connection: Connection,
    *,
    time: float,
    user: str,
    action: str,
    subject: str,
    detail: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Add a row in the caller's write transaction: the decision and its trace are one."""
    seq = bump(connection, COUNTER)
    last = connection.scalar(select(audit.c.hash).order_by(audit.c.seq.desc()).limit(1))
    values: dict[str, Any] = {
        "seq": seq,
        "time": float(time),
        "user": user,
        "action": action,
        "subject": subject,
        "detail": to_json(dict(detail or {})),
        "previous": last or ORIGIN,
    }
    values["hash"] = _hash(values)
    connection.execute(insert(audit).values(values))
    return AuditEntry(**values)


def entries(
    connection: Connection, *, limit: int | None = 100, subject: str = "", before: int | None = None
) -> list[AuditEntry]:
    """Decisions, newest first: on one subject, or all; those numbered below ``before``."""
    query = select(audit).order_by(audit.c.seq.desc()).limit(limit)
    if subject:
        query = query.where(audit.c.subject == subject)
    if before is not None:
        query = query.where(audit.c.seq < before)
    return [AuditEntry(**row._mapping) for row in connection.execute(query)]


def verify(connection: Connection) -> list[str]:
    """What is wrong with the chain, a sentence a problem; empty when it is whole."""
    problems: list[str] = []
    expected, previous = 1, ORIGIN
    for row in connection.execute(select(audit).order_by(audit.c.seq)):
        problems += _problems(row, expected, previous)
        expected, previous = row.seq + 1, row.hash
    count = current(connection, COUNTER)
    if expected <= count:
        problems.append(_missing(expected, count))
    elif expected > count + 1:
        problems.append(f"The audit trail has {expected - 1} rows, but only {count} were counted.")
    return problems


def _problems(row: Row[Any], expected: int, previous: str) -> Iterator[str]:
    if row.seq != expected:
        yield _missing(expected, row.seq - 1)
    elif row.previous != previous:
        yield f"Audit row {row.seq} does not follow the row before it: one of them was replaced or moved."
    if row.hash != _hash(dict(row._mapping)):
        yield f"Audit row {row.seq} ({row.action} {row.subject}) was changed after it was written."


def _missing(first: int, last: int) -> str:
    return f"Audit row {first} is missing." if first == last else f"Audit rows {first} to {last} are missing."


def _hash(values: Mapping[str, Any]) -> str:
    content = {name: values[name] for name in ("seq", "time", "user", "action", "subject", "detail")}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return blake3(values["previous"].encode() + canonical.encode()).hexdigest()
