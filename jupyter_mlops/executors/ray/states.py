"""What Ray's word on a job means for its worker. Pure."""

from __future__ import annotations

import signal

from ...entities import Cause
from ...protocols.jobs import Presence, Sighting
from .api import RayJob, last_words

LONGEST = 300
SHELL_SIGNAL = 128
"""A shell's status for a command that signal n killed is 128 + n."""
START_TIMEOUT = "JOB_SUPERVISOR_ACTOR_START_TIMEOUT"
ACTOR_DIED = "JOB_SUPERVISOR_ACTOR_DIED"
NEVER_STARTED = {
    "RUNTIME_ENV_SETUP_FAILURE": "Ray could not set up its runtime environment",
    "JOB_SUPERVISOR_ACTOR_START_FAILURE": "Ray could not start it",
    "JOB_SUPERVISOR_ACTOR_UNSCHEDULABLE": "Ray could not place it",
    "JOB_ENTRYPOINT_COMMAND_START_ERROR": "Ray could not start its worker",
}


def end_of(job: RayJob, *, has_begun: bool) -> Sighting:
    """How a worker went that left no word of its own; ``job`` has ended."""
    reason, cause = _end_of(job, has_begun=has_begun)
    return Sighting(presence=Presence.GONE, reason=reason, cause=cause)


def gave_up_waiting(job: RayJob) -> bool:
    """Ray fails a job that found no room within 15 minutes (``RAY_JOB_START_TIMEOUT_SECONDS``)."""
    return job.status == "FAILED" and job.error_type == START_TIMEOUT


def _end_of(job: RayJob, *, has_begun: bool) -> tuple[str, Cause]:
    if job.status == "STOPPED":
        return "it was stopped on Ray", Cause.USER
    said = last_words(job.message or "")[:LONGEST]
    if job.error_type in NEVER_STARTED:
        return f"{NEVER_STARTED[job.error_type]}: {said}", Cause.START
    if job.driver_exit_code is not None:
        return _exit_of(job.driver_exit_code, has_begun=has_begun)
    message = (job.message or "").lower()
    if "out of memory" in message or "outofmemory" in message or "low on memory" in message:
        return f"Ray killed it, because its node ran out of memory: {said}", Cause.MEMORY
    if job.error_type == ACTOR_DIED and ("node" in message and "died" in message):
        return "the Ray node that it ran on was lost", Cause.NODE
    if job.error_type == ACTOR_DIED:
        return f"Ray lost it: {said}", Cause.NODE
    return f"Ray says that it failed: {said or job.error_type or 'without a reason'}", Cause.KILLED


def _exit_of(code: int, *, has_begun: bool) -> tuple[str, Cause]:
    cause = Cause.KILLED if has_begun else Cause.START
    when = "" if has_begun else " before the notebook began"
    number = -code if code < 0 else code - SHELL_SIGNAL
    if number in signal.valid_signals():
        hint = ", perhaps for want of memory" if number == signal.SIGKILL else ""
        return f"its worker was killed by {signal.Signals(number).name}{hint}{when}", cause
    return f"its worker ended with status {code}{when}", cause
