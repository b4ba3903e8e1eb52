"""Which queued jobs start: a decision over what is free."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.entities import Job
from jupyter_mlops.services.jobs.placement import Capacity, place
from jupyter_mlops.testing.executors import slot
from jupyter_mlops.testing.jobs import queued_job


def capacity(*, slots: int = 2, cpus: int = 4, free_slots: int | None = None, free_cpus: int | None = None):
    free = slots if free_slots is None else free_slots
    return Capacity(
        slots=slots,
        cpus=cpus,
        free_slots=[slot(n) for n in range(free)],
        free_cpus=cpus if free_cpus is None else free_cpus,
    )


def job(at: int, **wanted) -> Job:
    return queued_job(submitted_at=float(at), **wanted)


def started(jobs, room) -> list[int]:
    return [int(each.spec.submitted_at) for each, _ in place(jobs, room).starts]


def test_jobs_start_in_the_order_of_submission():
    assert started([job(2), job(1), job(3)], capacity()) == [1, 2, 3]


def test_higher_priority_goes_first():
    jobs = [job(1), job(2, priority=5), job(3, priority=-1)]
    assert started(jobs, capacity(cpus=2)) == [2, 1]


def test_each_job_gets_slots_of_its_own():
    placement = place([job(1, gpus=1), job(2, gpus=1), job(3, gpus=1)], capacity())
    assert [[each.uuid for each in slots] for _, slots in placement.starts] == [["GPU-0"], ["GPU-1"]]
    assert list(placement.waits.values()) == ["waits for 1 GPU"]


def test_job_that_waits_for_two_gpus_is_not_overtaken_by_one_that_wants_one():
    assert started([job(1, gpus=2), job(2, gpus=1)], capacity(free_slots=1)) == []


def test_cpu_jobs_are_not_held_back_by_jobs_that_wait_for_gpus():
    assert started([job(1, gpus=2), job(2)], capacity(free_slots=0)) == [2]


def test_job_that_waits_for_cores_is_not_overtaken():
    assert started([job(1, cpus=3), job(2), job(3, gpus=1)], capacity(free_cpus=2)) == []


def test_job_that_can_never_start_holds_nobody_back():
    placement = place([job(1, gpus=3), job(2, cpus=9), job(3, gpus=1)], capacity())
    assert [int(each.spec.submitted_at) for each, _ in placement.starts] == [3]
    assert sorted(placement.waits.values()) == [
        "wants 3 GPUs, and there are 2 in all",
        "wants 9 CPU cores, and there are 4 in all",
    ]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5), st.integers(-1, 1)), max_size=12),
    st.integers(0, 3),
    st.integers(0, 5),
)
def test_nothing_is_given_twice_and_everybody_starts_or_knows_why_not(wants, free_slots, free_cpus):
    jobs = [job(n, gpus=gpus, cpus=cpus, priority=rank) for n, (gpus, cpus, rank) in enumerate(wants)]
    placement = place(jobs, capacity(slots=3, cpus=5, free_slots=free_slots, free_cpus=free_cpus))
    given_slots = [each.uuid for _, slots in placement.starts for each in slots]
    assert len(given_slots) == len(set(given_slots)) <= free_slots
    assert sum(each.spec.resources.cpus for each, _ in placement.starts) <= free_cpus
    assert all(len(slots) == each.spec.resources.gpus for each, slots in placement.starts)
    assert {each.id for each, _ in placement.starts} | set(placement.waits) == {each.id for each in jobs}
    assert not {each.id for each, _ in placement.starts} & set(placement.waits)
