"""Who holds memory of GPUs without having leased them: kernels of notebooks above all.

NVML tells the processes that use a GPU. Those of the jobs that have leased it are known by the job's id in
their environment, or by their ancestors where that cannot be read; all others are told of by name.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from ..capture.gpu_load import GpuOccupancy, GpuProcess, GpuUse
from ..config import JOB, NOTEBOOK
from ..entities import GpuSlot, short_id
from .leases import Held

LOOK_EVERY_S = 2.0
GIBIBYTE = 1024**3
SESSION_NAME = "JPY_SESSION_NAME"
"""The notebook's path, in the environment of kernels that jupyter_server (from 2.0) starts."""

CONNECTION_FILE = re.compile(r"(^|[/\\=])kernel-[^/\\]*\.json$")
SEEN_HERE = 4096
"""So many processes are remembered at most."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """What of a GPU's memory is held by processes that have not leased it, and who they are."""

    memory_bytes: int = 0
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a process: its name for people, its job's id, and the pids above it."""

    name: str
    job_id: str = ""
    lineage: frozenset[int] = frozenset()


NOT_SEEN = Seen("a process that cannot be seen from here")


class Occupants:
    """Remembers the last look at the GPUs: jobs are placed several times a second."""

    def __init__(
        self,
        spare_bytes: int,
        *,
        occupancy: GpuOccupancy | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spare_bytes = spare_bytes
        self._occupancy = occupancy or GpuOccupancy()
        self._clock = clock
        self._looked_at = float("-inf")
        self._uses: dict[str, GpuUse] = {}
        self._seen: dict[tuple[int, float], Seen] = {}

    def look(self, slots: Sequence[GpuSlot]) -> None:
        """See who uses them, unless that was seen just now."""
        if not slots or self._clock() - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = self._clock()
        self._uses = self._occupancy.read([slot.uuid for slot in slots])

    def on(self, slot: GpuSlot, held: Sequence[Held]) -> Foreign:
        """Who has not leased it and uses it. Very little memory counts as none."""
        use = self._uses.get(slot.uuid)
        if use is None or not use.processes:
            return Foreign()
        foreign = [each for each in use.processes if not self._is_leased(each, held)]
        memory = sum(each.memory_bytes or 0 for each in foreign)
        if any(each.memory_bytes is None for each in foreign) and not held:
            memory = max(memory, use.used_bytes or 0)  # in containers, processes' shares are not told
        if memory <= self._spare_bytes:
            return Foreign()
        return Foreign(memory, tuple(self._in_words(each, use) for each in _largest_first(foreign)))

    def _is_leased(self, process: GpuProcess, held: Sequence[Held]) -> bool:
        holders = [each.holder for each in held if each.holder is not None]
        if not holders:
            return False
        seen = self._see(process.pid)
        if seen is NOT_SEEN:  # one of the jobs' in another PID namespace, as far as one can tell
            return True
        if seen.job_id:
            return any(holder.job_id == seen.job_id for holder in holders)
        return any(holder.pid in seen.lineage for holder in holders)

    def _in_words(self, process: GpuProcess, use: GpuUse) -> str:
        memory = process.memory_bytes
        if memory is None and len(use.processes) == 1:
            memory = use.used_bytes
        holds = "uses it" if memory is None else f"holds {memory / GIBIBYTE:.1f} GiB"
        return f"{self._see(process.pid).name} (process {process.pid}) {holds}"

    def _see(self, pid: int) -> Seen:
        try:
            process = psutil.Process(pid)
            key = pid, process.create_time()
            if key not in self._seen:
                if len(self._seen) >= SEEN_HERE:
                    self._seen.clear()
                self._seen[key] = _describe(process)
            return self._seen[key]
        except psutil.Error:
            return NOT_SEEN


def _largest_first(processes: Sequence[GpuProcess]) -> list[GpuProcess]:
    return sorted(processes, key=lambda each: -(each.memory_bytes or 0))


def _describe(process: psutil.Process) -> Seen:
    above = [process, *process.parents()]
    environment = _environment(process)
    job_id = environment.get(JOB, "")
    lineage = frozenset(each.pid for each in above)
    if job_id:
        return Seen(f"job {short_id(job_id)}, which has not leased it", job_id, lineage)
    whose = _whose(process)
    kernel = next((each for each in above if _is_kernel(each)), None)
    if kernel is None:
        return Seen(f"{_program(process)}{whose}", "", lineage)
    its = _environment(kernel)
    notebook = its.get(NOTEBOOK) or its.get(SESSION_NAME)
    if notebook:
        return Seen(f"kernel of {Path(notebook).name}{whose}", "", lineage)
    return Seen(f"a kernel{whose}", "", lineage)


def _is_kernel(process: psutil.Process) -> bool:
    """Whether it was started with a connection file, as kernels of all languages are."""
    with contextlib.suppress(psutil.Error):
        return any(CONNECTION_FILE.search(word) or word.startswith("ipykernel") for word in process.cmdline())
    return False


def _environment(process: psutil.Process) -> dict[str, str]:
    """Nothing for another user's process."""
    with contextlib.suppress(psutil.Error, OSError):
        return process.environ()
    return {}


def _whose(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error, KeyError):
        if process.uids().real != os.getuid():
            return f" of {process.username()}"
    return ""


def _program(process: psutil.Process) -> str:
    """``python train.py``: the program and its script, and no other word of its command."""
    with contextlib.suppress(psutil.Error):
        name, words = process.name(), process.cmdline()[1:]
        script = next((word for word in words if not word.startswith("-")), "")
        is_python = name.startswith("python")
        return f"{name} {Path(script).name}" if is_python and script.endswith(".py") else name
    return "a process"
