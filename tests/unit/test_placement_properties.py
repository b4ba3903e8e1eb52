"""Whatever is wished for: nothing is given twice, nobody starves, and who goes before delays nobody."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.protocols.jobs import SlotRoom, Standing, Standings, Wish
from jupyter_mlops.services.jobs.fairness import worth
from jupyter_mlops.services.jobs.placement import SOON_S, Capacity, demand_of, place, place_all
from tests.unit.wishes import GIB, room, wish

GPUS, CPUS, MEMORY = 3, 6, 16 * GIB
OWNERS = ("ada", "bob", "eve")


@dataclass
class Work:
    """A job and how long it really takes, which nobody knows."""

    wish: Wish
    lasts: float


@dataclass
class Machine:
    """Plays what happens; checks at every step that nothing is given twice."""

    gpus: int = GPUS
    standings: Callable[[Machine], Standings] = lambda machine: Standings()
    now: float = 0.0
    running: dict[str, Wish] = field(default_factory=dict)
    began: dict[str, float] = field(default_factory=dict)
    promised: dict[str, float] = field(default_factory=dict)
    used_h: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def capacity(self) -> Capacity:
        return Capacity(
            rooms=[self._room(number) for number in range(self.gpus)],
            cpus=CPUS,
            memory_bytes=MEMORY,
            running=list(self.running.values()),
            standings=self.standings(self),
            now=self.now,
        )

    def turn(self, queue: dict[str, Work]) -> None:
        """Start what can start."""
        placement = place([work.wish for work in queue.values()], self.capacity())
        for job_id, seconds in placement.begins.items():
            self.promised[job_id] = min(self.now + seconds, self.promised.get(job_id, math.inf))
        for start in placement.starts:
            assert start.job_id not in self.began
            uuids = tuple(slot.uuid for slot in start.slots)
            self.running[start.job_id] = replace(queue[start.job_id].wish, running_since=self.now, gpus=uuids)
            self.began[start.job_id] = self.now
        self.check()

    def pass_time(self, until: float, queue: dict[str, Work]) -> None:
        for each in self.running.values():
            self.used_h[each.owner] += worth(each.resources) * (until - self.now) / 3600
        self.now = until
        for job_id in [job_id for job_id in self.running if self._end(job_id, queue) <= until]:
            del self.running[job_id]

    def next_end(self, queue: dict[str, Work]) -> float:
        return min((self._end(job_id, queue) for job_id in self.running), default=math.inf)

    def check(self) -> None:
        assert sum(each.resources.cpus for each in self.running.values()) <= CPUS
        assert sum(each.resources.memory_bytes or 0 for each in self.running.values()) <= MEMORY
        for number in range(self.gpus):
            free = self._room(number)
            assert free.share > -1e-6
            assert (free.memory_bytes or 0) >= 0

    def _room(self, number: int) -> SlotRoom:
        free = room(number, gib=80)
        for each in self.running.values():
            if free.slot.uuid in each.gpus:
                demand = demand_of(each)
                left = (free.memory_bytes or 0) - math.floor(demand.memory_on(free.slot))
                free = replace(free, share=free.share - demand.share, memory_bytes=left)
        return free

    def _end(self, job_id: str, queue: dict[str, Work]) -> float:
        return self.began[job_id] + queue[job_id].lasts


def played(works: Sequence[Work]) -> Machine:
    """The machine after each job was submitted at its time and ran as long as it lasts."""
    machine, queue = Machine(), {work.wish.job_id: work for work in works}
    arrivals = sorted({work.wish.submitted_at for work in works})
    while True:
        waiting = {
            job_id: work
            for job_id, work in queue.items()
            if job_id not in machine.began and work.wish.submitted_at <= machine.now
        }
        machine.turn(waiting)
        later = [at for at in arrivals if at > machine.now]
        following = min([machine.next_end(queue), *later[:1]], default=math.inf)
        if following == math.inf:
            return machine
        machine.pass_time(following, queue)


@st.composite
def resources(draw) -> dict[str, object]:
    gpus = draw(st.sampled_from([0, 0, 0.25, 0.5, 1, 1, 2, 3]))
    return {
        "gpus": gpus,
        "gpu_memory_bytes": draw(st.sampled_from([None, None, 10 * GIB, 60 * GIB])) if gpus else None,
        "cpus": draw(st.integers(1, CPUS)),
        "memory_bytes": draw(st.sampled_from([None, 4 * GIB, 16 * GIB])),
    }


def in_order(jobs: Sequence[Work]) -> list[Work]:
    return sorted(jobs, key=lambda work: (work.wish.submitted_at, work.wish.job_id))


def waited(jobs: Sequence[Work], machine: Machine) -> list[str]:
    """The jobs of one owner that did not start at once, the one whose turn came first before all."""
    return [
        work.wish.job_id
        for work in in_order(jobs)
        if machine.began[work.wish.job_id] > work.wish.submitted_at
    ]


BOUNDS = ("limit", "loose limit", "expected", "nothing")


@st.composite
def works(
    draw,
    *,
    owners: Sequence[str] = ("ada",),
    priorities: Sequence[int] = (0,),
    bounds: Sequence[str] = BOUNDS,
) -> list[Work]:
    """Jobs of which some say truly how long they take at most, or are known by their past."""
    found = []
    for number in range(draw(st.integers(1, 9))):
        lasts = float(draw(st.integers(2, 40)) * 10)
        bound = draw(st.sampled_from(bounds))
        asked = wish(
            number,
            at=float(draw(st.sampled_from([0, 0, 0, 35, 95]))),
            owner=draw(st.sampled_from(owners)),
            priority=draw(st.sampled_from(priorities)),
            exclusive=draw(st.sampled_from([False, False, True])),
            time_limit_s={"limit": lasts, "loose limit": 3 * lasts}.get(bound),
            expected_s=lasts if bound == "expected" else None,
            **draw(resources()),
        )
        found.append(Work(asked, lasts))
    return found


@settings(max_examples=150, deadline=None)
@given(works(owners=OWNERS, priorities=(0, 0, 1)))
def test_nothing_is_given_twice_and_every_job_gets_its_turn(jobs):
    assert set(played(jobs).began) == {work.wish.job_id for work in jobs}


@settings(max_examples=300, deadline=None)
@given(works(bounds=("limit", "expected", "nothing")))
def test_the_first_that_waits_starts_no_later_for_those_that_pass_it(jobs):
    machine = played(jobs)
    for first in waited(jobs, machine)[:1]:
        order = [work.wish.job_id for work in in_order(jobs)]
        before = in_order(jobs)[: order.index(first) + 1]
        assert machine.began[first] <= played(before).began[first] + SOON_S


@settings(max_examples=300, deadline=None)
@given(works(bounds=("limit", "loose limit", "expected")))
def test_a_start_that_was_foretold_is_kept(jobs):
    machine = played(jobs)
    for job_id in waited(jobs, machine)[:1]:  # who is behind may see the first start early, in its place
        assert machine.began[job_id] <= machine.promised.get(job_id, math.inf) + SOON_S


@settings(max_examples=100, deadline=None)
@given(works(owners=OWNERS, priorities=(0, 1)), st.randoms(use_true_random=False))
def test_agents_that_decide_each_for_its_user_decide_the_same(jobs, random):
    wishes = [work.wish for work in jobs]
    machine = Machine()
    together = {start.job_id: list(start.slots) for start in place_all(wishes, machine.capacity()).starts}
    apart: dict[str, list[object]] = {}
    for owner in OWNERS:
        seen = [replace(each, mine=each.owner == owner) for each in wishes]
        random.shuffle(seen)
        capacity = replace(machine.capacity(), standings=Standings(me=owner))
        for start in place(seen, capacity).starts:
            assert start.job_id not in apart
            apart[start.job_id] = list(start.slots)
    assert apart == together


def fair(machine: Machine) -> Standings:
    return Standings(of={owner: Standing(recent_gpu_h=machine.used_h[owner]) for owner in OWNERS})


def stream(owner: str, **wanted: object) -> Iterator[Wish]:
    number = 0
    while True:
        number += 1
        yield wish(f"{owner}-{number:06}", owner=owner, **wanted)


@settings(max_examples=60, deadline=None)
@given(
    victim=resources(),
    had_h=st.sampled_from([0.0, 1.0, 5.0]),
    others=st.lists(resources(), min_size=2, max_size=2),
    lasts=st.lists(st.integers(1, 12), min_size=2, max_size=2),
    tell=st.booleans(),
)
def test_nobody_starves_however_many_jobs_others_submit(victim, had_h, others, lasts, tell):
    """Others keep more queued than fits, for ever; the victim has used more than they have."""
    machine = Machine(standings=fair)
    machine.used_h["ada"] = had_h
    queue = {"victim": Work(wish("victim", at=100.0, owner="ada", **victim), 60.0)}
    streams = {
        owner: stream(owner, expected_s=60.0 * long if tell else None, **wanted)
        for owner, wanted, long in zip(("bob", "eve"), others, lasts, strict=True)
    }
    while "victim" not in machine.began:
        # what others queued before (16 jobs, 12 minutes each), and the waiting that makes up for 5 GPU-hours
        assert machine.now < 3600 * 6, "starved"
        for (owner, wishes), long in zip(streams.items(), lasts, strict=True):
            waiting = sum(each.wish.owner == owner for key, each in queue.items() if key not in machine.began)
            for each in (next(wishes) for _ in range(8 - waiting)):
                queue[each.job_id] = Work(replace(each, submitted_at=machine.now), 60.0 * long)
        machine.turn({key: work for key, work in queue.items() if key not in machine.began})
        machine.pass_time(machine.now + 60.0, queue)
        for key in [key for key in queue if key in machine.began and key not in machine.running]:
            del queue[key]


def test_users_get_like_shares_however_many_jobs_each_submits():
    machine, queue = Machine(standings=fair), {}
    for number in range(2000):
        owner = "ada" if number % 10 else "bob"
        asked = wish(f"{number:05}", owner=owner, gpus=1)
        queue[asked.job_id] = Work(asked, 600.0)
    for _ in range(60):
        waiting = {key: work for key, work in queue.items() if key not in machine.began}
        of = {owner: [key for key in waiting if waiting[key].wish.owner == owner] for owner in OWNERS}
        machine.turn({key: waiting[key] for keys in of.values() for key in keys[:20]})
        machine.pass_time(machine.now + 600.0, queue)
    assert machine.used_h["bob"] / machine.used_h["ada"] > 0.9


@settings(max_examples=60, deadline=None)
@given(works(owners=OWNERS), st.sampled_from([1.0, 1.5, 2.0]))
def test_no_one_holds_more_than_the_quota(jobs, quota):
    machine = Machine(standings=lambda machine: Standings(anybody=Standing(max_gpus=quota)))
    queue = {work.wish.job_id: work for work in jobs}
    while True:
        machine.turn({key: work for key, work in queue.items() if key not in machine.began})
        held: dict[str, float] = defaultdict(float)
        for each in machine.running.values():
            held[each.owner] += each.resources.gpus
        assert all(gpus <= quota + 1e-6 for gpus in held.values())
        if (following := machine.next_end(queue)) == math.inf:
            break
        machine.pass_time(following, queue)
    left = {key for key in queue if key not in machine.began}
    assert all(queue[key].wish.resources.gpus > quota for key in left)
