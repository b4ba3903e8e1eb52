"""``manifest.json`` of an exported run: which files belong to it, and what their contents must be."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ....entities import is_id
from ....errors import InvalidInput
from ....wire import decode

NAME = "manifest.json"
FORMAT = 1

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """A file of the export: its content's BLAKE3 digest and its size."""

    digest: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an import needs.

    ``journals`` and ``tails`` are by the name that they have in the workspace (the writer's id, the tail's
    file name); ``blobs`` says in which file of the export the content of a digest lies. ``missing`` are the
    digests that the run names and that could not be had when it was exported.
    """

    format: int
    run_id: str
    name: str
    exported_at: float
    exported_by: str
    origin: str
    version: str
    files: dict[str, FileEntry]
    journals: dict[str, str]
    tails: dict[str, str] = field(default_factory=dict)
    blobs: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def parse(data: bytes) -> Manifest:
    """A manifest whose names can be trusted to stay where they belong. Raises InvalidInput."""
    manifest = decode(data, Manifest)
    if manifest.format != FORMAT:
        raise InvalidInput(
            f"The export has format {manifest.format}, and this version reads {FORMAT}. "
            "Update jupyter-mlops: pip install -U jupyter-mlops"
        )
    if not is_id(manifest.run_id):
        raise InvalidInput(f"The export's run has no id of ours: {manifest.run_id!r}.")
    if not manifest.journals:
        raise InvalidInput(f"The export of run {manifest.run_id} has no journal.")
    for name in (*manifest.journals, *manifest.tails):
        if not _PART.match(name) or ".." in name:
            raise InvalidInput(f"Not the name of a journal: {name!r}. The export is damaged or forged.")
    for digest, path in manifest.blobs.items():
        entry = manifest.files.get(path)
        if not _DIGEST.match(digest) or entry is None or entry.digest != digest:
            raise InvalidInput(
                f"The export says of {path!r} that it holds {digest!r}, and lists it otherwise."
            )
    for path in (*manifest.journals.values(), *manifest.tails.values()):
        if path not in manifest.files:
            raise InvalidInput(f"The export names {path!r} and does not list it.")
    for path in manifest.files:
        check_path(path)
    return manifest


def check_path(path: str) -> str:
    """A path that stays within the export. Raises InvalidInput for any other."""
    parts = path.split("/")
    if path.startswith("/") or "\\" in path or ":" in path or "\0" in path or {"", ".", ".."} & set(parts):
        raise InvalidInput(f"Not a path within an export: {path!r}.")
    return path
