"""The queue and the GPUs on jupyter_server's own ``/metrics``, for Prometheus.

jupyter_server shows prometheus_client's default registry there, behind its authentication, and asks for it
on the event loop: so what takes time is done in a thread that is waited for only a little.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from ..services.usage.gauges import Gauges

PREFIX = "jupyter_mlops_"
WAIT_S = 0.5
"""A scrape waits no longer for new figures; then it gets those of the one before."""
FRESH_S = 1.0

logger = logging.getLogger(__name__)


class QueueMetrics(Collector):
    """The metrics of one workspace; ``read`` is called in a thread."""

    def __init__(self, read: Callable[[], Gauges]) -> None:
        self._read = read
        self._last: Gauges | None = None
        self._read_at = float("-inf")
        self._reading: threading.Thread | None = None
        self._failed = False

    def describe(self) -> list[Metric]:
        """Asked at the registration, when nothing is to be opened yet."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Called at each scrape."""
        self._renew()
        yield _gauge("up", "Whether the registry of jobs could be read at the last try.", not self._failed)
        if self._last is not None:
            yield from metrics_of(self._last)

    def _renew(self) -> None:
        if time.monotonic() - self._read_at < FRESH_S:
            return
        if self._reading is None or not self._reading.is_alive():
            self._reading = threading.Thread(target=self._work, name="mlops-metrics", daemon=True)
            self._reading.start()
        self._reading.join(WAIT_S)

    def _work(self) -> None:
        try:
            self._last, self._read_at = self._read(), time.monotonic()
        except Exception:  # a scrape must not fail because of us
            if not self._failed:
                logger.warning("The metrics of the queue cannot be read", exc_info=True)
            self._failed = True
        else:
            self._failed = False


_registered: QueueMetrics | None = None


def register(read: Callable[[], Gauges]) -> None:
    """Show these from now on, instead of those of a server that this process ran before."""
    global _registered
    withdraw()
    _registered = QueueMetrics(read)
    REGISTRY.register(_registered)


def withdraw() -> None:
    """Show none any more."""
    global _registered
    if _registered is not None:
        REGISTRY.unregister(_registered)
        _registered = None


def metrics_of(gauges: Gauges) -> Iterator[Metric]:
    """Their Prometheus form."""
    yield from _jobs(gauges)
    yield from _totals(gauges)
    yield from _gpus(gauges)
    yield _gauge("agent_up", "Whether an agent runs the queue of this home here.", gauges.agent.running)
    if gauges.agent.turn_s is not None:
        yield _gauge("agent_turn_seconds", "How long the agent's last turn took.", gauges.agent.turn_s)
    if gauges.agent.turned_at is not None:
        text = "When the agent took its last turn, as it said within the last 10 seconds."
        yield _gauge("agent_last_turn_timestamp_seconds", text, gauges.agent.turned_at)


def _jobs(gauges: Gauges) -> Iterator[Metric]:
    jobs = GaugeMetricFamily(f"{PREFIX}jobs", "Jobs that have not ended.", labels=["executor", "status"])
    flagged = GaugeMetricFamily(
        f"{PREFIX}jobs_flagged", "Running jobs with a warning, as of an idle GPU.", labels=["executor"]
    )
    oldest = GaugeMetricFamily(
        f"{PREFIX}oldest_queued_seconds", "How long the longest-queued job waits.", labels=["executor"]
    )
    for each in gauges.open_jobs:
        jobs.add_metric([each.executor, each.status.value], each.jobs)
        if each.status.value == "running":
            flagged.add_metric([each.executor], each.flagged)
        if each.status.value == "queued":
            oldest.add_metric([each.executor], max(0.0, gauges.at - each.oldest))
    yield from (jobs, flagged, oldest)


def _totals(gauges: Gauges) -> Iterator[Metric]:
    ended = _counter("attempts", "Attempts that have ended.", "status")
    run, gpu, cpu = (
        _counter("run_seconds", "Seconds that ended attempts ran."),
        _counter("gpu_seconds", "GPUs that ended attempts held, times seconds."),
        _counter("cpu_seconds", "CPU cores that ended attempts had asked for, times seconds."),
    )
    waited = SummaryMetricFamily(
        f"{PREFIX}queue_wait_seconds",
        "How long attempts that have ended had waited for their start.",
        labels=["user", "executor"],
    )
    sums: dict[tuple[str, str], list[float]] = {}
    for each in gauges.totals:
        ended.add_metric([each.user, each.executor, each.status.value], each.attempts)
        values = (each.run_s, each.gpu_s, each.cpu_asked_s, each.waits, each.wait_s)
        before = sums.get((each.user, each.executor), [0.0] * len(values))
        sums[each.user, each.executor] = [a + b for a, b in zip(before, values, strict=True)]
    for labels, (run_s, gpu_s, cpu_s, waits, wait_s) in sums.items():
        run.add_metric(labels, run_s)
        gpu.add_metric(labels, gpu_s)
        cpu.add_metric(labels, cpu_s)
        waited.add_metric(list(labels), count_value=int(waits), sum_value=wait_s)
    yield from (ended, run, gpu, cpu, waited)


GPU_FIGURES = {
    "percent": ("gpu_utilization_ratio", "The part of the time in which the GPU worked.", 0.01),
    "memory_bytes": ("gpu_memory_used_bytes", "Memory of the GPU that is in use.", 1.0),
    "power_w": ("gpu_power_watts", "What the GPU draws.", 1.0),
}


def _gpus(gauges: Gauges) -> Iterator[Metric]:
    labels = ["gpu", "name"]
    free = GaugeMetricFamily(
        f"{PREFIX}gpu_free_ratio", "The part of the GPU that a job could lease.", labels=labels
    )
    for each in gauges.gpus:
        free.add_metric([each.slot.uuid, each.slot.name], each.free)
    yield free
    for key, (name, text, factor) in GPU_FIGURES.items():
        family = GaugeMetricFamily(PREFIX + name, text, labels=labels)
        for each in gauges.gpus:
            if key in each.told:
                family.add_metric([each.slot.uuid, each.slot.name], factor * each.told[key])
        yield family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, text, value=float(value))


def _counter(name: str, text: str, *more: str) -> Any:
    return CounterMetricFamily(PREFIX + name, text, labels=["user", "executor", *more])
