"""What is known of a dataset's content without reading it again, and what differs between two."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .datasets import Column
from .runs import VersionRef


class ProfileStatus(str, Enum):
    """``UNSUPPORTED``: a content of a kind of which only the size is known."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """``counts[i]`` values lie in [edges[i], edges[i + 1]), in the last bin up to its end."""

    edges: list[float]
    counts: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueCount:
    """A value as text, and how often it is there."""

    value: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """One column. ``kind`` is number, text, boolean, time or other.

    ``min`` and ``max`` are numbers, or texts (ISO 8601 of times). ``quantiles`` are by their share ("0.5" is
    the median). Lengths are those of texts, in characters. ``distinct`` and ``quantiles`` are estimates where
    ``approximate`` names them. ``infinite`` numbers count in ``min``, ``max`` and ``distinct`` only.
    """

    name: str
    type: str
    kind: str
    nulls: int
    infinite: int = 0
    distinct: int | None = None
    min: Any = None
    max: Any = None
    mean: float | None = None
    std: float | None = None
    quantiles: dict[str, float] = field(default_factory=dict)
    histogram: Histogram | None = None
    top: list[ValueCount] = field(default_factory=list)
    shortest: int | None = None
    longest: int | None = None
    mean_length: float | None = None
    approximate: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSummary:
    """The images of a folder: how many of each format, size (``640x480``), mode and class (their folder)."""

    count: int
    formats: dict[str, int]
    sizes: dict[str, int]
    modes: dict[str, int]
    classes: dict[str, int]
    unreadable: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSummary:
    """Text files: their lines, words and characters together, and the commonest words."""

    files: int
    lines: int
    words: int
    characters: int
    encodings: dict[str, int] = field(default_factory=dict)
    top_words: list[ValueCount] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSummary:
    """The files of a folder by their endings, with their bytes, and the largest of them."""

    count: int
    size_bytes: int
    suffixes: dict[str, int]
    suffix_bytes: dict[str, int]
    largest: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a content was found to be, once; the same content under another name has the same profile.

    ``engine`` is what computed it (``duckdb 1.4.2``). ``sampled_rows`` is set where only so many were looked
    at.
    """

    digest: str
    status: ProfileStatus
    problem: str = ""
    rows: int | None = None
    sampled_rows: int | None = None
    columns: list[ColumnProfile] = field(default_factory=list)
    files: FileSummary | None = None
    images: ImageSummary | None = None
    texts: TextSummary | None = None
    engine: str = ""
    computed_at: float | None = None
    duration_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetypedColumn:
    """A column that is there in both, with another type."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """How far a column's values have moved.

    ``psi`` is the population stability index, ``ks`` the two-sample Kolmogorov-Smirnov statistic (the largest
    distance of the two distribution functions, 0 to 1) and ``ks_p`` its asymptotic p-value. ``verdict`` is
    stable, moderate, large, or not compared: texts of too many values, whose PSI would say nothing. Shares of
    nulls are 0 to 1. Means are of finite values. The counts are of ``edges``' bins (of two equal edges: of
    that number alone), or of ``values``: the commonest of those whose shares ``psi`` compares.
    """

    name: str
    kind: str
    verdict: str
    psi: float | None = None
    ks: float | None = None
    ks_p: float | None = None
    nulls_before: float = 0.0
    nulls_after: float = 0.0
    mean_before: float | None = None
    mean_after: float | None = None
    distinct_before: int | None = None
    distinct_after: int | None = None
    edges: list[float] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    counts_before: list[int] = field(default_factory=list)
    counts_after: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange:
    """One row that was ``added``, ``removed`` or ``changed``, by its key."""

    kind: str
    key: dict[str, Any]
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDiff:
    """Rows matched by ``keys``; ``changed_columns`` counts changed rows by column; ``examples`` are some."""

    keys: list[str]
    added: int
    removed: int
    changed: int
    unchanged: int
    changed_columns: dict[str, int] = field(default_factory=dict)
    examples: list[RowChange] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDiff:
    """The files of two folders by their paths; the lists have the first of them, the numbers count all."""

    added: int
    removed: int
    changed: int
    unchanged: int
    added_paths: list[str] = field(default_factory=list)
    removed_paths: list[str] = field(default_factory=list)
    changed_paths: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetDiff:
    """What differs between two dataset versions. ``notes`` say what could not be compared, and why."""

    before: VersionRef
    after: VersionRef
    same: bool
    rows_before: int | None = None
    rows_after: int | None = None
    bytes_before: int = 0
    bytes_after: int = 0
    added: list[Column] = field(default_factory=list)
    removed: list[Column] = field(default_factory=list)
    retyped: list[RetypedColumn] = field(default_factory=list)
    reordered: bool = False
    drift: list[ColumnDrift] = field(default_factory=list)
    rows: RowDiff | None = None
    files: FileDiff | None = None
    notes: list[str] = field(default_factory=list)
