"""What it costs to look at the machine's load, and to look for secrets in what programs print."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from jupyter_mlops.capture.redact import redact_text
from jupyter_mlops.config import Settings
from jupyter_mlops.services.tracking.sampler import TICK_S, Sampler

from .figures import HIGHER, Benchmark, Figure
from .measuring import medians_s

CHILDREN = 8
SAMPLES = 200
PRINTED = "epoch {0} step {0}7 loss=0.31274 acc=0.9132 lr=1e-3 [00:12<00:33, 12.3it/s] model_name=resnet_50\n"
PRINTED_BYTES = 4_000_000


class _Run:
    id, owns = "bench", True

    def sample(self, values: Mapping[str, float]) -> None:
        self.last = values


def sampling() -> Iterator[Figure]:
    """The thread's CPU time for one sample and the ticks between, at the default distance of samples."""
    interval_s = Settings.__dataclass_fields__["sample_s"].default
    clock = iter(range(10**9))
    sampler = Sampler(interval_s, lambda: [_Run()], clock=lambda: next(clock) * interval_s * 100.0)
    idle = Sampler(interval_s, lambda: [_Run()], clock=lambda: 0.0)
    idle.tick()
    with ExitStack() as stack:
        for _ in range(CHILDREN):
            child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
            stack.callback(child.wait)
            stack.callback(child.kill)
        sample_s = _cpu_s(sampler.tick)
        raw_s = _cpu_s(Path(f"/proc/{os.getpid()}/stat").read_bytes)
    share = sample_s / interval_s + _cpu_s(idle.tick) / TICK_S
    yield Figure(
        what=f"sampling CPU, memory and GPUs of a process with {CHILDREN} children, of one core",
        unit="%",
        value=100 * share,
        goal=1.0,
        limit=100 * raw_s * (CHILDREN + 1) / interval_s,
        limit_is="reading one file of /proc for each process",
    )


def redacting() -> Iterator[Figure]:
    """Training logs, which have no secrets in them."""
    text = "".join(PRINTED.format(number) for number in range(PRINTED_BYTES // len(PRINTED)))
    ours, raw = medians_s(lambda: redact_text(text), lambda: text.lower().split(" "))
    yield Figure(
        what="looking for secrets in what a cell prints",
        unit="MB/s",
        value=len(text) / ours / 1e6,
        goal=len(text) / raw / 2e6,
        better=HIGHER,
        limit=len(text) / raw / 1e6,
        limit_is="lower() and split() of it",
    )


def _cpu_s(call: Callable[[], object]) -> float:
    began = time.thread_time()
    for _ in range(SAMPLES):
        call()
    return (time.thread_time() - began) / SAMPLES


BENCHMARKS: dict[str, Benchmark] = {"sampling": sampling, "redacting": redacting}
