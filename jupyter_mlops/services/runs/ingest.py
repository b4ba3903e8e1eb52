"""Taking what is new in the journals into the index; any number of processes may do it at once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from ...config import Settings
from ...entities import Process
from ...errors import MlopsError, Unavailable
from ...journal import JournalKey, active_journals, all_journals, read_chunk, retire
from ...journal.records import Register
from ...protocols.clock import Clock
from ...protocols.runs import Delta, JournalState, Registration, RunIndex
from .folding import fold
from .liveness import Witness

logger = logging.getLogger(__name__)

BATCH_BYTES = 8 * 1024 * 1024
BATCH_JOURNALS = 1000
ATTEMPTS = 20
FORGOTTEN_AFTER_S = 7 * 86400.0
"""A writer that nobody can look at counts as dead when it has been silent for so long."""
SEVERAL_INDEXES_GRACE_S = 7 * 86400.0
"""How long ``active/`` entries stay where the indexes of other hosts may need them, too."""

ApplyRegistration = Callable[[str, Register, str, str], int]


@dataclass(slots=True)
class _Reading:
    """How far a journal has been read in this round."""

    key: JournalKey
    offset: int = 0
    process: Process | None = None
    closed: bool = False
    last_seen: float = 0.0

    @classmethod
    def of(cls, key: JournalKey, state: JournalState | None) -> _Reading:
        if state is None:
            return cls(key)
        return cls(key, state.offset, state.process, state.closed, state.last_seen or 0.0)

    def take(self, delta: Delta) -> None:
        self.offset = delta.end
        self.process = self.process or delta.process
        self.closed = self.closed or delta.closed
        self.last_seen = max(self.last_seen, delta.last_seen or 0.0)


class Ingestor:
    """Ingest is idempotent: rows and the offset they were read up to are committed together.

    ``apply_registration`` numbers a version that a run registered (key, record, run id, user); it is
    called before the offset is committed and must be idempotent. When it raises Unavailable the version
    stays pending and is tried again by a later ingest. ``several_indexes`` says that other hosts keep
    indexes of this home: then ``active/`` entries stay for a week, and an index that nobody used for days
    looks at every journal again.
    """

    def __init__(
        self,
        settings: Settings,
        index: RunIndex,
        *,
        apply_registration: ApplyRegistration,
        witness: Witness | None = None,
        several_indexes: bool = False,
        clock: Clock = time.time,
    ) -> None:
        self._home: Path = settings.home
        self._index = index
        self._apply_registration = apply_registration
        self._witness = witness or Witness()
        self._clock = clock
        self._grace_s = SEVERAL_INDEXES_GRACE_S if several_indexes else settings.journal_grace_s
        self._scan_every_s = SEVERAL_INDEXES_GRACE_S / 2 if several_indexes else None
        self._lock = threading.Lock()
        self._closed_until: dict[JournalKey, float] = {}
        self._unreadable: set[JournalKey] = set()

    def ingest(self) -> None:
        """Take in all that is complete."""
        with self._lock:
            now = self._clock()
            self._retry_pending()
            if self._needs_scan(now):
                self._take_in(list(all_journals(self._home)))
                self._index.note_scan(now)
            waiting = self._closed_until
            keys = [key for key in active_journals(self._home) if waiting.get(key, now) <= now]
            self._take_in(keys, retire_at=now)

    def rebuild(self) -> None:
        """Forget the index's rows and read every journal from its beginning."""
        self._index.clear()
        self.ingest()

    def _needs_scan(self, now: float) -> bool:
        scanned_at = self._index.scanned_at()
        if scanned_at is None:
            return True
        return self._scan_every_s is not None and now - scanned_at > self._scan_every_s

    # ------------------------------------------------------------ reading
    def _take_in(self, keys: Sequence[JournalKey], *, retire_at: float | None = None) -> None:
        """Read these journals to their ends; from ``active/`` take those that have settled by then."""
        for start in range(0, len(keys), BATCH_JOURNALS):
            part = keys[start : start + BATCH_JOURNALS]
            for _ in range(ATTEMPTS):
                part = self._attempt(part, retire_at)
                if not part:
                    break

    def _attempt(self, keys: Sequence[JournalKey], retire_at: float | None) -> list[JournalKey]:
        """Returns the journals that somebody else read on meanwhile."""
        states = self._index.journals(key.run_id for key in keys)
        behind: set[JournalKey] = set()
        batch: list[Delta] = []
        size = 0
        for key in keys:
            reading = _Reading.of(key, states.get((key.run_id, key.writer)))
            known = reading.offset
            for delta in self._readable_parts(reading):
                batch.append(delta)
                size += delta.end - delta.start
                if size > BATCH_BYTES:
                    behind |= self._apply(batch)
                    batch, size = [], 0
            if retire_at is not None and reading.offset == known:
                self._settle(reading, retire_at)
        behind |= self._apply(batch)
        return sorted(behind)

    def _apply(self, batch: list[Delta]) -> set[JournalKey]:
        if not batch:
            return set()
        self._apply_registrations(batch)
        return {JournalKey(delta.run_id, delta.writer) for delta in self._index.apply(batch)}

    def _readable_parts(self, reading: _Reading) -> Iterator[Delta]:
        """A journal that cannot be read must not keep readers from all others."""
        try:
            yield from self._new_parts(reading)
        except OSError as error:
            if reading.key not in self._unreadable:
                self._unreadable.add(reading.key)
                logger.warning("A journal of run %s cannot be read: %s", reading.key.run_id, error)

    def _new_parts(self, reading: _Reading) -> Iterator[Delta]:
        path = reading.key.path(self._home)
        while _size(path) > reading.offset:
            chunk = read_chunk(path, reading.offset)
            if chunk.end == reading.offset:  # a torn line, or a hole
                if not self._has_ended(reading):
                    return
                chunk = read_chunk(path, reading.offset, writer_ended=True)
                if chunk.end == reading.offset:
                    return
            delta = fold(reading.key, chunk)
            reading.take(delta)
            yield delta

    def _has_ended(self, reading: _Reading) -> bool:
        """Whether nothing more will be written to the journal."""
        if reading.closed or not reading.key.active_entry(self._home).exists():
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
        elif reading.key not in self._unreadable and self._has_ended(reading) and self._is_taken_in(reading):
            self._closed_until.pop(reading.key, None)
            retire(self._home, reading.key)

    def _is_taken_in(self, reading: _Reading) -> bool:
        """Whether the index has every complete line. Asked only after the writer has ended."""
        path = reading.key.path(self._home)
        if _size(path) == reading.offset:
            return True
        return read_chunk(path, reading.offset, writer_ended=True).end == reading.offset

    # ------------------------------------------------------------ registrations
    def _apply_registrations(self, batch: list[Delta]) -> None:
        made = {delta.run_id for delta in batch if delta.registrations}
        if not made:
            return
        users = self._index.users(made)
        users.update((delta.run_id, delta.begun.value.user) for delta in batch if delta.begun)
        for delta in batch:
            delta.registrations[:] = [
                self._numbered(replace(each, user=users.get(each.run_id, ""))) for each in delta.registrations
            ]

    def _retry_pending(self) -> None:
        for registration in self._index.pending_registrations():
            tried = self._numbered(registration)
            if tried == registration:
                return  # what cannot be reached for one cannot be reached for the next
            self._index.settle_registration(registration, version=tried.version, problem=tried.problem)

    def _numbered(self, registration: Registration) -> Registration:
        """The registration with its version, or with the reason why it will never have one."""
        try:
            record = msgspec.convert(registration.record, Register)
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


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
