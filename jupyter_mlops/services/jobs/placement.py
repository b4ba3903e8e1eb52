"""Which queued jobs start now. Pure: a decision over what is free."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ...entities import GpuSlot, Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What a place has: GPU slots and CPU cores in all, and what of it is free."""

    slots: int
    cpus: int
    free_slots: Sequence[GpuSlot]
    free_cpus: int


@dataclass(slots=True)
class Placement:
    """The jobs to start, with their slots, and why the others wait, by job id."""

    starts: list[tuple[Job, list[GpuSlot]]] = field(default_factory=list)
    waits: dict[str, str] = field(default_factory=dict)


def in_order(jobs: Iterable[Job]) -> list[Job]:
    """The queue: higher priority first, then the order of submission."""
    return sorted(jobs, key=lambda job: (-job.spec.priority, job.spec.submitted_at, job.id))


def place(queued: Iterable[Job], capacity: Capacity) -> Placement:
    """First in, first out within a priority, so that a job that wants much is not starved.

    A job that waits for GPUs holds back those after it that want GPUs, but no job that wants none. A
    job that waits for CPU cores alone holds back all after it. A job that wants more than there is in
    all waits without holding back anybody.
    """
    placement = Placement()
    slots, cpus = list(capacity.free_slots), capacity.free_cpus
    for job in in_order(queued):
        wanted = job.spec.resources
        if reason := too_much(job, capacity):
            placement.waits[job.id] = reason
        elif wanted.gpus > len(slots):
            placement.waits[job.id] = f"waits for {_count(wanted.gpus, 'GPU')}"
            slots = []
        elif wanted.cpus > cpus:
            placement.waits[job.id] = f"waits for {_count(wanted.cpus, 'CPU core')}"
            slots, cpus = [], 0
        else:
            whole = math.ceil(wanted.gpus)
            placement.starts.append((job, slots[:whole]))
            slots, cpus = slots[whole:], cpus - wanted.cpus
    return placement


def too_much(job: Job, capacity: Capacity) -> str:
    """Why the job can never start there; empty when it can."""
    wanted = job.spec.resources
    if wanted.gpus > capacity.slots:
        return f"wants {_count(wanted.gpus, 'GPU')}, and there {_are(capacity.slots)} in all"
    if wanted.cpus > capacity.cpus:
        return f"wants {_count(wanted.cpus, 'CPU core')}, and there {_are(capacity.cpus)} in all"
    return ""


def _count(number: float, noun: str) -> str:
    return f"{number:g} {noun}{'' if number == 1 else 's'}"


def _are(number: int) -> str:
    return "is 1" if number == 1 else f"are {number or 'none'}"
