"""Sums over attempts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from jupyter_mlops.entities import JobStatus, Usage
from jupyter_mlops.services.usage.accounting import summed
from jupyter_mlops.testing.usage import BEGAN, ended_attempt

GIB = 1024**3
HOUR = 3600.0
EVER = {"since": 0.0, "until": 2e9}


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Days are local ones: a zone in which two of them a year have 23 and 25 hours."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def lasting(hours: float, **changes):
    return ended_attempt(ended_at=BEGAN + hours * HOUR, **changes)


def usage_by(attempts, by):
    return summed(attempts, by, **EVER)[0]


def total_of(attempts, **between: float):
    return summed(attempts, "user", **(between or EVER))[1]


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_hours_add_up_by_user():
    attempts = [
        lasting(2, gpus=2.0, cpus=4, cpu_s=2 * HOUR, gpu_load=0.5, gpu_idle_s=HOUR),
        lasting(1, gpus=1.0, cpus=1, cpu_s=HOUR, gpu_load=0.1, gpu_idle_s=0.5 * HOUR, user="bob"),
        lasting(2, gpus=0.5, cpus=2, status=JobStatus.FAILED, queued_at=BEGAN - 30),
    ]
    ada, bob = usage_by(attempts, "user")
    assert ada == Usage(
        group="ada",
        attempts=2,
        succeeded=1,
        failed=1,
        measured=1,
        gpu_hours=5.0,
        gpu_idle_hours=2.0,
        gpu_load=0.5,
        cpu_hours=2.0,
        cpu_asked_hours=12.0,
        wait_mean_s=20.0,
        wait_longest_s=30.0,
    )
    assert (bob.group, bob.gpu_hours, bob.gpu_idle_hours) == ("bob", 1.0, 0.5)


def test_memory_that_was_asked_for_is_set_against_what_was_used():
    attempts = [lasting(2, memory_bytes=8 * GIB, peak=2 * GIB), lasting(5, peak=GIB)]
    (row,) = usage_by(attempts, "user")
    assert (row.memory_asked_gib_hours, row.memory_used_gib_hours) == (16.0, 4.0)


def test_the_load_is_a_mean_over_gpu_hours():
    attempts = [lasting(3, gpus=1.0, gpu_load=1.0), lasting(1, gpus=1.0, gpu_load=0.0)]
    assert total_of(attempts).gpu_load == 0.75


def test_a_job_without_a_notebook_is_named():
    rows = usage_by([lasting(1), lasting(1, notebook=None, gpus=0.0)], "notebook")
    assert [row.group for row in rows] == ["/home/ada/train.ipynb", "train"]


def test_only_hours_inside_the_window_count():
    attempt = lasting(10, gpu_idle_s=5 * HOUR, gpu_load=0.5)
    row = total_of([attempt], since=BEGAN + 8 * HOUR, until=BEGAN + 9 * HOUR)
    assert (row.attempts, row.gpu_hours, row.gpu_idle_hours) == (1, 1.0, 0.5)


def test_a_night_is_divided_between_its_days():
    begin, end = at("2026-03-27T22:00"), at("2026-03-29T06:00")
    rows = usage_by([ended_attempt(started_at=begin, queued_at=begin, ended_at=end)], "day")
    assert [(row.group, row.gpu_hours, row.attempts) for row in rows] == [
        ("2026-03-27", 2.0, 0),
        ("2026-03-28", 24.0, 0),
        ("2026-03-29", 5.0, 1),  # at two o'clock it was three
    ]


def test_what_never_began_is_counted_and_has_no_hours():
    row = total_of([ended_attempt(started_at=None, status=JobStatus.CANCELLED)])
    assert (row.attempts, row.cancelled, row.gpu_hours, row.wait_mean_s) == (1, 1, 0.0, None)


def test_a_clock_that_was_set_back_makes_no_negative_hours():
    row = total_of([ended_attempt(ended_at=BEGAN - 50, queued_at=BEGAN + 5)])
    assert (row.gpu_hours, row.wait_longest_s) == (0.0, 0.0)


@pytest.mark.parametrize("by", ["user", "notebook", "executor", "day"])
def test_the_total_is_the_same_whatever_it_is_made_of(by):
    attempts = [
        lasting(30, gpu_load=0.5, gpu_idle_s=HOUR, memory_bytes=GIB, peak=GIB // 2),
        lasting(3, user="bob", executor="slurm", notebook=None, queued_at=BEGAN - 99),
    ]
    total = summed(attempts, by, **EVER)[1]
    assert total == total_of(attempts)
    assert (total.attempts, total.gpu_hours, total.wait_longest_s) == (2, 33.0, 99.0)


def test_who_held_most_comes_first():
    rows = usage_by([lasting(1), lasting(3, user="bob"), lasting(2, user="eve")], "user")
    assert [row.group for row in rows] == ["bob", "eve", "ada"]
    assert usage_by([], "user") == []
