"""What it costs to load the package, to begin and end a run, and to log a value."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

import jupyter_mlops as mlops

from .figures import Benchmark, Figure
from .measuring import (
    REPOSITORY_FILES,
    environment,
    git,
    make_repository,
    medians_s,
    quantiles_us,
    run_python,
    temporary_folder,
    temporary_workspace,
    working_in,
)

LOGS = 50_000
RUNS = 200
STARTS = 15


def loading() -> Iterator[Figure]:
    """A new IPython with the extension, over one without it."""
    bare = "from IPython.core.interactiveshell import InteractiveShell as S; s = S.instance()"
    ours = f"{bare}; import jupyter_mlops; s.run_line_magic('load_ext', 'jupyter_mlops')"
    with temporary_folder() as folder:
        variables = environment(folder, IPYTHONDIR=str(folder))
        without, with_it = medians_s(
            lambda: run_python(bare, variables=variables),
            lambda: run_python(ours, variables=variables),
            rounds=STARTS,
        )
    yield Figure(
        what="import jupyter_mlops + %load_ext, over a bare IPython",
        unit="ms",
        value=(with_it - without) * 1e3,
        goal=40,
        limit=without * 1e3,
        limit_is="a bare IPython",
    )


def logging() -> Iterator[Figure]:
    """``mlops.log`` as a notebook calls it, and the same line encoded and written by hand."""
    encode = msgspec.json.Encoder().encode
    with temporary_workspace() as workspace, mlops.track("bench"):
        fd = os.open(workspace.settings.home / "raw", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        line = {"k": "metric", "v": 1, "t": 1_763_722_345.123456, "n": 1}
        try:
            rounds = [
                (
                    quantiles_us(lambda i: mlops.log(loss=0.5, step=i), LOGS),
                    quantiles_us(
                        lambda i: os.write(fd, encode({**line, "m": {"loss": 0.5}, "s": i}) + b"\n"), LOGS
                    ),
                )
                for _ in range(3)
            ]
        finally:
            os.close(fd)
    (p50, p99), (raw_p50, raw_p99) = (
        [statistics.median(each[which][rank] for each in rounds) for rank in (0, 1)] for which in (0, 1)
    )
    what, limit_is = "log(loss=x, step=i)", "encode + os.write"
    yield Figure(what=f"{what}, p50", unit="µs", value=p50, goal=3, limit=raw_p50, limit_is=limit_is)
    yield Figure(what=f"{what}, p99", unit="µs", value=p99, goal=20, limit=raw_p99, limit_is=limit_is)
    yield Figure(what=f"{what}, over {limit_is}", unit="times", value=p50 / raw_p50, goal=2)


def empty_run() -> Iterator[Figure]:
    """A run that logs nothing, with all that is captured of its surroundings."""

    def ours() -> None:
        with mlops.track("bench"):
            pass

    with temporary_workspace(), temporary_folder() as folder:
        with working_in(folder):
            whole, raw = medians_s(
                ours, lambda: _two_files(folder / f"run-{time.monotonic_ns()}"), rounds=RUNS
            )
        project = folder / "project"
        make_repository(project)
        with working_in(project):
            in_git, status = medians_s(ours, lambda: git(project, "status", "--porcelain"), rounds=RUNS // 4)
    what = "start + finish of an empty run"
    limit_is = "a folder and two files"
    yield Figure(what=what, unit="ms", value=whole * 1e3, goal=2, limit=raw * 1e3, limit_is=limit_is)
    yield Figure(
        what=f"{what} in a git repository",
        unit="ms",
        value=in_git * 1e3,
        limit=status * 1e3,
        limit_is=f"git status of {REPOSITORY_FILES} files",
    )


def _two_files(place: Path) -> None:
    place.mkdir()
    (place / "journal").write_bytes(b"x")
    place.with_suffix(".active").write_bytes(b"x")


BENCHMARKS: dict[str, Benchmark] = {"load": loading, "log": logging, "run": empty_run}
