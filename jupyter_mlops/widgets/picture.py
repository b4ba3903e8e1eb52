"""What a card shows at one time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A job's or a sweep's card, rendered.

    ``state`` (HTML) changes from second to second, ``actions`` (HTML) are its buttons; ``html`` and ``text``
    are the whole with nothing live in it. ``fraction`` says how much is done, from 0 to 1.
    """

    ended: bool
    fraction: float
    state: str
    actions: str
    html: str
    text: str
