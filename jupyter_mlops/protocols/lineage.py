"""How runs, jobs and versions hang together, asked in batches: a graph is followed level by level.

Every method takes any number of things and answers with one query for some hundreds of them. What is not
there is left out.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from ..entities import Materialization, VersionRef


@dataclass(frozen=True, slots=True)
class RunPlace:
    """Where a run belongs."""

    id: str
    parent_id: str | None
    job_id: str | None
    notebook: str | None


@dataclass(frozen=True, slots=True)
class JobPlace:
    """Where a job belongs; ``run_id`` is its run as the queue knows it."""

    id: str
    parent_run_id: str | None
    run_id: str | None
    notebook: str | None


class Read(NamedTuple):
    """A run read a version."""

    run_id: str
    version: VersionRef


class Made(NamedTuple):
    """A run registered a version."""

    run_id: str
    version: VersionRef


class Named(NamedTuple):
    """An alias stands for a version."""

    version: VersionRef
    alias: str


@dataclass(frozen=True, slots=True)
class Origin:
    """What a version's own row says of where it comes from.

    ``inputs`` are the versions that it was made from; for a model those that its run had read.
    """

    version: VersionRef
    status: str
    run_id: str | None
    inputs: list[VersionRef] = field(default_factory=list)
    view: VersionRef | None = None


class RunLinks(Protocol):
    """What an index of runs knows."""

    def places(self, run_ids: Collection[str]) -> list[RunPlace]: ...

    def children(self, run_ids: Collection[str]) -> list[tuple[str, str]]:
        """(parent, child), oldest child first."""
        ...

    def of_jobs(self, job_ids: Collection[str]) -> list[tuple[str, str]]:
        """(job, run) of all its attempts, oldest first; without what those runs contain."""
        ...

    def of_notebooks(self, paths: Collection[str]) -> list[tuple[str, str]]:
        """(notebook, run) of those that were run there by hand, neither in a job nor in another run."""
        ...

    def read_by(self, run_ids: Collection[str]) -> list[Read]:
        """What the runs read by name; a version that was pending then is None."""
        ...

    def contents_read_by(self, run_ids: Collection[str]) -> list[tuple[str, str]]:
        """(run, digest) of the data that they read, registered or not."""
        ...

    def readers(self, versions: Collection[VersionRef]) -> list[Read]:
        """The runs that read these versions by name; of datasets also those that read their content."""
        ...

    def pending(self, run_ids: Collection[str]) -> list[Made]:
        """What the runs registered and no registry has numbered yet."""
        ...


class RegistryLinks(Protocol):
    """What the registry's database knows."""

    def find(self, kind: str, name: str, selector: int | str | None = None) -> VersionRef:
        """A version by number or alias, the newest by default. Raises NotFound."""
        ...

    def origins(self, versions: Collection[VersionRef]) -> list[Origin]:
        """Of datasets, models and views by name and number."""
        ...

    def made_from(self, versions: Collection[VersionRef]) -> list[tuple[VersionRef, Origin]]:
        """(one of these, what names it as an input or as its view)."""
        ...

    def of_contents(self, digests: Collection[str]) -> list[tuple[str, VersionRef]]:
        """(digest, version) of all kinds, the newest version first."""
        ...

    def registered_by(self, run_ids: Collection[str]) -> list[Made]:
        """Also what was there already when a run registered it."""
        ...

    def registering(self, versions: Collection[VersionRef]) -> list[Made]:
        """The runs that registered these, the first of them first."""
        ...

    def computed(self, versions: Collection[VersionRef]) -> list[Materialization]:
        """All materializations with one of these as their view, their source or their result."""
        ...

    def aliases(self, versions: Collection[VersionRef]) -> list[Named]:
        """The aliases that stand for these now."""
        ...

    def jobs(self, job_ids: Collection[str]) -> list[JobPlace]: ...

    def jobs_of_runs(self, run_ids: Collection[str]) -> list[tuple[str, str]]:
        """(run, job that it submitted), oldest first."""
        ...

    def jobs_of_notebooks(self, paths: Collection[str]) -> list[tuple[str, str]]:
        """(notebook, job) of those that no run submitted."""
        ...
