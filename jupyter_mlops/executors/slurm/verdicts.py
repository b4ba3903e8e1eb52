"""Why Slurm stops a job, as its step daemon writes it into the job's output before it sends a signal.

It reads ``slurmstepd: error: *** JOB 12 ON n1 CANCELLED AT 2026-01-31T12:00:00 DUE TO TIME LIMIT ***``
(src/slurmd/slurmstepd/req.c), and what follows ``DUE TO`` is missing where somebody cancelled it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ...entities import Cause

TAIL_BYTES = 16 * 1024
LINE = re.compile(
    r"^slurmstepd\S*: (?:error: )?\*\*\* (?:JOB|STEP) \S+ ON \S+ (\w+) AT \S+(?: DUE TO ([^*]+?))? \*\*\*",
    re.MULTILINE,
)
MEMORY = re.compile(r"^slurmstepd\S*: .*(?:exceeded .*memory limit|oom.kill)", re.MULTILINE | re.IGNORECASE)
OUT_OF_MEMORY = "out of memory: Slurm ended it at the limit that it holds it to"
WORDS = {
    "TIME LIMIT": (Cause.TIME, "exceeded the time limit that Slurm holds it to"),
    "PREEMPTION": (Cause.NODE, "it was preempted: Slurm gave its node to another job"),
    "NODE FAILURE": (Cause.NODE, "the node that it ran on was lost"),
    "JOB REQUEUE": (Cause.NODE, "Slurm put it back into its queue, and a job's attempt runs once"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Why a job was stopped."""

    cause: Cause
    reason: str


def verdict_in(log: Path) -> Verdict | None:
    """The last that the log tells; None where it tells of nothing."""
    text = _tail(log)
    if MEMORY.search(text):
        return Verdict(cause=Cause.MEMORY, reason=OUT_OF_MEMORY)
    found = LINE.findall(text)
    if not found:
        return None
    _, why = found[-1]
    default = (
        (Cause.NODE, f"Slurm ended it: {why.lower()}") if why else (Cause.USER, "it was cancelled in Slurm")
    )
    cause, reason = WORDS.get(why, default)
    return Verdict(cause=cause, reason=reason)


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
