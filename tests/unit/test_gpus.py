"""Which GPUs jobs may lease."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from jupyter_mlops.capture.nvml import Device, devices_of, visible
from jupyter_mlops.config import POOL, Settings
from jupyter_mlops.entities import GpuSlot, Resources
from jupyter_mlops.executors.gpus import discover, pool, too_many_gpus

SETTINGS = Settings(home=Path("/h"), runtime_dir=Path("/r"), leases_dir=Path("/l"), user="ada")


class FakeNvml:
    """Answers like pynvml for two GPUs; GPU 1 is cut into MIG instances, GPU 2 fell off the bus."""

    class NVMLError(Exception):
        pass

    NVML_DEVICE_MIG_ENABLE = 1
    driver = True

    def nvmlInit(self):
        if not self.driver:
            raise self.NVMLError("no driver")

    def nvmlShutdown(self):
        pass

    def nvmlDeviceGetCount(self):
        return 3

    def nvmlDeviceGetHandleByIndex(self, index):
        if index == 2:
            raise self.NVMLError("GPU is lost")
        return f"GPU-{index}abc"

    def nvmlDeviceGetUUID(self, handle):
        return handle

    def nvmlDeviceGetName(self, handle):
        return b"NVIDIA H100"

    def nvmlDeviceGetMemoryInfo(self, handle):
        if handle == "MIG-b":
            raise self.NVMLError("not supported")
        return SimpleNamespace(total=80)

    def nvmlDeviceGetMigMode(self, handle):
        if handle == "GPU-0abc":
            raise self.NVMLError("not supported")
        return (1, 1)

    def nvmlDeviceGetMaxMigDeviceCount(self, handle):
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle, number):
        if number not in (0, 3):
            raise self.NVMLError("not found")
        return "MIG-a" if number == 0 else "MIG-b"


WHOLE = GpuSlot(uuid="GPU-0abc", index=0, name="NVIDIA H100", memory_bytes=80)
INSTANCES = [
    GpuSlot(uuid="MIG-a", index=1, name="NVIDIA H100", memory_bytes=80),
    GpuSlot(uuid="MIG-b", index=1, name="NVIDIA H100", memory_bytes=None),
]


def test_gpus_are_found_whole_or_as_their_mig_instances():
    assert [slot for device in devices_of(FakeNvml()) for slot in device.slots()] == [WHOLE, *INSTANCES]


def test_machine_without_driver_has_no_gpus():
    nvml = FakeNvml()
    nvml.driver = False
    assert devices_of(nvml) == []


@pytest.mark.parametrize(
    ("restriction", "left"),
    [
        (None, ["GPU-0abc", "MIG-a", "MIG-b"]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("0", ["GPU-0abc"]),
        ("1,0", ["MIG-a", "MIG-b", "GPU-0abc"]),
        ("GPU-0", ["GPU-0abc"]),
        ("MIG-b, 0", ["MIG-b", "GPU-0abc"]),
        ("0,0", ["GPU-0abc"]),
        ("0,7,1", ["GPU-0abc"]),
    ],
)
def test_cuda_visible_devices_restricts_the_pool(restriction, left):
    assert [slot.uuid for slot in visible(devices_of(FakeNvml()), restriction)] == left


def test_virtual_slots_are_there_where_they_were_asked_for(monkeypatch):
    monkeypatch.setattr("jupyter_mlops.executors.gpus.devices", list)
    assert discover(SETTINGS, {}) == []
    slots = discover(replace(SETTINGS, gpu_slots=2), {})
    assert [slot.uuid for slot in slots] == [f"VIRTUAL-{SETTINGS.host}-0", f"VIRTUAL-{SETTINGS.host}-1"]
    assert all(slot.virtual for slot in slots)


def test_real_gpus_are_preferred_to_virtual_slots(monkeypatch):
    real = Device(uuid="GPU-1", index=0, name="H100")
    monkeypatch.setattr("jupyter_mlops.executors.gpus.devices", lambda: [real])
    assert discover(replace(SETTINGS, gpu_slots=2), {}) == real.slots()


@pytest.mark.parametrize(
    ("environ", "restriction"),
    [
        ({}, None),
        ({"CUDA_VISIBLE_DEVICES": "1"}, "1"),
        ({"CUDA_VISIBLE_DEVICES": "GPU-leased", POOL: "0,1"}, "0,1"),
        ({"CUDA_VISIBLE_DEVICES": "", POOL: "all"}, None),
    ],
)
def test_inside_a_job_the_pool_is_that_of_its_agent(environ, restriction):
    assert pool(environ) == restriction


GIB = 1024**3
LARGE = GpuSlot(uuid="GPU-l", index=0, name="H100", memory_bytes=80 * GIB)
SMALL = GpuSlot(uuid="GPU-s", index=1, name="L4", memory_bytes=24 * GIB)
PIECES = [GpuSlot(uuid=f"MIG-{n}", index=0, name="H100 MIG", memory_bytes=10 * GIB) for n in range(3)]


@pytest.mark.parametrize(
    ("wanted", "slots", "why"),
    [
        (Resources(gpus=2), [LARGE, SMALL], ""),
        (Resources(gpus=0.5, gpu_memory_bytes=80 * GIB), [LARGE, SMALL], ""),
        (Resources(gpus=1), PIECES, ""),
        (Resources(gpus=3), [LARGE, SMALL], "The job wants 3 GPUs, and there are 2 here."),
        (
            Resources(gpus=1),
            [],
            "The job wants 1 GPU, and there are none here. Set JUPYTER_MLOPS_GPU_SLOTS=2 for virtual ones.",
        ),
        (
            Resources(gpus=1.5),
            [LARGE, SMALL],
            "A job gets a whole number of GPUs, or a part of one: not 1.5.",
        ),
        (
            Resources(gpus=2),
            PIECES,
            "The job wants 2 GPUs, and here they are cut into MIG instances, "
            "of which CUDA gives a process one only.",
        ),
        (
            Resources(gpus=1, gpu_memory_bytes=90 * GIB),
            [LARGE, SMALL],
            "The job wants 90.0 GiB of GPU memory, and the largest GPU here has 80.0 GiB.",
        ),
        (
            Resources(gpus=2, gpu_memory_bytes=40 * GIB),
            [LARGE, SMALL],
            "The job wants 2 GPUs with 40.0 GiB each, and here only 1 has so much.",
        ),
    ],
)
def test_what_can_never_fit_is_refused_with_what_is_there(wanted, slots, why):
    assert too_many_gpus(wanted, slots) == why
