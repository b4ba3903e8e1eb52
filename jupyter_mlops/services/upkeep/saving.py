"""A backup: everything of a home that cannot be made again, consistent while the home is in use.

A backup is a folder or a zip file with ``backup.json``, ``home/`` (the home's files; databases as one file
each, journals up to their last complete line) and ``blobs/ab/<digest>``. Left out is what is secret
(``env.json``, the workspace's key), what can be made again (the index, caches) and what belongs to running
processes.

The order makes it consistent: databases first, then files, then blobs. Whatever a row or a record names was
stored before the row or record was written.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from blake3 import blake3

from ...entities.upkeep import BackupReport
from ...errors import Conflict, MlopsError
from ...ownership import KEY_FILE
from ...protocols.blobs import BlobStore
from ...protocols.upkeep import Copying
from ...wire import decode, encode

NAME = "backup.json"
FORMAT = 1
HOME = "home"
BLOBS = "blobs"
CHUNK_BYTES = 4 * 1024 * 1024
LEFT_OUT = frozenset({"active", "blobs", "cache", "damaged", "incoming", "sealing", "sending", "staged"})
"""Folders of a home that a backup does without."""
SECRET = frozenset({"env.json", KEY_FILE})
DATABASE = ".sqlite"
MADE_AGAIN = ("index.sqlite",)
OF_DATABASES = (".sqlite-wal", ".sqlite-shm", ".sqlite-journal", ".damaged")
APPENDED = ".jsonl"
SEALED_ALL = "sealed.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedFile:
    """A file of a backup: its content's BLAKE3 digest and its size."""

    digest: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupManifest:
    """``files`` are those of the home by their path below it; ``blobs`` the sizes of contents by digest."""

    format: int
    workspace: str
    made_at: float
    made_by: str
    version: str
    files: dict[str, SavedFile]
    blobs: dict[str, int]
    notes: list[str] = field(default_factory=list)


class Sink(Protocol):
    """Where a backup is written."""

    def has(self, path: str, size: int) -> bool:
        """Whether an earlier backup has put this content there, which never changes."""
        ...

    def keeps(self, path: str, saved: SavedFile) -> bool:
        """Whether an earlier backup has put just that there."""
        ...

    def write(self, path: str, chunks: Iterable[bytes], *, packed: bool = False) -> SavedFile:
        """A file from a stream; ``packed`` says that compressing it is worth while."""
        ...

    def settle(self) -> None:
        """All that was written is to be there also after a power failure."""
        ...


class FolderSink:
    """A folder, in which later backups replace earlier ones; only new blobs are written."""

    def __init__(self, root: Path) -> None:
        if root.exists() and not (root / NAME).exists() and any(root.iterdir()):
            raise Conflict(
                f"{root} holds something that is no backup: name a new folder, or one that is empty."
            )
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._root = root
        self._before = _files_of(root / NAME)

    def keeps(self, path: str, saved: SavedFile) -> bool:
        return self._before.get(path.removeprefix(f"{HOME}/")) == saved and self.has(path, saved.size_bytes)

    def settle(self) -> None:
        if hasattr(os, "sync"):  # one call for thousands of files
            os.sync()

    def has(self, path: str, size: int) -> bool:
        with suppress(FileNotFoundError):
            return (self._root / path).stat().st_size == size
        return False

    def write(self, path: str, chunks: Iterable[bytes], *, packed: bool = False) -> SavedFile:
        place = self._root / path
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd, name = tempfile.mkstemp(dir=place.parent, prefix=".saving-")
        try:
            with os.fdopen(fd, "wb") as file:
                saved = _copied(chunks, file)
            os.replace(name, place)
        finally:
            Path(name).unlink(missing_ok=True)
        return saved


class ZipSink:
    """A new zip file; blobs lie in it as they are."""

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)

    def has(self, path: str, size: int) -> bool:
        return False

    def keeps(self, path: str, saved: SavedFile) -> bool:
        return False

    def settle(self) -> None:
        pass  # the file is synced when it is whole

    def write(self, path: str, chunks: Iterable[bytes], *, packed: bool = False) -> SavedFile:
        entry = zipfile.ZipInfo(path)
        entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        entry.external_attr = 0o600 << 16
        with self._zip.open(entry, "w", force_zip64=True) as file:
            return _copied(chunks, file)

    def close(self) -> None:
        self._zip.close()


@dataclass(slots=True, kw_only=True)
class Saver:
    """Writes backups of ``home``, whose contents are in ``blobs`` (None where a team keeps them)."""

    home: Path
    blobs: BlobStore | None
    copy_database: Copying
    workspace: str
    made_by: str
    version: str
    now: float
    notes: list[str]

    def save(self, path: Path) -> BackupReport:
        """To a new zip file where ``path`` ends so, else to a folder. Raises Conflict, Unavailable."""
        if path.suffix.lower() != ".zip":
            return self._save(FolderSink(path), path)
        if path.exists():
            raise Conflict(f"{path} is there already: name another file, or remove it.")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(fd, "wb") as file:
                sink = ZipSink(file)
                report = self._save(sink, path)
                sink.close()
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
        return report

    def _save(self, sink: Sink, path: Path) -> BackupReport:
        files: dict[str, SavedFile] = {}
        written = 0
        with self._databases() as copies:
            for name, copy in copies.items():
                files[name] = sink.write(f"{HOME}/{name}", _chunks(copy), packed=True)
                written += 1
        for name, place in home_files(self.home):
            with suppress(FileNotFoundError):  # it went meanwhile
                files[name], is_new = _save_file(sink, f"{HOME}/{name}", place)
                written += is_new
        blobs, new, problems = self._save_blobs(sink)
        sink.settle()
        manifest = BackupManifest(
            format=FORMAT,
            workspace=self.workspace,
            made_at=self.now,
            made_by=self.made_by,
            version=self.version,
            files=files,
            blobs=blobs,
            notes=[*self.notes, *problems],
        )
        # last: without it there is no backup
        sink.write(NAME, [encode(manifest)], packed=True)
        size = sum(each.size_bytes for each in files.values()) + sum(blobs.values())
        return BackupReport(
            path=str(path),
            files=len(files),
            new=written + new,
            size_bytes=size,
            blobs=len(blobs),
            notes=manifest.notes,
        )

    @contextmanager
    def _databases(self) -> Iterator[dict[str, Path]]:
        with tempfile.TemporaryDirectory(prefix="mlops-backup-") as folder:
            copies: dict[str, Path] = {}
            for source in sorted(self.home.glob(f"*{DATABASE}")):
                if source.name not in MADE_AGAIN:
                    self.copy_database(source, copies.setdefault(source.name, Path(folder, source.name)))
            yield copies

    def _save_blobs(self, sink: Sink) -> tuple[dict[str, int], int, list[str]]:
        blobs: dict[str, int] = {}
        new, problems = 0, []
        for blob in self.blobs.stored() if self.blobs is not None else ():
            place = blob_place(blob.digest)
            if not sink.has(place, blob.size_bytes):
                try:
                    sink.write(place, _blob_chunks(self.blobs, blob.digest, blob.size_bytes))
                except MlopsError as error:  # damaged, or collected meanwhile: the others are to be saved
                    problems.append(f"left out: {error.message}")
                    continue
                new += 1
            blobs[blob.digest] = blob.size_bytes
        return blobs, new, problems


def _save_file(sink: Sink, path: str, place: Path) -> tuple[SavedFile, bool]:
    """What was saved, and whether it had to be written: most of a home is as it was."""
    chunks = _whole_lines(place) if path.endswith(APPENDED) else _chunks(place)
    if place.stat().st_size > CHUNK_BYTES:
        return sink.write(path, chunks, packed=True), True
    content = b"".join(chunks)
    saved = SavedFile(digest=blake3(content).hexdigest(), size_bytes=len(content))
    if sink.keeps(path, saved):
        return saved, False
    return sink.write(path, [content], packed=True), True


def _files_of(manifest: Path) -> dict[str, SavedFile]:
    """What the backup before holds; nothing where there is none that can be read."""
    try:
        return decode(manifest.read_bytes(), BackupManifest).files
    except (FileNotFoundError, MlopsError):
        return {}


def home_files(home: Path) -> Iterator[tuple[str, Path]]:
    """The files of a home that belong in a backup, by their path in it; databases are copied on their own."""
    for folder, folders, names in os.walk(home):
        top = Path(folder) == home
        folders[:] = sorted(
            name
            for name in folders
            if not (top and (name in LEFT_OUT or name.startswith((".", "carrying-", "lost+"))))
        )
        for name in sorted(names):
            path = Path(folder, name)
            skipped = name in SECRET or name.startswith(".") or (top and name == SEALED_ALL)
            database = top and name.endswith((DATABASE, *OF_DATABASES))
            if not skipped and not database and path.is_file() and not path.is_symlink():
                yield path.relative_to(home).as_posix(), path


def blob_place(digest: str) -> str:
    """Where a content lies in a backup."""
    return f"{BLOBS}/{digest[:2]}/{digest}"


def _blob_chunks(blobs: BlobStore | None, digest: str, size: int) -> Iterator[bytes]:
    assert blobs is not None
    if size <= CHUNK_BYTES:
        yield blobs.get(digest)
    else:
        yield from _chunks(blobs.path(digest))


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _whole_lines(path: Path) -> Iterator[bytes]:
    """A file that is appended to, up to its last complete line; its writer may be in the middle of one."""
    before = b""
    for chunk in _chunks(path):
        block = before + chunk
        end = block.rfind(b"\n") + 1
        if end:
            yield block[:end]
        before = block[end:]


def _copied(chunks: Iterable[bytes], file: IO[bytes]) -> SavedFile:
    hasher, size = blake3(), 0
    for chunk in chunks:
        file.write(chunk)
        hasher.update(chunk)
        size += len(chunk)
    return SavedFile(digest=hasher.hexdigest(), size_bytes=size)


def copy_tree_aside(home: Path, stamp: str) -> Path:
    """Move a home out of the way, never over something else."""
    aside = home.with_name(f"{home.name}.before-restore-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = home.with_name(f"{home.name}.before-restore-{stamp}-{number}")
    shutil.move(str(home), aside)
    return aside
