"""This machine as its users share it: who has which GPU, and what each has had and may have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..entities import Job, SharedGpu
from ..protocols.jobs import Machine, SlotRoom, Standing

GPU_COLUMNS = ("index", "name", "memory_bytes", "free_bytes", "free_share", "holders", "uuid")
USER_COLUMNS = (
    "user",
    "recent_gpu_hours",
    "used_gpu_hours",
    "max_gpus",
    "max_gpu_hours",
    "window_hours",
    "max_priority",
)


def gpus_of(machine: Machine) -> list[dict[str, Any]]:
    """A row with ``GPU_COLUMNS`` for each GPU that jobs may lease. Raises Unavailable where none can be."""
    return [_gpu_row(room) for room in machine.room()]


def shared_gpus(machine: Machine, begun: Iterable[Job]) -> list[SharedGpu]:
    """As ``gpus_of``, and which of these jobs hold which of them."""
    jobs = list(begun)
    return [_shared_gpu(room, jobs) for room in machine.room()]


def users_of(machine: Machine) -> list[dict[str, Any]]:
    """A row with ``USER_COLUMNS`` for each user who has had something lately, or has a quota.

    ``recent_gpu_hours`` are those by which turns are taken, ``used_gpu_hours`` those of the last
    ``window_hours``; None stands for no limit.
    """
    return [_user_row(user, standing) for user, standing in sorted(machine.standings().of.items())]


def _shared_gpu(room: SlotRoom, begun: Iterable[Job]) -> SharedGpu:
    holding = {job.id: job.spec.name for job in begun if room.slot.uuid in job.gpus}
    return SharedGpu(**_gpu_row(room), virtual=room.slot.virtual, jobs=holding)


def _gpu_row(room: SlotRoom) -> dict[str, Any]:
    slot = room.slot
    values = (
        slot.index,
        slot.name,
        slot.memory_bytes,
        room.memory_bytes,
        round(room.share, 6),
        room.holders,
        slot.uuid,
    )
    return dict(zip(GPU_COLUMNS, values, strict=True))


def _user_row(user: str, standing: Standing) -> dict[str, Any]:
    values = (
        user,
        standing.recent_gpu_h,
        standing.used_gpu_h,
        standing.max_gpus,
        standing.max_gpu_h,
        standing.window_h,
        standing.max_priority,
    )
    return dict(zip(USER_COLUMNS, values, strict=True))
