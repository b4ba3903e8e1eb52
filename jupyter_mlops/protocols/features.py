"""Feature views, what was computed by them, and the rows that are served online."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..entities import Column, FeatureView, FeatureViewVersion, Materialization, VersionRef


class FeatureStore(Protocol):
    """Decisions about feature views: each call is one transaction, with its row in the audit trail.

    Versions of a view count 1, 2, 3, … without gaps, however many processes register at once. Lists of views
    are sorted by name, versions and materializations newest first. Every method raises Unavailable when the
    registry cannot be reached, and those that ask for one thing NotFound for what is not there.
    """

    def register(self, version: FeatureViewVersion, *, proof: str = "") -> FeatureViewVersion:
        """Give ``version`` its number, or return the version that has its digest under its name.

        ``proof`` is kept in a new row: what the home that registers it says of it.
        """
        ...

    def proof(self, name: str, version: int | None) -> str | None:
        """The proof in a version's row, empty where there is none."""
        ...

    def prove(self, name: str, digest: str, proof: str) -> None:
        """Keep another proof of the version with this definition."""
        ...

    def views(self) -> list[FeatureView]: ...

    def view(self, name: str) -> FeatureView: ...

    def version(self, name: str, selector: int | str | None = None) -> FeatureViewVersion:
        """A version by number or alias, the newest by default."""
        ...

    def of_digest(self, name: str, digest: str) -> FeatureViewVersion | None:
        """The version of ``name`` with this definition."""
        ...

    def materialized(
        self, found: Materialization, *, features: Sequence[Column], replace: bool = False
    ) -> Materialization:
        """Note that a view was computed; ``features`` are kept with its version if it has none yet.

        A view's version on a version of its source is one row: what is there already is returned, unless it
        is to be ``replace``d. Raises Conflict when the version's features are others.
        """
        ...

    def online(self, view: VersionRef, source: VersionRef, rows: int, *, user: str) -> Materialization:
        """Note that a materialization was put online, with so many keys."""
        ...

    def materialization(self, view: VersionRef, source: VersionRef) -> Materialization | None:
        """What a view's version gave on a version of its source."""
        ...

    def materializations(self, name: str, version: int | None = None) -> list[Materialization]:
        """What was computed by a view, or by one of its versions: the newest version of the source first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineTable:
    """One version of a view, as it is served.

    ``schema`` are the key columns and the features as an Arrow schema. ``ttl_s`` is the view's, ``at`` when
    it was materialised; ``sort`` puts the tables of one view's version in order.
    """

    view: str
    version: int
    source: VersionRef
    dataset: VersionRef
    keys: list[str]
    timestamp: str | None
    schema: bytes
    at: float
    ttl_s: float | None = None
    generation: int = 0

    @property
    def sort(self) -> tuple[int, float]:
        return (self.source.version or 0, self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineRow:
    """The features of one key from a time on, in nanoseconds since 1970 (UTC)."""

    key: str
    time_ns: int
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineRead:
    """What a table has for the keys that were asked for, by key; a key that it does not have is missing."""

    table: OnlineTable
    rows: Mapping[str, OnlineRow] = field(default_factory=dict)


class OnlineStore(Protocol):
    """An embedded key-value table a version of a view. Raises Unavailable when it cannot be reached."""

    def replace(self, table: OnlineTable, rows: Iterable[OnlineRow]) -> OnlineTable:
        """Put a whole table in the place of the present one, at once: readers see the one or the other.

        A key may have rows of several times. Raises Conflict when the present table is a later one.
        """
        ...

    def read(self, view: str, version: int | None, keys: Sequence[str], *, now_ns: int) -> OnlineRead:
        """The newest row until ``now_ns`` of each key, all of one table; the newest version by default.

        Raises NotFound when the view, or that version of it, was not put online.
        """
        ...

    def tables(self) -> list[OnlineTable]:
        """All tables, by name and version."""
        ...
