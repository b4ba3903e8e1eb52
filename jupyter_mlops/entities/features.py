"""Feature views: named, versioned transformations of a dataset into features of keys at times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .datasets import Column
from .registry import Details, VersionStatus, several
from .runs import VersionRef, reference_text


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureViewVersion:
    """One immutable definition: a function's code, its input dataset, keys and timestamp.

    ``digest`` is BLAKE3 of the definition. ``keys`` are the columns that tell entities apart, ``timestamp``
    the column of when a row became known (None: it always holds). ``ttl_s``: a row older than that is not
    joined. ``module`` is where the function was defined; empty for one of a notebook. ``code`` is what it is
    made from either way: a module of its own with all that it uses. ``features`` are known with the first
    materialization, and stay. ``origin`` is the workspace that registered it.
    """

    name: str
    version: int | None
    digest: str
    source: str
    keys: list[str]
    timestamp: str | None
    features: list[Column]
    function: str
    code: str
    created_at: float
    created_by: str
    module: str = ""
    ttl_s: float | None = None
    packages: dict[str, str] = field(default_factory=dict)
    run_id: str | None = None
    description: str = ""
    origin: str = ""
    status: VersionStatus = VersionStatus.READY


@dataclass(frozen=True, slots=True, kw_only=True)
class Materialization:
    """A feature view was computed from a version of its source; the result is a dataset version.

    ``online_rows`` are the keys that the online table has from it; None where it was not put there.
    """

    view: VersionRef
    source: VersionRef
    dataset: VersionRef
    rows: int
    at: float
    user: str
    run_id: str | None = None
    online_rows: int | None = None
    duration_s: float = 0.0

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a cell shows of it: a line (IPython's protocol of pretty printing)."""
        online = "" if self.online_rows is None else f", {several(self.online_rows, 'key')} online"
        printer.text(
            f"Materialization {reference_text(self.view)} of {reference_text(self.source)}: "
            f"{reference_text(self.dataset)}, {several(self.rows, 'row')}{online}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureView:
    """A name, its versions (newest first) and what was computed by them (newest first)."""

    name: str
    versions: list[FeatureViewVersion]
    materializations: list[Materialization] = field(default_factory=list)
    details: Details = field(default_factory=Details)
    seq: int = 0
