"""The audit trail: an append-only chain of hashes over decisions.

Each row's hash is BLAKE3 over the hash before it and the row's canonical JSON (sorted keys, no spaces,
ASCII), so that a changed, moved or missing row breaks the chain. A counter beside the table holds the
number of rows, which also shows that rows are missing at the end.

Whoever may write the database can still make all hashes anew from some row on, or take rows from the end and
correct the counter: a chain by itself shows no more than that it fits together. What shows it is an export,
or the last row's hash, kept where that person cannot write (``services.audit``).

No secret is kept: what has the name or the shape of one is taken out of a detail here, for all who append.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from blake3 import blake3
from sqlalchemy import Connection, Row, Select, Text, cast, insert, select

from ..capture.redact import redact_all
from ..entities import AuditEntry
from ..protocols.audit import AuditQuery, Verification
from ..wire import to_json
from .changes import bump, current
from .database import Database
from .reaching import LazyDatabase
from .registry_tables import audit
from .texts import storable, without_nul
from .trail import misplaced_aliases

COUNTER = "audit"
ORIGIN = "0" * 64
"""What stands before the first row."""
PAGE = 5_000
"""How many rows are looked at at a time."""
MOST_PROBLEMS = 1_000

# a detail as the text that it is: somebody may have made one that is no JSON
_RAW = select(*(cast(each, Text).label("detail") if each is audit.c.detail else each for each in audit.c))


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
        "user": storable(user),
        "action": action,
        "subject": storable(subject),
        "detail": without_nul(redact_all(to_json(dict(detail or {})))),
        "previous": last or ORIGIN,
    }
    values["hash"] = _hash(values)
    connection.execute(insert(audit).values(values))
    return AuditEntry(**values)


def is_told(connection: Connection, subject: str, action: str = "") -> bool:
    """Whether there is a row on the subject already, of this action or of any."""
    query = select(audit.c.seq).where(audit.c.subject == storable(subject))
    if action:
        query = query.where(audit.c.action == action)
    return connection.scalar(query.limit(1)) is not None


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
    """What is wrong with the chain, or with what it tells of, a sentence a problem; empty when whole."""
    chain = Chain()
    count = current(connection, COUNTER)
    while rows := _page(connection, chain.last):
        chain.take(rows)
    return [*chain.problems_with(count), *misplaced_aliases(connection)]


class Chain:
    """Follows the rows, oldest first, and keeps what is wrong with them."""

    def __init__(self) -> None:
        self.rows = 0
        self.last = 0
        self.head = ORIGIN
        self._problems: list[str] = []

    def take(self, rows: Iterable[Row[Any]]) -> None:
        """The next rows by their numbers."""
        for row in rows:
            for problem in self._wrong_with(row):
                self._add(problem)
            self.rows += 1
            self.last, self.head = row.seq, row.hash

    def problems_with(self, count: int) -> list[str]:
        """All that is wrong when there are no more rows, and ``count`` were counted before the last look."""
        if self.last < count:
            self._add(_missing(self.last + 1, count))
        elif self.last > count:
            self._add(f"The audit trail has {self.last} rows, but only {count} were counted.")
        return self._problems

    def _wrong_with(self, row: Row[Any]) -> Iterator[str]:
        if row.seq != self.last + 1:
            yield _missing(self.last + 1, row.seq - 1)
        elif row.previous != self.head:
            yield (
                f"Audit row {row.seq} does not follow the row before it: one of them was replaced or moved."
            )
        if row.hash != _hash_of(row):
            yield f"Audit row {row.seq} ({row.action} {row.subject}) was changed after it was written."

    def _add(self, problem: str) -> None:
        if len(self._problems) < MOST_PROBLEMS:
            self._problems.append(problem)
        elif len(self._problems) == MOST_PROBLEMS:
            self._problems.append("There are more problems than can be listed.")


class SqlAuditStore:
    """See ``protocols.audit.AuditStore``."""

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = LazyDatabase(database)

    def newest(self, query: AuditQuery, *, limit: int) -> list[AuditEntry]:
        return self._all(_matching(query).order_by(audit.c.seq.desc()).limit(limit))

    def oldest(self, query: AuditQuery, *, limit: int) -> list[AuditEntry]:
        return self._all(_matching(query).order_by(audit.c.seq).limit(limit))

    def with_hash(self, hash: str) -> AuditEntry | None:
        found = self._all(_RAW.where(audit.c.hash == hash).limit(1))
        return found[0] if found else None

    def verify(self) -> Verification:
        chain = Chain()
        while True:
            with self._database.read() as connection:
                # before the rows: a row that comes between the two must not look uncounted or lost
                count = current(connection, COUNTER)
                rows = _page(connection, chain.last)
                misplaced = [] if rows else misplaced_aliases(connection)
            if not rows:
                problems = [*chain.problems_with(count), *misplaced]
                return Verification(rows=chain.rows, head=chain.head, problems=problems)
            chain.take(rows)

    def _all(self, query: Select[Any]) -> list[AuditEntry]:
        with self._database.read() as connection:
            return [_entry(row) for row in connection.execute(query)]


def _page(connection: Connection, after: int) -> Sequence[Row[Any]]:
    return connection.execute(_RAW.where(audit.c.seq > after).order_by(audit.c.seq).limit(PAGE)).all()


def _entry(row: Row[Any]) -> AuditEntry:
    """Also a row that somebody has damaged can be shown."""
    try:
        detail = json.loads(row.detail)
    except ValueError:
        detail = None
    if not isinstance(detail, dict):
        detail = {"unreadable": row.detail}
    return AuditEntry(**{**row._mapping, "detail": detail})


def _hash_of(row: Row[Any]) -> str | None:
    """The hash that a row should have; None when no row that was written can look like this."""
    try:
        return _hash({**row._mapping, "detail": json.loads(row.detail)})
    except (TypeError, ValueError):
        return None


def _matching(query: AuditQuery) -> Select[Any]:
    found = _RAW
    if query.subject:
        its_parts = audit.c.subject.startswith(f"{query.subject}@", autoescape=True)
        found = found.where((audit.c.subject == query.subject) | its_parts)
    if query.user:
        found = found.where(audit.c.user == query.user)
    if query.action:
        of_its_kind = audit.c.action.startswith(f"{query.action}.", autoescape=True)
        found = found.where((audit.c.action == query.action) | of_its_kind)
    bounds = (
        (audit.c.time.__ge__, query.since),
        (audit.c.time.__lt__, query.until),
        (audit.c.seq.__gt__, query.after),
        (audit.c.seq.__lt__, query.before),
    )
    return found.where(*(holds(bound) for holds, bound in bounds if bound is not None))


def _missing(first: int, last: int) -> str:
    return f"Audit row {first} is missing." if first == last else f"Audit rows {first} to {last} are missing."


def _hash(values: Mapping[str, Any]) -> str:
    content = {name: values[name] for name in ("seq", "time", "user", "action", "subject", "detail")}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return blake3(values["previous"].encode() + canonical.encode()).hexdigest()
