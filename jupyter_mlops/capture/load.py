"""What a tree of processes uses, and what the machine it runs on does.

On Linux everything is read from ``/proc`` (proc(5)), which takes a fraction of a millisecond; elsewhere
psutil is asked, and imported only then.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_LINUX = sys.platform.startswith("linux")


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeUse:
    """A process and all below it: CPU seconds and bytes since each began, and memory now.

    CPU time counts children that have ended, once they were waited for. Memory that processes share is
    counted for each.
    """

    cpu_s: float = 0.0
    rss_bytes: int = 0
    read_bytes: int = 0
    written_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineUse:
    """Bytes over all network interfaces but the loopback, and the part of the memory that is in use."""

    received_bytes: int = 0
    sent_bytes: int = 0
    memory_percent: float | None = None


def tree_use(pid: int) -> TreeUse:
    """A process that is gone uses nothing."""
    return _tree_from_proc(pid, Path("/proc")) if _LINUX else _tree_from_psutil(pid)


def tree_of(pid: int) -> set[int]:
    """The process and all below it."""
    if _LINUX:
        return set(_descendants(pid, Path("/proc")))
    import psutil

    try:
        return {pid, *(each.pid for each in psutil.Process(pid).children(recursive=True))}
    except psutil.Error:
        return {pid}


def peak_of(pid: int) -> int:
    """The most bytes that a process had in memory since its program began (proc(5), VmHWM); 0 elsewhere."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            return next((int(line.split()[1]) * 1024 for line in file if line.startswith(b"VmHWM:")), 0)
    except OSError:
        return 0


def machine_use() -> MachineUse:
    return _machine_from_proc(Path("/proc")) if _LINUX else _machine_from_psutil()


def _tree_from_proc(root: int, proc: Path) -> TreeUse:
    ticks = os.sysconf("SC_CLK_TCK")
    page = os.sysconf("SC_PAGE_SIZE")
    cpu = rss = read = written = 0
    for pid in _descendants(root, proc):
        try:
            with open(f"{proc}/{pid}/stat", "rb") as file:
                # the command's name, in parentheses, may hold spaces and parentheses of its own
                fields = file.read().rpartition(b")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        cpu += sum(map(int, fields[11:15]))  # utime, stime, cutime and cstime: fields 14 to 17
        rss += int(fields[21])  # field 24
        moved = _moved(f"{proc}/{pid}/io")
        read, written = read + moved[0], written + moved[1]
    return TreeUse(cpu_s=cpu / ticks, rss_bytes=rss * page, read_bytes=read, written_bytes=written)


def _descendants(root: int, proc: Path) -> Iterator[int]:
    """The process and all below it: each thread lists the children that it made.

    A kernel may be built without these lists (CONFIG_PROC_CHILDREN): then all processes are looked at.
    """
    if not os.path.exists(f"{proc}/{root}/task/{root}/children"):
        yield from _below(root, _parents(proc))
        return
    left = [root]
    while left:
        pid = left.pop()
        yield pid
        try:
            threads = os.listdir(f"{proc}/{pid}/task")
        except OSError:
            continue
        for thread in threads:
            try:
                with open(f"{proc}/{pid}/task/{thread}/children", "rb") as file:
                    left += map(int, file.read().split())
            except OSError:
                continue


def _parents(proc: Path) -> dict[int, int]:
    found = {}
    for name in os.listdir(proc):
        if name.isdigit():
            try:
                with open(f"{proc}/{name}/stat", "rb") as file:
                    found[int(name)] = int(file.read().rpartition(b")")[2].split()[1])  # field 4
            except OSError:
                continue
    return found


def _below(root: int, parents: dict[int, int]) -> Iterator[int]:
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    left = [root]
    while left:
        pid = left.pop()
        yield pid
        left += children.get(pid, [])


def _moved(path: str) -> tuple[int, int]:
    """Bytes read from and written to disks; another user's process does not tell."""
    try:
        with open(path, "rb") as file:
            stated = dict(line.split(b": ") for line in file.read().splitlines())
        return int(stated[b"read_bytes"]), int(stated[b"write_bytes"])
    except (OSError, ValueError, KeyError):
        return 0, 0


def _machine_from_proc(proc: Path) -> MachineUse:
    received = sent = 0
    try:
        lines = (proc / "net" / "dev").read_text().splitlines()[2:]
    except OSError:
        lines = []
    for line in lines:
        interface, _, counted = line.partition(":")
        figures = counted.split()
        if interface.strip() != "lo" and len(figures) > 8:
            received += int(figures[0])
            sent += int(figures[8])
    return MachineUse(received_bytes=received, sent_bytes=sent, memory_percent=_memory_percent(proc))


def _memory_percent(proc: Path) -> float | None:
    try:
        with open(proc / "meminfo", "rb") as file:
            head = [line.split() for line in file.read(512).splitlines()]
        stated = {line[0]: int(line[1]) for line in head if len(line) == 3}
        return 100.0 * (1.0 - stated[b"MemAvailable:"] / stated[b"MemTotal:"])
    except (OSError, ValueError, KeyError, ZeroDivisionError):
        return None


def _tree_from_psutil(pid: int) -> TreeUse:
    import psutil

    cpu, rss = 0.0, 0
    try:
        root = psutil.Process(pid)
        tree = [root, *root.children(recursive=True)]
    except psutil.Error:
        return TreeUse()
    for each in tree:
        try:
            times = each.cpu_times()
            cpu += times.user + times.system
            rss += each.memory_info().rss
        except psutil.Error:
            continue
    return TreeUse(cpu_s=cpu, rss_bytes=rss)


def _machine_from_psutil() -> MachineUse:
    import psutil

    moved = psutil.net_io_counters()
    return MachineUse(
        received_bytes=moved.bytes_recv,
        sent_bytes=moved.bytes_sent,
        memory_percent=float(psutil.virtual_memory().percent),
    )
