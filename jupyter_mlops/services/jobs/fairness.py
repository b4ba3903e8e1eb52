"""Whose turn it is among those who share a machine. Pure.

Higher priority first; within one, whoever has had and holds least of the machine; then the older job.
Waiting for one's turn makes up for what one has had, up to a point; what one has had fades as well, so that
nobody waits for ever, however many jobs others submit. Waiting for something else, for another job or for
the time of a retry, earns nothing.
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator

from ...entities import Resources
from ...protocols.jobs import CPU_WORTH, Standing, Standings, Wish

LOOKAHEAD_H = 1.0
"""What somebody holds, or waits for ahead of others, counts as if it had been held for so long."""

WAITING_CREDIT = 4.0
"""An hour of waiting makes up for so many GPU-hours."""

MOST_WAITED_H = 24.0
"""Longer waits count as this one: else who has many jobs would go before everybody for days."""


def worth(resources: Resources) -> float:
    """How much of a machine it is to hold this, in GPUs."""
    return resources.gpus + resources.cpus * CPU_WORTH


class Accounts:
    """Who has had, holds and may have how much, at the time ``now``."""

    def __init__(self, standings: Standings, running: Iterable[Wish], *, now: float) -> None:
        self._standings = standings
        self._now = now
        self._gpus: dict[str, float] = defaultdict(float)
        self._turns: dict[str, float] = defaultdict(float)
        for wish in running:
            self.give(wish)

    def owner(self, wish: Wish) -> str:
        return self._standings.me if wish.mine and self._standings.me else wish.owner

    def standing(self, wish: Wish) -> Standing:
        return self._standings.of.get(self.owner(wish), self._standings.anybody)

    def priority(self, wish: Wish) -> int:
        cap = self.standing(wish).max_priority
        return wish.priority if cap is None else min(wish.priority, cap)

    def had(self, wish: Wish) -> float:
        """What its owner has had lately, and has now, in GPU-hours, less the credit for its waiting."""
        since = max(wish.submitted_at, wish.ready_at or 0.0)
        waited_h = min(max(0.0, self._now - since) / 3600, MOST_WAITED_H)
        turns_h = self._turns[self.owner(wish)] * LOOKAHEAD_H
        return self.standing(wish).recent_gpu_h + turns_h - waited_h * WAITING_CREDIT

    def give(self, wish: Wish) -> None:
        """It runs."""
        self._gpus[self.owner(wish)] += wish.resources.gpus
        self.take_turn(wish)

    def take_turn(self, wish: Wish) -> None:
        """It was considered, and starts or waits: then others are."""
        self._turns[self.owner(wish)] += worth(wish.resources)

    def over_quota(self, wish: Wish) -> str:
        """Why its owner may not have it just now; empty when there is no such reason."""
        standing, owner, wanted = self.standing(wish), self.owner(wish), wish.resources.gpus
        if not wanted:
            return ""
        if standing.max_gpus is not None and self._gpus[owner] + wanted > standing.max_gpus + 1e-6:
            held = self._gpus[owner]
            return f"waits: {owner} may hold {_gpus(standing.max_gpus)} at once here and holds {held:g}"
        if standing.max_gpu_h is not None and standing.used_gpu_h >= standing.max_gpu_h:
            had, most, days = standing.used_gpu_h, standing.max_gpu_h, standing.window_h / 24
            return f"waits: {owner} has used {had:.1f} of {most:g} GPU-hours in {days:g} days here"
        return ""


def line(wishes: Iterable[Wish], accounts: Accounts) -> Iterator[Wish]:
    """The wishes in the order of their turns; what ``accounts`` are told meanwhile decides who is next."""
    levels: dict[int, dict[str, deque[Wish]]] = defaultdict(lambda: defaultdict(deque))
    for wish in sorted(wishes, key=lambda wish: (wish.submitted_at, wish.job_id)):
        levels[accounts.priority(wish)][accounts.owner(wish)].append(wish)
    for _, owners in sorted(levels.items(), reverse=True):
        heads = [_head(owner, queue, accounts) for owner, queue in owners.items()]
        heapq.heapify(heads)
        while heads:
            owner = heads[0][-1]
            queue = owners[owner]
            yield queue.popleft()
            if queue:
                heapq.heapreplace(heads, _head(owner, queue, accounts))
            else:
                heapq.heappop(heads)


def _head(owner: str, queue: deque[Wish], accounts: Accounts) -> tuple[float, float, str, str]:
    first = queue[0]
    return accounts.had(first), first.submitted_at, first.job_id, owner


def _gpus(number: float) -> str:
    return f"{number:g} GPU{'' if number == 1 else 's'}"
