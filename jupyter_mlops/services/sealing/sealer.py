"""Putting what has ended into the team's blobs: journals of runs, what was cut short, folders of jobs."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from ...config import Settings
from ...errors import MlopsError, NotFound
from ...journal import JournalKey, all_journals
from ...journal.layout import IMPORTED, SUFFIX, output_tails
from ...ownership import workspace_id
from ...protocols.blobs import BlobStore
from ...protocols.clock import Clock
from ...protocols.sealing import JOB, RUN, WHOLE, Sealed, SealStore
from .packing import checked_id, checked_path, digests_in_file, packed, unpack

JOBS_EVERY_S = 5.0
REST_S = 30.0
"""After a failure (no line to the store) nothing is tried for so long."""
PART = 500
AT_ONCE = 8
SEALED_ALL = "sealed.txt"
"""In the home: for which database and blobs everything that there was has been sealed."""
SCRATCH = "sealing"
KEPT = frozenset({".json", ".ipynb", ".txt", ".pkl"})
SECRET = frozenset({"env.json"})

logger = logging.getLogger(__name__)


class Sealer:
    """One daemon thread a process, alive only while there is something to seal. See ``seams.Sealing``.

    Of several processes of one home on one host one seals at a time. A blob comes before its row, and both
    may come again: whoever is killed in between has done no harm. Without shared blobs (``Settings.blobs``)
    colleagues see what is in the team's database, and nothing is sealed.
    """

    def __init__(
        self, store: SealStore, blobs: BlobStore, settings: Settings, *, clock: Clock = time.time
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._settings = settings
        self._home = settings.home
        self._clock = clock
        self._seals = bool(settings.blobs)
        self._changed = threading.Condition()
        self._waiting: dict[JournalKey, None] = {}
        self._sealed: set[JournalKey] = set()
        self._whole_jobs: set[str] = set()
        self._shared_blobs: set[str] = set()
        self._unreadable: set[Path] = set()
        self._everything = self._seals and not self._has_sealed_all()
        self._jobs_at = float("-inf")
        self._rests_until = float("-inf")
        self._thread: threading.Thread | None = None

    shared = True

    # ------------------------------------------------------------ what is wanted
    def add(self, keys: Iterable[JournalKey]) -> None:
        if not self._seals:
            return
        with self._changed:
            self._waiting.update((key, None) for key in keys if key not in self._sealed)
            if self._waiting:
                self._start()

    def is_sealed(self, key: JournalKey) -> bool:
        return not self._seals or key in self._sealed

    def nudge(self) -> None:
        if not self._seals:
            return
        with self._changed:
            if self._everything or self._waiting or time.monotonic() >= self._jobs_at:
                self._start()

    def wait(self, seconds: float) -> bool:
        """Wait until all that was wanted is sealed, or ``seconds`` have passed; whether it is."""
        with self._changed:
            self._changed.wait_for(lambda: self._thread is None, timeout=seconds)
            return self._thread is None and not self._waiting and not self._everything

    def seal_now(self) -> None:
        """Seal all that has ended here, and wait for it. Raises what stands in the way of that."""
        with self._alone():
            self._seal_everything()
            self._seal_jobs()

    def _start(self) -> None:
        if self._thread is not None or time.monotonic() < self._rests_until:
            return
        self._thread = threading.Thread(target=self._work, name="jupyter-mlops-sealing", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------ the thread
    def _work(self) -> None:
        while True:
            with self._changed:
                keys = list(self._waiting)
                jobs_due = time.monotonic() >= self._jobs_at
                if not (keys or jobs_due or self._everything):
                    self._stop()
                    return
                self._jobs_at = time.monotonic() + JOBS_EVERY_S
            try:
                with self._alone():
                    self._seal_runs(keys)
                    if self._everything:
                        self._seal_everything()
                    if jobs_due:
                        self._seal_jobs()
            except Exception as error:
                if threading.main_thread().is_alive():  # else the process ends, and the next reader seals
                    logger.warning("Nothing can be sealed for colleagues just now: %s", error)
                logger.debug("Traceback", exc_info=True)
                with self._changed:
                    self._rests_until = time.monotonic() + REST_S
                    self._stop()
                return
            with self._changed:
                for key in keys:
                    self._waiting.pop(key, None)

    def _stop(self) -> None:
        self._thread = None
        self._changed.notify_all()

    # ------------------------------------------------------------ runs
    def _seal_everything(self) -> None:
        """What had ended before the team's database and blobs were there."""
        keys = [key for key in all_journals(self._home) if not key.active_entry(self._home).exists()]
        self._seal_runs(keys)
        (self._home / SEALED_ALL).write_text(self._place(), encoding="utf-8")
        self._everything = False

    def _seal_runs(self, keys: Iterable[JournalKey]) -> None:
        of_runs: dict[str, list[JournalKey]] = {}
        for key in keys:
            of_runs.setdefault(key.run_id, []).append(key)
        ids = list(of_runs)
        for start in range(0, len(ids), PART):
            part = ids[start : start + PART]
            known = self._store.sizes(self._identity(), RUN, part)
            for run_id in part:
                self._seal_run(run_id, of_runs[run_id], known)
                self._sealed.update(of_runs[run_id])

    def _seal_run(self, run_id: str, keys: list[JournalKey], known: Mapping[tuple[str, str], int]) -> None:
        folder = self._home / "runs" / run_id
        paths = [key.path(self._home) for key in keys]
        if all(path.exists() for path in paths) and not self._goes_on(run_id, set(keys)):
            paths += _files(output_tails(self._home, run_id))
        if (mark := folder / IMPORTED).exists():  # together with the journals: it says what they are
            paths.append(mark)
        self._seal_files(RUN, run_id, folder, paths, known)

    def _goes_on(self, run_id: str, ended: set[JournalKey]) -> bool:
        """Whether another process may still write of this run, and take what waits in files along."""
        journals = _files(JournalKey(run_id, "").path(self._home).parent)
        others = {JournalKey(run_id, path.name.removesuffix(SUFFIX)) for path in journals} - ended
        return any(key.active_entry(self._home).exists() and key not in self._sealed for key in others)

    # ------------------------------------------------------------ jobs
    def _seal_jobs(self) -> None:
        folders = {path.name: path for path in _files(self._home / "jobs")}
        new = [job_id for job_id in folders if job_id not in self._whole_jobs]
        unsealed = self._store.unsealed_jobs(new)
        # of those that go on, and of those that were not sealed whole, it is asked again
        self._whole_jobs.update(job_id for job_id in unsealed if self._seal_job(job_id, folders[job_id]))

    def _seal_job(self, job_id: str, folder: Path) -> bool:
        """Whether all of it could be sealed."""
        paths = [path for path in _job_files(folder) if path.stat().st_size <= self._settings.files_cap_bytes]
        known = self._store.sizes(self._identity(), JOB, [job_id])
        whole = self._seal_files(JOB, job_id, folder, paths, known)
        if whole:
            self._store.add([self._row(JOB, job_id, WHOLE, "", 0, set())])
        return whole

    # ------------------------------------------------------------ files
    def _seal_files(
        self, kind: str, id: str, folder: Path, paths: Iterable[Path], known: Mapping[tuple[str, str], int]
    ) -> bool:
        """Whether all of them could be read."""
        rows, whole = [], True
        for path in paths:
            name = path.relative_to(folder).as_posix()
            try:
                if known.get((id, name)) == path.stat().st_size:
                    continue
                names = digests_in_file(path) if path.suffix != ".pkl" else set()
            except FileNotFoundError:  # a tail whose cell has ended meanwhile
                continue
            except OSError as error:  # it must not keep the others from colleagues
                whole = False
                level = logging.DEBUG if path in self._unreadable else logging.WARNING
                logger.log(level, "%s cannot be sealed: %s", path, error)
                self._unreadable.add(path)
                continue
            rows.append(self._put(kind, id, name, path, names))
        self._store.add(rows)
        return whole

    def _put(self, kind: str, id: str, name: str, path: Path, names: set[str]) -> Sealed:
        with packed(path, self._home / SCRATCH) as (copy, size):
            digest = self._blobs.put_file(copy).digest
        for each in names:
            self._share(each)
        return self._row(kind, id, name, digest, size, names)

    def _share(self, digest: str) -> None:
        """Put a blob where colleagues find it that was stored before there was such a place."""
        if digest in self._shared_blobs or self._blobs.exists(digest):
            self._shared_blobs.add(digest)
            return
        with suppress(NotFound):  # most that look like a digest are those of files that were read
            self._blobs.put_file(self._blobs.path(digest))
            self._shared_blobs.add(digest)

    def _row(self, kind: str, id: str, path: str, digest: str, size: int, names: set[str]) -> Sealed:
        return Sealed(
            kind=kind,
            id=id,
            path=path,
            digest=digest,
            size_bytes=size,
            home=self._identity(),
            user=self._settings.user,
            sealed_at=self._clock(),
            names=sorted(names),
        )

    def _identity(self) -> str:
        return workspace_id(self._home)

    def _has_sealed_all(self) -> bool:
        try:
            return (self._home / SEALED_ALL).read_text(encoding="utf-8") == self._place()
        except OSError:
            return False

    def _place(self) -> str:
        """Its hash: an address may hold a password."""
        place = f"{self._settings.database} {self._settings.blobs}"
        return hashlib.sha256(place.encode()).hexdigest()

    # ------------------------------------------------------------ of all homes
    def journals(self) -> Iterator[Mapping[JournalKey, int]]:
        if not self._seals:
            return
        part: dict[JournalKey, int] = {}
        for seal in self._store.journals():
            writer = seal.path.rpartition("/")[2].removesuffix(SUFFIX)
            with suppress(MlopsError):  # a row that leads elsewhere
                part[JournalKey(checked_id(seal.id), checked_path(writer))] = seal.size_bytes
            if len(part) >= PART:
                yield part
                part = {}
        if part:
            yield part

    @contextmanager
    def fetched(self, keys: Iterable[JournalKey]) -> Iterator[Mapping[JournalKey, Path]]:
        wanted = list(keys)
        if not wanted:
            yield {}
            return
        scratch = self._home / SCRATCH
        scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (
            TemporaryDirectory(dir=scratch, prefix="fetched-") as folder,
            ThreadPoolExecutor(AT_ONCE) as pool,
        ):
            found = pool.map(lambda key: self._fetch(key, Path(folder)), wanted)
            yield {key: path for key, path in zip(wanted, found, strict=True) if path is not None}

    def _fetch(self, key: JournalKey, folder: Path) -> Path | None:
        name = f"journal/{key.writer}{SUFFIX}"
        place = folder / f"{key.run_id}.{key.writer}"
        try:
            seal = next(each for each in self._store.of(RUN, key.run_id) if each.path == name)
            unpack(self._blobs.path(seal.digest), seal, place)
        except (MlopsError, OSError, StopIteration) as error:
            logger.warning("The sealed journal %s of run %s cannot be had: %s", key.writer, key.run_id, error)
            return None
        return place

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process of this host at a time, where the system has such locks."""
        try:
            import fcntl
        except ImportError:
            yield
            return
        self._settings.runtime_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        fd = os.open(self._settings.runtime_dir / "sealing.lock", flags, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _job_files(folder: Path) -> list[Path]:
    """What pages show of a job, and what it is made again from; never its environment."""
    attempts = [path for attempt in _files(folder / "attempts") for path in _files(attempt)]
    returned = [path for attempt in _files(folder / "attempts") for path in _files(attempt / "returned")]
    return [
        path
        for path in (*_files(folder), *attempts, *returned)
        if path.suffix in KEPT
        and path.name not in SECRET
        and not path.name.startswith(".")
        and path.is_file()
        and not path.is_symlink()
    ]
