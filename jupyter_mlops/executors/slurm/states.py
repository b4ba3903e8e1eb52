"""What Slurm's states say of a job's worker: https://slurm.schedmd.com/job_state_codes.html."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from ...entities import Cause
from ...protocols.jobs import Presence, Sighting
from .queue import FORGOTTEN, Entry
from .verdicts import OUT_OF_MEMORY, WORDS, verdict_in

WAITS = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD")
LIVES = ("RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING")
ENDS: dict[str, tuple[Cause, str]] = {
    "TIMEOUT": WORDS["TIME LIMIT"],
    "DEADLINE": (Cause.TIME, "missed its deadline in Slurm"),
    "OUT_OF_MEMORY": (Cause.MEMORY, OUT_OF_MEMORY),
    "NODE_FAIL": WORDS["NODE FAILURE"],
    "BOOT_FAIL": (Cause.NODE, "the node that it was to run on did not start"),
    "PREEMPTED": WORDS["PREEMPTION"],
    "REVOKED": (Cause.NODE, "another cluster took it"),
    "CANCELLED": (Cause.USER, "it was cancelled in Slurm"),
}
REASONS = {
    "Resources": "waits for free resources",
    "Priority": "jobs of higher priority come first",
    "Dependency": "waits for other jobs of Slurm",
    "BeginTime": "is not to begin yet",
    "JobHeldUser": "is held: scontrol release lets it go",
    "JobHeldAdmin": "is held by an administrator, or could not be started: ask one",
    "PartitionDown": "its partition is down",
    "PartitionInactive": "its partition takes no jobs",
    "PartitionNodeLimit": "wants more nodes than its partition gives",
    "PartitionTimeLimit": "wants more time than its partition gives",
    "ReqNodeNotAvail": "nodes that it needs are down, drained or reserved",
    "Licenses": "waits for licenses",
    "Reservation": "waits for its reservation",
    "BadConstraints": "no node is as it asks for",
    "DependencyNeverSatisfied": "what it was to follow in Slurm did not succeed",
    "QOSMaxGRESPerUser": "its user has all the GPUs that the QOS gives at once",
}
"""Slurm's reasons for waiting in plain words; the others are shown as they are."""


def sighting_of(entry: Entry, *, has_begun: bool, log: Path) -> Sighting:
    """What is known of an attempt's worker; ``has_begun`` where one has written ``started.json``."""
    if entry.state in WAITS:
        if has_begun:
            return Sighting(presence=Presence.GONE, reason=WORDS["JOB REQUEUE"][1], cause=Cause.NODE)
        return Sighting(presence=Presence.WAITING, reason=_why_it_waits(entry))
    if entry.state in LIVES:
        return Sighting(presence=Presence.ALIVE)
    if entry.state == FORGOTTEN:
        return _forgotten(entry, has_begun)
    return _ended(entry, has_begun, log)


def is_over(entry: Entry) -> bool:
    """Whether Slurm has no process of it any more, and will start none."""
    return entry.state not in WAITS and entry.state not in LIVES


def _why_it_waits(entry: Entry) -> str:
    known = next((words for word, words in REASONS.items() if entry.reason.startswith(word)), "")
    why = f"{known} ({entry.reason})" if known else entry.reason
    expected = ""
    if entry.starts_at and entry.state == "PENDING" and 0 < entry.starts_at - time.time() < 30 * 86400:
        moment = time.localtime(entry.starts_at)
        form = "%H:%M" if moment[:3] == time.localtime()[:3] else "%d %b %H:%M"
        expected = f"; Slurm expects to start it at {time.strftime(form, moment)}"
    return f"job {entry.id} of Slurm {why or 'waits'}{expected}"


def _forgotten(entry: Entry, has_begun: bool) -> Sighting:
    what = "its worker is gone" if has_begun else "it had not begun"
    reason = f"Slurm no longer knows its job {entry.id}; {what}"
    return Sighting(presence=Presence.GONE, reason=reason, cause=Cause.KILLED if has_begun else Cause.START)


def _ended(entry: Entry, has_begun: bool, log: Path) -> Sighting:
    """The state says how it ended, else what Slurm has written into the job's own log, else its status."""
    where = f" ({entry.nodes})" if entry.nodes else ""
    told = None if entry.state in ("NODE_FAIL", "TIMEOUT", "PREEMPTED", "OUT_OF_MEMORY") else verdict_in(log)
    cause, words = ENDS.get(entry.state, (None, ""))
    if told is not None and told.cause is not Cause.USER:
        cause, words = told.cause, told.reason
    elif entry.state == "CANCELLED":
        cause, words = _cancelled(entry)
    elif cause is None:
        cause = Cause.KILLED if has_begun else Cause.START
        words = f"its worker {_death(entry)}" + ("" if has_begun else " before the notebook began")
    return Sighting(presence=Presence.GONE, reason=f"{words}: job {entry.id} of Slurm{where}", cause=cause)


def _cancelled(entry: Entry) -> tuple[Cause, str]:
    if entry.reason.startswith("Dependency"):
        return Cause.DEPENDENCY, REASONS["DependencyNeverSatisfied"]
    by = f" {entry.reason}" if entry.reason.startswith("by ") else ""
    return Cause.USER, ENDS["CANCELLED"][1] + by


def _death(entry: Entry) -> str:
    if entry.signal:
        known = entry.signal in {int(each) for each in signal.Signals}
        return f"was killed by {signal.Signals(entry.signal).name if known else f'signal {entry.signal}'}"
    return f"ended with status {entry.status}"
