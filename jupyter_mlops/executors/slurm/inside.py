"""Inside a job of Slurm: what it means when Slurm ends it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path

from ...entities import Cause, RunStatus
from ...errors import Unavailable
from .programs import Programs, Refused
from .receipt import read
from .requests import SAID
from .verdicts import WORDS, verdict_in

JOB_ID = "SLURM_JOB_ID"
PREEMPTED = "PREEMPTION"
STANDARD_ERROR = 2

logger = logging.getLogger(__name__)

Meaning = tuple[RunStatus, str, Cause]


def terminated(attempt: Path, log: Path, environ: Mapping[str, str]) -> Callable[[], Meaning] | None:
    """What SIGTERM stands for in a worker that was handed over to Slurm; None in any other.

    The queue itself sends SIGINT there.
    """
    if JOB_ID not in environ:
        return None
    if SAID in environ:
        return lambda: _meaning(Path(environ[SAID]), environ)
    receipt = read(attempt)
    if receipt is None or receipt.executor != "slurm":
        return None
    return lambda: _meaning(log, environ)


def take_output(environ: MutableMapping[str, str]) -> None:
    """Take the file that Slurm writes to out of the folder that everybody shares.

    This process has it open, as its standard error, and what it starts reads it there. Call it in the process
    that Slurm has started, before it starts others.
    """
    said = environ.get(SAID)
    if said is None:
        return
    environ[SAID] = f"/proc/{os.getpid()}/fd/{STANDARD_ERROR}"
    try:
        if os.path.samestat(os.stat(said), os.fstat(STANDARD_ERROR)):
            os.unlink(said)
    except OSError as error:  # it is gone already, or somebody else's
        logger.debug("%s: %s", said, error)


def _meaning(log: Path, environ: Mapping[str, str]) -> Meaning:
    """Slurm writes into the log why it ends a job; a preemption with a grace time it announces without."""
    if (verdict := verdict_in(log)) is not None:
        status = RunStatus.CANCELLED if verdict.cause is Cause.USER else RunStatus.FAILED
        if verdict.cause is Cause.NODE:
            _leave_the_queue(environ)
        return status, verdict.reason, verdict.cause
    if _is_being_preempted(environ):
        cause, reason = WORDS[PREEMPTED]
        return RunStatus.FAILED, reason, cause
    return RunStatus.FAILED, "it was sent SIGTERM on its node, and Slurm does not say why", Cause.NODE


def _leave_the_queue(environ: Mapping[str, str]) -> None:
    """Somebody may have allowed Slurm to start it again, against what it was handed over with."""
    try:
        Programs(environ).run(["scancel", "--quiet", environ[JOB_ID]])
    except (Unavailable, Refused) as error:  # its next worker will find that there was one
        logger.warning("The job cannot be taken out of Slurm's queue: %s", error)


def _is_being_preempted(environ: Mapping[str, str]) -> bool:
    command = ["squeue", "--noheader", f"--jobs={environ[JOB_ID]}", "--Format=PreemptTime:32"]
    try:
        said = Programs(environ).run(command).strip()
    except (Unavailable, Refused):
        return False
    return said.isdigit() and said != "0"
