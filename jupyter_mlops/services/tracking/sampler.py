"""The machine's load while runs are open: series of every open run, whose names begin with ``system/``."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ...capture.gpu_load import GpuMeter
from ...capture.load import MachineUse, TreeUse, machine_use, tree_use

logger = logging.getLogger(__name__)

FIRST_S = 1.0
"""A run gets its first sample at this age."""
TICK_S = 0.5
SAMPLES_AT_FULL_RATE = 4000
"""From then on the distance grows with the run's age: a week at 5 s makes 18,000 samples, not 121,000."""
SHARE = 0.005
"""The part of a core that sampling may take: with hundreds of children it is done less often."""


class Sampled(Protocol):
    """An open run."""

    id: str
    owns: bool

    def sample(self, values: Mapping[str, float]) -> None: ...


class Sampler:
    """One daemon thread a process, alive only while runs are open.

    Sampled are this process and all below it (in a job's worker, which owns the run: the kernel), the
    machine's memory and network, and the visible GPUs. Every open run that this process owns gets the
    values: of runs inside each other, each has its own whole series.

    ``system/``: ``cpu_percent`` (100 is one core), ``rss_bytes``, ``memory_percent`` (of the machine),
    ``disk_read_bytes_per_s``, ``disk_written_bytes_per_s``, ``network_received_bytes_per_s``,
    ``network_sent_bytes_per_s``, and for each GPU ``gpu0_percent``, ``gpu0_memory_bytes``, ``gpu0_power_w``.
    """

    def __init__(
        self,
        interval_s: float,
        runs: Callable[[], Sequence[Sampled]],
        *,
        gpus: GpuMeter | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval_s = interval_s
        self._runs = runs
        self._gpus = gpus or GpuMeter()
        self._clock = clock
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._series: dict[str, Series] = {}
        self._rest_until = 0.0

    def start(self) -> None:
        """Called after a run was opened."""
        if self._interval_s <= 0:
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="jupyter-mlops-load", daemon=True)
                self._thread.start()

    def tick(self) -> None:
        """Look at the open runs, and sample when one of them is due."""
        now = self._clock()
        runs = {run.id: run for run in self._runs() if run.owns}
        self._series = {key: self._series.get(key) or Series(now, self._interval_s) for key in runs}
        due = [key for key, series in self._series.items() if series.due <= now]
        if not due or now < self._rest_until:
            return
        began = time.thread_time()
        state = Load(now, tree_use(os.getpid()), machine_use(), self._gpus.read())
        for key in due:
            if values := self._series[key].take(state):
                runs[key].sample(values)
        self._rest_until = now + (time.thread_time() - began) / SHARE

    def _work(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(min(TICK_S, self._interval_s))
            with self._lock:
                if not any(run.owns for run in self._runs()):
                    self._thread = None
                    self._series = {}
                    return
            try:
                self.tick()
            except Exception as error:
                logger.warning("The load of this machine is not sampled any more: %s", error)
                logger.debug("Because of this", exc_info=True)
                return


@dataclass(frozen=True, slots=True)
class Load:
    """What was found at one time: counters since the processes' begin, and figures of that moment."""

    at: float
    tree: TreeUse
    machine: MachineUse
    gpus: Mapping[str, float]


class Series:
    """Those of one run: when it is due, and what was found before."""

    def __init__(self, now: float, interval_s: float) -> None:
        self._began_at = now
        self._interval_s = interval_s
        self._before: Load | None = None
        self.due = now

    def take(self, load: Load) -> dict[str, float]:
        """The values since the last time; none at the first, from which rates are counted."""
        before, self._before = self._before, load
        if before is None:
            self.due = load.at + min(FIRST_S, self._interval_s) / 2
            return {}
        self.due = load.at + max(self._interval_s, (load.at - self._began_at) / SAMPLES_AT_FULL_RATE)
        return {f"system/{name}": value for name, value in _figures(before, load).items()}


def _figures(before: Load, now: Load) -> dict[str, float]:
    """Counters become rates; one that goes back, as when a child was orphaned, counts as none."""
    passed = max(now.at - before.at, 1e-6)

    def rate(of: Callable[[Load], float]) -> float:
        return max(0.0, of(now) - of(before)) / passed

    figures = {
        "cpu_percent": 100.0 * rate(lambda load: load.tree.cpu_s),
        "rss_bytes": float(now.tree.rss_bytes),
        "disk_read_bytes_per_s": rate(lambda load: load.tree.read_bytes),
        "disk_written_bytes_per_s": rate(lambda load: load.tree.written_bytes),
        "network_received_bytes_per_s": rate(lambda load: load.machine.received_bytes),
        "network_sent_bytes_per_s": rate(lambda load: load.machine.sent_bytes),
        **now.gpus,
    }
    if now.machine.memory_percent is not None:
        figures["memory_percent"] = now.machine.memory_percent
    return figures
