"""Taking what is new in the journals into the index; any number of processes may do it at once."""

from __future__ import annotations

import gc
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from ...config import Settings
from ...entities import Process
from ...errors import MlopsError, Unavailable
from ...journal import JournalKey, active_journals, all_journals, read_chunk, retire
from ...journal.layout import SUFFIX
from ...journal.records import Register
from ...protocols.clock import Clock
from ...protocols.runs import Delta, JournalState, Registration, RunIndex
from ..sealing.seams import NothingSealed, Sealing
from .data_digests import is_open
from .folding import fold
from .foreign import as_of_elsewhere
from .liveness import Witness

logger = logging.getLogger(__name__)

BATCH_BYTES = 8 * 1024 * 1024
BATCH_JOURNALS = 1000
MANY_JOURNALS = 100
ATTEMPTS = 20
PATIENCE_S = 1.0
"""For how long an ingest may find that the registry does not answer."""
FORGOTTEN_AFTER_S = 7 * 86400.0
"""A writer that nobody can look at counts as dead when it has been silent for so long."""
SEVERAL_INDEXES_GRACE_S = 7 * 86400.0
"""How long ``active/`` entries stay where the indexes of other hosts may need them, too."""

ApplyRegistration = Callable[[str, Register, str, str], int]


@dataclass(slots=True)
class _Reading:
    """How far a journal has been read in this round."""

    key: JournalKey
    path: str
    offset: int = 0
    process: Process | None = None
    closed: bool = False
    last_seen: float = 0.0
    sealed: bool = False
    """It is no file of this home: a copy of what was sealed."""

    @classmethod
    def of(cls, key: JournalKey, path: str, state: JournalState | None) -> _Reading:
        if state is None:
            return cls(key, path)
        return cls(key, path, state.offset, state.process, state.closed, state.last_seen or 0.0)

    def take(self, delta: Delta) -> None:
        self.offset = delta.end
        self.process = self.process or delta.process
        self.closed = self.closed or delta.closed
        self.last_seen = max(self.last_seen, delta.last_seen or 0.0)


class Ingestor:
    """Ingest is idempotent: rows and the offset they were read up to are committed together.

    ``apply_registration`` numbers a version that a run registered (key, record, run id, user); it is
    called before the offset is committed and must be idempotent. When it raises Unavailable the version
    stays pending and is tried again by a later ingest. One that wants an alias is pending until its run is
    in the index, because gates may look at that: then ``apply_registration`` reads runs, which ingests what
    is new, and numbers nothing more. ``several_indexes`` says that other hosts keep
    indexes of this home: then ``active/`` entries stay for a week, and an index that nobody used for days
    looks at every journal again.

    Where a team shares the index, each home's own readers push its journals there, and ``sealing`` sees to
    it that they also lie in the team's blobs: an ``active/`` entry stays until that is done.
    """

    def __init__(
        self,
        settings: Settings,
        index: RunIndex,
        *,
        apply_registration: ApplyRegistration,
        witness: Witness | None = None,
        several_indexes: bool = False,
        sealing: Sealing | None = None,
        clock: Clock = time.time,
    ) -> None:
        self._sealing = sealing or NothingSealed()
        self._home: Path = settings.home
        self._runs = os.path.join(settings.home, "runs")
        self._index = index
        self.on_open_data: Callable[[Iterable[str]], None] = lambda run_ids: None
        """Told of the runs that have read data of which digests are still to be computed."""
        self._apply_registration = apply_registration
        self._witness = witness or Witness()
        self._clock = clock
        self._grace_s = SEVERAL_INDEXES_GRACE_S if several_indexes else settings.journal_grace_s
        self._scan_every_s = SEVERAL_INDEXES_GRACE_S / 2 if several_indexes else None
        self._lock = threading.Lock()
        self._deciding = threading.Lock()
        self._decider: int | None = None
        """The thread that numbers what is pending."""
        self._scanned_at: float | None = None
        self._seen: dict[JournalKey, _Reading] = {}
        """How far active journals are known to be in the index, of which ``_scanned_at`` tells another."""
        self._closed_until: dict[JournalKey, float] = {}
        self._unreadable: set[JournalKey] = set()
        self._pending = False
        """Whether there are registrations that have no version yet, as far as this round knows."""

    def ingest(self) -> None:
        """Take in all that is complete."""
        with self._lock:
            now = self._clock()
            standing = self._index.standing()
            self._pending = standing.pending
            if standing.scanned_at != self._scanned_at:  # a new index, or one that another reader has scanned
                self._forget(standing.scanned_at)
            if self._needs_scan(now):
                self._take_in(list(all_journals(self._home)))
                if standing.scanned_at is None:
                    self._take_in_sealed()
                self._index.note_scan(now)
                self._scanned_at = now
            if standing.scanned_at is not None:  # else all has just been read
                self._look_at_active(now)
            pending = self._pending
        if pending:
            self._decide_pending()
        self._sealing.nudge()

    def rebuild(self) -> None:
        """Forget the index's rows and read every journal from its beginning.

        Of a team's index only the runs of this home are forgotten. What colleagues have added to them comes
        back from what they sealed, and from their own readers.
        """
        if self._sealing.shared:
            self._index.forget({key.run_id for key in all_journals(self._home)})
        else:
            self._index.clear()
        self.ingest()

    def _needs_scan(self, now: float) -> bool:
        if self._scanned_at is None:
            return True
        return self._scan_every_s is not None and now - self._scanned_at > self._scan_every_s

    def _forget(self, scanned_at: float | None) -> None:
        """What was seen of journals is not true of another index."""
        self._scanned_at = scanned_at
        self._seen.clear()
        self._closed_until.clear()

    # ------------------------------------------------------------ reading
    def _look_at_active(self, now: float) -> None:
        """Read on those active journals that have grown, and retire those that have settled."""
        waiting, seen = self._closed_until, self._seen
        keys = [key for key in active_journals(self._home) if waiting.get(key, now) <= now]
        grown = []
        for key in keys:
            reading = seen.get(key)
            if reading is None or _size(reading.path) != reading.offset:
                grown.append(key)
            else:
                self._settle(reading, now)
        self._take_in(grown, retire_at=now)
        if len(seen) > 2 * len(keys):
            self._seen = {key: seen[key] for key in keys if key in seen}

    def _take_in(self, keys: Sequence[JournalKey], *, retire_at: float | None = None) -> None:
        """Read these journals to their ends; from ``active/`` take those that have settled by then."""
        with _without_collector(len(keys)):
            for start in range(0, len(keys), BATCH_JOURNALS):
                part = keys[start : start + BATCH_JOURNALS]
                for _ in range(ATTEMPTS):
                    part = self._attempt(part, retire_at)
                    if not part:
                        break

    def _take_in_sealed(self) -> None:
        """Read what others have sealed and the index has not: their homes may be gone."""
        for journals in self._sealing.journals():
            states = self._index.journals(key.run_id for key in journals)
            behind = [
                key
                for key, size in journals.items()
                if (state := states.get((key.run_id, key.writer))) is None or state.offset < size
            ]
            foreign = [key for key in behind if not key.path(self._home).exists()]
            with self._sealing.fetched(foreign) as paths:
                keys = list(paths)
                for _ in range(ATTEMPTS):
                    keys = self._attempt(keys, None, copies=paths)
                    if not keys:
                        break

    def _attempt(
        self,
        keys: Sequence[JournalKey],
        retire_at: float | None,
        *,
        copies: Mapping[JournalKey, Path] | None = None,
    ) -> list[JournalKey]:
        """Returns the journals that somebody else read on meanwhile.

        ``copies`` are journals of other homes, and where what they sealed was put.
        """
        states = self._index.journals(key.run_id for key in keys)
        behind: set[JournalKey] = set()
        readings: list[_Reading] = []
        batch: list[Delta] = []
        size = 0
        for key in keys:
            path = str(copies[key]) if copies else self._path(key)
            reading = _Reading.of(key, path, states.get((key.run_id, key.writer)))
            reading.sealed = copies is not None
            known = reading.offset
            for delta in self._readable_parts(reading):
                batch.append(delta)
                size += delta.end - delta.start
                if size > BATCH_BYTES:
                    behind |= self._apply(batch, foreign=reading.sealed)
                    batch, size = [], 0
            readings.append(reading)
            if retire_at is not None and reading.offset == known:
                self._settle(reading, retire_at)
        behind |= self._apply(batch, foreign=copies is not None)
        if retire_at is not None:
            self._seen.update((each.key, each) for each in readings if each.key not in behind)
        return sorted(behind)

    def _path(self, key: JournalKey) -> str:
        return f"{self._runs}{os.sep}{key.run_id}{os.sep}journal{os.sep}{key.writer}{SUFFIX}"

    def _apply(self, batch: list[Delta], *, foreign: bool = False) -> set[JournalKey]:
        if not batch:
            return set()
        self._apply_registrations(batch, foreign=foreign)
        behind = {JournalKey(delta.run_id, delta.writer) for delta in self._index.apply(batch)}
        if foreign:
            return behind
        closed = {JournalKey(delta.run_id, delta.writer) for delta in batch if delta.closed} - behind
        self._sealing.add(closed)
        if run_ids := {delta.run_id for delta in batch if _has_open_data(delta)}:
            self.on_open_data(run_ids)
        return behind

    def _readable_parts(self, reading: _Reading) -> Iterator[Delta]:
        """A journal that cannot be read must not keep readers from all others."""
        try:
            yield from self._new_parts(reading)
        except OSError as error:
            if reading.key not in self._unreadable:
                self._unreadable.add(reading.key)
                logger.warning("A journal of run %s cannot be read: %s", reading.key.run_id, error)

    def _new_parts(self, reading: _Reading) -> Iterator[Delta]:
        path = reading.path
        more = not reading.offset  # of a new journal it need not be asked whether it has grown
        while more or _size(path) > reading.offset:
            chunk = read_chunk(path, reading.offset)
            if chunk.end == reading.offset:  # nothing, a torn line, or a hole
                if _size(path) == reading.offset or not self._has_ended(reading):
                    return
                chunk = read_chunk(path, reading.offset, writer_ended=True)
                if chunk.end == reading.offset:
                    return
            delta = fold(reading.key, chunk)
            reading.take(delta)
            yield delta
            more = chunk.more
            if delta.closed and not more:
                return

    def _has_ended(self, reading: _Reading) -> bool:
        """Whether nothing more will be written to the journal."""
        if reading.sealed or reading.closed or not reading.key.active_entry(self._home).exists():
            return True
        alive = self._witness.sees(reading.process, reading.last_seen)
        if alive is None:
            return self._clock() - self._last_change(reading) > FORGOTTEN_AFTER_S
        return not alive

    def _last_change(self, reading: _Reading) -> float:
        if reading.last_seen:
            return reading.last_seen
        try:  # no record yet: the entry was made before the journal's first byte
            return reading.key.active_entry(self._home).stat().st_mtime
        except FileNotFoundError:
            return 0.0

    # ------------------------------------------------------------ active entries
    def _settle(self, reading: _Reading, now: float) -> None:
        """Retire a journal whose writer has ended, when all is in the index and the grace time has passed.

        One that has closed is not looked at again until then.
        """
        due_at = self._last_change(reading) + self._grace_s
        if now <= due_at:
            if reading.closed:
                self._closed_until[reading.key] = due_at
                self._sealing.add([reading.key])  # another process may have taken it in, and have gone
        elif reading.key not in self._unreadable and self._has_ended(reading) and self._is_taken_in(reading):
            if not self._sealing.is_sealed(reading.key):
                self._sealing.add([reading.key])
                return
            self._closed_until.pop(reading.key, None)
            retire(self._home, reading.key)

    def _is_taken_in(self, reading: _Reading) -> bool:
        """Whether the index has every complete line. Asked only after the writer has ended."""
        if _size(reading.path) == reading.offset:
            return True
        return read_chunk(reading.path, reading.offset, writer_ended=True).end == reading.offset

    # ------------------------------------------------------------ registrations
    def _apply_registrations(self, batch: list[Delta], *, foreign: bool = False) -> None:
        made = {delta.run_id for delta in batch if delta.registrations}
        if not made:
            return
        users = self._index.users(made)
        users.update((delta.run_id, delta.begun.value.user) for delta in batch if delta.begun)
        wait = False
        for delta in batch:
            for place, found in enumerate(delta.registrations):
                each = replace(found, user=users.get(found.run_id, ""))
                # what comes after it waits, too: numbers follow the order
                wait = wait or (not foreign and each.record.get("alias") is not None)
                delta.registrations[place] = each if wait else self._numbered(each, foreign=foreign)
        self._pending |= wait

    def _decide_pending(self) -> None:
        """Number what is pending, unless it is this thread that does so and is reading a run for that."""
        if self._decider == threading.get_ident():
            return
        with self._deciding:
            self._decider = threading.get_ident()
            try:
                self._retry_pending()
            finally:
                self._decider = None

    def _retry_pending(self) -> None:
        """One that cannot be had need not keep others, unless each takes long to find that out."""
        vain_s = 0.0
        for pending in self._index.pending_registrations():
            registration = self._as_written(pending) if self._sealing.shared else pending
            if registration is None:
                continue  # what came with it (an import, an origin) is known only in its home
            began = time.monotonic()
            tried = self._numbered(registration)
            if tried == registration:
                vain_s += time.monotonic() - began
                if vain_s > PATIENCE_S:
                    return
                continue
            self._index.settle_registration(pending, version=tried.version, problem=tried.problem)

    def _as_written(self, registration: Registration) -> Registration | None:
        """What a journal of this home says of it, whatever its row does; None when no journal does.

        Everybody can write rows into a team's index, and what is applied here is proved to be this home's.
        """
        if "/" in f"{registration.run_id}{registration.writer}":
            return None
        path = JournalKey(registration.run_id, registration.writer).path(self._home)
        offset, more = 0, True
        while more:
            chunk = read_chunk(path, offset)
            for record in chunk.records:
                if isinstance(record, Register) and record.n == registration.number:
                    return replace(registration, record=msgspec.to_builtins(record))
            offset, more = chunk.end, chunk.more
        return None

    def _numbered(self, registration: Registration, *, foreign: bool = False) -> Registration:
        """The registration with its version, or with the reason why it will never have one."""
        try:
            record = msgspec.convert(registration.record, Register)
            record = as_of_elsewhere(record) if foreign else record
            version = self._apply_registration(
                registration.key, record, registration.run_id, registration.user
            )
        except Unavailable as error:
            logger.warning("Registration %s stays pending: %s", registration.key, error)
            return registration
        except (MlopsError, msgspec.ValidationError) as error:
            logger.warning("Registration %s was refused: %s", registration.key, error)
            return replace(registration, problem=str(error))
        return replace(registration, version=version)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


@contextmanager
def _without_collector(journals: int) -> Iterator[None]:
    """Many journals are read without the cyclic garbage collector.

    What is made of them has no cycles, and the collector would look through it again and again: that
    costs as much as the reading itself.
    """
    if journals < MANY_JOURNALS or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _has_open_data(delta: Delta) -> bool:
    return any(kind == "data" and is_open(stamped.value) for (kind, _), stamped in delta.details.items())
