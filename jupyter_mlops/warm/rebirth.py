"""What a forked process does to be as one that was started: session, environment, folder, files, name.

On Linux only. ``/proc/<pid>/environ`` and ``/proc/<pid>/cmdline`` show memory of the process itself, that of
its start (proc(5)): a job's processes are found by its id there, so that it is written into that memory.
"""

from __future__ import annotations

import ctypes
import os
import signal
import tempfile
import time
from collections.abc import Mapping, Sequence

from ..config import JOB

ROOM = 256
PLACEHOLDER = "=" * ROOM
"""What a nursery is started with in the place of a job's id."""
HIGHEST_FD = 1 << 20

PR_SET_NAME = 15  # linux/prctl.h
ENVIRONMENT_START, ARGUMENTS_START = 47, 45
"""Fields 50 and 48 of ``/proc/<pid>/stat``, counted from the one after the command's name."""


class Memory:
    """Where this process's initial environment and arguments lie."""

    def __init__(self) -> None:
        fields = _stat()
        self._arguments = _span(fields, ARGUMENTS_START)
        self._job = _place_of_job(_span(fields, ENVIRONMENT_START))

    @property
    def can_be_marked(self) -> bool:
        """Whether a job's id can be written so that others find it."""
        return self._job is not None

    def mark(self, job_id: str) -> bool:
        """Carry a job's id from now on; False when that cannot be done."""
        text = job_id.encode()
        if self._job is None or len(text) > ROOM:
            return False
        ctypes.memmove(self._job, text.ljust(ROOM, b"\0"), ROOM)
        with open("/proc/self/environ", "rb") as file:
            return f"{JOB}={job_id}".encode() in file.read().split(b"\0")

    def rename(self, command: Sequence[str], name: str) -> None:
        """Show this command in lists of processes."""
        start, end = self._arguments
        text = b" ".join(os.fsencode(each) for each in command)[: end - start - 2]
        # a last byte that is no NUL says that all up to the first NUL is the text (fs/proc/base.c)
        ctypes.memmove(start, text.ljust(end - start - 1, b"\0") + b"=", end - start)
        ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def _stat() -> list[bytes]:
    with open("/proc/self/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()


def _span(fields: Sequence[bytes], first: int) -> tuple[int, int]:
    return int(fields[first]), int(fields[first + 1])


def _place_of_job(environment: tuple[int, int]) -> int | None:
    start, end = environment
    if not start:
        return None
    wanted = f"{JOB}={PLACEHOLDER}".encode() + b"\0"
    found = ctypes.string_at(start, end - start).find(wanted)
    return None if found < 0 else start + found + len(JOB) + 1


def set_environment(environment: Mapping[str, str]) -> None:
    """Have exactly this environment, and forget what was remembered of another one."""
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    tempfile.tempdir = None


def restore_signals() -> None:
    """As in a process that was started (signal(7))."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def take_streams(*, log: int) -> None:
    """Read nothing, and write to the log."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for fd, number in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(fd, number)


def close_all_but(kept: Sequence[int]) -> None:
    """Close every file descriptor but the three standard ones and ``kept``."""
    last = 2
    for fd in sorted(each for each in kept if each > 2):
        os.closerange(last + 1, fd)
        last = fd
    os.closerange(last + 1, HIGHEST_FD)


def place_fds(received: Sequence[int], wanted: Sequence[int]) -> None:
    """Have what was received under the numbers ``wanted``, open also for programs that are started."""
    import fcntl

    above = max([2, *wanted]) + 1
    moved = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, above) for fd in received]
    for fd in received:
        os.close(fd)
    for fd, number in zip(moved, wanted, strict=True):
        os.dup2(fd, number)
        os.close(fd)
