"""How long a cluster that does not answer is left alone: the jobs for it stay where they are meanwhile.

It is kept in memory: a new agent asks at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...protocols.clock import Clock
from ...protocols.jobs import Wish

FIRST_S, LONGEST_S = 2.0, 60.0


@dataclass(frozen=True, slots=True)
class _Trouble:
    reason: str
    pause_s: float
    until: float
    tried: frozenset[str]


class Patience:
    """What clusters had to say when jobs were to be handed over to them."""

    def __init__(self, monotonic: Clock) -> None:
        self._monotonic = monotonic
        self._troubles: dict[str, _Trouble] = {}

    def failed(self, name: str, job_id: str, reason: str) -> None:
        """Nobody answers there: each time it is left alone for twice as long."""
        before = self._troubles.get(name)
        pause_s = FIRST_S if before is None else min(2 * before.pause_s, LONGEST_S)
        tried = frozenset({job_id})
        if before is not None and job_id not in before.tried:
            tried |= before.tried
        self._troubles[name] = _Trouble(reason, pause_s, self._monotonic() + pause_s, tried)

    def answered(self, name: str) -> None:
        self._troubles.pop(name, None)

    def in_turn(self, wishes: Iterable[Wish]) -> list[Wish]:
        """Those first with which nothing was tried: the trouble may be that of one job only."""
        tried = {job_id for trouble in self._troubles.values() for job_id in trouble.tried}
        return sorted(wishes, key=lambda wish: wish.job_id in tried)

    def is_due(self, name: str) -> bool:
        """Whether it may be asked now."""
        trouble = self._troubles.get(name)
        return trouble is None or self._monotonic() >= trouble.until

    def trouble(self, name: str) -> str:
        """Why it did not answer the last time; empty where it did."""
        trouble = self._troubles.get(name)
        return "" if trouble is None else trouble.reason
