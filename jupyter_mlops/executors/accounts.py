"""How much of the GPUs a user's jobs have had lately. Pure."""

from __future__ import annotations

import time
from collections.abc import Iterable

import msgspec

from ..protocols.jobs import CPU_WORTH, Wish

DAY_S = 86400.0
KEPT_DAYS = 35


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """GPU-seconds that were used up to the time ``at``.

    ``recent_s`` counts the older ones less, and CPU cores a little; ``days`` has the GPU-seconds of each
    day (days since the epoch, UTC).
    """

    at: float = 0.0
    recent_s: float = 0.0
    days: dict[int, float] = {}

    def faded(self, now: float, half_life_h: float) -> float:
        """What ``recent_s`` is worth now."""
        return float(self.recent_s * 0.5 ** (max(0.0, now - self.at) / (half_life_h * 3600)))

    def within(self, now: float, days: int) -> float:
        """The GPU-seconds of the last so many days."""
        first = int(now // DAY_S) - days + 1
        return sum(seconds for day, seconds in self.days.items() if day >= first)

    def charged(self, running: Iterable[Wish], now: float, half_life_h: float, *, passed_s: float) -> Account:
        """With what has run in the ``passed_s`` seconds up to ``now``; the clock may have been set."""
        gpus = sum(max(0.0, wish.resources.gpus) for wish in running)
        cpus = sum(max(0, wish.resources.cpus) for wish in running)
        today = int(now // DAY_S)
        days = {day: seconds for day, seconds in self.days.items() if today - KEPT_DAYS < day <= today}
        if gpus:
            days[today] = days.get(today, 0.0) + gpus * passed_s
        recent_s = self.faded(now, half_life_h) + (gpus + cpus * CPU_WORTH) * passed_s
        return Account(at=now, recent_s=recent_s, days=days)


def passed_between(before: float, now: float, *, monotonic_s: float | None = None) -> float:
    """Seconds from one reading of the clock to another: at most what the machine has been up for.

    ``monotonic_s`` is what a clock that nobody sets says has passed, where there is one.
    """
    if monotonic_s is not None:
        return max(0.0, monotonic_s)
    return min(max(0.0, now - before), time.monotonic())
