"""Files that go along with a job, into its folder: for executors that do not share this file system.

``files/tree/`` keeps the places that the files have to each other, so that ``../lib`` means the same there;
``files/manifest.json`` says where in it the job starts and what its modules are imported from.
"""

from __future__ import annotations

import fnmatch
import glob
import os
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol

from blake3 import blake3

from ...errors import InvalidInput, NotFound
from ...wire import encode
from ..quantities import size_text
from .finding import MOST, FoundFiles, files_below
from .manifest import Entry, Manifest, manifest_path, tree_path

LIMIT_BYTES = 512 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024
SHOWN = 3

SECRETS = re.compile(
    r"\.env(\..+)?|.*\.(pem|key|p12|pfx|jks|kdbx)|id_(rsa|dsa|ecdsa|ed25519).*|\.netrc|\.pgpass|\.pypirc|\.npmrc"
    r"|\.git-credentials|\.htpasswd|credentials(\..+)?|secrets?(\..+)?|.*service[-_]account.*\.json|kaggle\.json",
    re.IGNORECASE,
)
"""Names of files that hold secrets more often than data."""
SECRET_FOLDERS = frozenset({".ssh", ".aws", ".gnupg", ".kube", ".docker", ".azure"})


class Registered(Protocol):
    """Versions of datasets and models that go along."""

    def write(self, files: Path) -> None:
        """Note them in ``files/`` of a job's folder."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """What goes along. ``notes`` say what does not though the code reads it, and how to change that."""

    root: Path
    cwd: Path
    python_path: list[Path]
    files: list[tuple[Path, int]]
    notes: list[str] = field(default_factory=list)
    registered: Registered | None = None

    @property
    def size_bytes(self) -> int:
        return sum(size for _, size in self.files)

    def write(self, folder: Path) -> Manifest:
        """Copy the files into a job's folder. Raises NotFound for one that is gone by now."""
        entries = [self._copy(path, tree_path(folder)) for path, _ in self.files]
        manifest = Manifest(
            cwd=self._place(self.cwd), python_path=list(map(self._place, self.python_path)), files=entries
        )
        manifest_path(folder).parent.mkdir(parents=True, exist_ok=True)
        manifest_path(folder).write_bytes(encode(manifest))
        if self.registered is not None:
            self.registered.write(manifest_path(folder).parent)
        return manifest

    def _place(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _copy(self, path: Path, tree: Path) -> Entry:
        place = self._place(path)
        target = tree / place
        target.parent.mkdir(parents=True, exist_ok=True)
        digest, size = blake3(), 0
        try:
            with path.open("rb") as source, target.open("wb") as copy:
                while chunk := source.read(CHUNK_BYTES):
                    digest.update(chunk)
                    copy.write(chunk)
                    size += len(chunk)
                copy.flush()
                os.fchmod(copy.fileno(), stat.S_IMODE(os.fstat(source.fileno()).st_mode) & 0o700)
        except FileNotFoundError as error:
            raise NotFound(f"{path} was to go along with the job and is gone. Submit again.") from error
        return Entry(path=place, size_bytes=size, digest=digest.hexdigest())


def plan_packing(
    found: FoundFiles,
    *,
    include: Iterable[str] = (),
    exclude: Sequence[str] = (),
    limit_bytes: int = LIMIT_BYTES,
) -> Packing:
    """What would go along: what was found below the job's folder, local modules wherever they lie, and what
    ``include`` names; without what ``exclude`` names and without files that look like secrets.

    The globs start at the job's folder; ``**`` is any depth, a folder all that is below it. Raises NotFound
    for an ``include`` that names nothing, InvalidInput for more bytes than the limit.
    """
    included, named = _included(include, found.cwd)
    notes: list[str] = []
    chosen = {path for path in found.data if _may_go(path, found.cwd, included, notes)}
    chosen = {*chosen, *found.modules, *included}
    kept = [path for path in sorted(chosen) if not _is_excluded(path, found.cwd, exclude)]
    kept = [path for path in kept if path in named or not _is_secret(path, found.cwd, notes)]
    sizes = [(path, _size(path)) for path in kept]
    _check_size(sizes, found.cwd, limit_bytes)
    notes += _absolute_notes(found, set(kept))
    used = [each for each in found.search_path if any(path.is_relative_to(each) for path in found.modules)]
    root = Path(os.path.commonpath([found.cwd, *used, *(path.parent for path in kept)]))
    return Packing(root=root, cwd=found.cwd, python_path=used, files=sizes, notes=notes)


def pack(
    found: FoundFiles,
    folder: Path,
    *,
    include: Iterable[str] = (),
    exclude: Sequence[str] = (),
    limit_bytes: int = LIMIT_BYTES,
) -> Packing:
    """Plan it and copy the files into a job's folder."""
    packing = plan_packing(found, include=include, exclude=exclude, limit_bytes=limit_bytes)
    packing.write(folder)
    return packing


def _included(patterns: Iterable[str], cwd: Path) -> tuple[set[Path], set[Path]]:
    """The files that globs name, and those of them that are named by their very names."""
    found: set[Path] = set()
    named: set[Path] = set()
    for pattern in patterns:
        start = os.path.normpath(cwd / os.path.expanduser(pattern))
        files = {path for each in glob.glob(start, recursive=True) for path in _files_at(Path(each))}
        if not files:
            raise NotFound(f"--include {pattern}: no such file. Names and globs start at {cwd}.")
        found |= files
        if not glob.has_magic(pattern):
            named |= {path for path in files if str(path) == start}
    return found, named


def _files_at(path: Path) -> Iterable[Path]:
    if path.is_file():
        yield path
        return
    for number, each in enumerate(files_below(path)):
        if number >= MOST:
            raise InvalidInput(f"{path} holds more than {MOST} files: name fewer with --include.")
        if each.is_file():
            yield each


def _may_go(path: Path, cwd: Path, included: set[Path], notes: list[str]) -> bool:
    """Whether a data file lies below the job's folder, not only by way of a symbolic link."""
    if path in included:
        return True
    shown = os.path.relpath(path, cwd)
    if not path.is_relative_to(cwd):
        notes.append(f"{shown} lies outside of the job's folder and does not go along: --include {shown}")
        return False
    real = path.resolve()
    if not real.is_relative_to(cwd.resolve()):
        notes.append(f"{shown} is a link to {real} and does not go along: --include {shown}")
        return False
    return True


def _is_excluded(path: Path, cwd: Path, patterns: Sequence[str]) -> bool:
    """A glob means a file by its path or its name, or a folder above it."""
    place = PurePosixPath(os.path.relpath(path, cwd))
    names = [str(place), place.name, *map(str, place.parents), *(each.name for each in place.parents)]
    return any(
        fnmatch.fnmatchcase(name, pattern.rstrip("/").removeprefix("./"))
        for pattern in patterns
        for name in names
        if name
    )


def _is_secret(path: Path, cwd: Path, notes: list[str]) -> bool:
    """A module called ``secrets.py`` is none: it is code that others import."""
    real = path.resolve()
    names = {path.name, real.name} if path.suffix != ".py" else set()
    if not any(map(SECRETS.fullmatch, names)) and SECRET_FOLDERS.isdisjoint({*path.parts, *real.parts}):
        return False
    shown = os.path.relpath(path, cwd)
    notes.append(f"{shown} may hold secrets and does not go along: --include {shown}")
    return True


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise NotFound(f"{path} cannot go along with the job: {error.strerror}.") from error


def _check_size(sizes: Sequence[tuple[Path, int]], cwd: Path, limit_bytes: int) -> None:
    total = sum(size for _, size in sizes)
    if total <= limit_bytes:
        return
    largest = sorted(sizes, key=lambda each: -each[1])[:SHOWN]
    listed = ", ".join(f"{os.path.relpath(path, cwd)} ({size_text(size)})" for path, size in largest)
    raise InvalidInput(
        f"The files of this job are {size_text(total)}, and {size_text(limit_bytes)} may go along. The "
        f"largest: {listed}. Leave some out with --exclude, register large ones as a dataset and load that, "
        "or raise JUPYTER_MLOPS_FILES_CAP_BYTES."
    )


def _absolute_notes(found: FoundFiles, kept: set[Path]) -> list[str]:
    return [
        f"The code names {path} by its absolute path, which is another place there: write "
        f"{os.path.relpath(path, found.cwd)!r}."
        for path in found.absolute
        if path in kept
    ]
