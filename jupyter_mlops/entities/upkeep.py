"""What is said of a workspace's storage: what nobody needs, what is damaged, what was saved."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class GarbagePart:
    """Things of one kind that nobody needs: blobs, local copies of the team's blobs, cache entries."""

    kind: str
    count: int = 0
    size_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GarbageReport:
    """What ``gc`` found, and whether it was ``deleted``.

    ``kept`` blobs are referred to; ``young`` ones are not, but were stored after ``before``, the moment up to
    which things count as garbage. ``because`` says what moved that moment back.
    """

    parts: list[GarbagePart]
    deleted: bool
    before: float
    kept: int
    kept_bytes: int
    young: int = 0
    young_bytes: int = 0
    because: str = ""

    @property
    def size_bytes(self) -> int:
        return sum(part.size_bytes for part in self.parts)

    @property
    def count(self) -> int:
        return sum(part.count for part in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Something that is not as it should be.

    ``kind`` is one of blob (its content is another), missing (a content that is referred to), manifest,
    journal, index, database, audit. ``affects`` names the versions, runs and jobs that need it;
    ``remedy`` says what was done, or what can be.
    """

    kind: str
    subject: str
    problem: str
    affects: list[str] = field(default_factory=list)
    repaired: bool = False
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """What ``fsck`` looked at and found."""

    damages: list[Damage]
    blobs: int
    size_bytes: int
    versions: int
    journals: int
    duration_s: float

    @property
    def whole(self) -> bool:
        """Whether nothing is damaged, or not any more."""
        return all(damage.repaired for damage in self.damages)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupReport:
    """A backup that was written or restored: its files and blobs, how many are new, their size together."""

    path: str
    files: int
    new: int
    size_bytes: int
    blobs: int
    notes: list[str] = field(default_factory=list)
