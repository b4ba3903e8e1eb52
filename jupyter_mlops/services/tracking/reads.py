"""The data that a run reads: what the hooks see, hashed in the background, as records of the run."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Protocol

from ...capture.reads import hooks
from ...capture.reads.columns import contents_of, is_tabular
from ...capture.reads.digests import Changed, DigestMemory, Stamp, hash_file, hash_open_file, is_unchanged
from ...capture.reads.sinks import Sink
from ...capture.reads.tables import Facts
from ...capture.reads.urls import Tee, shown_url
from ...config import Settings
from ...errors import MlopsError
from ...journal.records import Data
from . import background
from .folder_reads import digest_of_folder, look_at
from .read_entries import CHANGED, WRITTEN, FileEntry, FolderEntry, UrlEntry
from .read_list import ReadList
from .run_journal import warn_line

logger = logging.getLogger(__name__)

MAX_URLS = 1000
MAX_WRITTEN = 10_000
"""Of files that the run writes so many are known; later ones are told by their times only."""
RUN_BUDGET = 8
"""All files of a run together are hashed beside it up to so many times the limit for one."""
FILES_AT_ONCE = 1000
"""A folder of more files gets its digest from the reader."""
COLUMNS_IN_RUN_BYTES = 4 * 1024 * 1024
"""Columns of larger files are left to the reader."""
AT_ONCE_BYTES = 32 * 1024
GATHER_S = 0.02
"""Small files that are read within this time are recorded together: fewer changes between threads."""
RECORDED_FIRST_BYTES = 1024 * 1024
"""Of larger files there is a record before they are hashed, and another one after."""
WAIT_BEFORE_WRITE_S = 0.25
"""A file that is about to be written over is hashed first, if that does not take longer."""
MEMORY = Path("cache", "digests.txt")


class ReadingRun(Protocol):
    """What is needed of the run that is told."""

    @property
    def id(self) -> str: ...

    @property
    def recorded(self) -> bool: ...

    def data_read(self, record: Data) -> None: ...

    def hold(self) -> None: ...

    def release(self) -> None: ...

    def redact(self, text: str) -> str: ...


class Reads:
    """Made by :func:`watch_reads`; a ``Sink`` of the hooks until :meth:`stop`."""

    def __init__(self, run: ReadingRun, settings: Settings) -> None:
        self._run = run
        self._settings = settings
        self._memory = memory_of(settings.home)
        self._began_ns = _file_clock_ns()
        self._own = tuple(os.path.abspath(each) + os.sep for each in (settings.home, settings.runtime_dir))
        self._cache = os.path.join(settings.home, "cache") + os.sep
        self._lock = threading.RLock()
        self._list = ReadList()
        self._urls: list[UrlEntry] = []
        self._written: set[str] = set()
        self._unwritten: list[FileEntry] = []
        self._pending = 0
        self._hurry = threading.Event()
        self._left_bytes = RUN_BUDGET * settings.digest_in_run_bytes
        self._left_column_bytes = RUN_BUDGET * COLUMNS_IN_RUN_BYTES
        self._before: Sink | None = None
        self._watching = False

    @property
    def count(self) -> int:
        """How many files, folders and URLs were read."""
        return len(self._list) + len(self._urls)

    def start(self) -> None:
        self._before = hooks.start(self)
        self._watching = True

    def stop(self) -> None:
        """See nothing more. Digests that are under way still come: the run's end waits a little for them."""
        if not self._watching:
            return
        self._watching = False
        self._hurry.set()
        try:
            hooks.stop(self, self._before)
            for folder in list(self._list.folders.values()):
                self._later(partial(self._finish, folder))
            for url in self._urls:
                self._write(url)
        except Exception as error:
            logger.debug("Traceback", exc_info=True)
            warn_line(f"not all data that run {self._run.id} has read is recorded: {error}")

    # what the hooks say

    def wants(self, path: str) -> bool:
        """What is under the home folder is not data, but for datasets that were loaded as paths."""
        return not path.startswith(self._own) or _dataset_of(path, self._cache) is not None

    def knows(self, path: str) -> bool:
        return path in self._list or path in self._written

    def file(self, path: str, status: os.stat_result, reader: str, fd: int | None = None) -> None:
        stamp = Stamp.of(status)
        with self._lock:
            if path in self._written or self._is_dataset(path, stamp, reader):
                return
            folder = self._list.folder_of(path)
            if folder is not None:
                folder.add(path, stamp)
                return
            known = self._list.files.get(path)
            if known is not None and known.stamp == stamp:
                self._name_reader(known, reader)
                return
            entry = FileEntry(path, stamp, reader, uri=self._run.redact(path), problem=self._note_on(stamp))
            self._list.add(entry)
        if entry.left_out:
            return
        if fd is not None and stamp.size <= AT_ONCE_BYTES and hasattr(os, "pread"):
            self._hash_at_once(entry, fd)
        else:
            self._later(lambda: self._hash(entry))

    def folder(self, path: str, reader: str) -> None:
        with self._lock:
            if path not in self._list.folders and self._list.folder_of(path) is None:
                self._list.fold(FolderEntry(path, reader, whole=True))

    def stream(self, url: str, stream: Any, reader: str) -> None:
        tee = Tee(stream, limit_bytes=self._settings.digest_in_run_bytes)
        tee.attach()
        self._add_url(UrlEntry(self._shown(url), reader, tee))

    def url(self, url: str, reader: str) -> None:
        self._add_url(UrlEntry(self._shown(url), reader))

    def table(self, names: Sequence[str], facts: Facts) -> None:
        shown = {self._shown(name) for name in names if "://" in name}
        with self._lock:
            entries: list[Any] = [entry for name in names if (entry := self._list.entry_of(name))]
            entries += [entry for entry in self._urls if entry.uri in shown]
        if len({id(entry) for entry in entries}) == 1:  # of several it is not known which had what
            entry = entries[0]
            if entry.facts is None or facts.columns:  # an array of a table's file says less
                entry.facts = facts
            if isinstance(entry, FileEntry):
                self._later(lambda: self._write(entry))

    def writes(self, path: str) -> None:
        """What the run writes is not its input; what it has read before stays one, as it was then."""
        with self._lock:
            entry = self._list.files.get(path)
            if entry is None:
                if len(self._written) < MAX_WRITTEN:
                    self._written.add(path)
                return
            if entry.settled:
                return
            entry.waiting = entry.waiting or threading.Event()
        self._hurry.set()
        entry.waiting.wait(WAIT_BEFORE_WRITE_S)

    # entries

    def _note_on(self, stamp: Stamp) -> str:
        return WRITTEN if stamp.mtime_ns > self._began_ns else ""

    def _name_reader(self, entry: FileEntry, reader: str) -> None:
        """A library's reader says more than ``open``, with which the same file was read before."""
        if entry.reader == "open" and reader != "open":
            entry.reader = reader
            self._later(lambda: self._write(entry))

    def _add_url(self, entry: UrlEntry) -> None:
        with self._lock:
            if len(self._urls) >= MAX_URLS:
                return
            self._urls.append(entry)

    def _shown(self, url: str) -> str:
        return self._run.redact(shown_url(url))

    def _is_dataset(self, path: str, stamp: Stamp, reader: str) -> bool:
        """Whether it is of a dataset that was loaded as a path: its digest is in that."""
        found = _dataset_of(path, self._cache)
        if found is None:
            return False
        root, digest = found
        if root not in self._list.files:
            entry = FileEntry(root, stamp, reader, uri=root, digest=digest, settled=True)
            self._list.add(entry)
            self._later(lambda: self._write(entry))
        return True

    # folders

    def _finish(self, folder: FolderEntry) -> None:
        """Count a folder that was read as a whole, and take its digest where that is quickly had."""
        try:
            state = look_at(Path(folder.path))
            if folder.whole:
                folder.files, folder.size_bytes, folder.newest_ns = (
                    state.files,
                    state.size_bytes,
                    state.newest_ns,
                )
            complete = (state.files, state.size_bytes, state.newest_ns) == (
                folder.files,
                folder.size_bytes,
                folder.newest_ns,
            )
            if not complete:
                folder.problem = f"{folder.files} of its {state.files} files were read"
            elif state.size_bytes <= self._settings.digest_in_run_bytes and state.files <= FILES_AT_ONCE:
                folder.digest = digest_of_folder(Path(folder.path), self._digest)
        except Changed:
            folder.problem = CHANGED
        except (OSError, MlopsError) as error:
            folder.problem = str(error)
        self._write(folder)

    # in the background

    def _later(self, job: Callable[[], None]) -> None:
        with self._lock:
            self._pending += 1
            if self._pending == 1:
                self._run.hold()
        background.do(lambda: self._do(job))

    def _do(self, job: Callable[[], None]) -> None:
        try:
            job()
        finally:
            with self._lock:
                self._pending -= 1
                if not self._pending:
                    self._run.release()

    def _hash(self, entry: FileEntry) -> None:
        """Take the digest of a file that was read just now, unless it is large; then the record."""
        try:
            if entry.left_out:
                return
            if entry.stamp.size <= min(self._settings.digest_in_run_bytes, self._left_bytes):
                if entry.stamp.size > RECORDED_FIRST_BYTES:  # the process may not live so long
                    self._write(entry)
                entry.digest = self._digest(entry.path, entry.stamp)
                self._take_columns(entry)
        except Changed:
            entry.problem = CHANGED
        except OSError as error:
            entry.problem = f"could not be read again to hash it: {error.strerror or error}"
        finally:
            self._settle(entry)
        self._write(entry)

    def _hash_at_once(self, entry: FileEntry, fd: int) -> None:
        """A small file: its digest costs less here than handing it to another thread."""
        try:
            entry.digest = hash_open_file(fd, entry.stamp)
        except Changed:
            entry.problem = CHANGED
        except OSError as error:
            entry.problem = f"could not be read again to hash it: {error.strerror or error}"
        with self._lock:
            self._unwritten.append(entry)
            if len(self._unwritten) > 1:
                return
        self._later(self._write_small)

    def _write_small(self) -> None:
        self._hurry.wait(GATHER_S)
        with self._lock:
            entries, self._unwritten = self._unwritten, []
            if self._watching:
                self._hurry.clear()
        for entry in entries:
            self._write(entry)
        for entry in entries:
            self._take_columns(entry)
            self._settle(entry)
            self._write(entry)

    def _settle(self, entry: FileEntry) -> None:
        """Its content is no longer needed."""
        with self._lock:
            entry.settled = True
            waiting = entry.waiting
        if waiting is not None:
            waiting.set()

    def _digest(self, path: str, stamp: Stamp) -> str:
        known = self._memory.get(path, stamp)
        if known is not None:
            return known
        self._left_bytes -= stamp.size
        digest = hash_file(path, stamp, sample_above=sys.maxsize).digest
        self._memory.put(path, stamp, digest)
        return digest

    def _take_columns(self, entry: FileEntry) -> None:
        """What is in the columns of a small table, where pyarrow is there anyway."""
        size = entry.stamp.size
        if entry.left_out or not entry.digest or not is_tabular(entry.path):
            return
        if size > min(COLUMNS_IN_RUN_BYTES, self._left_column_bytes) or "pyarrow" not in sys.modules:
            return
        self._write(entry)
        self._left_column_bytes -= size
        contents = contents_of(entry.path)
        if is_unchanged(entry.path, entry.stamp):
            entry.contents = contents

    def _write(self, entry: FileEntry | FolderEntry | UrlEntry) -> None:
        if isinstance(entry, FileEntry) and entry.left_out:
            return
        record = entry.record()
        if record != entry.written:
            entry.written = record
            self._run.data_read(record)


def watch_reads(run: ReadingRun, settings: Settings) -> Reads:
    """Record what this context reads as data of ``run``, until ``stop()``. Never raises."""
    reads = Reads(run, settings)
    if run.recorded:
        try:
            reads.start()
        except Exception as error:
            logger.debug("Traceback", exc_info=True)
            warn_line(f"the data that run {run.id} reads is not recorded: {error}")
    return reads


@lru_cache(maxsize=8)
def memory_of(home: Path) -> DigestMemory:
    """The digests that are known in this workspace."""
    return DigestMemory(home / MEMORY)


def _file_clock_ns() -> int:
    """Now, by the clock that stamps files; it goes in steps of some milliseconds."""
    coarse = getattr(time, "CLOCK_REALTIME_COARSE", None)
    return time.time_ns() if coarse is None else time.clock_gettime_ns(coarse)


def _dataset_of(path: str, cache: str) -> tuple[str, str] | None:
    """(file or folder, digest) of what lies in the cache of datasets, ``<cache>/<digest>/<name>``."""
    if not path.startswith(cache):
        return None
    digest, _, rest = path[len(cache) :].partition(os.sep)
    name = rest.partition(os.sep)[0]
    return (os.path.join(cache, digest, name), digest) if len(digest) == 64 and name else None
