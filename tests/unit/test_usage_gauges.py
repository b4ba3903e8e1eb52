"""The state of the queue and the GPUs at one moment, for a monitoring system."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from jupyter_mlops.capture.gpu_load import GpuMeter
from jupyter_mlops.entities import GpuSlot
from jupyter_mlops.errors import Unavailable
from jupyter_mlops.protocols.jobs import SlotRoom
from jupyter_mlops.server.metrics import metrics_of
from jupyter_mlops.services.usage.gauges import AgentGauge, GaugeReader
from tests.unit.test_sampler import FakeNvml

NOW = 2_000_000_000.0


class Attempts:
    """A store in which nothing has happened."""

    def open_jobs(self):
        return []

    def totals(self):
        return []


@pytest.fixture
def nvml(monkeypatch) -> FakeNvml:
    fake = FakeNvml()
    monkeypatch.setattr("jupyter_mlops.capture.nvml.library", lambda: fake)
    return fake


def slot(number: int, *, virtual: bool = False) -> GpuSlot:
    return GpuSlot(uuid=f"GPU-{number}", index=number, name="GPU", virtual=virtual)


def read(room, *, nvml=None, agent: AgentGauge | None = None):
    reader = GaugeReader(
        Attempts(),
        lambda: SimpleNamespace(room=room),
        lambda: agent or AgentGauge(running=False),
        clock=lambda: NOW,
        meter=GpuMeter({}, nvml=lambda: nvml),
    )
    return reader.read()


def shown(gauges) -> dict[tuple[str, ...], float]:
    return {
        (sample.name.removeprefix("jupyter_mlops_"), *sample.labels.values()): sample.value
        for family in metrics_of(gauges)
        for sample in family.samples
    }


def rooms(*shares: float, virtual: bool = False):
    return lambda: [
        SlotRoom(slot=slot(number, virtual=virtual), share=share, memory_bytes=None, holders="")
        for number, share in enumerate(shares)
    ]


def test_each_gpu_says_what_is_free_and_how_it_does(nvml):
    found = shown(read(rooms(1.0, 0.5), nvml=nvml))
    assert found["gpu_free_ratio", "GPU-0", "GPU"] == 1.0
    assert found["gpu_free_ratio", "GPU-1", "GPU"] == 0.5
    assert found["gpu_utilization_ratio", "GPU-1", "GPU"] == pytest.approx(0.99)
    assert found["gpu_memory_used_bytes", "GPU-1", "GPU"] == 7.0
    assert found["gpu_power_watts", "GPU-0", "GPU"] == 250.0
    assert ("gpu_power_watts", "GPU-1", "GPU") not in found  # cut off from its meter


def test_virtual_slots_take_no_real_gpus_figures(nvml):
    found = shown(read(rooms(1.0, virtual=True), nvml=nvml))
    assert [name for name, *_ in found] == ["gpu_free_ratio", "agent_up"]


def test_gpus_that_cannot_be_asked_cost_only_their_figures():
    def away():
        raise Unavailable("The lease folder cannot be read.")

    assert shown(read(away)) == {("agent_up",): 0.0}


def test_the_agent_says_how_long_its_turns_take():
    agent = AgentGauge(running=True, turn_s=0.004, turned_at=NOW - 3)
    assert shown(read(rooms(), agent=agent)) == {
        ("agent_up",): 1.0,
        ("agent_turn_seconds",): 0.004,
        ("agent_last_turn_timestamp_seconds",): NOW - 3,
    }
