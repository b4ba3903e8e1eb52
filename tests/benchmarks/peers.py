"""Other trackers on the same workloads, run by an interpreter of an environment of their own.

Each peer's program is below ``peer_programs``; it prints a JSON object of the figures that it has.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .figures import HIGHER, LOWER, Figure
from .measuring import temporary_folder

VARIABLE = "MLOPS_BENCH_PEERS"
PROGRAMS = Path(__file__).parent / "peer_programs"
OURS = PROGRAMS / "with_jupyter_mlops.py"
ROOT = Path(__file__).parents[2]
TIME_LIMIT_S = 600
NOT_INSTALLED = 3
"""The exit status of a program whose peer cannot be imported."""

WORKLOADS = {
    "import_ms": ("import, over bare Python", "ms"),
    "run_ms": ("start + finish of an empty run", "ms"),
    "log_p50_us": ("one scalar, p50", "µs"),
    "log_p99_us": ("one scalar, p99", "µs"),
    "points_per_s": ("10,000 points until readable", "points/s"),
    "top_ms": ("top 100 of 1,000 runs by a metric", "ms"),
    "history_ms": ("history of 10,000 points", "ms"),
}


def measured() -> Iterator[Figure]:
    """This package, and every peer that the environment has, on the same workloads."""
    yield from _figures_of(OURS, sys.executable)
    python = os.environ.get(VARIABLE, "")
    if not python:
        yield _nothing("peers", f"not measured: give --peers PYTHON or set {VARIABLE}")
        return
    for program in sorted(PROGRAMS.glob("with_*.py")):
        if program != OURS:
            yield from _figures_of(program, python)


def _figures_of(program: Path, python: str) -> Iterator[Figure]:
    name = program.stem.removeprefix("with_")
    with temporary_folder() as folder:
        output, problem = _printed(program, python, folder)
    found: dict[str, Any] = {}
    for line in output.splitlines():
        if line.startswith("{"):
            found |= json.loads(line)
    if "name" in found:
        name = f"{found['name']} {found['version']}"
    for key, (what, unit) in WORKLOADS.items():
        if key in found:
            better = HIGHER if unit.endswith("/s") else LOWER
            yield Figure(what=what, unit=unit, value=found[key], better=better, peer=name)
    if problem:
        yield _nothing(name, problem)


def _printed(program: Path, python: str, folder: Path) -> tuple[str, str]:
    """What the program printed, and why it did not print everything. A home of its own, no network."""
    variables = {**os.environ, "HOME": str(folder), "PYTHONPATH": str(ROOT) if program == OURS else ""}
    command = [python, str(program), str(folder)]
    try:
        done = subprocess.run(
            command,
            env=variables,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        output = late.stdout or b""
        return output.decode() if isinstance(output, bytes) else output, f"stopped after {TIME_LIMIT_S} s"
    except OSError as error:
        return "", f"cannot be run: {error}"
    if done.returncode == NOT_INSTALLED:
        return "", "not installed there"
    last_line = done.stderr.strip().rsplit("\n", 1)[-1][:200]
    return done.stdout, f"failed: {last_line}" if done.returncode else ""


def _nothing(peer: str, note: str) -> Figure:
    return Figure(what="", unit="", value=None, peer=peer, note=note)
