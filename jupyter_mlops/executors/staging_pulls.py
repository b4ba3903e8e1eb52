"""One look at what a worker elsewhere has sent, and at what it is to be told.

More people than this home's owner may be able to write behind the URL: what arrives may add blobs, and runs
that this home has not had, and changes nothing else beyond its attempt's folder.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from pathlib import Path

import msgspec
from blake3 import blake3

from ..entities import Started
from ..errors import Corrupt, InvalidInput
from ..remote.batches import GONE, ONCE, Batch, Part, apply, decode
from ..remote.folder import RemoteFolder
from ..remote.layout import (
    BLOB,
    OF_RUN,
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
from ..wire import decode as decode_entity
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
            try:
                self._check(part)
                self._make_entry(part.path)
                of_run = OF_RUN.fullmatch(part.path)
                only_grows = of_run is not None and of_run["writer"] is not None
                apply(part, self._home, self._allowed, self._fetch, only_grows=only_grows)
            except (Corrupt, InvalidInput) as error:
                logger.warning("A file of job %s is left out: %s", self._key.job_id, error)
                continue
            if part.kind != GONE:
                _sync(self._home / part.path)
        if batch.alive:  # by this machine's clock: the other one's may be wrong
            with contextlib.suppress(FileNotFoundError):
                os.utime(self._attempt / STARTED)

    def _check(self, part: Part) -> None:
        """Raises InvalidInput for what would change or forge what this home has; Corrupt for a wrong blob."""
        if part.kind == GONE and not part.path.startswith("jobs/"):
            raise InvalidInput(f"{part.path} is not the worker's to delete.")
        if re.fullmatch(BLOB, part.path):
            _check_blob(part)
        elif of_run := OF_RUN.fullmatch(part.path):
            self._claim(of_run["run"])
            if of_run["run"] not in self._state.runs:
                raise InvalidInput(f"{part.path} belongs to a run that the worker has not made.")
        elif self._home / part.path == self._attempt / STARTED:
            with contextlib.suppress(InvalidInput):
                self._claim(decode_entity(part.data, Started).run_id)

    def _claim(self, run_id: str) -> None:
        """A run that is not here is the worker's to make; that is noted before anything of it is here."""
        if run_id in self._state.runs or (self._home / "runs" / run_id).exists():
            return
        self._state = msgspec.structs.replace(self._state, runs=[*self._state.runs, run_id])
        self._states.write(self._key, self._state)

    def _make_entry(self, path: str) -> None:
        """Readers look for a journal only where ``active/`` says that there is one."""
        of_run = OF_RUN.fullmatch(path)
        if of_run is None or of_run["writer"] is None or "." in of_run["run"]:
            return
        entry = self._home / "active" / f"{of_run['run']}.{of_run['writer']}"
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


def _check_blob(part: Part) -> None:
    """A blob's name is the digest of its contents, and what is there stays."""
    name = part.path.rpartition("/")[2]
    if part.kind != ONCE:
        raise InvalidInput(f"{part.path} is not the worker's to change.")
    if (found := part.digest or blake3(part.data).hexdigest()) != name or part.path.split("/")[1] != name[:2]:
        raise Corrupt(f"The contents of {part.path} are those of {found}.")


def _sync(path: Path) -> None:
    """The copy behind the URL is deleted next."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
