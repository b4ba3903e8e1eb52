"""Points of metrics: until they can be read, from many processes, and as a curve."""

from __future__ import annotations

import math
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import jupyter_mlops as mlops
from jupyter_mlops.workspace import Workspace

from .figures import HIGHER, Benchmark, Figure
from .measuring import ROUNDS, environment, medians_s, seconds_of, temporary_folder, temporary_workspace

POINTS = 100_000
PROCESSES = 32
POINTS_EACH = 10_000
OVERLAID = 10


def until_readable() -> Iterator[Figure]:
    """Logged one by one, then read back: nothing of it is ready beforehand but imports and tables."""
    rates, raw_rates = [], []
    for number in range(ROUNDS + 1):
        with temporary_workspace() as workspace:
            workspace.runs.search(limit=0)
            spent = seconds_of(lambda workspace=workspace: _log_and_read(workspace))
            raw = seconds_of(lambda home=workspace.settings.home: _sqlite_rows(home / "raw.sqlite"))
        if number:  # the first warms up
            rates.append(POINTS / spent)
            raw_rates.append(POINTS / raw)
    yield Figure(
        what=f"{POINTS:,} points until readable",
        unit="points/s",
        value=statistics.median(rates),
        goal=250_000,
        better=HIGHER,
        limit=statistics.median(raw_rates),
        limit_is="sqlite3 executemany",
    )


def _log_and_read(workspace: Workspace) -> None:
    with mlops.track("bench") as run:
        for i in range(POINTS):
            run.log({"loss": 0.5}, step=i)
        assert len(workspace.runs.curves([run.id], "loss")[run.id]) == POINTS


def _sqlite_rows(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("create table p (run, name, step, time, value)")
    rows = (("r", "loss", i, 1.0, 0.5) for i in range(POINTS))
    connection.executemany("insert into p values (?,?,?,?,?)", rows)
    connection.commit()
    connection.close()


def history() -> Iterator[Figure]:
    """A whole curve as a DataFrame, and thinned ones of several runs."""
    with temporary_workspace() as workspace:
        ids = []
        for number in range(OVERLAID):
            with mlops.track(f"run {number}") as run:
                ids.append(run.id)
                for i in range(POINTS):
                    run.log({"loss": math.sin(i / 1000) + number}, step=i)
        path = workspace.settings.home / "raw"
        mlops.history(ids[0], "loss")["value"].to_numpy().tofile(path)
        whole, raw = medians_s(
            lambda: mlops.history(ids[0], "loss"), lambda: np.fromfile(path), rounds=8 * ROUNDS
        )
        overlay, _ = medians_s(
            lambda: mlops.history(ids, "loss", max_points=1000), lambda: np.fromfile(path), rounds=ROUNDS
        )
    yield Figure(
        what=f"history of {POINTS:,} points as a DataFrame",
        unit="ms",
        value=whole * 1e3,
        goal=5,
        limit=raw * 1e3,
        limit_is="numpy.fromfile",
    )
    yield Figure(
        what=f"{OVERLAID} such histories thinned to 1,000 points each", unit="ms", value=overlay * 1e3
    )


LOGGING_PROCESS = """
import sys
import jupyter_mlops as mlops
with mlops.track("one of many") as run:
    for i in range(int(sys.argv[1])):
        run.log({"loss": 0.5}, step=i)
"""


def many_processes() -> Iterator[Figure]:
    """Processes that log to one home at once, while somebody reads all the time."""
    with temporary_folder() as folder, temporary_workspace() as workspace:
        workspace.runs.search(limit=0)
        variables = environment(folder) | {"JUPYTER_MLOPS_HOME": str(workspace.settings.home)}
        command = [sys.executable, "-c", LOGGING_PROCESS, str(POINTS_EACH)]
        began = time.perf_counter()
        processes = [subprocess.Popen(command, env=variables) for _ in range(PROCESSES)]
        looks = 0
        while any(process.poll() is None for process in processes):
            workspace.runs.search(order_by="metrics.loss desc")
            looks += 1
        failed = sum(process.returncode != 0 for process in processes)
        found = workspace.runs.search(limit=PROCESSES)
        points = sum(run.metrics["loss"].count for run in found.runs if "loss" in run.metrics)
        spent = time.perf_counter() - began
    missing = PROCESSES * POINTS_EACH - points
    what = f"{PROCESSES} processes of {POINTS_EACH:,} points and a reader"
    yield Figure(what=f"{what}: errors", unit="processes", value=failed, goal=0)
    yield Figure(what=f"{what}: missing", unit="points", value=missing, goal=0)
    yield Figure(
        what=f"{what} ({looks} looks), start of Python and all",
        unit="points/s",
        value=points / spent,
        better=HIGHER,
    )


BENCHMARKS: dict[str, Benchmark] = {
    "points": until_readable,
    "history": history,
    "processes": many_processes,
}
