"""The state of the queue and of the GPUs at one moment, for a monitoring system."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ...capture.gpu_load import GpuMeter
from ...entities import GpuSlot, OpenCount, Totals
from ...errors import MlopsError
from ...protocols.clock import Clock
from ...protocols.jobs import Machine
from ...protocols.usage import AttemptStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuGauge:
    """A GPU: what part of it can be leased; NVML's ``percent``, ``memory_bytes`` and ``power_w``."""

    slot: GpuSlot
    free: float
    told: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentGauge:
    """The agent: whether there is one, how long its last turn took, and when that was; as it said last."""

    running: bool
    turn_s: float | None = None
    turned_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    """All that a monitoring system is told at once."""

    at: float
    open_jobs: list[OpenCount]
    totals: list[Totals]
    gpus: list[GpuGauge]
    agent: AgentGauge


class GaugeReader:
    """Reads them; what cannot be asked just now is left out, but the registry has to answer."""

    def __init__(
        self,
        attempts: AttemptStore,
        machine: Callable[[], Machine],
        agent: Callable[[], AgentGauge],
        *,
        clock: Clock = time.time,
        meter: GpuMeter | None = None,
    ) -> None:
        self._attempts, self._machine, self._agent, self._clock = attempts, machine, agent, clock
        self._meter = meter or GpuMeter()

    def read(self) -> Gauges:
        """Raises Unavailable when the registry cannot be read."""
        return Gauges(
            at=self._clock(),
            open_jobs=self._attempts.open_jobs(),
            totals=self._attempts.totals(),
            gpus=self._gpus(),
            agent=self._agent(),
        )

    def _gpus(self) -> list[GpuGauge]:
        """The meter numbers the visible GPUs in the order of the slots, which are the same."""
        try:
            rooms = self._machine().room()
        except (MlopsError, OSError) as error:
            logger.debug("What is free of the GPUs cannot be asked: %s", error)
            return []
        told = self._meter.read() if rooms else {}
        return [
            GpuGauge(
                slot=room.slot,
                free=room.share,
                told={} if room.slot.virtual else _of_gpu(told, number),
            )
            for number, room in enumerate(rooms)
        ]


def _of_gpu(told: Mapping[str, float], number: int) -> dict[str, float]:
    prefix = f"gpu{number}_"
    return {name.removeprefix(prefix): value for name, value in told.items() if name.startswith(prefix)}
