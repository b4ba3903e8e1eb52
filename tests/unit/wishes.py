"""Wishes and machines to place them on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from jupyter_mlops.entities import GpuSlot, Resources
from jupyter_mlops.protocols.jobs import SlotRoom, Wish
from jupyter_mlops.services.jobs.placement import Capacity, Placement, place
from jupyter_mlops.testing.executors import slot

GIB = 1024**3


def wish(name: int | str, *, at: float | None = None, **changes: Any) -> Wish:
    """The wish of job ``name``; a number is also when it was submitted, in seconds."""
    resources = {
        key: changes.pop(key)
        for key in ("gpus", "gpu_memory_bytes", "cpus", "memory_bytes", "time_limit_s")
        if key in changes
    }
    submitted_at = at if at is not None else float(name) if isinstance(name, int) else 0.0
    values: dict[str, Any] = {"owner": "ada", "priority": 0, "submitted_at": submitted_at, **changes}
    return Wish(job_id=str(name), resources=Resources(**resources), **values)


def running(name: int | str, *, since: float = 0.0, held: Sequence[int] = (), **changes: Any) -> Wish:
    """The wish of a job that runs since then, and holds the GPUs with these numbers."""
    begun = wish(name, running_since=since, **changes)
    return replace(begun, gpus=tuple(slot(number).uuid for number in held))


def room(
    number: int,
    *,
    share: float = 1.0,
    gib: float | None = None,
    free_gib: float | None = None,
    holders: str = "",
) -> SlotRoom:
    """A GPU with ``gib`` of memory, of which ``free_gib`` (all, where it is not given) are free."""
    memory = None if gib is None else int(gib * GIB)
    free = memory if free_gib is None else int(free_gib * GIB)
    there = GpuSlot(uuid=slot(number).uuid, index=number, name="GPU", memory_bytes=memory)
    return SlotRoom(slot=there, share=share, memory_bytes=free, holders=holders)


def capacity(
    *, gpus: int = 2, cpus: int = 4, runs: Sequence[Wish] = (), now: float = 0.0, **changes: Any
) -> Capacity:
    """A machine on which ``runs`` run and hold what they say."""
    values: dict[str, Any] = {"rooms": [room(number) for number in range(gpus)], **changes}
    return Capacity(cpus=cpus, running=runs, now=now, **values)


def started(wishes: Sequence[Wish], there: Capacity) -> list[str]:
    return [start.job_id for start in place(wishes, there).starts]


def given(placement: Placement) -> dict[str, list[str]]:
    return {start.job_id: [each.uuid for each in start.slots] for start in placement.starts}
