"""When a cron expression comes round, in a time zone.

The clock changes of summer time are treated as Debian's cron does (cron(8)): a time of day that the clock
leaps over comes at once after the leap, one that the clock shows twice comes the first time only; where
minutes or hours are a star, real time counts, so that every such hour of the day has its runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from ...entities import Timing
from ...errors import InvalidInput
from ..hints import did_you_mean

ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
FIELDS = "minute, hour, day of the month, month and day of the week"
EXAMPLE = 'such as "0 3 * * *" for every day at 03:00'


def checked_cron(text: str) -> str:
    """The expression in five fields. Raises InvalidInput, saying which one cannot be read."""
    given = " ".join(text.split())
    if given.startswith("@") and given.lower() not in ALIASES:
        raise InvalidInput(
            f"cron: there is no {given!r}.{did_you_mean(given, ALIASES)} There are: {', '.join(ALIASES)}; "
            f"or write five fields ({FIELDS}), {EXAMPLE}."
        )
    expression = ALIASES.get(given.lower(), given)
    count = len(expression.split())
    if count != 5:
        raise InvalidInput(f"cron: {text!r} has {count} fields. Write five ({FIELDS}), {EXAMPLE}.")
    _check_comes(expression)
    return expression


def _check_comes(expression: str) -> None:
    from cronsim import CronSim, CronSimError

    try:
        next(CronSim(expression, datetime(2026, 1, 1)))
    except StopIteration:
        raise InvalidInput(f"cron: {expression!r} names no day that ever comes.") from None
    except (CronSimError, ValueError, TypeError, AssertionError) as error:
        what = str(error).removeprefix("Bad ").replace("-", " ") or "expression"
        raise InvalidInput(
            f"cron: the {what} in {expression!r} cannot be read, or never comes. Write five fields "
            f"({FIELDS}), {EXAMPLE}."
        ) from error


def checked_timezone(name: str | None) -> str:
    """The name of a time zone; of this machine's where none is given. Raises InvalidInput."""
    if not name:
        return local_timezone()
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = did_you_mean(name, available_timezones())
        raise InvalidInput(
            f"timezone: {name!r} is none.{hint} Write an IANA name such as Europe/Berlin or UTC."
        ) from None
    return name


def local_timezone() -> str:
    """The name of this machine's time zone; UTC where it has none."""
    from tzlocal import get_localzone_name

    try:
        name = get_localzone_name()
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # a container without a zone, or with a damaged one
        return "UTC"
    return name


def upcoming(timing: Timing, after: float) -> Iterator[float]:
    """The times that come after ``after``, soonest first."""
    from cronsim import CronSim

    last = after
    for moment in CronSim(timing.cron, _local(timing, after)):
        # from within an hour that the clock shows twice it begins with the first of the two
        if (found := moment.timestamp()) > last:
            last = found
            yield found


def next_after(timing: Timing, after: float) -> float | None:
    """The first time after ``after``; None when there is none for fifty years."""
    return next(upcoming(timing, after), None)


def due(timing: Timing, first: float, now: float, *, most: int) -> list[float]:
    """The times from ``first``, which is one, up to ``now``, soonest first; the last ones of many."""
    from cronsim import CronSim

    found: list[float] = []
    for moment in CronSim(timing.cron, _local(timing, int(now) + 1), reverse=True):
        when = moment.timestamp()
        if when <= first or len(found) == most:
            break
        if when <= now:
            found.append(when)
    return [first, *found[::-1]][-most:]


def in_words(timing: Timing) -> str:
    """``At 03:00 every day (Europe/Berlin)``."""
    from cronsim import CronSim

    return f"{CronSim(timing.cron, datetime(2026, 1, 1)).explain()} ({timing.timezone})"


def said(timing: Timing, when: float) -> str:
    """A time for people, as clocks in the schedule's time zone show it: ``Sun 2026-11-22 03:00 CET``."""
    return f"{_local(timing, when):%a %Y-%m-%d %H:%M %Z}"


def iso(timing: Timing, when: float) -> str:
    """A time as ISO 8601, with the offset of the schedule's time zone."""
    return _local(timing, when).isoformat(timespec="seconds")


def _local(timing: Timing, when: float) -> datetime:
    return datetime.fromtimestamp(when, ZoneInfo(timing.timezone))
