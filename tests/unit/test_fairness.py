"""Whose turn it is."""

from __future__ import annotations

import pytest

from jupyter_mlops.protocols.jobs import CPU_WORTH, Standing, Standings
from jupyter_mlops.services.jobs.fairness import MOST_WAITED_H, WAITING_CREDIT, Accounts, line, worth
from jupyter_mlops.services.jobs.placement import place
from tests.unit.wishes import capacity, running, wish


def order(wishes, standings=None, runs=(), *, now: float = 0.0, take_turns: bool = True) -> list[str]:
    accounts = Accounts(standings or Standings(), runs, now=now)
    found = []
    for each in line(wishes, accounts):
        found.append(each.job_id)
        if take_turns:
            accounts.take_turn(each)
    return found


def had(**hours: float) -> Standings:
    return Standings(of={owner: Standing(recent_gpu_h=gpu_h) for owner, gpu_h in hours.items()})


def by(owner: str, name: str, **wanted):
    return wish(name, owner=owner, **wanted)


def test_one_owners_jobs_go_by_priority_and_then_by_age():
    assert order([wish(3), wish(1), wish(2, priority=1)]) == ["2", "1", "3"]


def test_who_has_had_less_goes_first_whoever_was_there_before():
    wishes = [by("ada", "a", at=1.0), by("bob", "b", at=2.0)]
    assert order(wishes, had(ada=5, bob=1)) == ["b", "a"]
    assert order(wishes, had(ada=1, bob=5)) == ["a", "b"]


def test_priority_goes_before_what_one_has_had():
    assert order([by("ada", "a", priority=1), by("bob", "b")], had(ada=99)) == ["a", "b"]


def test_administrator_may_cap_priorities():
    capped = Standings(of={"ada": Standing(recent_gpu_h=9, max_priority=0)})
    assert order([by("ada", "a", priority=50), by("bob", "b")], capped) == ["b", "a"]
    assert order([by("ada", "a", priority=-1), by("bob", "b")], capped) == ["b", "a"]


def test_users_with_many_jobs_alternate():
    wishes = [by(owner, f"{owner}{n}", gpus=1, at=float(n)) for n in range(3) for owner in ("ada", "bob")]
    assert order(wishes) == ["ada0", "bob0", "ada1", "bob1", "ada2", "bob2"]


def test_what_somebody_holds_counts():
    wishes = [by("ada", "a", gpus=1, at=1.0), by("bob", "b", gpus=1, at=2.0)]
    assert order(wishes, runs=[running("r", owner="ada", gpus=2)]) == ["b", "a"]


def test_waiting_makes_up_for_what_one_has_had():
    wishes = [by("ada", "a", at=0.0), by("bob", "b", at=3600.0)]
    assert order(wishes, had(ada=WAITING_CREDIT + 0.5), now=3600.0) == ["b", "a"]
    assert order(wishes, had(ada=WAITING_CREDIT - 0.5), now=3600.0) == ["a", "b"]


def test_waiting_for_something_else_makes_up_for_nothing():
    wishes = [by("ada", "a", at=0.0, ready_at=3600.0), by("bob", "b", at=1800.0)]
    assert order(wishes, had(ada=0.5), now=3600.0) == ["b", "a"]


def test_waiting_for_longer_than_a_day_makes_up_for_no_more():
    now = 30 * 86400.0
    wishes = [by("ada", "a", at=0.0), by("bob", "b", at=now - MOST_WAITED_H * 3600)]
    assert order(wishes, had(ada=0.5), now=now) == ["b", "a"]
    assert order(wishes, had(bob=0.5), now=now) == ["a", "b"]


def test_clock_that_was_set_back_is_no_reason_to_wait_longer():
    assert order([by("ada", "a", at=5000.0), by("bob", "b", at=4000.0)], now=0.0) == ["b", "a"]


def test_own_jobs_count_for_the_user_that_others_see():
    standings = Standings(me="ada", of={"ada": Standing(recent_gpu_h=9)})
    wishes = [by("hub", "mine", at=1.0), by("bob", "his", at=2.0, mine=False)]
    assert order(wishes, standings) == ["his", "mine"]


def test_cpu_core_is_worth_a_little():
    assert worth(wish("w", gpus=2, cpus=10).resources) == pytest.approx(2 + 10 * CPU_WORTH)


class TestQuotas:
    def test_gpus_at_once(self):
        limited = Standings(anybody=Standing(max_gpus=2))
        there = capacity(gpus=4, cpus=9, standings=limited, runs=[running("r", gpus=1.5, held=[0, 1])])
        placement = place([wish(1, gpus=1), wish(2, gpus=0.5), wish(3), wish(4, gpus=1, owner="bob")], there)
        assert [start.job_id for start in placement.starts] == ["4", "2", "3"]
        assert placement.waits == {"1": "waits: ada may hold 2 GPUs at once here and holds 1.5"}

    def test_gpu_hours(self):
        spent = Standings(of={"ada": Standing(max_gpu_h=10, used_gpu_h=12.34)})
        placement = place([wish(1, gpus=1), wish(2)], capacity(standings=spent))
        assert [start.job_id for start in placement.starts] == ["2"]
        assert placement.waits == {"1": "waits: ada has used 12.3 of 10 GPU-hours in 7 days here"}
