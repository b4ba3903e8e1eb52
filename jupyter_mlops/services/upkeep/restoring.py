"""Making a home of a backup: verified whole beside the place, then moved there at once.

Whoever had the backup may have changed it. So it brings no key, and vouches for nothing by itself: models and
feature views are the user's own again where the home that is replaced has the key that proved them.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from blake3 import blake3

from ...entities.upkeep import BackupReport
from ...errors import Conflict, Corrupt, InvalidInput, NotFound
from ...ownership import ID_FILE, KEY_FILE, workspace_id
from ...wire import decode
from ..sealing.packing import checked_path
from .saving import (
    BLOBS,
    CHUNK_BYTES,
    FORMAT,
    HOME,
    NAME,
    SECRET,
    BackupManifest,
    blob_place,
    copy_tree_aside,
)

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
ABANDONED_AFTER_S = 86400.0
MANIFEST_BYTES = 1024 * 1024 * 1024
PROVED = (
    "Models and feature views that this home proves to be yours load as before; those that were registered "
    "before there were proofs ask for trust=True."
)
UNPROVED = (
    "The key that proves which models and feature views are yours is in no backup: those that run code of "
    "their author's ask for trust=True, or to be registered again."
)

Open = Callable[[str], IO[bytes]]


@dataclass(slots=True, kw_only=True)
class Restorer:
    """``check`` says what is wrong with a staged home's registry: its file, its chain of decisions.

    ``disown`` has it vouch for no version that has no proof.
    """

    check: Callable[[Path], Iterable[str]]
    disown: Callable[[Path], object]
    in_use: Callable[[], bool]
    now: float

    def restore(self, source: Path, home: Path, *, force: bool = False) -> BackupReport:
        """Make ``home`` what the backup holds; nothing of it is seen before all of it was verified.

        Raises NotFound and InvalidInput for what is no backup, which is looked at first, Conflict where
        ``home`` holds something, unless ``force``: then that is moved aside, never deleted; and Corrupt for a
        backup that is damaged.
        """
        with opened(source) as file_of:
            manifest = read_manifest(file_of, source)
            self._require_room(home, force=force)
            home.parent.mkdir(parents=True, exist_ok=True)
            prefix = f".{home.name}.restoring-"
            self._forget_abandoned(home.parent, prefix)
            staged = Path(tempfile.mkdtemp(dir=home.parent, prefix=prefix))
            try:
                self._stage(manifest, file_of, staged)
                proves = _keep_key(home, staged)
                aside = self._replace(staged, home)
            finally:
                shutil.rmtree(staged, ignore_errors=True)
        size = sum(each.size_bytes for each in manifest.files.values()) + sum(manifest.blobs.values())
        moved = [f"What was in {home} is now in {aside}."] if aside is not None else []
        return BackupReport(
            path=str(home),
            files=len(manifest.files),
            new=len(manifest.files) + len(manifest.blobs),
            size_bytes=size,
            blobs=len(manifest.blobs),
            notes=[*manifest.notes, PROVED if proves else UNPROVED, *moved],
        )

    def _forget_abandoned(self, folder: Path, prefix: str) -> None:
        """Delete what restores that were killed more than a day ago left beside the home."""
        for entry in os.scandir(folder):
            if entry.name.startswith(prefix) and self.now - entry.stat().st_mtime > ABANDONED_AFTER_S:
                shutil.rmtree(entry.path, ignore_errors=True)

    def _require_room(self, home: Path, *, force: bool) -> None:
        """Raises Conflict where a home cannot be put now."""
        if _holds_something(home) and not force:
            raise Conflict(
                f"{home} holds something already. Restore into another folder with --into FOLDER, or add "
                "--force: what is there is moved aside then."
            )
        if self.in_use():
            raise Conflict(f"An agent works in {home}: stop it first, with jupyter mlops agent stop.")

    def _stage(self, manifest: BackupManifest, file_of: Open, staged: Path) -> None:
        for path, entry in manifest.files.items():
            _write(file_of, f"{HOME}/{path}", staged / path, entry.digest, entry.size_bytes, mode=0o600)
        for digest, size in manifest.blobs.items():
            _write(file_of, blob_place(digest), staged / blob_place(digest), digest, size, mode=0o444)
        if problems := list(self.check(staged)):
            raise Corrupt(f"The registry in the backup is damaged: {problems[0]}")
        if (staged / KEY_FILE).exists():  # by a name that this file system takes for the same
            raise InvalidInput(f"The backup brings a {KEY_FILE}: it is forged.")
        self.disown(staged)

    def _replace(self, staged: Path, home: Path) -> Path | None:
        aside = None
        if _holds_something(home):
            stamp = datetime.fromtimestamp(self.now).strftime("%Y%m%d-%H%M%S")
            aside = copy_tree_aside(home, stamp)
        elif home.is_dir():
            home.rmdir()
        try:
            os.rename(staged, home)
        except OSError:
            if aside is not None:
                os.rename(aside, home)
            raise
        return aside


def _keep_key(home: Path, staged: Path) -> bool:
    """Take the key of the home that is replaced along where the backup was made of it; False elsewhere."""
    if workspace_id(staged) != _id_of(home) or not (home / KEY_FILE).is_file():
        return False
    shutil.copy2(home / KEY_FILE, staged / KEY_FILE)
    return True


def _id_of(home: Path) -> str | None:
    return workspace_id(home) if (home / ID_FILE).is_file() else None


def read_manifest(file_of: Open, source: Path) -> BackupManifest:
    """A manifest whose paths can be trusted to stay where they belong. Raises NotFound, InvalidInput."""
    try:
        with file_of(NAME) as file:
            manifest = decode(file.read(MANIFEST_BYTES), BackupManifest)
    except NotFound as error:
        raise NotFound(f"No backup in {source}: it has no {NAME}.") from error
    if manifest.format != FORMAT:
        raise InvalidInput(
            f"The backup has format {manifest.format}, and this version reads {FORMAT}. "
            "Update jupyter-mlops: pip install -U jupyter-mlops"
        )
    for path in manifest.files:
        checked_path(path)
        if path.split("/")[0] == BLOBS or path.rpartition("/")[2] in SECRET:
            raise InvalidInput(f"Not a file of a backup: {path!r}. The backup is damaged or forged.")
    for digest in manifest.blobs:
        if not _DIGEST.match(digest):
            raise InvalidInput(f"Not the digest of a blob: {digest!r}. The backup is damaged or forged.")
    return manifest


@contextmanager
def opened(source: Path) -> Iterator[Open]:
    """Gives the files of a backup by their paths. Raises NotFound."""
    if source.is_dir():
        yield lambda path: _in_folder(source, path)
        return
    if not source.is_file():
        raise NotFound(f"No backup at {source}.")
    try:
        with zipfile.ZipFile(source) as archive:
            yield lambda path: _in_zip(archive, path)
    except zipfile.BadZipFile as error:
        raise Corrupt(f"{source} is no whole zip file: {error}.") from error


def _in_folder(root: Path, path: str) -> IO[bytes]:
    place = root / path
    if place.is_symlink() or not place.is_file():
        raise NotFound(f"The backup {root} has no file {path!r}: it is incomplete.")
    return place.open("rb")


def _in_zip(archive: zipfile.ZipFile, path: str) -> IO[bytes]:
    try:
        return archive.open(path)
    except KeyError:
        raise NotFound(f"The backup {archive.filename} has no file {path!r}: it is incomplete.") from None
    except (NotImplementedError, RuntimeError) as error:
        raise Corrupt(f"{path} of the backup cannot be read: {error}") from error


def _write(file_of: Open, path: str, place: Path, digest: str, size: int, *, mode: int) -> None:
    """Copy a file of the backup, read no further than it should be long. Raises Corrupt."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    hasher, count = blake3(), 0
    try:
        with (
            file_of(path) as source,
            open(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as to,
        ):
            while count <= size and (chunk := source.read(CHUNK_BYTES)):
                to.write(chunk)
                hasher.update(chunk)
                count += len(chunk)
    except (zipfile.BadZipFile, EOFError) as error:
        raise Corrupt(f"{path} of the backup cannot be read: {error}") from error
    if count != size or hasher.hexdigest() != digest:
        raise Corrupt(
            f"{path} of the backup is damaged: its content is not what it was. Nothing was restored."
        )


def _holds_something(home: Path) -> bool:
    return home.exists() and (not home.is_dir() or any(home.iterdir()))
