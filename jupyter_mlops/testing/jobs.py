"""What every job store must do; subclass it and give the fixture ``store``. And jobs to test with."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from ..entities import Cause, Exit, Job, JobSpec, JobStatus, Resources, Run, Used, new_id
from ..errors import Ambiguous, Conflict, NotFound
from ..protocols.jobs import JobStore
from ..services.usage.attempts import ended_attempt


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
        assert (cancelled.reason, cancelled.cause) == ("cancelled by bob", Cause.USER)

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

    def test_oldest_open_jobs_come_first_and_as_many_as_asked_for(self, store: JobStore) -> None:
        jobs = [store.add(queued_job(submitted_at=float(n))) for n in range(3)]
        assert store.open(limit=2) == jobs[:2]

    def test_begun_are_those_that_were_started_or_handed_over(self, store: JobStore) -> None:
        starting, waiting, away, ended = (store.add(queued_job(submitted_at=float(n))) for n in range(4))
        store.update(starting, status=JobStatus.STARTING)
        store.update(away, handed_over=True)
        store.update(ended, status=JobStatus.FAILED)
        assert [job.id for job in store.begun()] == [starting.id, away.id]
        assert not store.get(waiting.id).handed_over

    def test_newest_of_a_name_is_found(self, store: JobStore) -> None:
        for number in range(2):
            store.add(queued_job(name="load", submitted_at=float(number)))
        newest = store.add(queued_job(name="load", submitted_at=9.0))
        store.add(queued_job(name="other", submitted_at=10.0))
        assert store.named("load") == newest
        assert store.named("loa") is None

    def test_whatever_was_said_is_kept_as_far_as_it_can_be(self, store: JobStore) -> None:
        """NUL and what is no Unicode come from a cell's errors, and from the end of a damaged log."""
        job = store.add(queued_job(name="a\0b", params={"path": "\0"}))
        assert store.named("a\0b") == store.named("a\ufffdb") == job
        said, kept = "bad record 'a\0b' in \udcff.csv", "bad record 'a\ufffdb' in \ufffd.csv"
        (job,) = store.explain([(job, said)])
        assert job.reason == kept
        updated = store.update(job, reason=said, choice=said, warning=said)
        assert updated is not None
        assert (updated.reason, updated.choice, updated.warning) == (kept, kept, kept)
        end = Exit(status=JobStatus.FAILED, ended_at=2.0, reason=said, cause=Cause.ERROR)
        ended = store.finish(updated, ended_attempt(updated, None, end), status=end.status, reason=said)
        assert ended is not None
        assert store.get(job.id).reason == kept

    def test_jobs_of_a_schedule_are_found(self, store: JobStore) -> None:
        job = store.add(queued_job(schedule_id="daily"))
        store.add(queued_job())
        assert store.search(schedule_id="daily") == [job]

    def test_job_that_may_run_at_several_places_is_at_none_until_one_is_chosen(self, store: JobStore) -> None:
        one = store.add(queued_job(executor="slurm"))
        open_choice = store.add(queued_job(executor="local", executors=["local", "slurm"]))
        assert (one.executor, open_choice.executor) == ("slurm", "")
        chosen = store.update(open_choice, executor="slurm", choice="it could start there at once")
        assert chosen is not None
        assert (chosen.executor, chosen.choice) == ("slurm", "it could start there at once")

    def test_reasons_are_set_together_but_for_jobs_that_changed_meanwhile(self, store: JobStore) -> None:
        first, second, third = (store.add(queued_job()) for _ in range(3))
        store.update(second, status=JobStatus.STARTING)
        explained = store.explain([(first, "waits for a GPU"), (second, "waits"), (third, "waits for job x")])
        assert explained == [store.get(first.id), store.get(third.id)]
        assert [job.reason for job in explained] == ["waits for a GPU", "waits for job x"]
        assert store.get(second.id).reason == ""
        assert store.explain([]) == []

    def test_finished_attempt_changes_its_job_once(self, store: JobStore) -> None:
        job = store.add(queued_job())
        ended = ended_attempt(job, None, Exit(status=JobStatus.FAILED, ended_at=2.0, cause=Cause.START))
        failed = store.finish(job, ended, status=JobStatus.FAILED, cause=Cause.START, ended_at=2.0)
        assert failed is not None
        assert (failed, failed.cause) == (store.get(job.id), Cause.START)
        assert store.finish(job, ended, status=JobStatus.LOST) is None

    def test_whole_state_of_a_job_is_kept(self, store: JobStore) -> None:
        changes = {
            "handed_over": True,
            "not_before": 8.0,
            "exclusive": True,
            "cause": Cause.GPU_MEMORY,
            "used": Used(memory_bytes=5, cpu_s=1.5),
            "warning": "idle",
        }
        changed = store.update(store.add(queued_job()), **changes)
        assert {name: getattr(changed, name) for name in changes} == changes

    def test_changed_jobs_are_read_but_for_those_that_are_known(self, store: JobStore) -> None:
        first, second, third = (store.add(queued_job()) for _ in range(3))
        seq, changed = store.changed(0, {second.id: second.seq})
        assert (seq, changed) == (third.seq, [first, third])
        assert store.changed(seq, {}) == (seq, [])
        ended = store.update(first, status=JobStatus.FAILED)
        assert ended is not None
        assert store.changed(seq, {first.id: first.seq}) == (ended.seq, [ended])

    def test_hundreds_of_changes_are_read_at_once(self, store: JobStore) -> None:
        jobs = [store.add(queued_job(submitted_at=float(n))) for n in range(520)]
        assert store.changed(0, {})[1] == jobs

    def test_changes_name_what_changed_since(self, store: JobStore) -> None:
        first, second = store.add(queued_job()), store.add(queued_job())
        seq, ids = store.changes(0)
        assert (seq, ids) == (second.seq, [first.id, second.id])
        store.update(first, status=JobStatus.STARTING)
        later, ids = store.changes(seq)
        assert (later > seq, ids) == (True, [first.id])
        assert store.changes(later) == (later, [])
