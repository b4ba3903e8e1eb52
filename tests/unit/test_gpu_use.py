"""What a job makes of its GPUs, as NVML tells it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from jupyter_mlops.capture.gpu_use import GpuReading, GpuUse
from tests.unit.test_sampler import FakeNvml

MINE, OTHER = 101, 202


class SharedNvml(FakeNvml):
    """Two GPUs whose processes and samples a test sets; a question may be refused with an error's number."""

    def __init__(self) -> None:
        super().__init__()
        self.holding = [
            SimpleNamespace(pid=MINE, usedGpuMemory=30),
            SimpleNamespace(pid=OTHER, usedGpuMemory=5),
        ]
        self.samples = [sample(MINE, 40, 2), sample(OTHER, 50, 2)]
        self.refusal: int | None = None
        self.no_processes = False
        self.in_use = 40

    def nvmlDeviceGetMemoryInfo(self, handle):
        return self._unless_broken(SimpleNamespace(total=80, used=self.in_use))

    def nvmlDeviceGetComputeRunningProcesses(self, handle):
        if self.no_processes:
            raise self.NVMLError("not supported")
        return self._unless_broken(self.holding)

    def nvmlDeviceGetProcessUtilization(self, handle, since):
        assert since > 1_600_000_000_000_000  # microseconds since the epoch
        if self.refusal is not None:
            error = self.NVMLError("refused")
            error.value = self.refusal
            raise error
        return self._unless_broken(self.samples)


def sample(pid: int, percent: int, at: int) -> SimpleNamespace:
    return SimpleNamespace(pid=pid, smUtil=percent, timeStamp=at)


@pytest.fixture
def nvml(monkeypatch) -> SharedNvml:
    fake = SharedNvml()
    monkeypatch.setattr("jupyter_mlops.capture.nvml.library", lambda: fake)
    return fake


def use(nvml, *, alone: bool, visible: str = "GPU-0", host_pids: bool = True) -> GpuUse:
    return GpuUse(
        alone=alone, host_pids=host_pids, environ={"CUDA_VISIBLE_DEVICES": visible}, nvml=lambda: nvml
    )


def test_of_a_gpu_that_is_the_jobs_alone_the_device_tells(nvml):
    assert use(nvml, alone=True).read({MINE}) == [GpuReading(memory_bytes=30, load=0.99)]
    assert len(use(nvml, alone=True, visible="GPU-1,GPU-0").read({MINE})) == 2


def test_where_processes_are_not_told_it_counts_what_the_device_holds_more_than_before(nvml):
    reader = use(nvml, alone=True)
    assert reader.read({7}) == [GpuReading(memory_bytes=0, load=0.99)]
    nvml.in_use = 65
    assert reader.read({7}) == [GpuReading(memory_bytes=25, load=0.99)]
    nvml.no_processes = True
    assert reader.read({MINE}) == [GpuReading(memory_bytes=25, load=0.99)]
    nvml.in_use = 10  # somebody else's was freed
    assert reader.read({MINE})[0].memory_bytes == 0


def test_of_a_shared_gpu_only_the_jobs_own_processes_count(nvml):
    assert use(nvml, alone=False).read({MINE}) == [GpuReading(memory_bytes=30, load=0.4)]
    assert use(nvml, alone=False).read({MINE, OTHER}) == [GpuReading(memory_bytes=35, load=0.9)]


def test_the_newest_sample_of_a_process_counts(nvml):
    nvml.samples = [sample(MINE, 10, 5), sample(MINE, 80, 3)]
    assert use(nvml, alone=False).read({MINE})[0].load == 0.1


@pytest.mark.parametrize("number", [0, 6])
def test_no_samples_are_no_load(nvml, number):
    nvml.refusal = number
    assert use(nvml, alone=False).read({MINE}) == [GpuReading(memory_bytes=30, load=0.0)]


def test_a_driver_that_does_not_tell_is_no_idle_gpu(nvml):
    nvml.refusal = 3  # NVML_ERROR_NOT_SUPPORTED
    assert use(nvml, alone=False).read({MINE}) == [GpuReading(memory_bytes=30, load=None)]


def test_of_a_shared_gpu_a_job_that_is_not_seen_may_be_there_where_pids_are_not_the_hosts(nvml):
    assert use(nvml, alone=False, host_pids=False).read({7}) == [GpuReading()]
    nvml.holding, nvml.samples = [], []
    assert use(nvml, alone=False, host_pids=False).read({MINE}) == [GpuReading()]


def test_a_job_that_does_nothing_on_a_shared_gpu_has_no_load(nvml):
    assert use(nvml, alone=False).read({7}) == [GpuReading(memory_bytes=0, load=0.0)]


def test_a_gpu_that_fell_off_the_bus_tells_nothing(nvml):
    reader = use(nvml, alone=True)
    reader.read({MINE})
    nvml.broken = True
    assert reader.read({MINE}) == [GpuReading()]


@pytest.mark.parametrize("visible", ["", "mlops-virtual-0"])
def test_a_job_without_a_real_gpu_has_none_to_read(nvml, visible):
    assert use(nvml, alone=True, visible=visible).read({MINE}) == []


def test_without_a_driver_nothing_is_read():
    assert GpuUse(alone=True, environ={"CUDA_VISIBLE_DEVICES": "GPU-0"}, nvml=lambda: None).read({1}) == []


def test_a_process_that_was_given_no_list_of_gpus_holds_none(nvml):
    assert GpuUse(alone=True, environ={}, nvml=lambda: nvml).read({MINE}) == []
