"""When a job would start, if everything ended when it is expected to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ...protocols.jobs import SlotRoom, Wish
from .placement import SOON_S, Capacity, demand_of, ends, place_all, too_much
from .timeline import FOREVER, Demand

MOST_STEPS = 20
MOST_QUEUED = 200
"""Beyond these nobody knows: playing a long queue through would keep the agent from its work."""


def wait_of(wish: Wish, queued: Iterable[Wish], capacity: Capacity) -> float | None:
    """In how many seconds the job would start if it were queued now: 0.0 at once, None where nobody knows.

    ``queued`` are the wishes of all that wait there.
    """
    waiting = {each.job_id: each for each in [*queued, wish]}
    if len(waiting) > MOST_QUEUED:
        return None
    began = capacity.now
    for _ in range(MOST_STEPS):
        starts = {start.job_id: start.slots for start in place_all(waiting.values(), capacity).starts}
        if wish.job_id in starts:
            return capacity.now - began
        if too_much(wish, capacity):
            return None
        for job_id, slots in starts.items():
            uuids = [slot.uuid for slot in slots]
            begun = replace(waiting.pop(job_id), running_since=capacity.now, gpus=uuids)
            rooms = _changed(capacity.rooms, demand_of(begun), uuids, -1)
            capacity = replace(capacity, rooms=rooms, running=[*capacity.running, begun])
        known = [
            early for each in capacity.running if (early := _expected_end(each, capacity.now)) != FOREVER
        ]
        if not known:
            return None
        capacity = _later(capacity, min(known))
    return None


def _expected_end(wish: Wish, now: float) -> float:
    """In how many seconds; for ever where it is not known, or overdue."""
    early = ends(wish, now)[0]
    return early if early > SOON_S else FOREVER


def _later(capacity: Capacity, seconds: float) -> Capacity:
    """The same, when those have ended that are expected to by then."""
    rooms, running = capacity.rooms, []
    for wish in capacity.running:
        if _expected_end(wish, capacity.now) <= seconds:
            rooms = _changed(rooms, demand_of(wish), wish.gpus, 1)
        else:
            running.append(wish)
    return replace(capacity, rooms=rooms, running=running, now=capacity.now + seconds)


def _changed(
    rooms: Sequence[SlotRoom], demand: Demand, uuids: Sequence[str], sign: int
) -> Sequence[SlotRoom]:
    return [_with(room, demand, sign) if room.slot.uuid in uuids else room for room in rooms]


def _with(room: SlotRoom, demand: Demand, sign: int) -> SlotRoom:
    memory = room.memory_bytes
    if memory is not None:
        most = room.slot.memory_bytes or memory
        memory = min(most, max(0, memory + sign * int(demand.memory_on(room.slot))))
    return replace(room, share=min(1.0, max(0.0, room.share + sign * demand.share)), memory_bytes=memory)
