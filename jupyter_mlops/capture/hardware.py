"""The machine: CPU model, memory, GPUs and their driver. It does not change while a process lives."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from .nvml import VISIBLE, devices, library, versions_of, visible

_CPU_NAMES = ("model name", "Hardware", "cpu model", "Processor")
"""How /proc/cpuinfo names the model: on x86, ARM, MIPS and older ARM."""
_UNLIMITED = 1 << 60
"""A memory limit above this stands for none (cgroup v1 writes a number near 2**63)."""


def hardware() -> dict[str, Any]:
    """``cpu_model cpus_usable memory_bytes memory_limit_bytes gpus driver cuda``, those that are known.

    GPUs are those that this process may use.
    """
    return {**_machine(), **_gpus(os.environ.get(VISIBLE))}


@lru_cache(maxsize=1)
def _machine() -> dict[str, Any]:
    found = {
        "cpu_model": cpu_model(),
        "cpus_usable": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "memory_bytes": memory_bytes(),
        "memory_limit_bytes": memory_limit_bytes(),
    }
    return {key: value for key, value in found.items() if value}


@lru_cache(maxsize=4)
def _gpus(restriction: str | None) -> dict[str, Any]:
    slots = visible(devices(), restriction)
    if not slots:
        return {}
    gpus = [{"name": each.name, "uuid": each.uuid, "memory_bytes": each.memory_bytes} for each in slots]
    return {"gpus": gpus, **versions_of(library())}


def cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name; its architecture where it has none to be found."""
    try:
        with cpuinfo.open(errors="replace") as file:
            head = file.read(8192)  # one processor's part; a large machine has hundreds of them
    except OSError:
        head = ""
    lines = (line.partition(":") for line in head.split("\n"))
    stated = {name.strip(): value.strip() for name, _, value in lines}
    found = next((stated[name] for name in _CPU_NAMES if stated.get(name)), "")
    if not found and sys.platform == "darwin":
        found = _of_program("sysctl", "-n", "machdep.cpu.brand_string")
    return found or platform.processor() or platform.machine()


def memory_bytes() -> int | None:
    """The machine's memory."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        import psutil

        return int(psutil.virtual_memory().total)


_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")


def memory_limit_bytes(root: Path = _GROUPS, own: Path = _OWN_GROUPS) -> int | None:
    """The lowest memory limit of the control groups above this process; None without one (cgroups(7))."""
    limits = []
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _number, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        base, name = (root / "memory", "memory.limit_in_bytes") if controllers else (root, "memory.max")
        group = base / path.lstrip("/")
        # in a container the path may be that of the host, and the root the container's own
        for folder in (group, *group.parents):
            if folder == base.parent:
                break
            limits.append(_number_in(folder / name))
    known = [limit for limit in limits if limit is not None and 0 < limit < _UNLIMITED]
    return min(known, default=None)


def _number_in(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):  # not there, or "max"
        return None


def _of_program(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
