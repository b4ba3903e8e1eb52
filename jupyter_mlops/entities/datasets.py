"""Datasets: contents with a name, versions, aliases and what people say of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .registry import Details, VersionStatus, pretty, several
from .runs import VersionRef


class DatasetKind(str, Enum):
    """A table (Parquet), an array (``.npy``), one file as it is, or a folder (a manifest of digests)."""

    TABLE = "table"
    ARRAY = "array"
    FILE = "file"
    FOLDER = "folder"


class Storage(str, Enum):
    """Whether the content lies in the blobs, or stays where it is: then ``uri`` says where."""

    COPY = "copy"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a tabular dataset; ``type`` is Arrow's name of it."""

    name: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetVersion:
    """One immutable content under a dataset's name. ``version`` is None while pending.

    ``digest`` is BLAKE3 of the file, or of a folder's manifest. ``uri`` is where a reference's content lies
    (an absolute path or an fsspec URL); ``query`` the SQL text whose result was kept. ``inputs`` are the
    versions that it was made from and ``view`` the feature view that made it, where that is known beyond its
    run. ``imported`` is one that only an import from another workspace brought: ``latest`` does not mean it
    where there is one that was registered here. ``aliases`` and ``tags`` are not the version's own: they may
    change.
    """

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
    files: int | None = None
    source: str = ""
    storage: Storage = Storage.COPY
    uri: str | None = None
    query: str | None = None
    inputs: list[VersionRef] = field(default_factory=list)
    view: VersionRef | None = None
    run_id: str | None = None
    description: str = ""
    status: VersionStatus = VersionStatus.READY
    aliases: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    imported: bool = False

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a cell shows of it: a line (IPython's protocol of pretty printing)."""
        columns = None if self.columns is None else len(self.columns)
        extent = [several(self.rows, "row"), several(columns, "column"), several(self.files, "file")]
        place = self.uri if self.storage is Storage.REFERENCE else None
        facts = [self.kind.value, *extent, several(self.size_bytes, "byte"), place and f"at {place}"]
        printer.text(pretty("DatasetVersion", self.name, self.version, [*facts, *self.aliases]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A name, its versions (newest first) and which version each alias points at."""

    name: str
    versions: list[DatasetVersion]
    aliases: dict[str, int] = field(default_factory=dict)
    details: Details = field(default_factory=Details)
    seq: int = 0

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        aliases = [f"{alias}: {version}" for alias, version in self.aliases.items()]
        printer.text(pretty("Dataset", self.name, "", [several(len(self.versions), "version"), *aliases]))
