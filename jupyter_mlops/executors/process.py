"""Processes of jobs: started in a session of their own, found by the job's id, killed to the last one.

A process belongs to a job when the job's id stands in the environment that it was started with. That
holds through ``setsid``, daemons and forks, where process groups and parents do not.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from ..config import AGENT, JOB

LINUX = sys.platform.startswith("linux")
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
POLL_S = 0.01
DEAD = (b"Z", b"X")
"""States of ``/proc/<pid>/stat`` in which a process only waits to be reaped."""


def spawn(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    cwd: Path,
    log: Path,
    pass_fds: Collection[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, its output going to the end of ``log``."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            env=dict(environment),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )


def become_subreaper() -> bool:
    """Have orphaned descendants become children of this process, not of init. Linux only (prctl(2))."""
    if not LINUX:
        return False
    return bool(ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def processes_of(job_id: str) -> set[int]:
    """The living processes that carry the job's id, this one left out.

    Another user's processes cannot be read and are not among them.
    """
    carried = f"{JOB}={job_id}".encode()
    return {pid for pid, environment in _environments() if carried in environment}


def session_members(session: int, *, uid: int) -> set[int]:
    """The user's living processes of a session; nothing where there is no ``/proc``."""
    if not LINUX:
        return set()
    return {
        pid
        for pid in _pids()
        if (fields := _stat(pid))
        and int(fields[3]) == session  # field 6
        and fields[0] not in DEAD
        and _owner(pid) == uid
    }


def descendants(pid: int) -> set[int]:
    """The living processes below ``pid``; an agent among them and what it started are left out.

    An agent outlives the job that happened to start it.
    """
    children: dict[int, list[int]] = {}
    for each, parent in _parents():
        children.setdefault(parent, []).append(each)
    found: set[int] = set()
    waiting = list(children.get(pid, ()))
    while waiting:
        each = waiting.pop()
        if each not in found and not _is_agent(each):
            found.add(each)
            waiting += children.get(each, ())
    return found


def kill_all(find: Callable[[], Collection[int]], *, timeout_s: float = 5.0) -> bool:
    """Kill what ``find`` finds until it finds nothing more; False when some is left after ``timeout_s``."""
    deadline = time.monotonic() + timeout_s
    while found := find():
        for pid in found:
            send(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def send(pid: int, number: signal.Signals) -> bool:
    """Signal a process; False when there is none that may be signalled."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def reap_children() -> None:
    """Take away the zombies among this process's children."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _is_agent(pid: int) -> bool:
    return any(entry.startswith(f"{AGENT}=".encode()) for entry in _environment_of(pid))


def _environments() -> Iterator[tuple[int, list[bytes]]]:
    for pid in _pids():
        if pid != os.getpid():
            yield pid, _environment_of(pid)


def _pids() -> list[int]:
    if LINUX:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    import psutil

    return psutil.pids()


def _environment_of(pid: int) -> list[bytes]:
    """``NAME=value`` as the process was started; nothing for a zombie or another user's process."""
    if LINUX:
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                return file.read().split(b"\0")
        except OSError:
            return []
    import psutil

    try:
        environment = psutil.Process(pid).environ()
    except (psutil.Error, OSError):
        return []
    return [f"{name}={value}".encode() for name, value in environment.items()]


def _parents() -> Iterator[tuple[int, int]]:
    """Each living process and its parent."""
    if LINUX:
        for pid in _pids():
            if (fields := _stat(pid)) and fields[0] not in DEAD:
                yield pid, int(fields[1])
        return
    import psutil

    for process in psutil.process_iter(["ppid", "status"]):
        if process.info["status"] != psutil.STATUS_ZOMBIE and process.info["ppid"] is not None:
            yield process.pid, process.info["ppid"]


def _stat(pid: int) -> list[bytes]:
    """The fields of ``/proc/<pid>/stat`` (proc(5)) after the command's name, from the state on."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return []


def _owner(pid: int) -> int | None:
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return None
