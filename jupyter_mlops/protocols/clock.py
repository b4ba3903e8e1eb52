"""Time, so that tests can own it."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """``time.time`` or a fake."""

    def __call__(self) -> float:
        """Seconds since the epoch."""
        ...
