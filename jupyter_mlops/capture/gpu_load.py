"""How busy the GPUs are that this process may use, and which processes use GPUs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .nvml import VISIBLE, calls, devices, library, visible


class GpuMeter:
    """Reads the visible GPUs, numbered as CUDA numbers them; nothing where NVML is absent or fails.

    NVML stays initialised from the first reading on. In a forked child nothing is read: what the library
    makes of a fork is not documented, and the parent reads the same GPUs.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ, *, nvml: Callable[[], Any] = library) -> None:
        self._environ = environ
        self._library = nvml
        self._nvml: Any = None
        self._handles: list[Any] = []
        self._restriction: str | None = "not looked yet"
        self._pid = os.getpid()

    def read(self) -> dict[str, float]:
        """``gpu0_percent``, ``gpu0_memory_bytes``, ``gpu0_power_w`` and so on, as far as they are told."""
        if os.getpid() != self._pid:
            return {}
        restriction = self._environ.get(VISIBLE)
        if restriction != self._restriction:  # user code may restrict itself, as before it imports torch
            self._restriction = restriction
            self._open(restriction)
        if self._nvml is None:
            return {}
        found: dict[str, float] = {}
        with calls():
            for number, handle in enumerate(self._handles):
                for name, ask in _ASKED.items():
                    try:
                        found[f"gpu{number}_{name}"] = ask(self._nvml, handle)
                    except self._nvml.NVMLError:  # not told of a MIG instance; or it fell off the bus
                        continue
        return found

    def _open(self, restriction: str | None) -> None:
        nvml = self._library()
        if nvml is None:
            return
        slots = visible(devices(), restriction)
        with calls():
            try:
                if self._nvml is None and slots:
                    nvml.nvmlInit()
                    self._nvml = nvml
                self._handles = [nvml.nvmlDeviceGetHandleByUUID(slot.uuid) for slot in slots]
            except nvml.NVMLError:
                self._handles = []


_ASKED: dict[str, Callable[[Any, Any], float]] = {
    "percent": lambda nvml, handle: float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu),
    "memory_bytes": lambda nvml, handle: float(nvml.nvmlDeviceGetMemoryInfo(handle).used),
    "power_w": lambda nvml, handle: nvml.nvmlDeviceGetPowerUsage(handle) / 1000.0,
}


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """A process that uses a GPU; ``memory_bytes`` is None where that is not told (WSL, some containers)."""

    pid: int
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class GpuUse:
    """How much memory of a GPU is used, and by which processes."""

    used_bytes: int | None = None
    processes: tuple[GpuProcess, ...] = ()


class GpuOccupancy:
    """Tells who uses GPUs; nothing where NVML is absent or fails.

    NVML stays initialised from the first reading on, because that may take a second where no other program
    keeps the driver awake. In a forked child nothing is read.
    """

    def __init__(self, *, nvml: Callable[[], Any] = library) -> None:
        self._library = nvml
        self._nvml: Any = None
        self._pid = os.getpid()

    def read(self, uuids: Sequence[str]) -> dict[str, GpuUse]:
        """The use of each GPU or MIG instance that can be asked."""
        if os.getpid() != self._pid or not uuids:
            return {}
        with calls():
            if self._nvml is None and not self._open():
                return {}
            return dict(self._uses(uuids))

    def _open(self) -> bool:
        nvml = self._library()
        if nvml is None:
            return False
        try:
            nvml.nvmlInit()
        except nvml.NVMLError:
            return False
        self._nvml = nvml
        return True

    def _uses(self, uuids: Sequence[str]) -> Iterator[tuple[str, GpuUse]]:
        for uuid in uuids:
            try:
                yield uuid, self._use(self._nvml.nvmlDeviceGetHandleByUUID(uuid))
            except self._nvml.NVMLError:  # it fell off the bus
                continue

    def _use(self, handle: Any) -> GpuUse:
        nvml = self._nvml
        found: dict[int, int | None] = {}
        for ask in (getattr(nvml, name, None) for name in _WHO_USES_IT):
            try:
                told = ask(handle) if ask else []
            except nvml.NVMLError:  # a MIG instance draws nothing
                continue
            for each in told:
                found[int(each.pid)] = each.usedGpuMemory or found.get(int(each.pid))
        try:
            used = int(nvml.nvmlDeviceGetMemoryInfo(handle).used)
        except nvml.NVMLError:
            used = None
        return GpuUse(used, tuple(GpuProcess(pid, memory) for pid, memory in sorted(found.items())))


_WHO_USES_IT = (
    "nvmlDeviceGetComputeRunningProcesses",
    "nvmlDeviceGetMPSComputeRunningProcesses",
    "nvmlDeviceGetGraphicsRunningProcesses",
)
"""A process may be told of by several; old versions of the library lack the second."""
