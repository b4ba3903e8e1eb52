"""What every job store must do; subclass it and give the fixture ``store``. And jobs to test with."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from ..entities import Job, JobSpec, JobStatus, Resources, Run, new_id
from ..errors import Ambiguous, Conflict, NotFound
from ..protocols.jobs import JobStore


class FakeRuns:
    """The runs that a test says jobs have."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}

    def of_jobs(self, job_ids: Any) -> dict[str, Run]:
        return {each: self.runs[each] for each in job_ids if each in self.runs}


class FakeAgent:
    """Counts how often it was asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.gpu_slots: list[int | None] = []

    def ensure(self, *, gpus: int = 0, gpu_slots: int | None = None) -> None:
        self.asked.append(gpus)
        self.gpu_slots.append(gpu_slots)


def job_spec(*, submitted_at: float = 1_700_000_000.0, **changes: Any) -> JobSpec:
    """A spec that can be submitted here; ``gpus`` and ``cpus`` are short for resources."""
    wanted = {name: changes.pop(name) for name in ("gpus", "cpus", "time_limit_s") if name in changes}
    values: dict[str, Any] = {
        "id": new_id(submitted_at),
        "name": "train",
        "experiment": "digits",
        "submitted_at": submitted_at,
        "interpreter": sys.executable,
        "kernel_name": "python3",
        "cwd": "/",
        "user": "ada",
        "resources": Resources(**wanted),
        **changes,
    }
    return JobSpec(**values)


def queued_job(**changes: Any) -> Job:
    """A job as it is when it has just been submitted."""
    return Job(spec=job_spec(**changes), status=JobStatus.QUEUED)


class JobStoreContract:
    """Inherit as ``class TestMine(JobStoreContract)`` with a fixture ``store`` that is empty."""

    def test_added_job_is_read_back_whole(self, store: JobStore) -> None:
        job = queued_job(params={"lr": 0.1, "layers": [1, 2]}, gpus=1, after=["x"], kernel_argv=["python"])
        added = store.add(job)
        assert added == store.get(job.id)
        assert added.spec == job.spec
        assert (added.status, added.attempt, added.gpus, added.cancel_requested) == ("queued", 1, [], False)
        assert added.seq > 0

    def test_same_id_twice_is_a_conflict(self, store: JobStore) -> None:
        job = store.add(queued_job())
        with pytest.raises(Conflict, match=job.id):
            store.add(job)

    def test_unique_end_of_an_id_finds_the_job(self, store: JobStore) -> None:
        job = store.add(queued_job())
        assert store.get(job.id[-6:].upper()) == job

    @pytest.mark.parametrize("unknown", ["nothing", "", "abc", "%%%%", "____"])
    def test_unknown_job_is_not_found(self, store: JobStore, unknown: str) -> None:
        store.add(queued_job())
        with pytest.raises(NotFound, match="%mlops jobs"):
            store.get(unknown)

    def test_end_of_several_ids_is_ambiguous(self, store: JobStore) -> None:
        ids = ["0" * 20 + "aabbcc", "1" * 20 + "aabbcc"]
        for each in ids:
            store.add(queued_job(id=each))
        with pytest.raises(Ambiguous) as caught:
            store.get("aabbcc")
        assert all(each in caught.value.message for each in ids)

    def test_update_sets_fields_and_a_new_seq(self, store: JobStore) -> None:
        job = store.add(queued_job())
        changed = store.update(
            job, status=JobStatus.RUNNING, run_id="r", started_at=5.0, gpus=["GPU-1"], reason="why", attempt=2
        )
        assert changed is not None
        assert changed == store.get(job.id)
        assert (changed.status, changed.run_id, changed.started_at) == (JobStatus.RUNNING, "r", 5.0)
        assert (changed.gpus, changed.reason, changed.attempt) == (["GPU-1"], "why", 2)
        assert changed.seq > job.seq

    def test_update_of_a_job_that_changed_meanwhile_is_refused(self, store: JobStore) -> None:
        job = store.add(queued_job())
        store.update(job, status=JobStatus.STARTING)
        assert store.update(job, status=JobStatus.RUNNING) is None
        assert store.get(job.id).status is JobStatus.STARTING

    def test_cancelling_a_queued_job_ends_it(self, store: JobStore) -> None:
        job = store.add(queued_job())
        cancelled = store.request_cancel(job, user="bob", time=7.0)
        assert cancelled is not None
        assert (cancelled.status, cancelled.ended_at) == (JobStatus.CANCELLED, 7.0)
        assert cancelled.reason == "cancelled by bob"

    def test_cancelling_a_running_job_marks_it(self, store: JobStore) -> None:
        job = store.update(store.add(queued_job()), status=JobStatus.RUNNING)
        assert job is not None
        cancelled = store.request_cancel(job, user="bob", time=7.0)
        assert cancelled is not None
        assert (cancelled.status, cancelled.cancel_requested) == (JobStatus.RUNNING, True)

    def test_cancelling_a_job_that_changed_meanwhile_is_refused(self, store: JobStore) -> None:
        job = store.add(queued_job())
        store.update(job, status=JobStatus.STARTING)
        assert store.request_cancel(job, user="bob", time=7.0) is None

    def test_search_finds_newest_first_by_what_is_asked(self, store: JobStore) -> None:
        jobs = [
            store.add(queued_job(submitted_at=float(n), sweep_id="s" if n % 2 else None)) for n in range(4)
        ]
        store.update(jobs[1], status=JobStatus.FAILED)
        ids = [job.id for job in jobs]
        assert [job.id for job in store.search()] == ids[::-1]
        assert [job.id for job in store.search(limit=2, offset=1)] == [ids[2], ids[1]]
        assert [job.id for job in store.search(sweep_id="s")] == [ids[3], ids[1]]
        assert [job.id for job in store.search(sweep_id="s", status=JobStatus.FAILED)] == [ids[1]]
        assert [job.id for job in store.search(ids=ids[:2])] == [ids[1], ids[0]]
        assert store.search(ids=[]) == []

    def test_open_jobs_are_those_that_have_not_ended(self, store: JobStore) -> None:
        jobs = [store.add(queued_job(submitted_at=float(n))) for n in range(len(JobStatus))]
        for job, status in zip(jobs, JobStatus, strict=True):
            store.update(job, status=status)
        assert [job.status for job in store.open()] == ["queued", "starting", "running"]

    def test_changes_name_what_changed_since(self, store: JobStore) -> None:
        first, second = store.add(queued_job()), store.add(queued_job())
        seq, ids = store.changes(0)
        assert (seq, ids) == (second.seq, [first.id, second.id])
        store.update(first, status=JobStatus.STARTING)
        later, ids = store.changes(seq)
        assert (later > seq, ids) == (True, [first.id])
        assert store.changes(later) == (later, [])
