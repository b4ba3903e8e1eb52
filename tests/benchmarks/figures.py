"""What a benchmark finds: figures, with their goals and raw limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

LOWER, HIGHER = "lower", "higher"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured quantity.

    ``goal`` is what it must not exceed (of a rate, not fall below: ``better`` is then HIGHER). ``limit`` is
    the raw limit in the same unit, ``limit_is`` what was measured for it. A ``peer`` names whose figure it
    is; ours have none. ``note`` says why there is no value.
    """

    what: str
    unit: str
    value: float | None
    goal: float | None = None
    better: str = LOWER
    limit: float | None = None
    limit_is: str = ""
    peer: str = ""
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is no goal or no value."""
        if self.goal is None or self.value is None:
            return None
        return self.value <= self.goal if self.better == LOWER else self.value >= self.goal

    @property
    def ratio(self) -> float | None:
        """The figure over its raw limit."""
        return None if self.limit is None or self.value is None or not self.limit else self.value / self.limit


Benchmark = Callable[[], Iterable[Figure]]
"""Measures, and yields each figure as soon as it has it."""
