"""What the processes of one job make of the GPUs that they hold."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from .nvml import VISIBLE, calls, devices, library, visible
from .processes import pid_namespace

UTILISATION_WINDOW_S = 10.0
"""NVML keeps some seconds of samples of each process's utilisation; older ones are not asked for."""
NO_SAMPLES = (0, 6)
"""NVML_SUCCESS, which pynvml raises where the list is empty, and NVML_ERROR_NOT_FOUND."""
HOST_PIDS = 0xEFFFFFFC
"""The inode of the first PID namespace (PROC_PID_INIT_INO in linux/proc_ns.h)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuReading:
    """One GPU at one moment, None where it does not tell: memory in bytes, utilisation from 0 to 1."""

    memory_bytes: int | None = None
    load: float | None = None


class GpuUse:
    """Reads the GPUs that this process was given; nothing where there are none, or NVML is absent or fails.

    ``alone``: each GPU is the job's as a whole, so that what the device tells is the job's. Of one that is
    shared only what NVML tells of the job's own processes counts. It knows them by the host's pids: in a
    container with pids of its own, where ``host_pids`` is False, a job that is not seen may be there.
    """

    def __init__(
        self,
        *,
        alone: bool,
        host_pids: bool | None = None,
        environ: Mapping[str, str] = os.environ,
        nvml: Callable[[], Any] = library,
    ) -> None:
        self._alone = alone
        self._host_pids = pid_namespace() == HOST_PIDS if host_pids is None else host_pids
        self._before: dict[Any, int | None] = {}
        self._restriction = environ.get(VISIBLE)
        self._library = nvml
        self._nvml: Any = None
        self._handles: list[Any] | None = None

    def can_tell(self) -> bool:
        """Whether there is anything to read."""
        if self._handles is None:
            self._handles = self._opened()
        return bool(self._handles)

    def read(self, pids: Collection[int]) -> list[GpuReading]:
        """Each GPU's reading; ``pids`` are the job's processes."""
        if not self.can_tell():
            return []
        with calls():
            return [self._reading(handle, pids) for handle in self._handles or ()]

    def _opened(self) -> list[Any]:
        """NVML stays initialised from here on, as long as this process lives."""
        nvml = self._library()
        slots = [] if nvml is None or not self._restriction else visible(devices(), self._restriction)
        if not slots:
            return []
        with calls():
            try:
                nvml.nvmlInit()
                self._nvml = nvml
                handles = [nvml.nvmlDeviceGetHandleByUUID(slot.uuid) for slot in slots]
            except nvml.NVMLError:
                return []
            self._before = {id(each): self._told(partial(_memory, handle=each)) for each in handles}
            return handles

    def _reading(self, handle: Any, pids: Collection[int]) -> GpuReading:
        own = self._told(lambda nvml: _memory_of(nvml, handle, pids))
        if self._alone:
            return GpuReading(
                memory_bytes=own or self._more_than_before(handle),
                load=self._told(lambda nvml: nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100.0),
            )
        if own is None and self._host_pids:
            own = 0
        return GpuReading(
            memory_bytes=own,
            load=None if own is None else self._told(lambda nvml: _load_of(nvml, handle, pids)),
        )

    def _more_than_before(self, handle: Any) -> int | None:
        """What the device's memory holds more than when it was opened, before the job's first cell."""
        held, before = self._told(partial(_memory, handle=handle)), self._before[id(handle)]
        return None if held is None or before is None else max(0, held - before)

    def _told(self, ask: Callable[[Any], Any]) -> Any:
        """The answer; None where NVML does not tell (a MIG instance, a GPU that fell off the bus)."""
        try:
            return ask(self._nvml)
        except self._nvml.NVMLError:
            return None


def _memory(nvml: Any, handle: Any) -> int:
    return int(nvml.nvmlDeviceGetMemoryInfo(handle).used)


def _memory_of(nvml: Any, handle: Any, pids: Collection[int]) -> int | None:
    """What these processes hold; None where none of them is among those that hold any."""
    holding = nvml.nvmlDeviceGetComputeRunningProcesses(handle)
    known = [each.usedGpuMemory for each in holding if each.pid in pids]
    return sum(each for each in known if each is not None) if known else None


def _load_of(nvml: Any, handle: Any, pids: Collection[int]) -> float:
    """The part of the time in which kernels of these processes ran, lately.

    Processes that did nothing are not among the samples: with none at all there was no load.
    """
    since = int(1e6 * (time.time() - UTILISATION_WINDOW_S))
    try:
        samples = nvml.nvmlDeviceGetProcessUtilization(handle, since)
    except nvml.NVMLError as error:
        if getattr(error, "value", None) in NO_SAMPLES:
            return 0.0
        raise
    newest = {each.pid: each for each in sorted(samples, key=lambda each: each.timeStamp) if each.pid in pids}
    percent = sum(int(each.smUtil) for each in newest.values())
    return min(1.0, percent / 100.0)
