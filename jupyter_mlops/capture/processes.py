"""Processes, known so well that none is taken for a later one with the same pid.

On Linux everything comes from ``/proc`` (proc(5)), elsewhere from psutil. A pid means something only
within its boot and its PID namespace: the two together are called a view here.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from functools import lru_cache

from ..entities import Process

_LINUX = sys.platform.startswith("linux")
_current: dict[int, Process] = {}


def current_process() -> Process:
    """This process; a forked child is another one."""
    pid = os.getpid()
    known = _current.get(pid)
    if known is None:
        known = process_of(pid) or _identify(pid, 0)  # without /proc, the pid alone
        _current.clear()
        _current[pid] = known
    return known


def process_of(pid: int) -> Process | None:
    """The process that has ``pid`` here and now; None where there is none or only a zombie is left."""
    ticks = _start_ticks_from_proc(pid) if _LINUX else _start_ticks_from_psutil(pid)
    return None if ticks is None else _identify(pid, ticks)


def ancestors() -> frozenset[Process]:
    """The processes above this one, as far as they can be seen: its parent, that one's parent, and so on."""
    import psutil

    try:
        pids = [each.pid for each in psutil.Process().parents()]
    except psutil.Error:
        pids = [os.getppid()]
    return frozenset(found for pid in pids if (found := process_of(pid)) is not None)


def is_alive(process: Process) -> bool | None:
    """Whether it still runs. None when that cannot be known from here: another host or PID namespace."""
    if not same_view(process):
        return None
    there = process_of(process.pid)
    if there is None:
        return None if _is_hidden(process.pid) else False
    return there.start_ticks == process.start_ticks


def same_view(process: Process) -> bool:
    """Whether its pid means the same to this process: one boot of one host, one PID namespace."""
    boot = _boot_id()
    same_boot = process.boot_id == boot and (bool(boot) or process.host == socket.gethostname())
    return same_boot and process.pid_namespace == pid_namespace()


def boot_time() -> float:
    """When this host was started, in seconds since the epoch."""
    import psutil

    return psutil.boot_time()


def _identify(pid: int, ticks: int) -> Process:
    return Process(
        host=socket.gethostname(),
        boot_id=_boot_id(),
        pid_namespace=pid_namespace(),
        pid=pid,
        start_ticks=ticks,
    )


def _start_ticks_from_proc(pid: int) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # the command's name, in parentheses, may hold spaces and parentheses of its own
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    if not fields or fields[0] in (b"Z", b"X"):  # field 3, the state
        return None
    return int(fields[19])  # field 22


def _start_ticks_from_psutil(pid: int) -> int | None:
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return round(process.create_time() * 100)
    except psutil.NoSuchProcess:
        return None
    except psutil.AccessDenied:
        return 0


def _is_hidden(pid: int) -> bool:
    """Whether another user's process may have ``pid`` behind ``hidepid`` (a mount option of proc(5))."""
    if not _LINUX or os.path.exists("/proc/1"):
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return False


@lru_cache(maxsize=1)
def _boot_id() -> str:
    """An id of this boot, or an empty text where the system has none."""
    if _LINUX:
        try:
            with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
                return file.read().strip()
        except OSError:
            return ""
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"]
        try:
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            return ""
    return ""


def pid_namespace() -> int:
    """The inode that names this PID namespace (namespaces(7)); 0 where there is no such thing."""
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return 0
