"""What the registries of datasets, feature views and models have in common, and their audit trail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .runs import number_text


class VersionStatus(str, Enum):
    """``PENDING``: recorded in a journal that no registry has seen yet."""

    READY = "ready"
    PENDING = "pending"


class Role(str, Enum):
    """What a user may do, each role also what those before it may: look; track, submit and register; approve
    and move protected aliases; everything."""

    VIEWER = "viewer"
    CONTRIBUTOR = "contributor"
    APPROVER = "approver"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What people say of a name or of one of its versions; it may change, and the audit trail says who did
    it.

    ``card`` is the edited Markdown of a model version's card; None where nobody has edited it.
    """

    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    owner: str = ""
    licence: str = ""
    card: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """An alias went from one version to another; None is nowhere."""

    kind: str
    name: str
    alias: str
    before: int | None
    after: int | None
    user: str
    at: float
    reason: str = ""
    rollback: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """A decision. ``hash`` is BLAKE3 over the previous hash and this row's canonical JSON."""

    seq: int
    time: float
    user: str
    action: str
    subject: str
    detail: dict[str, Any]
    previous: str
    hash: str


def pretty(kind: str, name: str, version: int | str | None, facts: Sequence[str | None]) -> str:
    """A line on a name or a version; no version is pending, an empty one is none."""
    at = "" if version == "" else f"@{version if isinstance(version, str) else number_text(version)}"
    return f"{kind} {name}{at}: {', '.join(fact for fact in facts if fact)}"


def several(count: int | None, word: str) -> str:
    """``1 row``, ``1,000 rows``; empty where it is not known."""
    return "" if count is None else f"{count:,} {word}{'' if count == 1 else 's'}"
