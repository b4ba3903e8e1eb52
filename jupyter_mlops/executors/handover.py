"""How a worker gets its command and its environment on a cluster: by a file, read once.

What a job was submitted with may hold secrets. A cluster keeps and shows command lines, scripts and exported
variables, so that none of them carries it: the file lies in the attempt's folder, readable by its user only,
and whoever starts the worker from it deletes it first.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

FILE = "worker.env.json"
DECIDED = ("SLURM*", "CUDA_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL", "ROCR_VISIBLE_DEVICES", "TMPDIR")
"""What the cluster decides, not the environment of whoever submitted. ``*`` stands for any end of a name."""

START = """
import fnmatch, json, os, sys
with open(sys.argv[1]) as file:
    worker = json.load(file)
os.unlink(sys.argv[1])
keeps = lambda name: any(fnmatch.fnmatchcase(name, each) for each in worker["keep"])
given = {name: value for name, value in os.environ.items() if keeps(name)}
environment = {"CUDA_VISIBLE_DEVICES": "", **worker["environment"], **given}
os.execvpe(worker["command"][0], worker["command"], environment)
"""
"""It replaces itself: loaders and interpreters read some variables only when they start."""


def hand_over(
    attempt: Path, command: Sequence[str], environment: Mapping[str, str], *, keep: Sequence[str] = ()
) -> Path:
    """Leave word of a worker in its attempt's folder; the file's path.

    A worker that the cluster gives no GPU sees none. ``keep`` names further variables that the cluster's
    value is taken of, where it sets them.
    """
    decided = [name for name in environment if any(fnmatchcase(name, each) for each in DECIDED)]
    worker = {
        "command": list(command),
        "environment": {name: value for name, value in environment.items() if name not in decided},
        "keep": [*DECIDED, *keep],
    }
    path = attempt / FILE
    temporary = path.with_name(f".{FILE}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w", encoding="ascii") as file:
        json.dump(worker, file)
    os.replace(temporary, path)
    return path


def is_waiting(attempt: Path) -> bool:
    """Whether nobody has started that worker yet."""
    return (attempt / FILE).exists()


def withdraw(attempt: Path) -> None:
    """Nobody is to start that worker any more."""
    (attempt / FILE).unlink(missing_ok=True)


def bootstrap(interpreter: str, path: str | Path) -> list[str]:
    """The command that starts the worker which ``path`` tells of."""
    return [interpreter, "-I", "-S", "-c", START.strip(), str(path)]
