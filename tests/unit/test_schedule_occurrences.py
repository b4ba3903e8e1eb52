"""When the runs of a schedule are due."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from jupyter_mlops.entities import Timing
from jupyter_mlops.errors import InvalidInput
from jupyter_mlops.services.schedules.occurrences import (
    checked_cron,
    checked_timezone,
    due,
    in_words,
    iso,
    local_timezone,
    next_after,
    said,
    upcoming,
)
from jupyter_mlops.services.schedules.timing import timing_of

BERLIN = "Europe/Berlin"


def at(text: str, *, timezone: str = BERLIN, second: bool = False) -> float:
    """A time of the clock; of one that comes twice the first, or the second."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone), fold=int(second)).timestamp()


def times(cron: str, after: float, count: int, *, timezone: str = BERLIN) -> list[str]:
    timing = Timing(cron=cron, timezone=timezone)
    return [iso(timing, each) for each in islice(upcoming(timing, after), count)]


def test_a_daily_run_comes_at_the_same_time_of_the_clock_in_summer_and_winter() -> None:
    assert times("0 3 * * *", at("2026-10-24 00:00"), 3) == [
        "2026-10-24T03:00:00+02:00",
        "2026-10-25T03:00:00+01:00",
        "2026-10-26T03:00:00+01:00",
    ]


def test_a_time_that_the_clock_leaps_over_in_spring_comes_at_once_after_the_leap() -> None:
    assert times("30 2 * * *", at("2026-03-28 12:00"), 2) == [
        "2026-03-29T03:00:00+02:00",
        "2026-03-30T02:30:00+02:00",
    ]


def test_a_time_that_the_clock_shows_twice_in_autumn_comes_once() -> None:
    assert times("30 2 * * *", at("2026-10-24 12:00"), 2) == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-26T02:30:00+01:00",
    ]


@pytest.mark.parametrize("minute", [15, 45])
def test_within_the_second_of_the_two_hours_it_does_not_come_again(minute: int) -> None:
    after = at(f"2026-10-25 02:{minute}", second=True)
    assert times("30 2 * * *", after, 1) == ["2026-10-26T02:30:00+01:00"]


def test_every_half_hour_counts_real_time_when_clocks_change() -> None:
    assert times("*/30 * * * *", at("2026-03-29 01:00"), 2) == [
        "2026-03-29T01:30:00+01:00",
        "2026-03-29T03:00:00+02:00",
    ]
    assert times("*/30 * * * *", at("2026-10-25 02:10"), 3) == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T02:30:00+01:00",
    ]


def test_day_of_month_and_day_of_week_are_either_or_as_in_cron() -> None:
    assert times("0 0 13 * FRI", at("2026-02-10 00:00"), 3) == [
        "2026-02-13T00:00:00+01:00",
        "2026-02-20T00:00:00+01:00",
        "2026-02-27T00:00:00+01:00",
    ]


def test_what_is_due_is_all_from_the_first_to_now() -> None:
    timing = Timing(cron="0 * * * *", timezone=BERLIN)
    first, now = at("2026-05-01 10:00"), at("2026-05-01 12:30")
    hours = [at(f"2026-05-01 {hour}:00") for hour in (10, 11, 12)]
    assert due(timing, first, now, most=100) == hours
    assert due(timing, first, first, most=100) == [first]
    assert due(timing, first, hours[1], most=100) == hours[:2]


def test_of_many_that_are_due_the_last_ones_count() -> None:
    timing = Timing(cron="* * * * *", timezone="UTC")
    now = at("2026-05-01 12:00", timezone="UTC")
    assert due(timing, now - 30 * 86400, now, most=3) == [now - 120, now - 60, now]


def test_what_is_due_over_the_autumn_change_is_due_once() -> None:
    timing = Timing(cron="30 2 * * *", timezone=BERLIN)
    first = at("2026-10-25 02:30")
    assert due(timing, first, at("2026-10-25 02:40", second=True), most=100) == [first]


def test_a_day_that_is_far_away_is_found() -> None:
    assert times("0 0 29 2 *", at("2026-01-01 00:00"), 1) == ["2028-02-29T00:00:00+01:00"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("0 3 * * *", "0 3 * * *"),
        ("  0   3 * *  mon-fri ", "0 3 * * mon-fri"),
        ("@daily", "0 0 * * *"),
        ("@Hourly", "0 * * * *"),
        ("0 0 L * *", "0 0 L * *"),
        ("*/15 9-17 1,15 * 1#1", "*/15 9-17 1,15 * 1#1"),
    ],
)
def test_an_expression_is_kept_in_five_fields(given: str, kept: str) -> None:
    assert checked_cron(given) == kept


@pytest.mark.parametrize(
    ("given", "said_"),
    [
        ("* * *", "'* * *' has 3 fields"),
        ("", "'' has 0 fields"),
        ("0 0 3 * * *", "has 6 fields"),
        ("60 * * * *", "the minute in"),
        ("* 24 * * *", "the hour in"),
        ("* * 0 * *", "the day of month in"),
        ("* * * 13 *", "the month in"),
        ("* * * * FOO", "the day of week in"),
        ("*/0 * * * *", "the minute in"),
        ("0 0 31 2 *", "or never comes"),
        ("5-1 * * * *", "the minute in"),
        ("@reboot", "there is no '@reboot'"),
        ("@weekyl", "Did you mean '@weekly'?"),
        ("0 0 * * 1L#2", "cannot be read"),
        ("0 0 L/x * *", "cannot be read"),
    ],
)
def test_what_is_no_expression_is_refused_with_its_field(given: str, said_: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_cron(given)
    assert said_ in refused.value.message


@pytest.mark.parametrize("name", ["Mars/Base", "../../etc/passwd", "Europe", "/etc/localtime"])
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="Write an IANA name such as Europe/Berlin or UTC"):
        checked_timezone(name)


def test_without_a_name_the_time_zone_is_that_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tzlocal.unix._cache_tz_name", None)  # it is read once a process
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert checked_timezone(None) == local_timezone() == "Asia/Tokyo"


@pytest.mark.parametrize("name", ["local", "Nowhere/Land", ""])
def test_on_a_machine_without_a_time_zone_it_is_utc(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("tzlocal.get_localzone_name", lambda: name)
    assert local_timezone() == "UTC"


def test_times_are_said_as_clocks_there_show_them() -> None:
    timing = Timing(cron="0 3 * * 1-5", timezone=BERLIN)
    assert in_words(timing) == "At 03:00 on Monday through Friday (Europe/Berlin)"
    assert said(timing, at("2026-11-23 03:00")) == "Mon 2026-11-23 03:00 CET"
    assert next_after(timing, at("2026-11-21 12:00")) == at("2026-11-23 03:00")


def test_an_empty_expression_is_no_job_that_runs_at_once() -> None:
    with pytest.raises(InvalidInput, match="has 0 fields"):
        timing_of(cron="", timezone=None, catch_up=None, overlap=None)
