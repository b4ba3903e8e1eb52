"""What a job's attempt uses, added up from readings while it runs."""

from __future__ import annotations

import logging
import os
import resource
import sys
import time
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from ...capture.gpu_use import GpuReading
from ...capture.load import peak_of, tree_use
from ...entities import Used

MEMORY_EVERY_S = 1.0
GPUS_EVERY_S = 2.0
SHARE = 0.005
"""The part of a core that reading may take: with hundreds of processes it is done less often."""

logger = logging.getLogger(__name__)


class Processes(Protocol):
    """What is asked of ``protocols.jobs.Custody``."""

    def processes(self) -> Collection[int]: ...

    def peak_bytes(self) -> int: ...


class Gpus(Protocol):
    """The job's GPUs: ``capture.gpu_use.GpuUse``."""

    def can_tell(self) -> bool: ...

    def read(self, pids: Collection[int]) -> list[GpuReading]: ...


class Meter:
    """Reads what is due each time that it is asked to look; made and asked by the worker.

    ``idle_below`` is the utilisation below which a GPU is idle. The worker's own use is left out.
    """

    def __init__(
        self,
        custody: Processes,
        gpus: Gpus,
        *,
        idle_below: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._custody, self._gpus, self._clock = custody, gpus, clock
        self._idle_below = idle_below
        self._began = clock()
        self._memory_due = self._gpus_due = self._began
        self._peak = 0
        self._cpu_s = 0.0
        self._gpu_peak: int | None = None
        self._loads = _Mean()
        self._idle = _Idle(self._began)

    @property
    def idle_s(self) -> float:
        """For how long all of its GPUs have been idle without a break; 0 where nobody can tell."""
        return self._idle.lasts_s

    def used(self) -> Used:
        """What it has used so far."""
        return Used(
            memory_bytes=self._peak or None,
            cpu_s=round(self._cpu_s, 3),
            gpu_memory_bytes=self._gpu_peak,
            gpu_load=self._loads.value,
            gpu_idle_s=None if self._loads.value is None else round(self._idle.total_s, 3),
        )

    def look(self) -> None:
        """Read what is due; what cannot be read is left out."""
        now, began = self._clock(), time.thread_time()
        if now >= self._memory_due:
            self._read_processes()
            self._memory_due = now + max(MEMORY_EVERY_S, (time.thread_time() - began) / SHARE)
        began = time.thread_time()
        if now >= self._gpus_due:
            self._read_gpus(now)
            self._gpus_due = now + max(GPUS_EVERY_S, (time.thread_time() - began) / SHARE)

    def finish(self) -> Used:
        """The last reading, when the notebook's processes have ended: the sums that the system kept."""
        self._read_cpu()
        self.saw_memory(_peak_of_children())
        return self.used()

    def saw_memory(self, in_use: int) -> None:
        """Somebody else has read it."""
        self._peak = max(self._peak, in_use)

    def _read_processes(self) -> None:
        self._read_cpu()
        self.saw_memory(self._custody.peak_bytes())

    def _read_cpu(self) -> None:
        """Of children that have ended the system tells once they were waited for: it never goes back."""
        self._cpu_s = max(self._cpu_s, tree_use(os.getpid()).cpu_s - time.process_time())

    def _read_gpus(self, now: float) -> None:
        if not self._gpus.can_tell():
            return
        readings = self._gpus.read(self._custody.processes())
        memory = [each.memory_bytes for each in readings if each.memory_bytes is not None]
        if memory:
            self._gpu_peak = max(self._gpu_peak or 0, *memory)
        loads = [each.load for each in readings if each.load is not None]
        if loads:
            self._loads.add(loads)
        told = bool(readings) and len(loads) == len(readings)
        self._idle.note(now, idle=told and max(loads) < self._idle_below)


class _Mean:
    def __init__(self) -> None:
        self._sum, self._count = 0.0, 0

    def add(self, values: Sequence[float]) -> None:
        self._sum += sum(values) / len(values)
        self._count += 1

    @property
    def value(self) -> float | None:
        return round(self._sum / self._count, 4) if self._count else None


class _Idle:
    """Time in which every reading was idle; that between a busy and an idle one is not counted."""

    def __init__(self, now: float) -> None:
        self._since: float | None = None
        self._at = now
        self.total_s = self.lasts_s = 0.0

    def note(self, now: float, *, idle: bool) -> None:
        if idle and self._since is not None:
            self.total_s += now - self._at
            self.lasts_s = now - self._since
        else:
            self._since, self.lasts_s = (now if idle else None), 0.0
        self._at = now


def _peak_of_children() -> int:
    """The most that one of the children that have ended had in memory: what no reading may have seen.

    A child begins with its parent's pages, and its peak counts them: what is no more than this process's
    own peak says nothing of it. Its own peak in the same table would count its parent's, too.
    """
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2): Linux counts in KiB
    own, children = (
        resource.getrusage(who).ru_maxrss * unit for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return children if children > (peak_of(os.getpid()) or own) else 0
