"""Which queued jobs start: a decision over what is free."""

from __future__ import annotations

import time

from jupyter_mlops.entities import GpuSlot
from jupyter_mlops.errors import Unavailable
from jupyter_mlops.protocols.jobs import SlotRoom, Standings
from jupyter_mlops.services.jobs.placement import MOST_RESERVATIONS, capacity_of, place
from tests.unit.wishes import GIB, capacity, given, room, running, started, wish


def test_jobs_start_in_the_order_of_submission():
    assert started([wish(2), wish(1), wish(3)], capacity()) == ["1", "2", "3"]


def test_higher_priority_goes_first():
    wishes = [wish(1), wish(2, priority=5), wish(3, priority=-1)]
    assert started(wishes, capacity(cpus=2)) == ["2", "1"]


def test_each_job_gets_gpus_of_its_own():
    placement = place([wish(1, gpus=1), wish(2, gpus=1), wish(3, gpus=1)], capacity())
    assert given(placement) == {"1": ["GPU-0"], "2": ["GPU-1"]}
    assert placement.waits == {"3": "waits for 1 GPU"}


def test_who_holds_the_gpus_is_said():
    rooms = [room(0, share=0.0, holders="job abc of bob"), room(1)]
    placement = place([wish(1, gpus=2)], capacity(rooms=rooms))
    assert placement.waits == {"1": "waits for 2 GPUs (0: job abc of bob)"}


def test_job_that_can_never_start_holds_nobody_back():
    placement = place([wish(1, gpus=3), wish(2, cpus=9), wish(3, gpus=1), wish(4, gpus=1.5)], capacity())
    assert given(placement) == {"3": ["GPU-0"]}
    assert placement.waits == {
        "1": "wants 3 GPUs, and there are 2 in all",
        "2": "wants 9 CPU cores, and there are 4 in all",
        "4": "wants 1.5 GPUs; it can have a whole number of them, or a part of one",
    }


def test_memory_is_given_only_once():
    there = capacity(memory_bytes=8 * GIB, runs=[running("r", memory_bytes=3 * GIB)])
    wishes = [wish(1, memory_bytes=4 * GIB), wish(2, memory_bytes=2 * GIB), wish(3, memory_bytes=9 * GIB)]
    placement = place(wishes, there)
    assert list(given(placement)) == ["1"]
    assert placement.waits == {
        "2": "waits for 2.0 GiB of memory",
        "3": "wants 9.0 GiB of memory, and there are 8.0 GiB",
    }


def test_jobs_of_other_users_take_what_they_would_get():
    there = capacity(gpus=1, cpus=9, runs=[running("b", owner="bob", mine=False, cpus=4)])
    wishes = [
        wish(1, gpus=1, owner="bob", mine=False, priority=1),
        wish(2, gpus=1),
        wish(3, cpus=3),
        wish(4, cpus=1),
    ]
    placement = place(wishes, there)
    assert list(given(placement)) == ["3"]
    assert placement.waits == {
        "2": "waits for 1 GPU",
        "4": "waits for job 2, which is before it and would be delayed",
    }


def test_where_the_gpus_cannot_be_asked_for_other_jobs_start():
    class Locked:
        def room(self) -> list[SlotRoom]:
            raise Unavailable("The folder of the GPU leases belongs to user 7.")

        def cpus(self) -> int:
            return 2

        def memory_bytes(self) -> int:
            return GIB

        def standings(self) -> Standings:
            return Standings()

    placement = place([wish(1, gpus=1), wish(2)], capacity_of(Locked(), [], now=0.0))
    assert list(given(placement)) == ["2"]
    assert placement.waits == {"1": "The folder of the GPU leases belongs to user 7."}


UNTIL_1000 = running("r", gpus=1, held=[0], time_limit_s=1000.0)
NOBODY_KNOWS_HOW_LONG = running("r", gpus=1, held=[0])
WANTS_BOTH = wish(1, gpus=2)
BEHIND = "waits for job 1, which is before it and would be delayed"


def test_job_that_wants_two_gpus_is_not_overtaken_by_one_that_may_delay_it():
    placement = place([WANTS_BOTH, wish(2, gpus=1)], capacity(runs=[UNTIL_1000]))
    assert placement.waits == {"1": "waits for 2 GPUs", "2": BEHIND}
    assert placement.begins == {"1": 1000.0}


def test_short_job_fills_the_gap_before_the_one_that_waits():
    behind = [wish(2, gpus=1, time_limit_s=1001), wish(3, gpus=1, time_limit_s=1000)]
    placement = place([WANTS_BOTH, *behind], capacity(runs=[UNTIL_1000]))
    assert given(placement) == {"3": ["GPU-1"]}
    assert placement.waits["2"] == BEHIND


def test_what_past_runs_took_counts_where_there_is_no_time_limit():
    behind = [wish(2, gpus=1, expected_s=2000), wish(3, gpus=1, expected_s=500)]
    assert started([WANTS_BOTH, *behind], capacity(runs=[UNTIL_1000])) == ["3"]


def test_gap_shrinks_as_time_goes_on():
    short = wish(2, gpus=1, time_limit_s=500)
    assert started([WANTS_BOTH, short], capacity(runs=[UNTIL_1000], now=500.0)) == ["2"]
    assert started([WANTS_BOTH, short], capacity(runs=[UNTIL_1000], now=501.0)) == []


def test_no_gap_is_filled_where_nobody_knows_when_it_ends():
    short = wish(2, gpus=1, time_limit_s=10)
    placement = place([WANTS_BOTH, short], capacity(runs=[NOBODY_KNOWS_HOW_LONG]))
    assert placement.waits == {"1": "waits for 2 GPUs", "2": BEHIND}
    assert placement.begins == {}


def test_job_that_runs_longer_than_expected_may_end_at_any_moment():
    overdue = running("r", gpus=1, held=[0], expected_s=100)
    short = wish(2, gpus=1, time_limit_s=10)
    assert started([WANTS_BOTH, short], capacity(runs=[overdue], now=50.0)) == ["2"]
    assert started([WANTS_BOTH, short], capacity(runs=[overdue], now=150.0)) == []


def test_the_gpu_that_is_free_is_the_one_that_is_kept():
    rooms = [room(number) for number in range(3)]
    runs = [running(f"r{number}", gpus=1, held=[number]) for number in (0, 1)]
    assert started([WANTS_BOTH, wish(2, gpus=1)], capacity(rooms=rooms, runs=runs)) == []


def test_job_behind_that_needs_another_gpu_starts():
    rooms = [room(0, gib=80), room(1, gib=80), room(2, gib=16)]
    runs = [running(f"r{number}", gpus=1, held=[number]) for number in (0, 1)]
    placement = place(
        [wish(1, gpus=1, gpu_memory_bytes=40 * GIB), wish(2, gpus=1)], capacity(rooms=rooms, runs=runs)
    )
    assert given(placement) == {"2": ["GPU-2"]}


def test_cpu_jobs_are_not_held_back_by_jobs_that_wait_for_gpus():
    assert started([wish(1, gpus=2), wish(2)], capacity(runs=[NOBODY_KNOWS_HOW_LONG])) == ["2"]


def test_cpu_job_leaves_the_cores_that_a_job_needs_with_its_gpus():
    wishes = [wish(1, gpus=2, cpus=3), wish(2, cpus=2)]
    assert started(wishes, capacity(cpus=5, runs=[NOBODY_KNOWS_HOW_LONG])) == []
    assert started(wishes, capacity(cpus=6, runs=[NOBODY_KNOWS_HOW_LONG])) == ["2"]


def test_job_that_waits_for_cores_is_not_overtaken():
    there = capacity(runs=[running("a"), running("b")])
    assert started([wish(1, cpus=3), wish(2), wish(3, gpus=1)], there) == []


def test_exclusive_job_gets_its_gpu_to_itself():
    shared = capacity(gpus=1, runs=[running("r", gpus=0.5, held=[0])])
    placement = place([wish(1, gpus=0.5, exclusive=True), wish(2, gpus=0.5)], shared)
    assert placement.waits == {"1": "waits for 0.5 of a GPU to itself", "2": BEHIND}
    assert given(place([wish(1, gpus=0.5, exclusive=True), wish(2, gpus=0.5)], capacity())) == {
        "1": ["GPU-0"],
        "2": ["GPU-1"],
    }


class TestShares:
    def test_two_halves_share_one_gpu(self):
        placement = place([wish(1, gpus=0.5), wish(2, gpus=0.5), wish(3, gpus=0.5)], capacity())
        assert given(placement) == {"1": ["GPU-0"], "2": ["GPU-0"], "3": ["GPU-1"]}

    def test_shares_that_no_computer_adds_up_exactly_fit(self):
        wishes = [wish(1, gpus=0.1), wish(2, gpus=0.2), wish(3, gpus=0.7)]
        assert started(wishes, capacity(gpus=1)) == ["1", "2", "3"]

    def test_they_share_only_where_their_memory_fits(self):
        rooms = [room(0, gib=80)]
        large, small, rest = (
            wish(number, gpus=0.5, gpu_memory_bytes=gib * GIB) for number, gib in ((1, 50), (2, 20), (3, 10))
        )
        assert started([large, wish(2, gpus=0.5)], capacity(rooms=rooms)) == ["1"]
        placement = place([large, small, rest], capacity(rooms=rooms))
        assert list(given(placement)) == ["1", "2"]
        assert placement.waits == {"3": "waits for 0.5 of a GPU with 10.0 GiB of memory"}

    def test_memory_that_nobody_declared_goes_by_the_share(self):
        assert started([wish(1, gpus=0.25), wish(2, gpus=0.75)], capacity(rooms=[room(0, gib=80)])) == [
            "1",
            "2",
        ]

    def test_whole_gpu_is_not_one_of_which_a_part_is_taken(self):
        assert started([wish(1, gpus=1)], capacity(gpus=1, runs=[running("r", gpus=0.1, held=[0])])) == []

    def test_memory_that_no_gpu_has_is_never_there(self):
        placement = place([wish(1, gpus=1, gpu_memory_bytes=90 * GIB)], capacity(rooms=[room(0, gib=80)]))
        assert placement.waits == {
            "1": "wants 1 GPU with 90.0 GiB of memory together, and there are none such"
        }

    def test_declared_memory_takes_the_smallest_gpu_that_has_it(self):
        rooms = [room(0, gib=80), room(1, gib=24)]
        placement = place([wish(1, gpus=1, gpu_memory_bytes=20 * GIB)], capacity(rooms=rooms))
        assert given(placement) == {"1": ["GPU-1"]}


class TestKernelsThatHoldMemory:
    ROOMS = (room(0, gib=80, free_gib=30, holders="kernel of train.ipynb (process 12) holds 50.0 GiB"),)

    def test_job_whose_memory_fits_beside_it_starts(self):
        assert started([wish(1, gpus=1, gpu_memory_bytes=30 * GIB)], capacity(rooms=self.ROOMS)) == ["1"]

    def test_job_whose_memory_nobody_knows_waits_and_is_told_why(self):
        placement = place([wish(1, gpus=1)], capacity(rooms=self.ROOMS))
        assert placement.waits == {
            "1": "waits for 1 GPU (0: kernel of train.ipynb (process 12) holds 50.0 GiB)"
        }

    def test_job_that_waits_for_a_kernel_to_end_keeps_no_other_gpu_from_anybody(self):
        there = capacity(rooms=[*self.ROOMS, room(1, gib=80)])
        assert started([wish(1, gpus=2), wish(2, gpus=1)], there) == ["2"]


class TestInstances:
    ROOMS = tuple(
        SlotRoom(slot=GpuSlot(uuid=uuid, index=0, name="H100", memory_bytes=10 * GIB), memory_bytes=10 * GIB)
        for uuid in ("MIG-a", "MIG-b", "MIG-c")
    )

    def test_each_instance_is_a_gpu_of_its_own(self):
        placement = place([wish(1, gpus=1), wish(2, gpus=0.5), wish(3, gpus=0.5)], capacity(rooms=self.ROOMS))
        assert given(placement) == {"1": ["MIG-a"], "2": ["MIG-b"], "3": ["MIG-b"]}

    def test_instances_cannot_be_joined(self):
        placement = place([wish(1, gpus=2)], capacity(rooms=self.ROOMS))
        assert placement.waits == {"1": "wants 2 GPUs together, and there are none such"}


def test_job_gets_only_the_gpus_that_its_agent_may_give():
    wishes = [wish(1, gpus=1, among=["GPU-1"]), wish(2, gpus=1, among=["GPU-1"]), wish(3, gpus=1)]
    assert given(place(wishes, capacity())) == {"1": ["GPU-1"], "3": ["GPU-0"]}


def test_lease_that_no_running_job_explains_is_waited_for():
    there = capacity(rooms=[room(0, share=0.0), room(1)])
    assert started([WANTS_BOTH, wish(2, gpus=1)], there) == []


def test_behind_very_many_that_wait_nobody_starts_who_may_delay_them():
    rooms = [room(number) for number in range(MOST_RESERVATIONS + 8)]
    runs = [running(f"r{number}", gpus=1, held=[number]) for number in range(MOST_RESERVATIONS + 6)]
    waiting = [wish(n, gpus=1, among=[f"GPU-{n}"], at=float(n)) for n in range(MOST_RESERVATIONS + 1)]
    last = wish("last", gpus=2, at=1e6)
    placement = place([*waiting, last], capacity(rooms=rooms, cpus=100, runs=runs))
    assert placement.starts == []
    assert placement.waits["last"] == f"waits: {MOST_RESERVATIONS} jobs and more wait before it"


def test_deciding_over_a_thousand_wishes_takes_milliseconds():
    wishes = [
        wish(n, gpus=n % 3, cpus=1 + n % 5, owner=f"user{n % 7}", expected_s=float(n % 11) or None)
        for n in range(1000)
    ]
    there = capacity(gpus=8, cpus=64, runs=[running(f"r{n}", cpus=2, held=[n], gpus=1) for n in range(8)])
    place(wishes, there)
    began = time.process_time()
    place(wishes, there)
    assert time.process_time() - began < 0.2  # 10 ms on an idle core
