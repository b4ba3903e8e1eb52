"""The NVIDIA GPUs of this host, as the driver's management library (NVML) tells of them.

Where there is no driver nothing is found, and nobody is told. NVML is called under one lock, which a fork
waits for: a child never inherits the library in the midst of a call.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import entities

if TYPE_CHECKING:
    from ..entities import GpuSlot

VISIBLE = "CUDA_VISIBLE_DEVICES"
FORK_WAIT_S = 0.5
"""A fork does not wait longer than this for a call that hangs."""
_TRACES = ("/proc/driver/nvidia", "/dev/nvidiactl", "/dev/dxg")
"""On Linux one of these is there where NVML may work (``/dev/dxg`` in WSL): else it is not imported."""

logger = logging.getLogger(__name__)

_lock = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A GPU as NVML knows it. ``instances`` are its MIG instances; then it is not used as a whole."""

    uuid: str
    index: int
    name: str
    memory_bytes: int | None = None
    instances: list[GpuSlot] = field(default_factory=list)

    def slots(self) -> list[GpuSlot]:
        if self.instances:
            return self.instances
        return [
            entities.GpuSlot(uuid=self.uuid, index=self.index, name=self.name, memory_bytes=self.memory_bytes)
        ]


def visible(found: list[Device], restriction: str | None) -> list[GpuSlot]:
    """The slots among ``found`` that a ``CUDA_VISIBLE_DEVICES`` leaves, in its order.

    Its rules are CUDA's: indices or beginnings of UUIDs, and the first entry that names no device hides
    those after it (CUDA C++ Programming Guide, environment variables).
    """
    if restriction is None:
        return [slot for device in found for slot in device.slots()]
    slots: list[GpuSlot] = []
    for entry in (each.strip() for each in restriction.split(",")):
        named = _named(found, entry)
        if not named:
            break
        slots += [slot for slot in named if slot not in slots]
    return slots


def _named(found: list[Device], entry: str) -> list[GpuSlot]:
    if entry.isdigit():
        return [slot for device in found if device.index == int(entry) for slot in device.slots()]
    if entry.startswith("MIG-"):
        return [slot for device in found for slot in device.instances if slot.uuid.startswith(entry)]
    if entry.startswith("GPU-"):
        return [slot for device in found if device.uuid.startswith(entry) for slot in device.slots()]
    return []


def devices() -> list[Device]:
    """What NVML sees; nothing where there is no NVIDIA driver."""
    nvml = library()
    return [] if nvml is None else devices_of(nvml)


def library() -> Any:
    """The pynvml module; None where it could not work."""
    if os.path.isdir("/proc") and not any(map(os.path.exists, _TRACES)):
        return None
    try:
        import pynvml
    except ImportError:
        return None
    return pynvml


def versions_of(nvml: Any) -> dict[str, str]:
    """The versions of the ``driver`` and of the ``cuda`` that it supports, as far as they are told."""
    try:
        with using(nvml):
            cuda = int(nvml.nvmlSystemGetCudaDriverVersion_v2())
            driver = _text(nvml.nvmlSystemGetDriverVersion())
    except nvml.NVMLError:
        return {}
    return {"driver": driver, "cuda": f"{cuda // 1000}.{cuda % 1000 // 10}"}


def devices_of(nvml: Any) -> list[Device]:
    """What ``nvml``, the pynvml module or something like it, sees."""
    try:
        with using(nvml):
            return _listed(nvml)
    except nvml.NVMLError:  # no driver is loaded
        return []


def _listed(nvml: Any) -> list[Device]:
    try:
        return list(_each_device(nvml))
    except nvml.NVMLError as error:
        logger.warning("The GPUs cannot be listed: %s", error)
        return []


@contextmanager
def using(nvml: Any) -> Iterator[None]:
    """The library, initialised as long as it is used. Raises its NVMLError."""
    with calls():
        nvml.nvmlInit()
        try:
            yield
        finally:
            nvml.nvmlShutdown()


@contextmanager
def calls() -> Iterator[None]:
    """While NVML is called: no other thread calls it, and no process is forked."""
    with _lock:
        yield


def _each_device(nvml: Any) -> Iterator[Device]:
    for index in range(nvml.nvmlDeviceGetCount()):
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            yield Device(
                uuid=_text(nvml.nvmlDeviceGetUUID(handle)),
                index=index,
                name=_text(nvml.nvmlDeviceGetName(handle)),
                memory_bytes=_memory(nvml, handle),
                instances=list(_instances(nvml, handle, index)),
            )
        except nvml.NVMLError as error:  # one that fell off the bus does not hide the others
            logger.warning("GPU %s is left out: %s", index, error)


def _instances(nvml: Any, handle: Any, index: int) -> Iterator[GpuSlot]:
    try:
        mode, _pending = nvml.nvmlDeviceGetMigMode(handle)
    except nvml.NVMLError:  # a GPU without MIG
        return
    if mode != nvml.NVML_DEVICE_MIG_ENABLE:
        return
    for number in range(nvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
        try:
            instance = nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, number)
        except nvml.NVMLError:  # this place holds no instance
            continue
        yield entities.GpuSlot(
            uuid=_text(nvml.nvmlDeviceGetUUID(instance)),
            index=index,
            name=_text(nvml.nvmlDeviceGetName(instance)),
            memory_bytes=_memory(nvml, instance),
        )


def _memory(nvml: Any, handle: Any) -> int | None:
    try:
        return int(nvml.nvmlDeviceGetMemoryInfo(handle).total)
    except nvml.NVMLError:  # unified memory, where the GPU has none of its own
        return None


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


_held_by_fork = False


def _before_fork() -> None:
    global _held_by_fork
    _held_by_fork = _lock.acquire(timeout=FORK_WAIT_S)


def _after_fork_in_parent() -> None:
    if _held_by_fork:
        _lock.release()


def _after_fork_in_child() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
