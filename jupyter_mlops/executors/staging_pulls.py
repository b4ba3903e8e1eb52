"""One look at what a worker elsewhere has sent, and at what it is to be told."""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

import msgspec

from ..errors import Corrupt, InvalidInput
from ..remote.batches import GONE, Batch, apply, decode
from ..remote.folder import RemoteFolder
from ..remote.layout import (
    PRUNE,
    SENT,
    STARTED,
    WISHES,
    Wishes,
    attempt_path,
    batch_name,
    object_name,
    of_worker,
)
from .staging_state import Key, State, States

MOST_AT_ONCE = 16
"""So many batches are fetched together after a long absence."""

logger = logging.getLogger(__name__)


class Pull:
    """Applies the batches from ``state.next`` on; any of it may be done twice."""

    def __init__(self, home: Path, states: States, key: Key, state: State) -> None:
        self._home, self._states, self._key, self._state = home, states, key, state
        self._remote = RemoteFolder(state.url).child(str(key.attempt))
        self._attempt = home / attempt_path(key.job_id, key.attempt)
        self._allowed = of_worker(key.job_id, key.attempt)

    def run(self, *, stop: bool = False) -> None:
        """Raises Unavailable when the server does not answer, OSError when this disk is full."""
        self._tell(stop)
        width = 1
        while self._next(width) == width:
            width = min(2 * width, MOST_AT_ONCE)

    def _next(self, width: int) -> int:
        """Apply at most so many batches; returns how many there were."""
        first = self._state.next
        names = [batch_name(SENT, first + each) for each in range(width)]
        found = self._remote.get_many(names)
        there = found.index(None) if None in found else len(found)
        if not there:
            return 0
        objects: list[str] = []
        for number, data in enumerate(found[:there]):
            assert data is not None
            batch = self._decoded(data, first + number)
            objects += [part.digest for part in batch.parts if part.digest]
            self._apply(batch)
        self._state = msgspec.structs.replace(self._state, next=first + there)
        self._states.write(self._key, self._state)
        self._remote.delete(*names[:there], *map(object_name, objects))
        return there

    @staticmethod
    def _decoded(data: bytes, number: int) -> Batch:
        """What cannot be read is left out, or nothing that follows would ever arrive."""
        try:
            return decode(data)
        except Corrupt as error:
            logger.warning("Batch %s is left out: %s", number, error)
            return Batch()

    def _apply(self, batch: Batch) -> None:
        for part in batch.parts:
            self._make_entry(part.path)
            try:
                if part.kind == GONE and not part.path.startswith("jobs/"):
                    raise InvalidInput(f"{part.path} is not the worker's to delete.")
                apply(part, self._home, self._allowed, self._fetch)
            except (Corrupt, InvalidInput) as error:
                logger.warning("A file of job %s is left out: %s", self._key.job_id, error)
                continue
            if part.kind != GONE:
                _sync(self._home / part.path)
        if batch.alive:  # by this machine's clock: the other one's may be wrong
            with contextlib.suppress(FileNotFoundError):
                os.utime(self._attempt / STARTED)

    def _make_entry(self, path: str) -> None:
        """Readers look for a journal only where ``active/`` says that there is one."""
        parts = path.split("/")
        if parts[0] != "runs" or len(parts) != 4 or parts[2] != "journal":
            return
        if not self._allowed.fullmatch(path) or "." in parts[1]:
            return
        entry = self._home / "active" / f"{parts[1]}.{parts[3].removesuffix('.jsonl')}"
        entry.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(entry, os.O_CREAT | os.O_WRONLY, 0o600))

    def _fetch(self, digest: str, target: Path) -> bool:
        return self._remote.fetch(object_name(digest), target)

    def _tell(self, stop: bool) -> None:
        """Leave the wishes that the worker has not been told."""
        try:
            prune = (self._attempt / PRUNE).read_text(encoding="utf-8")
        except OSError:
            prune = ""
        wishes = Wishes(stop=stop or self._state.wishes.stop, prune=prune)
        if wishes != self._state.wishes:
            self._remote.put(WISHES, msgspec.json.encode(wishes))
            self._state = msgspec.structs.replace(self._state, wishes=wishes)
            self._states.write(self._key, self._state)


def _sync(path: Path) -> None:
    """The copy behind the URL is deleted next."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
