"""When a job would start, as far as anybody can tell."""

from __future__ import annotations

import pytest

from jupyter_mlops.services.jobs.foresight import wait_of
from tests.unit.wishes import capacity, room, running, wish

NEW = wish("new", at=99.0, gpus=1)
UNTIL_100 = [running(f"r{n}", gpus=1, held=[n], expected_s=100.0 * (n + 1)) for n in range(2)]


def test_where_there_is_room_it_starts_at_once():
    assert wait_of(NEW, [], capacity()) == 0.0


def test_it_starts_when_the_first_that_runs_is_expected_to_end():
    assert wait_of(NEW, [], capacity(runs=UNTIL_100)) == 100.0
    assert wait_of(NEW, [], capacity(runs=UNTIL_100, now=30.0)) == 70.0


def test_it_waits_for_its_turn():
    before = [wish(n, gpus=1, expected_s=50.0) for n in range(3)]
    assert wait_of(NEW, before, capacity(runs=UNTIL_100)) == 200.0
    assert wait_of(NEW, [*before, wish(4, gpus=2)], capacity(runs=UNTIL_100)) is None


def test_jobs_of_others_are_before_it_as_well():
    theirs = wish("theirs", gpus=1, owner="bob", mine=False, expected_s=60.0)
    assert wait_of(NEW, [theirs], capacity(gpus=1, runs=UNTIL_100[:1])) == 160.0


@pytest.mark.parametrize(
    "there",
    [
        pytest.param(capacity(gpus=0), id="it never starts"),
        pytest.param(capacity(gpus=1, runs=[running("r", gpus=1, held=[0])]), id="no end is known"),
        pytest.param(
            capacity(gpus=1, runs=[running("r", gpus=1, held=[0], expected_s=5.0)], now=50.0), id="overdue"
        ),
        pytest.param(capacity(rooms=[room(0, gib=80, free_gib=3)]), id="a kernel holds the GPU"),
    ],
)
def test_nobody_knows(there):
    assert wait_of(NEW, [], there) is None


def test_shares_come_free_one_by_one():
    halves = [running(f"r{n}", gpus=0.5, held=[0], expected_s=100.0 * (n + 1)) for n in range(2)]
    rooms = [room(0, gib=80, share=0.0, free_gib=0)]
    there = capacity(rooms=rooms, runs=halves)
    assert wait_of(wish("half", gpus=0.5), [], there) == 100.0
    assert wait_of(wish("whole", gpus=1), [], there) == 200.0


def test_it_may_pass_one_that_waits_longer():
    both = wish(1, gpus=2, expected_s=1000.0)
    there = capacity(runs=[running("r", gpus=1, held=[0], expected_s=500.0)])
    assert wait_of(wish("short", at=99.0, gpus=1, time_limit_s=500.0), [both], there) == 0.0
    assert wait_of(wish("long", at=99.0, gpus=1, time_limit_s=600.0), [both], there) == 1500.0
