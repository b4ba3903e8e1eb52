"""Computing profiles in a process of their own: requests as small files, one process a home and host.

A request is a file named by the digest in the user's runtime folder; the process (``python -m
jupyter_mlops.profiler``) works them off, the oldest first, with low priority, and ends. What tells that a
profile is being computed is a lock that a dying process cannot keep: a request that a ``kill -9`` left is
taken up by the process that the next request, or the next question, starts. One that killed its process again
and again is given up.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ...config import PROCESS_VARIABLES, Settings

MODULE = "jupyter_mlops.profiler"
MOST_ATTEMPTS = 2
SPAWN_PATIENCE_S = 5.0
"""How long a process that was started just now is taken to be on its way."""
POLL_S = 0.02

logger = logging.getLogger(__name__)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A version whose content is to be looked at, and how often that was begun."""

    digest: str
    reference: str
    attempts: int = 0


@dataclass(slots=True)
class _Spawned:
    process: subprocess.Popen[bytes]
    at: float


class Requests:
    """The requests of one home on this host."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        name = "profiles-" + hashlib.sha256(os.fsencode(settings.home)).hexdigest()[:16]
        self._folder = settings.runtime_dir / name
        self._seat = settings.runtime_dir / f"{name}.lock"
        self._log = settings.runtime_dir / f"{name}.log"
        self._spawned: _Spawned | None = None

    def add(self, digest: str, reference: str) -> None:
        """Have a profile computed soon; asking twice is asking once."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / digest
        if not path.exists():
            self._write(Request(digest=digest, reference=reference))
        if not self._is_on_its_way() and not is_locked(self._seat):
            self._spawn()

    def next(self) -> Request | None:
        """The oldest request, noting that it is begun once more."""
        try:
            paths = sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        except FileNotFoundError:
            return None
        for path in paths:
            if path.suffix:
                continue
            try:
                request = msgspec.json.decode(path.read_bytes(), type=Request)
            except (OSError, ValueError):
                path.unlink(missing_ok=True)
                continue
            begun = msgspec.structs.replace(request, attempts=request.attempts + 1)
            self._write(begun)
            return begun
        return None

    def waiting(self) -> bool:
        """Whether there are requests."""
        try:
            return any(not path.suffix for path in self._folder.iterdir())
        except FileNotFoundError:
            return False

    def done(self, digest: str) -> None:
        (self._folder / digest).unlink(missing_ok=True)

    @contextmanager
    def seat(self) -> Iterator[bool]:
        """Be the process that works requests off; False when there is one."""
        with locked(self._seat, wait=False) as mine:
            yield mine

    def of(self, digest: str) -> Path:
        """The lock that who computes this profile holds."""
        return self._folder / f"{digest}.lock"

    def _write(self, request: Request) -> None:
        path = self._folder / request.digest
        temporary = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        temporary.write_bytes(msgspec.json.encode(request))
        os.replace(temporary, path)

    def _is_on_its_way(self) -> bool:
        if self._spawned is None:
            return False
        young = time.monotonic() - self._spawned.at < SPAWN_PATIENCE_S
        return young and self._spawned.process.poll() is None and not is_locked(self._seat)

    def _spawn(self) -> None:
        dropped = {name: value for name, value in os.environ.items() if name not in PROCESS_VARIABLES}
        root = str(Path(__file__).parents[3])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        with self._log.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", MODULE],
                env={**dropped, **self._settings.environment(), "PYTHONPATH": path},
                cwd=self._settings.runtime_dir,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._spawned = _Spawned(process, time.monotonic())
        # one that ends before this process does must not stay as its zombie
        threading.Thread(target=process.wait, name="mlops-profiler-reaper", daemon=True).start()


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold a lock that ends with this process; False where somebody else has it and none is waited for.

    On Windows there are no such locks: there the work may be done twice.
    """
    try:
        import fcntl
    except ImportError:
        yield True
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fd = _lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB, wait)
    if fd is None:
        yield False
        return
    try:
        yield True
    finally:
        with contextlib.suppress(OSError):
            path.unlink()  # while it is held: who waits for it sees that it is another file now
        os.close(fd)


def is_locked(path: Path) -> bool:
    """Whether some process holds it."""
    try:
        import fcntl

        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except (ImportError, FileNotFoundError):
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def _lock(path: Path, how: int, wait: bool) -> int | None:
    import fcntl

    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, how)
            if _is_still(fd, path):
                return fd
        except BlockingIOError:
            if not wait:
                os.close(fd)
                return None
            time.sleep(POLL_S)
        os.close(fd)


def _is_still(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False
