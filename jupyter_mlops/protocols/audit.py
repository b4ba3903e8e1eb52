"""The audit trail as it is read: found, exported, verified."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from ..entities import AuditEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which decisions: all conditions that are given hold.

    ``subject`` is one (``model:digits@3``), or a name with all its versions and aliases (``model:digits``);
    ``action`` is one (``job.cancel``), or all of a kind (``job``); ``since`` and ``until`` are times,
    ``after`` and ``before`` numbers of rows, and neither end is among them but ``since``.
    """

    subject: str = ""
    user: str = ""
    action: str = ""
    since: float | None = None
    until: float | None = None
    after: int | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What the chain of hashes says: it is whole where there are no ``problems``.

    ``head`` is the hash of the last row: who has noted it elsewhere can tell later that nothing before it was
    rewritten, which the chain by itself cannot.
    """

    rows: int
    head: str
    problems: list[str] = field(default_factory=list)


class AuditStore(Protocol):
    """The rows of decisions. Nothing here changes one; long trails are read in pieces, each its own view."""

    def newest(self, query: AuditQuery, *, limit: int) -> list[AuditEntry]:
        """What matches, newest first."""
        ...

    def oldest(self, query: AuditQuery, *, limit: int) -> list[AuditEntry]:
        """What matches, oldest first."""
        ...

    def with_hash(self, hash: str) -> AuditEntry | None:
        """The row with this hash."""
        ...

    def verify(self) -> Verification:
        """Look at every row, in constant memory; rows that come meanwhile do not disturb it."""
        ...
