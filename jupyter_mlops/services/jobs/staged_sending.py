"""What a worker elsewhere sends home: what is new in its home, in an order that makes sense at any moment."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from ...config import Settings
from ...journal.layout import all_journals, output_tails
from ...remote.batches import BATCH_BYTES, Batch, Part, batched, digest_of, encode
from ...remote.folder import RemoteFolder
from ...remote.layout import (
    EXIT,
    LOG,
    PRUNE,
    SENT,
    STARTED,
    WORK,
    attempt_path,
    batch_name,
    blob_path,
    object_name,
)
from ...remote.shipping import Tree
from ...wire import decode
from ..files.manifest import Manifest, manifest_path
from ..quantities import size_text

MOST_BYTES = 4 * BATCH_BYTES
"""What is taken at once: after a long absence of the server, more waits on the disk, not in memory."""
SHOWN = 5

logger = logging.getLogger(__name__)


class Sender:
    """Numbers batches from 1; one that could not be sent is sent again as it was before any other."""

    def __init__(self, home: Path, remote: RemoteFolder, job_id: str, attempt: int) -> None:
        self._home, self._remote = home, remote
        self._place = attempt_path(job_id, attempt)
        self._path = home / self._place
        scratch = home / "sending"
        scratch.mkdir()
        self._tree = Tree(home, scratch, lambda digest, path: remote.put_file(object_name(digest), path))
        self._number = 1
        self._waiting: list[bytes] = []
        self._parts: list[Part] = []
        self._written: list[str] = []
        self._beat = 0.0

    def knows(self, path: str) -> None:
        """This was given, and is at home already."""
        self._tree.knows(path)

    def send(self) -> bool:
        """Send what is new; False when there was nothing. Raises Unavailable: then call again."""
        return self._send(self._news(at_once=False))

    def send_rest(self) -> None:
        """Send all there is, and last of all how the attempt ended."""
        while self._send(self._news(at_once=True)):
            pass
        self._send(self._tree.once(f"{self._place}/{EXIT}"))

    def include_written(self, work: Path, job: Path, settings: Settings) -> None:
        """What the job wrote beside its notebook goes home at its end, as far as it is not too large."""
        try:
            found = sorted(_written(work, job), key=lambda path: path.stat().st_size)
        except OSError as error:
            logger.warning("The files that the job wrote cannot be listed: %s", error)
            return
        left, room = [], settings.files_cap_bytes
        for path in found:
            room -= path.stat().st_size
            if room < 0:
                left.append(path)
            else:
                self._written.append(path.relative_to(self._home).as_posix())
        if left:
            size = size_text(sum(path.stat().st_size for path in left))
            names = ", ".join(path.relative_to(work).as_posix() for path in left[:SHOWN])
            note = f"\n{len(left)} files that the job wrote ({size}) are too large to be sent home: {names}. "
            with (self._path / LOG).open("a", encoding="utf-8") as log:
                log.write(note + "Log them as artifacts, or raise JUPYTER_MLOPS_FILES_CAP_BYTES.\n")

    def _send(self, news: Iterator[Part]) -> bool:
        """What waits goes first. Parts that were taken are not lost when the next one cannot be had."""
        self._flush()
        alive = self._has_beaten()
        try:
            size = 0
            for part in news:
                self._parts.append(part)
                size += len(part.data)
                if size > MOST_BYTES:
                    break
        finally:
            parts, self._parts = self._parts, []
            self._waiting += [encode(Batch(parts=each, alive=alive)) for each in batched(parts)]
            if alive and not parts:
                self._waiting.append(encode(Batch(alive=True)))
        self._flush()
        return bool(parts)

    def _flush(self) -> None:
        while self._waiting:
            self._remote.put(batch_name(SENT, self._number), self._waiting[0])
            self._waiting.pop(0)
            self._number += 1

    def _has_beaten(self) -> bool:
        """Whether the worker has left a sign of life since this was asked last."""
        try:
            beat = (self._path / STARTED).stat().st_mtime
        except FileNotFoundError:
            return False
        before, self._beat = self._beat, beat
        return beat != before

    def _news(self, *, at_once: bool) -> Iterator[Part]:
        """Journals end where they ended before the blobs were looked for that they speak of."""
        journals = {key.path(self._home): key.run_id for key in all_journals(self._home)}
        sizes = {path: path.stat().st_size for path in journals}
        for blob in sorted(self._home.glob("blobs/[0-9a-f][0-9a-f]/*")):
            yield from self._tree.once(blob_path(blob.name), blob.name)
        yield from self._tree.once(f"{self._place}/{STARTED}")
        for path, size in sizes.items():
            yield from self._tree.growth(path.relative_to(self._home).as_posix(), size)
        for run_id in sorted(set(journals.values())):
            yield from self._changes(output_tails(self._home, run_id), at_once=at_once)
        log = self._path / LOG
        if log.exists():
            yield from self._tree.growth(f"{self._place}/{LOG}", log.stat().st_size)
        yield from self._changes(self._path, at_once=at_once)
        yield from self._tree.gone(self._place)
        for place in self._written:
            yield from self._tree.change(place, at_once=True)

    def _changes(self, folder: Path, *, at_once: bool) -> Iterator[Part]:
        """Files of a folder that are written anew; not those that have ways of their own."""
        for place, folders, names in os.walk(folder):
            if Path(place) == self._path:
                folders[:] = [each for each in folders if each != WORK]
                names = [each for each in names if each not in (EXIT, STARTED, LOG, PRUNE)]
            for name in sorted(names):
                if not name.startswith("."):
                    path = (Path(place) / name).relative_to(self._home).as_posix()
                    yield from self._tree.change(path, at_once=at_once)


def _written(work: Path, job: Path) -> Iterator[Path]:
    """The files below a job's folder that are not there as they were sent along."""
    manifest = manifest_path(job)
    sent = decode(manifest.read_bytes(), Manifest).files if manifest.exists() else []
    known = {entry.path: entry for entry in sent}
    for place, folders, names in os.walk(work):
        folders[:] = [each for each in folders if each not in ("__pycache__", ".ipynb_checkpoints")]
        for name in names:
            path = Path(place) / name
            entry = known.get(path.relative_to(work).as_posix())
            if path.is_symlink() or not path.is_file():
                continue
            same_size = entry is not None and path.stat().st_size == entry.size_bytes
            if entry is None or not same_size or digest_of(path) != entry.digest:
                yield path
