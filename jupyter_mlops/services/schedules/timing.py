"""The flags of a schedule."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

from ...entities import CatchUp, Overlap, Timing
from ...errors import InvalidInput
from ..hints import did_you_mean

Choice = TypeVar("Choice", bound=Enum)


def timing_of(
    *, cron: str | None, timezone: str | None, catch_up: str | None, overlap: str | None
) -> Timing | None:
    """What ``--cron`` and the flags beside it say; None without them. Raises InvalidInput."""
    if cron is None:
        beside = {"timezone": timezone, "catch-up": catch_up, "overlap": overlap}
        if given := next((name for name, value in beside.items() if value), None):
            raise InvalidInput(f'--{given} is for schedules: say when it runs, such as --cron "0 3 * * *".')
        return None
    from .occurrences import checked_cron, checked_timezone

    return Timing(
        cron=checked_cron(cron),
        timezone=checked_timezone(timezone),
        catch_up=_choice("catch-up", catch_up, CatchUp.LATEST),
        overlap=_choice("overlap", overlap, Overlap.SKIP),
    )


def _choice(what: str, given: str | None, default: Choice) -> Choice:
    known = {each.value: each for each in type(default)}
    if not given:
        return default
    if given not in known:
        raise InvalidInput(
            f"There is no {what} {given!r}.{did_you_mean(given, known)} There are: {', '.join(known)}."
        )
    return known[given]
