"""How busy the GPUs are that this process may use."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
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
