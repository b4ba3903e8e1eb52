"""Taking an exported run in: verified first, then all at once."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....capture.processes import current_process
from ....config import Settings
from ....entities import Run
from ....errors import Conflict, Corrupt, NotFound
from ....journal import JournalKey, JournalWriter
from ....journal.records import Close, Context, Join
from ....protocols.blobs import BlobStore
from ....protocols.clock import Clock
from ....protocols.runs import EDITOR
from ...registry.deciding import Access
from ..service import RunService
from .manifest import NAME, Manifest, parse
from .origin import write_origin
from .places import Source, source_of, write_verified

MANIFEST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The run, and whether it came in now (``new``) or had been there already."""

    run: Run
    new: bool


@dataclass(slots=True)
class RunImporter:
    """Nothing of a run is seen before all of it has been verified and is in its place."""

    runs: RunService
    blobs: BlobStore
    settings: Settings
    access: Access
    clock: Clock

    def read(self, path: Path, *, registers: bool = True) -> Imported:
        """Take in the export at ``path``, a folder or a zip file; a run that is here already is left alone.

        Unless it ``registers``, no version is made here of what it registered there.
        Raises NotFound, InvalidInput or Corrupt for what is no (whole) export, Conflict when the run is here
        with other content, and Forbidden when the user may register nothing.
        """
        with source_of(path) as source, self._staged(source) as (manifest, staged):
            new = self._publish(manifest, staged, registers=registers)
        return Imported(run=self.runs.get(manifest.run_id), new=new)

    def check(self, path: Path) -> Manifest:
        """What is in an export that could be taken in. Raises as :meth:`read` does, and shows nothing."""
        with source_of(path) as source, self._staged(source) as (manifest, staged):
            place = self.settings.home / "runs" / manifest.run_id
            if place.exists():
                _require_same(place, staged / "run", manifest)
        return manifest

    @contextmanager
    def _staged(self, source: Source) -> Iterator[tuple[Manifest, Path]]:
        """The export's files, verified, in a folder of this home; its blobs where they belong."""
        manifest = _manifest(source)
        self.access.require(self.settings.user, "register", f"run:{manifest.run_id}")
        incoming = self.settings.home / "incoming"
        incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        staged = Path(tempfile.mkdtemp(dir=incoming))
        try:
            self._stage(source, manifest, staged)
            yield manifest, staged
        finally:
            shutil.rmtree(staged, ignore_errors=True)
            with suppress(OSError):
                incoming.rmdir()

    def _stage(self, source: Source, manifest: Manifest, staged: Path) -> None:
        (staged / "run" / "journal").mkdir(parents=True)
        for writer, path in manifest.journals.items():
            write_verified(source, path, manifest.files[path], staged / "run" / "journal" / f"{writer}.jsonl")
        if manifest.tails:
            (staged / "run" / "outputs").mkdir()
        for name, path in manifest.tails.items():
            write_verified(source, path, manifest.files[path], staged / "run" / "outputs" / name)
        for digest, path in manifest.blobs.items():
            if self.blobs.exists(digest):
                continue
            content = staged / "content"
            write_verified(source, path, manifest.files[path], content)
            self.blobs.put_file(content)
            content.unlink()

    def _publish(self, manifest: Manifest, staged: Path, *, registers: bool) -> bool:
        """Put the run in its place, whole; False when it was there."""
        home, run_id = self.settings.home, manifest.run_id
        place = home / "runs" / run_id
        if place.exists():
            _require_same(place, staged / "run", manifest)
            self._announce(manifest)
            return False
        place.parent.mkdir(parents=True, exist_ok=True)
        write_origin(staged / "run", manifest, by=self.settings.user, registers=registers)
        try:
            os.rename(staged / "run", place)
        except OSError as error:  # somebody else imports it now
            if not place.exists():
                raise
            raise Conflict(f"Run {run_id} has just come to be here. Import it again to compare.") from error
        self._announce(manifest)
        self._note_origin(manifest)
        return True

    def _announce(self, manifest: Manifest) -> None:
        """Let the readers see the journals; those that are in the index already are soon retired again."""
        for writer in manifest.journals:
            entry = JournalKey(manifest.run_id, writer).active_entry(self.settings.home)
            entry.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(entry, os.O_CREAT | os.O_WRONLY, 0o600))

    def _note_origin(self, manifest: Manifest) -> None:
        """Say in the run's context that it came from elsewhere, in a journal of the importer's own."""
        origin: dict[str, Any] = {
            "from": manifest.exported_by,
            "exported_at": manifest.exported_at,
            "workspace": manifest.origin,
            "imported_at": self.clock(),
            "by": f"{self.settings.user}@{self.settings.host}",
            "missing": manifest.missing,
        }
        journal = JournalWriter(self.settings.home, manifest.run_id, clock=self.clock)
        try:
            journal.append(Join(process=current_process(), role=EDITOR))
            journal.append(Context(values={"imported": origin}))
            journal.append(Close())
        finally:
            journal.close()


def _manifest(source: Source) -> Manifest:
    try:
        file = source.open(NAME)
    except NotFound as error:
        raise NotFound(f"{error.message} An export holds a {NAME}: jupyter mlops export RUN PATH") from error
    with file:
        data = file.read(MANIFEST_BYTES + 1)
    if len(data) > MANIFEST_BYTES:
        raise Corrupt(f"The {NAME} of the export is larger than any that we write.")
    return parse(data)


def _require_same(place: Path, staged: Path, manifest: Manifest) -> None:
    """Each journal of the export must be one that is here, or the beginning of it: journals only grow."""
    for writer in manifest.journals:
        here, other = (folder / "journal" / f"{writer}.jsonl" for folder in (place, staged))
        if not here.exists() or not _begins_with(here, other):
            raise Conflict(
                f"Run {manifest.run_id} is here already, with other content than in the export "
                f"(journal {writer}). Nothing was changed."
            )


def _begins_with(whole: Path, beginning: Path) -> bool:
    if whole.stat().st_size < beginning.stat().st_size:
        return False
    with whole.open("rb") as a, beginning.open("rb") as b:
        while chunk := b.read(1024 * 1024):
            if a.read(len(chunk)) != chunk:
                return False
    return True
