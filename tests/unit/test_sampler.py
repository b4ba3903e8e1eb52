"""When the machine's load is looked at, who gets it, and what a failing GPU costs."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from jupyter_mlops.capture.gpu_load import GpuMeter
from jupyter_mlops.capture.load import MachineUse, TreeUse
from jupyter_mlops.services.tracking.sampler import FIRST_S, TICK_S, Sampler
from tests.waiting import wait_until


class FakeRun:
    def __init__(self, name="run", *, owns=True):
        self.id, self.owns = name, owns
        self.samples = []

    def sample(self, values):
        self.samples.append(dict(values))


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class FakeNvml:
    """Two GPUs, the second cut off from its power meter; ``broken`` makes every question fail."""

    class NVMLError(Exception):
        pass

    def __init__(self):
        self.broken = False
        self.asked_for = []

    def nvmlInit(self): ...

    def nvmlShutdown(self): ...

    def nvmlDeviceGetCount(self):
        return 2

    def nvmlDeviceGetHandleByIndex(self, index):
        return f"GPU-{index}"

    def nvmlDeviceGetHandleByUUID(self, uuid):
        self.asked_for.append(uuid)
        return uuid

    def nvmlDeviceGetUUID(self, handle):
        return handle

    def nvmlDeviceGetName(self, handle):
        return "GPU"

    def nvmlDeviceGetMigMode(self, handle):
        raise self.NVMLError("not supported")

    def nvmlDeviceGetMemoryInfo(self, handle):
        return self._unless_broken(SimpleNamespace(total=80, used=40 if handle == "GPU-0" else 7))

    def nvmlDeviceGetUtilizationRates(self, handle):
        return self._unless_broken(SimpleNamespace(gpu=99))

    def nvmlDeviceGetPowerUsage(self, handle):
        if handle == "GPU-1":
            raise self.NVMLError("not supported")
        return self._unless_broken(250_000)

    def _unless_broken(self, answer):
        if self.broken:
            raise self.NVMLError("GPU is lost")
        return answer


@pytest.fixture
def nvml(monkeypatch):
    fake = FakeNvml()
    monkeypatch.setattr("jupyter_mlops.capture.nvml.library", lambda: fake)
    return fake


def meter(nvml, **environ):
    return GpuMeter(environ, nvml=lambda: nvml)


def no_gpus():
    return GpuMeter({}, nvml=lambda: None)


def pass_time(sampler, clock, seconds, *, step=TICK_S):
    for _ in range(round(seconds / step)):
        clock.now += step
        sampler.tick()


def test_a_run_is_sampled_soon_after_its_start_and_then_at_intervals():
    run, clock = FakeRun(), Clock()
    sampler = Sampler(5.0, lambda: [run], gpus=no_gpus(), clock=clock)
    sampler.tick()
    pass_time(sampler, clock, FIRST_S)
    assert len(run.samples) == 1
    pass_time(sampler, clock, 60)
    assert 11 <= len(run.samples) <= 13
    assert set(run.samples[0]) >= {"system/cpu_percent", "system/rss_bytes", "system/memory_percent"}
    assert all(isinstance(value, float) for sample in run.samples for value in sample.values())


def test_a_week_makes_no_more_than_twenty_thousand_samples(monkeypatch):
    monkeypatch.setattr("jupyter_mlops.services.tracking.sampler.tree_use", lambda pid: TreeUse())
    monkeypatch.setattr("jupyter_mlops.services.tracking.sampler.machine_use", MachineUse)
    run, clock = FakeRun(), Clock()
    sampler = Sampler(5.0, lambda: [run], gpus=no_gpus(), clock=clock)
    pass_time(sampler, clock, 7 * 24 * 3600, step=5.0)
    assert 10_000 < len(run.samples) < 20_000


def test_runs_inside_each_other_each_have_their_own_whole_series():
    outer, inner, joined, clock = FakeRun("outer"), FakeRun("inner"), FakeRun("joined", owns=False), Clock()
    runs = [outer, joined]
    sampler = Sampler(5.0, lambda: runs, gpus=no_gpus(), clock=clock)
    pass_time(sampler, clock, 30)
    runs.append(inner)
    pass_time(sampler, clock, 10)
    runs.remove(inner)
    pass_time(sampler, clock, 20)
    assert 11 <= len(outer.samples) <= 13
    assert 2 <= len(inner.samples) <= 3
    assert joined.samples == []


def test_sampling_rests_when_it_costs_more_than_its_share(monkeypatch):
    spent = iter(range(1_000_000))
    monkeypatch.setattr(
        "jupyter_mlops.services.tracking.sampler.time.thread_time", lambda: next(spent) * 0.05
    )
    run, clock = FakeRun(), Clock()
    sampler = Sampler(1.0, lambda: [run], gpus=no_gpus(), clock=clock)
    pass_time(sampler, clock, 100)
    assert len(run.samples) <= 10  # each costs 50 ms: 0.5 % of a core is one every 10 s


def test_visible_gpus_are_read_and_numbered_as_cuda_numbers_them(nvml):
    assert meter(nvml).read() == {
        "gpu0_percent": 99.0,
        "gpu0_memory_bytes": 40.0,
        "gpu0_power_w": 250.0,
        "gpu1_percent": 99.0,
        "gpu1_memory_bytes": 7.0,
    }
    assert meter(nvml, CUDA_VISIBLE_DEVICES="1").read() == {"gpu0_percent": 99.0, "gpu0_memory_bytes": 7.0}
    assert meter(nvml, CUDA_VISIBLE_DEVICES="").read() == {}


def test_user_code_that_restricts_itself_is_followed(nvml):
    environ = {}
    gpus = GpuMeter(environ, nvml=lambda: nvml)
    assert len(gpus.read()) == 5
    environ["CUDA_VISIBLE_DEVICES"] = "GPU-0"
    assert set(gpus.read()) == {"gpu0_percent", "gpu0_memory_bytes", "gpu0_power_w"}


def test_a_gpu_that_fails_in_mid_run_costs_only_its_series(nvml):
    run, clock = FakeRun(), Clock()
    sampler = Sampler(1.0, lambda: [run], gpus=meter(nvml), clock=clock)
    pass_time(sampler, clock, 3)
    nvml.broken = True
    before = len(run.samples)
    pass_time(sampler, clock, 3)
    assert "system/gpu0_percent" in run.samples[0]
    after = run.samples[before:]
    assert after
    assert all("system/rss_bytes" in each and "system/gpu0_percent" not in each for each in after)


def test_a_library_that_breaks_stops_the_sampling_and_nothing_else(nvml, caplog):
    def breaks(handle):
        raise AttributeError("function not found in libnvidia-ml")

    nvml.nvmlDeviceGetUtilizationRates = breaks
    run = FakeRun()
    sampler = Sampler(0.01, lambda: [run], gpus=meter(nvml))
    sampler.start()
    wait_until(lambda: caplog.records)
    assert "not sampled any more: function not found" in caplog.text
    assert run.samples == []


def test_the_thread_goes_when_no_run_is_open_and_comes_back():
    runs, others = [FakeRun()], _threads()
    sampler = Sampler(0.01, lambda: list(runs), gpus=no_gpus())
    for _ in range(2):
        runs[:] = [run := FakeRun()]
        sampler.start()
        wait_until(lambda run=run: run.samples)
        runs.clear()
        wait_until(lambda: _threads() <= others)


def test_nothing_is_started_when_it_is_turned_off():
    others = _threads()
    Sampler(0.0, lambda: [FakeRun()]).start()
    assert _threads() <= others


def _threads():
    return {each for each in threading.enumerate() if each.name == "jupyter-mlops-load"}
