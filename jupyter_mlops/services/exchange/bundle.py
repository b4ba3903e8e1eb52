"""What is in the file of a model version.

::

    manifest.json     which files there are, and what their contents must be
    README.md card.md what people read
    model.json        the version, what was said of it, and where its alias had been
    datasets.json     the dataset versions that it was made from, with their profiles
    run.zip           the training run, as ``export_run`` writes it
    blobs/<digest>    the model, its example, requirements and code; of datasets only when asked for
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...entities import DatasetVersion, Details, ModelVersion, Move, Profile, VersionRef
from ...errors import InvalidInput
from ...wire import decode
from ..runs.export.manifest import NAME, FileEntry, check_path

__all__ = ["DATASETS", "FORMAT", "KIND", "MODEL", "NAME", "RUN", "Bundle", "DatasetRow", "ModelRow", "parse"]

FORMAT = 1
KIND = "model"
MODEL, DATASETS, RUN = "model.json", "datasets.json", "run.zip"

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The manifest. ``missing`` are contents that could not be had when it was written."""

    kind: str
    format: int
    name: str
    version: int
    exported_at: float
    exported_by: str
    origin: str
    written_with: str
    files: dict[str, FileEntry]
    blobs: dict[str, str]
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """The version as it is registered there; ``keys`` are those of the records that registered it."""

    version: ModelVersion
    said: Details = field(default_factory=Details)
    keys: list[str] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRow:
    """A dataset version as it is registered there; ``contents`` are the blobs that it consists of.

    ``profile_format`` is that of the program that computed the ``profile``.
    """

    version: DatasetVersion
    said: Details = field(default_factory=Details)
    profile: Profile | None = None
    profile_format: int = 0
    contents: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRows:
    """All that the model was made from; ``unknown`` are those that are in no registry."""

    rows: list[DatasetRow] = field(default_factory=list)
    unknown: Sequence[VersionRef] = ()


def parse(data: bytes) -> Bundle:
    """A manifest whose names can be trusted to stay where they belong. Raises InvalidInput."""
    bundle = decode(data, Bundle)
    if bundle.kind != KIND:
        raise InvalidInput(f"The file holds a {bundle.kind!r}, not a model.")
    if bundle.format != FORMAT:
        raise InvalidInput(
            f"The file has format {bundle.format}, and this version reads {FORMAT}. "
            "Update jupyter-mlops: pip install -U jupyter-mlops"
        )
    for path, entry in bundle.files.items():
        check_path(path)
        if entry.size_bytes < 0:
            raise InvalidInput(f"The file says that {path!r} has {entry.size_bytes} bytes.")
    for path in (MODEL, DATASETS):
        if path not in bundle.files:
            raise InvalidInput(f"The file has no {path}: it is no whole export of a model.")
    for digest, path in bundle.blobs.items():
        listed = bundle.files.get(path)
        if not _DIGEST.match(digest) or listed is None or listed.digest != digest:
            raise InvalidInput(f"The file says of {path!r} that it holds {digest!r}, and lists it otherwise.")
    return bundle
