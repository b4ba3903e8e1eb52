"""What of a machine is free from now on, as far as that can be told. Pure.

Times are seconds from now. A timeline is a step function: at each of its points the amounts change.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ...entities import GpuSlot, Resources
from ...protocols.jobs import SlotRoom

FOREVER = math.inf
TINY = 1e-6
MIG = "MIG-"


@dataclass(frozen=True, slots=True)
class Demand:
    """What a job needs: of each of ``slots`` GPUs among ``among`` (empty: any) a share, and so on.

    ``gpu_memory_bytes`` is None where it is not known: then a share of the GPU's memory as large as its
    share of the GPU counts.
    """

    slots: int = 0
    share: float = 1.0
    gpu_memory_bytes: int | None = None
    cpus: int = 0
    memory_bytes: int = 0
    among: tuple[str, ...] = ()

    @staticmethod
    def of(wanted: Resources, *, exclusive: bool = False, among: Sequence[str] = ()) -> Demand:
        """A job that is to be alone gets all of its GPUs, and all of their memory."""
        return Demand(
            slots=math.ceil(wanted.gpus),
            share=wanted.gpus if 0 < wanted.gpus < 1 and not exclusive else 1.0,
            gpu_memory_bytes=None if exclusive else wanted.gpu_memory_bytes,
            cpus=wanted.cpus,
            memory_bytes=wanted.memory_bytes or 0,
            among=tuple(among),
        )

    def memory_on(self, slot: GpuSlot) -> float:
        """Bytes that it takes of the GPU's memory."""
        if slot.memory_bytes is None:
            return 0.0
        return self.share * slot.memory_bytes if self.gpu_memory_bytes is None else self.gpu_memory_bytes

    def may_have(self, slot: GpuSlot) -> bool:
        """Whether the GPU, when all of it is free, will do. CUDA shows a process one MIG instance only."""
        if self.among and slot.uuid not in self.among:
            return False
        if self.slots > 1 and slot.uuid.startswith(MIG):
            return False
        return slot.memory_bytes is None or self.memory_on(slot) <= slot.memory_bytes


@dataclass(slots=True)
class _Point:
    """Amounts from ``time`` on; ``shares`` and ``memories`` go by slot."""

    time: float
    cpus: float
    memory: float
    shares: list[float]
    memories: list[float]

    def copy(self, time: float) -> _Point:
        return _Point(time, self.cpus, self.memory, list(self.shares), list(self.memories))


class Timeline:
    """Free amounts from now on."""

    def __init__(self, rooms: Sequence[SlotRoom], *, cpus: float, memory_bytes: float) -> None:
        self._slots = [room.slot for room in rooms]
        self._number = {slot.uuid: number for number, slot in enumerate(self._slots)}
        memories = [math.inf if room.memory_bytes is None else float(room.memory_bytes) for room in rooms]
        now = _Point(0.0, cpus, memory_bytes, [room.share for room in rooms], memories)
        self._points = [now]
        self._times = [0.0]

    def release(self, demand: Demand, uuids: Sequence[str], at: float) -> None:
        """What is held now comes free."""
        if at != FOREVER:
            self._change(demand, self._numbers(uuids), at, FOREVER, 1)

    def occupy(self, demand: Demand, numbers: Sequence[int], begin: float, end: float) -> None:
        """Hold the amounts from ``begin`` to ``end``."""
        self._change(demand, numbers, begin, end, -1)

    def fits_now(self, demand: Demand, until: float) -> list[int] | None:
        """The slots, by number, on which all of it is free from now until then; None where it is not."""
        window = [point for point in self._points if point.time < until]
        if any(not _has_rest(point, demand) for point in window):
            return None
        fitting = [
            number
            for number, slot in enumerate(self._slots if demand.slots else ())
            if demand.may_have(slot) and all(self._has_slot(point, number, demand) for point in window)
        ]
        return self._choose(fitting, demand)

    def earliest(self, demand: Demand) -> tuple[float, list[int]] | None:
        """From when on all of it is free for ever, and on which slots; None where that never is."""
        rest = self._free_from(partial(_has_rest, demand=demand))
        if rest is None:
            return None
        if not demand.slots:
            return rest, []
        times = []
        for number, slot in enumerate(self._slots):
            if demand.may_have(slot):
                at = self._free_from(partial(self._has_slot, number=number, demand=demand))
                if at is not None:
                    times.append((at, number))
        if len(times) < demand.slots:
            return None
        times.sort()  # what is free first is kept free: taken by another, it would be missed
        chosen = times[: demand.slots]
        return max(rest, chosen[-1][0]), [number for _, number in chosen]

    def slots(self, numbers: Sequence[int]) -> list[GpuSlot]:
        return [self._slots[number] for number in numbers]

    def _free_from(self, has: Callable[[_Point], bool]) -> float | None:
        """The time from which on it holds for ever."""
        found = None
        for point in reversed(self._points):
            if not has(point):
                break
            found = point.time
        return found

    def _choose(self, fitting: list[int], demand: Demand) -> list[int] | None:
        """The tightest ones: shares together, and small GPUs before large ones where memory was asked for."""
        if len(fitting) < demand.slots:
            return None
        now = self._points[0]
        by_memory = demand.gpu_memory_bytes is not None

        def waste(number: int) -> tuple[float, float]:
            return now.shares[number], (self._slots[number].memory_bytes or 0) if by_memory else 0

        return sorted(sorted(fitting, key=waste)[: demand.slots])

    def _has_slot(self, point: _Point, number: int, demand: Demand) -> bool:
        needed = demand.memory_on(self._slots[number])
        return point.shares[number] >= demand.share - TINY and point.memories[number] >= needed - TINY

    def _numbers(self, uuids: Sequence[str]) -> list[int]:
        return [self._number[uuid] for uuid in uuids if uuid in self._number]

    def _change(self, demand: Demand, numbers: Sequence[int], begin: float, end: float, sign: int) -> None:
        first = self._point_at(begin)
        last = len(self._points) if end == FOREVER else self._point_at(end)
        for point in self._points[first:last]:
            point.cpus += sign * demand.cpus
            point.memory += sign * demand.memory_bytes
            for number in numbers:
                point.shares[number] += sign * demand.share
                point.memories[number] += sign * demand.memory_on(self._slots[number])

    def _point_at(self, time: float) -> int:
        """The number of the point at ``time``, made where there is none."""
        after = bisect_right(self._times, time)
        if self._times[after - 1] == time:
            return after - 1
        self._points.insert(after, self._points[after - 1].copy(time))
        self._times.insert(after, time)
        return after


def _has_rest(point: _Point, demand: Demand) -> bool:
    return point.cpus >= demand.cpus and point.memory >= demand.memory_bytes
