"""Which queued jobs start now, and on what. Pure: a decision over what is free.

All agents of a machine decide the same for all its users, and each starts its own jobs only. In the order
of their turns (``fairness``) jobs start as long as there is room. One for which there is none gets a
reservation: what it needs is kept for it from the moment at which it may be free, and a job behind it
starts only where it takes nothing of that, because it needs something else, or ends before. What has no
known end is reckoned both to end at once, for those who wait, and never to end, for those who would pass.

A job that wants more than there is in all, or more than its owner may have, holds back nobody. Nor does one
that waits for a GPU which something that is no job holds: nobody knows whether that ever ends.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...entities import GpuSlot, Resources, short_id
from ...errors import Unavailable
from ...protocols.jobs import Machine, SlotRoom, Standings, Wish
from .fairness import Accounts, line
from .timeline import FOREVER, TINY, Demand, Timeline

SOON_S = 1.0
"""When what has no known end may end, at the earliest."""

MOST_RESERVATIONS = 32
"""So many jobs have what they wait for kept; behind them no other starts that wants the like."""

GIBIBYTE = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What a machine has, what of its GPUs is free, and what runs there; ``trouble`` keeps GPUs from all."""

    rooms: Sequence[SlotRoom] = ()
    cpus: int
    memory_bytes: float = math.inf
    running: Sequence[Wish] = ()
    standings: Standings = field(default_factory=Standings)
    now: float = 0.0
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A job to be started, and the GPUs that it gets."""

    job_id: str
    slots: Sequence[GpuSlot] = ()


@dataclass(slots=True)
class Placement:
    """What becomes of the asking agent's wishes: those to start, and why the others wait, by job id.

    ``begins`` is in how many seconds one that waits can start, as far as ends are known.
    """

    starts: list[Start] = field(default_factory=list)
    waits: dict[str, str] = field(default_factory=dict)
    begins: dict[str, float] = field(default_factory=dict)


def capacity_of(machine: Machine, running: Sequence[Wish], *, now: float) -> Capacity:
    """What there is just now; ``running`` are the jobs of all agents."""
    try:
        rooms, trouble = machine.room(), ""
    except (Unavailable, OSError) as error:
        rooms, trouble = [], str(error)
    return Capacity(
        rooms=rooms,
        cpus=machine.cpus(),
        memory_bytes=machine.memory_bytes(),
        running=running,
        standings=machine.standings(),
        now=now,
        trouble=trouble,
    )


def place(wishes: Iterable[Wish], capacity: Capacity) -> Placement:
    """Who starts now. Wishes of others take what they would get, and are not in the answer."""
    return _placed(wishes, _Placing(capacity))


def place_all(wishes: Iterable[Wish], capacity: Capacity) -> Placement:
    """The same decision, told of the wishes of all."""
    return _placed(wishes, _Placing(capacity, for_all=True))


def _placed(wishes: Iterable[Wish], placing: _Placing) -> Placement:
    for wish in line(wishes, placing.accounts):
        placing.consider(wish)
    return placing.placement


def too_much(wish: Wish, capacity: Capacity) -> str:
    """Why the job can never start there; empty when it can."""
    wanted, demand = wish.resources, demand_of(wish)
    if wanted.gpus:
        if capacity.trouble:
            return capacity.trouble
        if wanted.gpus != demand.slots and wanted.gpus > 1:
            return f"wants {wanted.gpus:g} GPUs; it can have a whole number of them, or a part of one"
        slots = [room.slot for room in capacity.rooms]
        fitting = sum(demand.may_have(slot) for slot in slots)
        if demand.slots > len(slots):
            return f"wants {_count(wanted.gpus, 'GPU')}, and there {_are(len(slots))} in all"
        if demand.slots > fitting:
            each = f" with {_gib(wanted.gpu_memory_bytes)} of memory" if wanted.gpu_memory_bytes else ""
            return f"wants {_count(wanted.gpus, 'GPU')}{each} together, and there {_are(fitting)} such"
    if wanted.cpus > capacity.cpus:
        return f"wants {_count(wanted.cpus, 'CPU core')}, and there {_are(capacity.cpus)} in all"
    if demand.memory_bytes > capacity.memory_bytes:
        return f"wants {_gib(demand.memory_bytes)} of memory, and there are {_gib(capacity.memory_bytes)}"
    return ""


class _Placing:
    """One decision in the making; ``for_all`` has the wishes of others in the answer as well."""

    def __init__(self, capacity: Capacity, *, for_all: bool = False) -> None:
        self.placement = Placement()
        self.accounts = Accounts(capacity.standings, capacity.running, now=capacity.now)
        self._capacity = capacity
        self._for_all = for_all
        self._present, self._hopeful, self._certain = (_timeline(capacity) for _ in range(3))
        _release_all(capacity, hopeful=self._hopeful, certain=self._certain)
        self._reserved: list[Wish] = []
        self._refused: dict[tuple[Demand, float], str] = {}
        self._hopeless: set[Demand] = set()
        self._known: dict[tuple[Resources, bool, tuple[str, ...]], tuple[Demand, str]] = {}
        self._closed_to_gpus = self._closed = False

    def consider(self, wish: Wish) -> None:
        demand, never = self._needs(wish)
        reason = never or self.accounts.over_quota(wish)
        if reason:  # holds back nobody, and takes no turn
            self._wait(wish, reason)
            return
        early, late = lasts(wish)
        reason = self._refused.get((demand, late), "") or self._closing(demand)
        if not reason:
            numbers = self._certain.fits_now(demand, late)
            if numbers is not None:
                self._start(wish, demand, numbers, early, late)
                return
            reason = self._refused[demand, late] = self._why(wish, demand)
        self.accounts.take_turn(wish)
        self._wait(wish, reason)
        self._reserve(wish, demand)

    def _needs(self, wish: Wish) -> tuple[Demand, str]:
        """Its demand, and why that can never be met: many wishes are alike."""
        like = (wish.resources, wish.exclusive, tuple(wish.among))
        found = self._known.get(like)
        if found is None:
            found = self._known[like] = demand_of(wish), too_much(wish, self._capacity)
        return found

    def _start(self, wish: Wish, demand: Demand, numbers: list[int], early: float, late: float) -> None:
        self._present.occupy(demand, numbers, 0.0, FOREVER)
        self._hopeful.occupy(demand, numbers, 0.0, early)
        self._certain.occupy(demand, numbers, 0.0, late)
        self.accounts.give(wish)
        if wish.mine or self._for_all:
            slots = self._present.slots(numbers)
            self.placement.starts.append(Start(job_id=wish.job_id, slots=slots))

    def _wait(self, wish: Wish, reason: str) -> None:
        if wish.mine or self._for_all:
            self.placement.waits[wish.job_id] = reason

    def _reserve(self, wish: Wish, demand: Demand) -> None:
        """Keep for it what it waits for."""
        if demand in self._hopeless:
            return
        if len(self._reserved) >= MOST_RESERVATIONS:
            self._closed_to_gpus = True
            self._closed = self._closed or not demand.slots
            return
        found = self._hopeful.earliest(demand)
        if found is None:
            self._hopeless.add(demand)
            return
        at, numbers = found
        for timeline in (self._hopeful, self._certain):
            timeline.occupy(demand, numbers, at, FOREVER)
        self._reserved.append(wish)
        if wish.mine and at > SOON_S:
            self.placement.begins[wish.job_id] = at

    def _closing(self, demand: Demand) -> str:
        closed = self._closed or (self._closed_to_gpus and demand.slots)
        return f"waits: {MOST_RESERVATIONS} jobs and more wait before it" if closed else ""

    def _why(self, wish: Wish, demand: Demand) -> str:
        """What it lacks, or else whom it would delay."""
        wanted = wish.resources
        if self._present.fits_now(replace(demand, cpus=0, memory_bytes=0), TINY) is None:
            return f"waits for {_gpus(wish)}{_holders(self._capacity.rooms)}"
        if self._present.fits_now(replace(demand, slots=0, memory_bytes=0), TINY) is None:
            return f"waits for {_count(wanted.cpus, 'CPU core')}"
        if self._present.fits_now(replace(demand, slots=0, cpus=0), TINY) is None:
            return f"waits for {_gib(demand.memory_bytes)} of memory"
        return self._behind(demand)

    def _behind(self, demand: Demand) -> str:
        alike = [each for each in self._reserved if bool(each.resources.gpus) == bool(demand.slots)]
        first = (alike or self._reserved)[0]
        whose = "" if first.mine else f" of {first.owner}"
        return f"waits for job {short_id(first.job_id)}{whose}, which is before it and would be delayed"


def demand_of(wish: Wish) -> Demand:
    """What the job needs while it runs."""
    return Demand.of(wish.resources, exclusive=wish.exclusive, among=wish.among)


def lasts(wish: Wish) -> tuple[float, float]:
    """How long the job may run, in seconds: at least, as far as one can tell, and at most."""
    limit, expected = wish.resources.time_limit_s, wish.expected_s
    known = [each for each in (expected, limit) if each is not None]
    if not known:
        return SOON_S, FOREVER
    return min(known), known[-1] if limit is None else limit


def ends(wish: Wish, now: float) -> tuple[float, float]:
    """In how many seconds a running job ends, at the earliest and at the latest."""
    early, late = lasts(wish)
    elapsed = max(0.0, now - (now if wish.running_since is None else wish.running_since))
    left = late - elapsed
    return max(SOON_S, early - elapsed), left if left > 0 else FOREVER


def _timeline(capacity: Capacity) -> Timeline:
    """What is free now, and stays so."""
    running = capacity.running
    cpus = capacity.cpus - sum(wish.resources.cpus for wish in running)
    memory = capacity.memory_bytes - sum(wish.resources.memory_bytes or 0 for wish in running)
    held = _held_shares(running)
    rooms = [
        replace(room, share=min(room.share, 1.0 - held.get(room.slot.uuid, 0.0))) for room in capacity.rooms
    ]
    return Timeline(rooms, cpus=cpus, memory_bytes=memory)


def _held_shares(running: Sequence[Wish]) -> Mapping[str, float]:
    held: dict[str, float] = {}
    for wish in running:
        for uuid in wish.gpus:
            held[uuid] = held.get(uuid, 0.0) + demand_of(wish).share
    return held


def _release_all(capacity: Capacity, *, hopeful: Timeline, certain: Timeline) -> None:
    """What runs ends; a lease that none of the running jobs explains may end, too."""
    for wish in capacity.running:
        early, late = ends(wish, capacity.now)
        hopeful.release(demand_of(wish), wish.gpus, early)
        certain.release(demand_of(wish), wish.gpus, late)
    held = _held_shares(capacity.running)
    for room in capacity.rooms:
        unexplained = 1.0 - room.share - held.get(room.slot.uuid, 0.0)
        if unexplained > TINY:
            hopeful.release(Demand(slots=1, share=unexplained), [room.slot.uuid], SOON_S)


def _gpus(wish: Wish) -> str:
    wanted = wish.resources
    count = f"{wanted.gpus:g} of a GPU" if 0 < wanted.gpus < 1 else _count(wanted.gpus, "GPU")
    memory = f" with {_gib(wanted.gpu_memory_bytes)} of memory" if wanted.gpu_memory_bytes else ""
    return f"{count}{memory}{' to itself' if wish.exclusive else ''}"


def _holders(rooms: Sequence[SlotRoom]) -> str:
    told = [f"{room.slot.index}: {room.holders}" for room in rooms if room.holders]
    more = f"; {len(told) - 4} more" if len(told) > 4 else ""
    return f" ({'; '.join(told[:4])}{more})" if told else ""


def _gib(number: float) -> str:
    return f"{number / GIBIBYTE:.1f} GiB"


def _count(number: float, noun: str) -> str:
    return f"{number:g} {noun}{'' if number == 1 else 's'}"


def _are(number: int) -> str:
    return "is 1" if number == 1 else f"are {number or 'none'}"
