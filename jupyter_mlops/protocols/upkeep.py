"""What looking after a workspace's storage needs of its databases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

ARTIFACTS = "artifact"
"""What a run is nothing without; of other digests that it names there may never have been a blob."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A digest that a row names: ``what`` says whose row, in words."""

    what: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A content that has to be there: of a version, or an artifact of a run.

    ``is_folder`` says that it is a manifest, which names other contents. ``referred`` contents lie where
    they are, at ``uri``; of the others ``uri`` says where they came from, if that is known.
    """

    what: str
    digest: str
    is_folder: bool = False
    referred: bool = False
    uri: str = ""
    size_bytes: int | None = None


class Rows(Protocol):
    """The databases as upkeep sees them: all rows at once. Every method raises Unavailable."""

    def named(self) -> Iterator[Named]:
        """Every digest that any row of the registry or the index names; the same one may come often."""
        ...

    def contents(self) -> Iterator[Content]:
        """The contents of all versions, and the artifacts of all runs."""
        ...

    def journals(self) -> Iterator[tuple[str, str, int]]:
        """The run, the writer and the size of all journals that are in the index."""
        ...

    def problems(self) -> Sequence[tuple[str, str]]:
        """What the databases say of their own files: the file, and what is wrong with it."""
        ...


class Copying(Protocol):
    """Copies a SQLite file as it is at one moment, whoever writes to it meanwhile."""

    def __call__(self, source: Path, target: Path) -> None: ...
