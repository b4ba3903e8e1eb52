"""Sessions in fresh IPython shells: cells, executed one after the other, and what they leave behind."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"), "1"
)
"""Sums are the same to the last bit, and forking is safe."""


@dataclass(frozen=True, slots=True)
class Session:
    """``cells`` are executed first, then ``submitted``; ``files`` lie in the folder before.

    ``sliced`` asks, just before ``submitted`` is executed, which cells it depends on.
    """

    cells: tuple[str, ...]
    submitted: str
    compared: tuple[str, ...]
    files: Mapping[str, str]
    sliced: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """What slicing says: the needed cells by their numbers, and a line for each cell."""

    numbers: tuple[int, ...]
    verdicts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The compared values as plain data, and the errors of cells by their positions (-1: the submitted).

    ``slices``: with the kernel's namespace, and from the texts alone. ``promoted`` are the cells of the
    notebook that a job would run, or ``refusal`` says why there is none.
    """

    values: dict[str, Any] = field(default_factory=dict)
    raised: dict[int, str] = field(default_factory=dict)
    slices: tuple[Kept, ...] = ()
    promoted: tuple[str, ...] = ()
    refusal: str = ""


class Nursery:
    """The process that forks a shell for each session; see :mod:`tests.notebooks.nursery`."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._count = 0

    def run(self, session: Session) -> Outcome:
        """Run it in a shell and a folder of its own."""
        self._count += 1
        place = self._folder / str(self._count)
        place.mkdir()
        (place.with_suffix(".session")).write_bytes(pickle.dumps(session))
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{place}\n")
        self._process.stdin.flush()
        ended = self._process.stdout.readline().strip()
        outcome = place.with_suffix(".outcome")
        log = place.with_suffix(".log")
        assert outcome.exists(), f"The shell ended ({ended}): {log.read_text() if log.exists() else ''}"
        found: Outcome = pickle.loads(outcome.read_bytes())
        return found


@contextmanager
def nursery(folder: Path, modules: Sequence[str] = ()) -> Iterator[Nursery]:
    """A nursery that has loaded ``modules``; its sessions have their folders below ``folder``."""
    home = folder / "home"
    home.mkdir(parents=True)
    environment = {
        **os.environ,
        **ONE_THREAD,
        **{f"JUPYTER_MLOPS_{name}": str(home / name.lower()) for name in ("HOME", "RUNTIME", "LEASES")},
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": str(home / "matplotlib"),
        "PYTHONHASHSEED": "0",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.notebooks.nursery", *modules],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Nursery(process, folder)
    finally:
        assert process.stdin
        process.stdin.close()  # it ends when nothing more is asked
        try:
            process.wait(timeout=60)
        finally:
            process.kill()
        assert process.stdout
        process.stdout.close()
