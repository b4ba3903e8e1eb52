"""BLAKE3 of files: as fast as the machine can, and never of a mixture of two contents."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK_BYTES = 1024 * 1024
"""What the nearest caches hold: larger pieces are hashed more slowly."""
PARALLEL_BYTES = 128 * 1024 * 1024
"""Larger files are hashed on all cores, which costs some 20 ms to begin with."""
SMALL_BYTES = 256 * 1024
"""Larger files are taken for ones that somebody may write to through a memory mapping."""

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)

_PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from blake3 import blake3
hasher = blake3(max_threads=blake3.AUTO)
hasher.update_mmap(sys.argv[2])
print(hasher.hexdigest())
"""


class Stamp(NamedTuple):
    """What tells that a file has not been changed: one of them changes when somebody writes to it."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def hash_file(path: str | os.PathLike[str], *, private: bool = False) -> tuple[str, Stamp]:
    """The digest of a file, and what it was the digest of.

    Nobody writes to a ``private`` one, which may get another time or lose its name meanwhile. Raises Conflict
    when somebody writes to the file meanwhile, InvalidInput for what is no file, and OSError.
    """
    with opened(path, private=private) as (fd, stamp):
        digest = _on_all_cores(fd, path) if stamp.size >= PARALLEL_BYTES else None
        if digest is None:
            digest = _by_reading(fd, stamp.size)
        if not private:
            check_unchanged(fd, stamp, path)
    return digest, stamp


def digest_of(content: bytes) -> str:
    """64 hexadecimal digits."""
    from blake3 import blake3

    return str(blake3(content).hexdigest())


def read_unchanged(path: str | os.PathLike[str], stamp: Stamp) -> bytes:
    """The content of a small file that still is the one of this stamp. Raises as :func:`hash_file`."""
    fd = os.open(path, _FLAGS)
    try:
        content = os.read(fd, stamp.size + 1)
        if Stamp.of(os.fstat(fd)) != stamp:
            raise written_to(path)
    finally:
        os.close(fd)
    if len(content) != stamp.size:  # such as files below /proc, which have no size
        raise InvalidInput(f"{os.fspath(path)!r} gives {len(content)} bytes, but says it has {stamp.size}.")
    return content


@contextmanager
def opened(path: str | os.PathLike[str], *, private: bool = False) -> Iterator[tuple[int, Stamp]]:
    """A file for reading, without waiting where a pipe has taken its place; as :func:`hash_file` takes it."""
    fd = os.open(path, _FLAGS)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise InvalidInput(f"{os.fspath(path)!r} is no file (a folder, pipe, socket or device).")
        if status.st_size > SMALL_BYTES and not private:
            _write_back(fd)
            status = os.fstat(fd)
        yield fd, Stamp.of(status)
    finally:
        os.close(fd)


def _write_back(fd: int) -> None:
    """Have the next write through a memory mapping move the file's time.

    Linux moves it only when a page turns dirty: a page that is so already is written to unnoticed
    (``file_update_time`` is called by ``page_mkwrite``).
    """
    if hasattr(os, "fdatasync"):
        with suppress(OSError):
            os.fdatasync(fd)


def check_unchanged(fd: int, stamp: Stamp, path: str | os.PathLike[str]) -> None:
    """Raises Conflict when the open file has been written to since."""
    if Stamp.of(os.fstat(fd)) != stamp:
        raise written_to(path)


def written_to(path: str | os.PathLike[str]) -> Conflict:
    """The error of a file that changes."""
    return Conflict(
        f"{os.fspath(path)!r} was written to while it was read. Wait until that has ended, then try again."
    )


def _by_reading(fd: int, size: int) -> str:
    from blake3 import blake3

    hasher = blake3()
    if size < CHUNK_BYTES or not hasattr(os, "readv"):  # Windows has no readv
        while chunk := os.read(fd, CHUNK_BYTES):
            hasher.update(chunk)
        return str(hasher.hexdigest())
    buffer = bytearray(CHUNK_BYTES)
    view = memoryview(buffer)
    while count := os.readv(fd, [buffer]):
        hasher.update(view[:count])
    return str(hasher.hexdigest())


def _on_all_cores(fd: int, path: str | os.PathLike[str]) -> str | None:
    """The digest by a child process; None where there can be none, or when it fails.

    Only from mapped memory are all cores fed, and a process that maps a file gets SIGBUS when somebody cuts
    the file off: that must not be the user's kernel. Nor could that hash on all cores itself once it was
    forked: the threads of blake3's pool are not in the child, which would wait for them for ever.
    """
    if not sys.executable or not Path(f"/dev/fd/{fd}").exists():
        return None
    import signal
    import subprocess

    import blake3

    home = str(Path(blake3.__file__).parents[1])
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _PROGRAM, home, f"/dev/fd/{fd}"],
            pass_fds=(fd,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, ValueError):
        return None
    if done.returncode == -signal.SIGBUS:
        raise written_to(path)
    digest = done.stdout.decode("ascii", "replace").strip()
    return digest if done.returncode == 0 and len(digest) == 64 else None
