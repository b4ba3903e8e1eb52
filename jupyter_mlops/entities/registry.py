"""Datasets, models, their versions, lineage and the audit trail."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class VersionStatus(str, Enum):
    """``PENDING``: recorded in a journal that no registry has seen yet."""

    READY = "ready"
    PENDING = "pending"


class DatasetKind(str, Enum):
    """A table (Parquet), one file as it is, or a folder (a manifest of digests)."""

    TABLE = "table"
    FILE = "file"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a tabular dataset; ``type`` is Arrow's name of it."""

    name: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetVersion:
    """One immutable content under a dataset's name. ``version`` is None while pending."""

    name: str
    version: int | None
    kind: DatasetKind
    digest: str
    size_bytes: int
    file_name: str
    created_at: float
    created_by: str
    rows: int | None = None
    columns: list[Column] | None = None
    source: str = ""
    run_id: str | None = None
    description: str = ""
    status: VersionStatus = VersionStatus.READY


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A name and its versions, newest first."""

    name: str
    versions: list[DatasetVersion]
    seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """One immutable stored model under a model's name. ``version`` is None while pending.

    ``format`` is how the blob is encoded (``cloudpickle``); ``packages`` the versions that were
    installed when it was stored; ``metrics`` those of the run that made it, at that time.
    """

    name: str
    version: int | None
    digest: str
    size_bytes: int
    class_name: str
    format: str
    created_at: float
    created_by: str
    run_id: str | None = None
    aliases: list[str] = field(default_factory=list)
    packages: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    description: str = ""
    origin: str = ""
    status: VersionStatus = VersionStatus.READY


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A name, its versions (newest first) and which version each alias points at."""

    name: str
    versions: list[ModelVersion]
    aliases: dict[str, int] = field(default_factory=dict)
    seq: int = 0


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A thing in the lineage graph.

    ``id`` is ``run:<id>``, ``job:<id>``, ``dataset:<name>@<version>`` or ``model:<name>@<version>``.
    """

    id: str
    kind: str
    label: str
    status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """``source`` led to ``target``; ``relation`` is read, registered, ran, submitted or contains."""

    source: str
    target: str
    relation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """The graph around one node: all that led to it and all that it led to."""

    focus: str
    nodes: list[Node]
    edges: list[Edge]
