"""What seeing the data that a cell reads costs: 1,000 files, 20,000 files of one folder, and nothing."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy  # noqa: F401  as in a kernel that is at work: their functions are watched
import pandas  # noqa: F401
import pyarrow.parquet  # noqa: F401

from jupyter_mlops.config import Settings, load_settings
from jupyter_mlops.services.tracking.reads import watch_reads
from tests.reading_runs import ReadingRun
from tests.waiting import wait_until

from .figures import Benchmark, Figure
from .measuring import ROUNDS, seconds_of, temporary_folder

FILES = 1000
MANY_FILES = 20_000
A_FOLDER = 50


def reads() -> Iterator[Figure]:
    with temporary_folder() as folder:
        places = {"home": folder / "home", "runtime_dir": folder / "runtime", "leases_dir": folder / "leases"}
        settings = load_settings(places, environ={})
        yield from _starting(settings)
        yield from _opening(settings, _files(folder / "several", FILES, A_FOLDER), "1,000 files read")
        yield from _opening(
            settings, _files(folder / "one", MANY_FILES, MANY_FILES), "20,000 files of one folder"
        )


def _starting(settings: Settings) -> Iterator[Figure]:
    def start_and_stop() -> None:
        watch_reads(ReadingRun(), settings).stop()

    start_and_stop()
    spent = statistics.median(seconds_of(start_and_stop) for _ in range(50))
    yield Figure(what="watching data reads: start + stop", unit="ms", value=spent * 1e3)


def _opening(settings: Settings, files: Sequence[Path], what: str) -> Iterator[Figure]:
    plain: list[float] = []
    watched: list[float] = []
    after: list[float] = []
    for _ in range(ROUNDS):
        gc.collect()
        plain.append(_own_seconds_of(lambda: _read(files)))
        watched.append(_watched(settings, lambda: _read(files)))
        after.append(_own_seconds_of(lambda: _read(files)))
    raw, seen = statistics.median(plain), statistics.median(watched)
    yield Figure(
        what=f"{what}: each, beyond the read itself",
        unit="µs",
        value=(seen - raw) / len(files) * 1e6,
        limit=raw / len(files) * 1e6,
        limit_is="open, read and close",
    )
    yield Figure(
        what=f"{what}: each, when no tracked cell runs",
        unit="µs",
        value=statistics.median(after) / len(files) * 1e6,
        limit=raw / len(files) * 1e6,
        limit_is="the same before any",
    )


def _own_seconds_of(call: Callable[[], None]) -> float:
    """CPU time of this thread: what other programs and threads do does not count."""
    began = time.thread_time()
    call()
    return time.thread_time() - began


def _watched(settings: Settings, read: Callable[[], None]) -> float:
    """What goes on in the background is waited for, and not counted."""
    run = ReadingRun()
    reads = watch_reads(run, settings)
    try:
        return _own_seconds_of(read)
    finally:
        reads.stop()
        wait_until(lambda: run.holds == 0)


def _read(files: Sequence[Path]) -> None:
    for path in files:
        with open(path, "rb") as file:
            file.read()


def _files(folder: Path, count: int, a_folder: int) -> list[Path]:
    paths = [folder / str(number // a_folder) / f"{number}.bin" for number in range(count)]
    for parent in {path.parent for path in paths}:
        parent.mkdir(parents=True)
    for number, path in enumerate(paths):
        path.write_bytes(b"%d" % number * 100)
    return paths


BENCHMARKS: dict[str, Benchmark] = {"reads": reads}
