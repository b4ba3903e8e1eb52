"""Which of a trial's many values a pruner gets to see. Pure."""

from __future__ import annotations

from ...entities import History

EACH_BELOW = 128
"""Up to this step each is reported; beyond it 64 of each doubling."""


def reported_steps(history: History, *, after: int) -> dict[int, float]:
    """The values by step, of those steps above ``after`` that are reported; a step's last value counts.

    A pruner compares trials at equal steps, so that which ones are reported must depend on nothing but the
    step. Points without a step are numbered from 0; a negative step is no step.
    """
    found: dict[int, float] = {}
    for place, (step, value) in enumerate(zip(history.steps, history.values, strict=True)):
        number = place if step is None else step
        if number > after and number >= 0 and is_reported(number):
            found[number] = value
    return found


def is_reported(step: int) -> bool:
    """Whether a step is among those that pruners are told of."""
    stride = max(1, (1 << step.bit_length()) // EACH_BELOW)
    return step % stride == 0
