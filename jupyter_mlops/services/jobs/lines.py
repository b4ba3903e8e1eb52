"""The jobs that are ready to start, in lines of those that want the same, oldest first."""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Hashable
from itertools import islice

from ...entities import Job
from ...protocols.jobs import Wish

OF_A_LINE = 32
"""How many of a line are looked at: those behind them want nothing else, and wait for them."""
IN_ALL = 500

Place = tuple[float, str]
"""When a job was submitted, and its id: its place in its line."""


class Lines:
    """One machine's queue of this agent.

    Each turn costs what its heads cost, however many wait behind them.
    """

    def __init__(self) -> None:
        self._lines: dict[Hashable, list[Place]] = {}
        self._wishes: dict[str, Wish] = {}
        self._keys: dict[str, Hashable] = {}
        self._heads: list[Wish] | None = None

    def add(self, job: Job, *, ready_at: float | None = None) -> None:
        """Put a job in its line, once."""
        self.remove(job.id)
        wish = wish_of(job, ready_at=ready_at)
        key = _key(job, wish)
        insort(self._lines.setdefault(key, []), (wish.submitted_at, job.id))
        self._wishes[job.id], self._keys[job.id] = wish, key
        self._heads = None

    def remove(self, job_id: str) -> None:
        """Take a job out of its line; nothing where it is in none."""
        wish = self._wishes.pop(job_id, None)
        if wish is None:
            return
        self._heads = None
        key = self._keys.pop(job_id)
        line = self._lines[key]
        del line[bisect_left(line, (wish.submitted_at, job_id))]
        if not line:
            del self._lines[key]

    def heads(self) -> list[Wish]:
        """The first of every line: higher priority first, then the order of submission."""
        if self._heads is None:
            lines = (
                [self._wishes[job_id] for _, job_id in line[:OF_A_LINE]] for line in self._lines.values()
            )
            self._heads = list(islice(heapq.merge(*lines, key=order), IN_ALL))
        return self._heads

    def _wish(self, place: Place) -> Wish:
        return self._wishes[place[1]]

    def line_of(self, job_id: str) -> Hashable:
        """What those that want the same have in common."""
        return self._keys[job_id]

    def __len__(self) -> int:
        return len(self._wishes)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._wishes


def order(wish: Wish) -> tuple[int, float, str]:
    """The order of one owner's jobs."""
    return (-wish.priority, wish.submitted_at, wish.job_id)


def wish_of(job: Job, *, now: float | None = None, ready_at: float | None = None) -> Wish:
    """What a job wants of a machine, or what it holds there where ``now`` is given."""
    spec = job.spec
    return Wish(
        job_id=job.id,
        owner=spec.user,
        priority=spec.priority,
        submitted_at=spec.submitted_at,
        ready_at=ready_at,
        resources=spec.resources,
        exclusive=job.exclusive,
        expected_s=spec.expected_s,
        running_since=None if now is None else job.started_at or now,
        gpus=tuple(job.gpus),
    )


def _key(job: Job, wish: Wish) -> Hashable:
    spec = job.spec
    places = (tuple(spec.executors), repr(sorted(spec.options.items())))
    return (wish.owner, wish.priority, wish.resources, wish.exclusive, wish.expected_s, places)
