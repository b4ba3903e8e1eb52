"""Digests of large files that runs have read, computed by whoever reads the runs, while the files last."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from ...capture.processes import current_process
from ...capture.reads.columns import contents_of, is_tabular
from ...capture.reads.digests import Changed, Stamp, hash_file, is_unchanged
from ...config import Settings
from ...entities import DataRead
from ...errors import InvalidInput, MlopsError
from ...journal import JournalWriter
from ...journal.records import Close, Data, Join
from ...protocols.blobs import BlobStore
from ...protocols.clock import Clock
from ...protocols.runs import EDITOR, Stamped
from ..tracking.folder_reads import digest_of_folder, look_at
from ..tracking.read_entries import CHANGED, WRITTEN
from ..tracking.reads import memory_of

logger = logging.getLogger(__name__)

COLUMNS_BYTES = 256 * 1024 * 1024
"""Columns of larger files are not compared."""
GONE = "the file was gone before its content was hashed"
LARGE_FOLDER = "larger than {} bytes, so its content was not hashed"

Reads = Callable[[str], tuple[str, Sequence[Data]]]
"""A run's host, and the data that its records say it read."""


def is_pending(read: Data) -> bool:
    """Whether its digest is still to be computed."""
    return not read.digest and read.problem in ("", WRITTEN) and "://" not in read.uri


def is_open(value: Mapping[str, Any]) -> bool:
    """Whether a reader may add to a detail of kind ``data``: its digest, or those of its columns."""
    if value.get("problem"):
        return False
    return not value.get("digest") or (not value.get("column_digests") and is_tabular(value["uri"]))


class LaterDigests:
    """One daemon thread a process, alive only while there is something to hash.

    What it finds out is appended to the run as a further record, by a writer of its own. Of several
    processes on one host one computes at a time, and none what another has done.
    """

    def __init__(self, settings: Settings, reads: Reads, *, clock: Clock = time.time) -> None:
        self._settings = settings
        self._reads = reads
        self._clock = clock
        self._memory = memory_of(settings.home)
        self._changed = threading.Condition()
        self._waiting: dict[str, float] = {}
        self._thread: threading.Thread | None = None

    def add(self, run_ids: Iterable[str]) -> None:
        """Compute what is pending of these runs, soon."""
        with self._changed:
            for run_id in run_ids:
                self._waiting.setdefault(run_id, time.monotonic())
            if self._waiting and self._thread is None:
                self._thread = threading.Thread(target=self._work, name="jupyter-mlops-digests", daemon=True)
                self._thread.start()

    def wait(self, run_id: str, seconds: float) -> bool:
        """Wait until the run's digests are there, or ``seconds`` after it was added. True when they are."""
        with self._changed:
            added_at = self._waiting.get(run_id)
            if added_at is None:
                return True
            left = added_at + seconds - time.monotonic()
            return self._changed.wait_for(lambda: run_id not in self._waiting, timeout=max(0.0, left))

    def _work(self) -> None:
        while True:
            with self._changed:
                run_id = next(iter(self._waiting), None)
                if run_id is None:
                    self._thread = None
                    return
            try:
                with self._alone():
                    self._complete(run_id)
            except Exception as error:
                logger.warning("The digests of run %s were not computed: %s", run_id, error)
                logger.debug("Traceback", exc_info=True)
            with self._changed:
                self._waiting.pop(run_id, None)
                self._changed.notify_all()

    def _complete(self, run_id: str) -> None:
        host, reads = self._reads(run_id)
        found = [done for read in reads if (done := self._completed(read, host)) and done != read]
        if not found:
            return
        journal = JournalWriter(self._settings.home, run_id, clock=self._clock)
        try:
            journal.append(Join(process=current_process(), role=EDITOR))
            for each in found:
                journal.append(each)
            journal.append(Close())
        finally:
            journal.close()

    def _completed(self, read: Data, host: str) -> Data | None:
        """The record with its digest or the reason why there will be none; None to leave it to others."""
        if not is_pending(read):
            return self._with_columns_only(read)
        try:
            if read.uri.endswith("/"):
                return self._folder(read)
            return self._file(read)
        except FileNotFoundError:
            return _with(read, problem=GONE) if host == self._settings.host else None
        except Changed:
            return _with(read, problem=CHANGED)
        except InvalidInput as error:
            return _with(read, problem=str(error))
        except OSError as error:
            return _with(read, problem=f"could not be read to hash it: {error.strerror or error}")

    def _file(self, read: Data) -> Data:
        stamp = Stamp.of(os.stat(read.uri))
        if (stamp.size, stamp.mtime_ns) != (read.size_bytes, read.mtime_ns):
            raise Changed
        digest = self._memory.get(read.uri, stamp)
        sampled = False
        if digest is None:
            hashed = hash_file(read.uri, stamp, sample_above=self._settings.digest_whole_bytes)
            digest, sampled = hashed.digest, hashed.sampled
            if not sampled:
                self._memory.put(read.uri, stamp, digest)
        return self._with_columns(_with(read, digest=digest, sampled=sampled), stamp)

    def _with_columns_only(self, read: Data) -> Data | None:
        """Of a table that had its digest in the run, where there was no pyarrow to tell the columns."""
        if read.problem or read.sampled or not is_tabular(read.uri):
            return None
        try:
            stamp = Stamp.of(os.stat(read.uri))
        except (OSError, ValueError):
            return None
        unchanged = (stamp.size, stamp.mtime_ns) == (read.size_bytes, read.mtime_ns)
        return self._with_columns(read, stamp) if unchanged else None

    def _with_columns(self, read: Data, stamp: Stamp) -> Data:
        if read.column_digests or stamp.size > COLUMNS_BYTES or not is_tabular(read.uri):
            return read
        contents = contents_of(read.uri)
        if contents is None or not is_unchanged(read.uri, stamp):
            return read
        return _with(
            read,
            rows=contents.rows if read.rows is None else read.rows,
            columns=read.columns or contents.columns,
            column_digests=contents.digests,
        )

    def _folder(self, read: Data) -> Data:
        folder = Path(read.uri)
        state = look_at(folder)
        if (state.files, state.size_bytes, state.newest_ns) != (read.files, read.size_bytes, read.mtime_ns):
            raise Changed
        if state.size_bytes > self._settings.digest_whole_bytes:
            return _with(read, problem=LARGE_FOLDER.format(self._settings.digest_whole_bytes))
        return _with(read, digest=digest_of_folder(folder, self._digest))

    def _digest(self, path: str, stamp: Stamp) -> str:
        return self._memory.get(path, stamp) or hash_file(path, stamp, sample_above=sys.maxsize).digest

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process of this host at a time, where the system has such locks."""
        try:
            import fcntl
        except ImportError:
            yield
            return
        fd = -1
        with suppress(OSError):
            self._settings.runtime_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(
                self._settings.runtime_dir / "digests.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
        try:
            if fd >= 0:
                fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            if fd >= 0:
                os.close(fd)


def content_of(read: DataRead, blobs: BlobStore, home: Path) -> Path | None:
    """A local file with the content that was read: a stored one, or the file itself while it is unchanged."""
    if not read.digest or read.sampled or read.files is not None:
        return None
    try:
        if blobs.exists(read.digest):
            return blobs.path(read.digest)
        stamp = Stamp.of(os.stat(read.uri))
        if stamp.size != read.size_bytes or stamp.size > COLUMNS_BYTES:
            return None
        known = memory_of(home).get(read.uri, stamp)
        digest = known or hash_file(read.uri, stamp, sample_above=sys.maxsize).digest
    except (OSError, ValueError, Changed, MlopsError):
        return None
    return Path(read.uri) if digest == read.digest else None


def as_record(stamped: Stamped) -> Data:
    """A detail of kind ``data`` as the record that it was."""
    return msgspec.convert(stamped.value, Data)


def _with(read: Data, **changes: object) -> Data:
    return msgspec.structs.replace(read, **changes)
