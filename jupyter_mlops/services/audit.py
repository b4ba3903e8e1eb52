"""The audit trail for people: found, exported as JSON lines, verified.

An export has one decision a line, the oldest first, with its hash and the one before it. Whoever keeps one,
or only the last hash, where nobody of those who may write the database can change it, can prove later that
the trail still says what it said then: the chain of hashes by itself only shows that it fits together.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..entities import AuditEntry
from ..errors import InvalidInput, NotFound
from ..protocols.audit import AuditQuery, AuditStore, Verification
from ..protocols.clock import Clock
from ..wire import decode, encode, to_json
from .quantities import seconds
from .rows import iso_time

PAGE = 1_000
MOST_PROBLEMS = 100
HASH = re.compile(r"[0-9a-f]{64}")


class AuditService:
    """Reads the trail; nothing here adds to it."""

    def __init__(self, store: AuditStore, *, clock: Clock = time.time) -> None:
        self._store = store
        self._clock = clock

    def entries(
        self,
        *,
        subject: str = "",
        user: str = "",
        action: str = "",
        since: str | float | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[AuditEntry]:
        """The decisions that match, newest first.

        ``action`` is one (``alias.set``) or all of a kind (``alias``), ``since`` a length of time (``7d``),
        and ``before`` the number of a row. Raises InvalidInput.
        """
        if not isinstance(limit, int) or limit < 0:
            raise InvalidInput(f"limit is how many decisions are wanted, 0 or more, not {limit!r}.")
        query = self._query(subject, user, action, since)
        return self._store.newest(replace(query, before=before), limit=limit)

    def export(
        self,
        write: Callable[[bytes], object],
        *,
        subject: str = "",
        user: str = "",
        action: str = "",
        since: str | float | None = None,
    ) -> int:
        """Write the decisions that match as JSON lines, oldest first; returns how many there are."""
        number = 0
        for entry in self._rows(self._query(subject, user, action, since)):
            write(encode(entry) + b"\n")
            number += 1
        return number

    def verify(self, against: str | Path | None = None) -> Verification:
        """Whether the chain is whole; and ``against`` an earlier export, or a hash that was noted then,
        whether the trail still begins as it did.

        Raises InvalidInput for a file that is no export, NotFound for one that cannot be read.
        """
        verified = self._store.verify()
        if against is None:
            return verified
        problems = [*verified.problems]
        for problem in self._differences(str(against)):
            if len(problems) >= MOST_PROBLEMS:
                problems.append("There are more problems than can be listed.")
                break
            problems.append(problem)
        return replace(verified, problems=problems)

    def _differences(self, against: str) -> Iterator[str]:
        if HASH.fullmatch(against):
            if self._store.with_hash(against) is None:
                yield f"No row has the hash {against}: the trail was rewritten, or it is another one."
            return
        rows = self._rows(AuditQuery())
        row: AuditEntry | None = None
        last = 0
        for exported in _exported(Path(against)):
            if exported.seq <= last:
                raise InvalidInput(f"{against} is no export of an audit trail: its rows are out of order.")
            last = exported.seq
            while row is None or row.seq < exported.seq:
                row = next(rows, None)
                if row is None:
                    yield f"Audit row {exported.seq} and all after it, which {against} has, are missing."
                    return
            if row.seq > exported.seq:
                yield f"Audit row {exported.seq}, which {against} has, is missing."
            elif to_json(row) != to_json(exported):
                yield (
                    f"Audit row {exported.seq} is not what {against} says that it was: the trail was "
                    "rewritten, or the file."
                )

    def _rows(self, query: AuditQuery) -> Iterator[AuditEntry]:
        """Oldest first, in pieces, as long as there are more."""
        while rows := self._store.oldest(query, limit=PAGE):
            yield from rows
            query = replace(query, after=rows[-1].seq)

    def _query(self, subject: str, user: str, action: str, since: str | float | None) -> AuditQuery:
        length = seconds(since)
        begin = None if length is None else self._clock() - length
        return AuditQuery(subject=subject, user=user, action=action, since=begin)


def _exported(path: Path) -> Iterator[AuditEntry]:
    try:
        lines = path.open("rb")
    except OSError as error:
        raise NotFound(
            f"{path} cannot be read: {error.strerror}. --against takes an export (audit --jsonl FILE) or "
            "the hash of a row, of 64 hexadecimal digits."
        ) from error
    with lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield decode(line, AuditEntry)
            except InvalidInput as error:
                raise InvalidInput(
                    f"{path} is no export of an audit trail: line {number} is no decision ({error.message})"
                ) from error


AUDIT_COLUMNS = ("seq", "time", "user", "action", "subject", "detail", "hash")


def audit_row(entry: AuditEntry) -> dict[str, Any]:
    """Flat, with the names of the DataFrame's columns; the time as it is elsewhere in tables."""
    return {**{name: getattr(entry, name) for name in AUDIT_COLUMNS}, "time": iso_time(entry.time)}
