"""What of a home lies in the team's blobs, so that colleagues need not read the home."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

RUN = "run"
JOB = "job"
WHOLE = ""
"""The path of the row that says of a job: all of its files are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A file below ``runs/<id>`` or ``jobs/<id>`` of its author's home, as a compressed blob.

    ``size_bytes`` is the file's own size when it was sealed, ``home`` the identity of the workspace, and
    ``names`` the digests of the blobs that its content speaks of.
    """

    kind: str
    id: str
    path: str
    digest: str
    size_bytes: int
    home: str
    user: str
    sealed_at: float
    names: list[str] = field(default_factory=list)


class SealStore(Protocol):
    """Rows of what was sealed, in the team's database. Every method raises Unavailable when it is away."""

    def add(self, seals: Sequence[Sealed]) -> None:
        """Say of these files that their blobs are there; a row of the same file is replaced."""
        ...

    def of(self, kind: str, id: str) -> list[Sealed]:
        """Everything of one run or job, by path."""
        ...

    def sizes(self, home: str, kind: str, ids: Iterable[str]) -> dict[tuple[str, str], int]:
        """How large the files were that this home has sealed, by id and path."""
        ...

    def journals(self) -> Iterator[Sealed]:
        """All journals of all homes, oldest run first, without what they name."""
        ...

    def unsealed_jobs(self, ids: Iterable[str]) -> list[str]:
        """Those of these jobs that have ended and are not sealed whole, oldest first."""
        ...
