"""Benchmarks, run by hand: ``python -m tests.benchmarks``.

Each figure stands beside a raw limit measured in the same run, because the ratio carries over to another
machine and the figure does not. Medians of several rounds.
"""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from jupyter_mlops.config import load_settings
from jupyter_mlops.entities import RunKind, RunStatus
from jupyter_mlops.workspace import Workspace

ROUNDS = 5


def new_workspace() -> Workspace:
    folder = tempfile.mkdtemp(prefix="mlops-bench-")
    return Workspace(load_settings({"home": folder, "runtime_dir": folder, "leases_dir": folder}, environ={}))


def seconds_of(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def quantiles_us(call: Callable[[int], object], count: int) -> tuple[float, float]:
    """Median and 99th percentile of one call, in microseconds."""
    spent = []
    clock = time.perf_counter
    for i in range(count):
        began = clock()
        call(i)
        spent.append((clock() - began) * 1e6)
    spent.sort()
    return spent[count // 2], spent[count * 99 // 100]


def log_one_scalar() -> tuple[str, str, str]:
    workspace = new_workspace()
    run = workspace.tracker.start(name="bench", kind=RunKind.SCRIPT)
    ours = quantiles_us(lambda i: run.log({"loss": 0.5}, step=i), 50_000)
    run.end(RunStatus.FINISHED)
    encode = msgspec.json.Encoder().encode
    fd = os.open(Path(tempfile.mkdtemp()) / "raw", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    raw = quantiles_us(lambda i: os.write(fd, encode({"t": 1.0, "m": {"loss": 0.5}, "s": i}) + b"\n"), 50_000)
    return (
        "log() of one scalar, p50 / p99",
        f"{ours[0]:.1f} / {ours[1]:.1f} µs",
        f"{ours[0] / raw[0]:.1f}x encode + os.write ({raw[0]:.1f} / {raw[1]:.1f} µs)",
    )


def empty_run() -> tuple[str, str, str]:
    workspace = new_workspace()

    def once() -> None:
        workspace.tracker.start(name="bench", kind=RunKind.SCRIPT).end(RunStatus.FINISHED)

    ours = statistics.median(seconds_of(once) for _ in range(200))
    folder = Path(tempfile.mkdtemp())

    def two_files(i: int) -> None:
        (folder / str(i)).mkdir()
        (folder / str(i) / "a").write_bytes(b"x")
        (folder / f"{i}.b").write_bytes(b"x")

    raw = statistics.median(seconds_of(lambda i=i: two_files(i)) for i in range(200))
    return (
        "empty run, start + end",
        f"{ours * 1e3:.2f} ms",
        f"{ours / raw:.1f}x a folder and two files ({raw * 1e3:.2f} ms)",
    )


def points_until_readable(points: int = 100_000) -> tuple[str, str, str]:
    rates, raw_rates = [], []
    for _ in range(ROUNDS):
        workspace = new_workspace()
        run = workspace.tracker.start(name="bench", kind=RunKind.SCRIPT)

        def log_and_read(workspace: Workspace = workspace, run=run) -> None:  # type: ignore[no-untyped-def]
            for i in range(points):
                run.log({"loss": 0.5}, step=i)
            assert len(workspace.runs.history(run.id, "loss").values) == points

        rates.append(points / seconds_of(log_and_read))
        connection = sqlite3.connect(Path(tempfile.mkdtemp()) / "raw.sqlite")
        connection.execute("create table p (run, name, step, time, value)")
        rows = [("r", "loss", i, 1.0, 0.5) for i in range(points)]
        spent = seconds_of(lambda c=connection, r=rows: c.executemany("insert into p values (?,?,?,?,?)", r))
        raw_rates.append(points / spent)
    ours, raw = statistics.median(rates), statistics.median(raw_rates)
    return (
        f"{points:,} points until readable",
        f"{ours:,.0f} points/s",
        f"{ours / raw:.2f}x sqlite3 executemany ({raw:,.0f} rows/s)",
    )


def load_extension() -> tuple[str, str, str]:
    bare = "from IPython.core.interactiveshell import InteractiveShell as S; s = S.instance()"
    ours = "; s.run_line_magic('load_ext', 'jupyter_mlops')"
    environment = {**os.environ, "JUPYTER_MLOPS_HOME": tempfile.mkdtemp()}

    def median(code: str) -> float:
        def once() -> None:
            subprocess.run([sys.executable, "-c", code], check=True, env=environment)

        return statistics.median(seconds_of(once) for _ in range(2 * ROUNDS))

    without, with_it = median(bare), median(bare + ours)
    return (
        "%load_ext jupyter_mlops",
        f"{(with_it - without) * 1e3:.0f} ms",
        f"{with_it / without:.2f}x a bare IPython ({without * 1e3:.0f} ms)",
    )


def main() -> None:
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.platform()}")
    for benchmark in (log_one_scalar, empty_run, points_until_readable, load_extension):
        print("{:36} {:>22}   {}".format(*benchmark()), flush=True)


if __name__ == "__main__":
    main()
