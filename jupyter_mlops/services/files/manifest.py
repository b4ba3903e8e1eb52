"""What lies in ``files/`` of a job's folder, and the worker's side: unpacking it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from blake3 import blake3

from ...entities import JobSpec
from ...errors import InvalidInput
from ...wire import decode

CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file: its place in the tree, and what it must be."""

    path: str
    size_bytes: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Places are relative to the tree's root: ``cwd`` is where the job starts."""

    cwd: str
    python_path: list[str] = field(default_factory=list)
    files: list[Entry] = field(default_factory=list)


def manifest_path(folder: Path) -> Path:
    return folder / "files" / "manifest.json"


def tree_path(folder: Path) -> Path:
    return folder / "files" / "tree"


def unpack(folder: Path, target: Path) -> Manifest | None:
    """Copy what went along with a job to ``target``, verified; None where nothing did.

    Each attempt gets copies of its own: what one writes over, the next one finds as it was sent. Raises
    InvalidInput for a file that is not what was sent, or whose place is not below ``target``.
    """
    path = manifest_path(folder)
    if not path.exists():
        return None
    manifest = decode(path.read_bytes(), Manifest)
    for place in (manifest.cwd, *manifest.python_path):
        _below(target, place).mkdir(parents=True, exist_ok=True)
    for entry in manifest.files:
        _copy(tree_path(folder) / _below(Path(), entry.path), _below(target, entry.path), entry)
    return manifest


def at_unpacked(spec: JobSpec, folder: Path, target: Path) -> JobSpec:
    """The job as it is where its files were unpacked: with another folder and module path.

    As it was where nothing went along. Folders of its module path that are there, too, come last.
    """
    manifest = unpack(folder, target)
    if manifest is None:
        return spec
    python_path = [str(_below(target, each)) for each in manifest.python_path]
    shared = [each for each in spec.python_path if Path(each).is_dir()]
    return replace(spec, cwd=str(_below(target, manifest.cwd)), python_path=[*python_path, *shared])


def _copy(source: Path, target: Path, entry: Entry) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = blake3()
    try:
        with source.open("rb") as original, target.open("wb") as copy:
            while chunk := original.read(CHUNK_BYTES):
                digest.update(chunk)
                copy.write(chunk)
        shutil.copymode(source, target)
    except FileNotFoundError as error:
        raise InvalidInput(f"{entry.path} was sent with the job and is not in its folder.") from error
    if digest.hexdigest() != entry.digest:
        target.unlink()
        raise InvalidInput(f"{entry.path} is not the file that was sent with the job: its digest differs.")


def _below(target: Path, place: str) -> Path:
    pure = PurePosixPath(place)
    if pure.is_absolute() or ".." in pure.parts or os.sep in place.replace("/", ""):
        raise InvalidInput(f"The job's files have a place {place!r}, which leads out of their folder.")
    return target / pure
