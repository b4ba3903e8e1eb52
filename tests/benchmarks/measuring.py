"""Stopwatches, and places to measure in."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_mlops import workspace as workspaces
from jupyter_mlops.config import load_settings
from jupyter_mlops.workspace import Workspace

ROUNDS = 5
REPOSITORY_FILES = 300


@contextmanager
def temporary_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="mlops-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def temporary_workspace(**settings: Any) -> Iterator[Workspace]:
    """A new workspace, the current one while it lasts."""
    with temporary_folder() as folder:
        places = {"home": folder / "home", "runtime_dir": folder / "runtime", "leases_dir": folder / "leases"}
        quiet = {"profile_when_registered": 0}  # or what is measured would share the machine with that
        workspace = Workspace(load_settings({**places, **quiet, **settings}, environ={}))
        workspaces.use(workspace)
        try:
            yield workspace
        finally:
            workspaces.use(None)


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """The environment of a process whose workspace lies in ``folder``."""
    places = {
        "JUPYTER_MLOPS_HOME": str(folder / "home"),
        "JUPYTER_MLOPS_RUNTIME": str(folder / "runtime"),
        "JUPYTER_MLOPS_LEASES": str(folder / "leases"),
    }
    return {**os.environ, **places, **variables}


def seconds_of(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def median_s(call: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """The median time of one call, after a call that warms up."""
    call()
    return statistics.median(seconds_of(call) for _ in range(rounds))


def medians_s(*calls: Callable[[], Any], rounds: int = ROUNDS) -> list[float]:
    """The median times of calls that take turns, so that a busy moment hits them all."""
    for call in calls:
        call()
    spent: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for times, call in zip(spent, calls, strict=True):
            times.append(seconds_of(call))
    return [statistics.median(times) for times in spent]


def quantiles_us(call: Callable[[int], Any], count: int) -> tuple[float, float]:
    """Median and 99th percentile of one call, in microseconds."""
    spent = []
    clock = time.perf_counter
    for i in range(count):
        began = clock()
        call(i)
        spent.append(clock() - began)
    spent.sort()
    return spent[count // 2] * 1e6, spent[count * 99 // 100] * 1e6


def run_python(code: str, *arguments: str, variables: Mapping[str, str], python: str = sys.executable) -> str:
    """The output of a program; its errors are shown when it fails."""
    done = subprocess.run(
        [python, "-c", code, *arguments], env=dict(variables), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"The program failed ({done.returncode}):\n{done.stderr[-4000:]}")
    return done.stdout


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """With this working directory."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def make_repository(project: Path) -> None:
    """A git repository, one of its files changed since its only commit."""
    (project / "src").mkdir(parents=True)
    for number in range(REPOSITORY_FILES):
        (project / "src" / f"module_{number}.py").write_text(f"NUMBER = {number}\n" * 50)
    git(project, "init", "--quiet")
    git(project, "add", ".")
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    git(project, *who, "commit", "--quiet", "--message", "all")
    (project / "src" / "module_0.py").write_text("NUMBER = -1\n")


def git(project: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(project), *arguments], check=True, capture_output=True)
