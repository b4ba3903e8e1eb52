"""What ``%%track`` adds to a cell, in a real kernel whose notebook lies in a git repository."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from tests.integration.kernel import Kernel, running_kernel

from .figures import Benchmark, Figure
from .measuring import REPOSITORY_FILES, git, make_repository, seconds_of, temporary_folder

ROUNDS = 25
QUIET_S = 0.2
"""Between cells, so that what a cell left behind in the background is not counted as the next one's."""

SETUP = """
from dataclasses import dataclass
import pandas as pd
from helpers import scaled

@dataclass
class Config:
    batch: int = 32
    layers: tuple = (64, 32)
"""
CELL = """
lr = 0.1
epochs = 20
config = Config(batch=64)
table = pd.read_csv("data.csv")
loss = float(scaled(table["y"]).abs().mean())
print("fitted", len(table))
{"loss": loss, "acc": 1 - loss}
"""


def tracked_cell() -> Iterator[Figure]:
    """The same cell with and without ``%%track``, until the front end has its last message."""
    with temporary_folder() as folder:
        project = folder / "project"
        make_repository(project)
        _add_what_the_cell_reads(project)
        with running_kernel(folder, cwd=project) as kernel:
            assert kernel.run(SETUP).ok
            _run(kernel, f"%%track bench\n{CELL}")
            plain, tracked, status = [], [], []
            for _ in range(ROUNDS):
                plain.append(seconds_of(lambda: _run(kernel, CELL)))
                status.append(seconds_of(lambda: git(project, "status", "--porcelain")))
                time.sleep(QUIET_S)
                tracked.append(seconds_of(lambda: _run(kernel, f"%%track bench\n{CELL}")))
                time.sleep(QUIET_S)
            assert len(kernel.runs()) == ROUNDS + 1
    overhead = statistics.median(tracked) - statistics.median(plain)
    git_status = statistics.median(status)
    yield Figure(
        what=f"%%track on a warm kernel, over the same cell without it ({statistics.median(plain) * 1e3:.0f} ms)",
        unit="ms",
        value=overhead * 1e3,
        goal=10 + 1.3 * git_status * 1e3,
        limit=git_status * 1e3,
        limit_is=f"git status of {REPOSITORY_FILES} files",
    )


def _run(kernel: Kernel, cell: str) -> None:
    reply = kernel.run(cell)
    assert reply.ok, reply.errors
    assert "fitted" in reply.text


def _add_what_the_cell_reads(project: Path) -> None:
    rows = (f"{x},{x % 7}" for x in range(5_000))
    (project / "data.csv").write_text("\n".join(["x,y", *rows]))
    (project / "helpers.py").write_text("def scaled(column):\n    return column / column.max()\n")


BENCHMARKS: dict[str, Benchmark] = {"track": tracked_cell}
