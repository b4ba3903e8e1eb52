"""What every store of ended attempts must do; subclass it and give the fixture ``store``. And attempts."""

from __future__ import annotations

from typing import Any

from ..entities import Cause, EndedAttempt, JobStatus, Totals, Used, new_id
from ..protocols.usage import AttemptStore

BEGAN = 1_700_000_000.0


def ended_attempt(**changes: Any) -> EndedAttempt:
    """One that waited 10 seconds and ran 100, on one GPU; ``used`` may be given by its fields' names."""
    used: dict[str, Any] = {
        name: changes.pop(name) for name in ("cpu_s", "gpu_load", "gpu_idle_s") if name in changes
    }
    if "peak" in changes:
        used["memory_bytes"] = changes.pop("peak")
    values: dict[str, Any] = {
        "job_id": new_id(BEGAN),
        "attempt": 1,
        "user": "ada",
        "name": "train",
        "notebook": "/home/ada/train.ipynb",
        "executor": "local",
        "status": JobStatus.SUCCEEDED,
        "queued_at": BEGAN - 10,
        "started_at": BEGAN,
        "ended_at": BEGAN + 100,
        "gpus": 1.0,
        "cpus": 2,
        "used": Used(**used) if used else None,
        **changes,
    }
    return EndedAttempt(**values)


class AttemptStoreContract:
    """Inherit as ``class TestMine(AttemptStoreContract)`` with a fixture ``store`` that is empty."""

    def test_an_attempt_is_read_back_whole(self, store: AttemptStore) -> None:
        attempt = ended_attempt(
            status=JobStatus.FAILED,
            cause=Cause.MEMORY,
            gpus=0.5,
            memory_bytes=5 * 1024**3,
            used=Used(memory_bytes=2**33, cpu_s=1.5, gpu_memory_bytes=7, gpu_load=0.25, gpu_idle_s=9.0),
        )
        store.add(attempt)
        assert store.since(0.0) == [attempt]

    def test_notebook_whose_name_is_no_unicode_is_found(self, store: AttemptStore) -> None:
        notebook = "/home/ada/caf\udce9.ipynb"
        store.add(ended_attempt(name="a\0b", notebook=notebook))
        (found,) = store.of_notebook(user="ada", name="a\0b", notebook=notebook)
        assert (found.name, found.notebook) == ("a\ufffdb", "/home/ada/caf\ufffd.ipynb")

    def test_one_that_never_began_is_kept_as_well(self, store: AttemptStore) -> None:
        attempt = ended_attempt(started_at=None, notebook=None, status=JobStatus.CANCELLED)
        store.add(attempt)
        assert store.since(0.0) == [attempt]

    def test_the_same_attempt_twice_is_kept_once_as_it_came_first(self, store: AttemptStore) -> None:
        attempt = ended_attempt()
        store.add(attempt)
        store.add(ended_attempt(job_id=attempt.job_id, user="bob"))
        assert store.since(0.0) == [attempt]

    def test_a_retry_has_waited_since_the_attempt_before_it_had_ended(self, store: AttemptStore) -> None:
        first = ended_attempt(status=JobStatus.FAILED)
        store.add(first)
        store.add(
            ended_attempt(
                job_id=first.job_id, attempt=2, started_at=first.ended_at + 7, ended_at=first.ended_at + 50
            )
        )
        assert [each.queued_at for each in store.since(0.0)] == [BEGAN - 10, first.ended_at]

    def test_a_wait_never_ends_before_it_began(self, store: AttemptStore) -> None:
        """A clock that was set back, or another host's."""
        store.add(ended_attempt(queued_at=BEGAN + 50))
        assert store.since(0.0)[0].queued_at == BEGAN

    def test_attempts_of_a_notebook_come_newest_first(self, store: AttemptStore) -> None:
        attempts = [ended_attempt(ended_at=BEGAN + n) for n in range(4)]
        for each in (*attempts, ended_attempt(user="bob"), ended_attempt(name="other")):
            store.add(each)
        store.add(ended_attempt(notebook=None))
        mine: dict[str, Any] = {"user": "ada", "name": "train", "notebook": "/home/ada/train.ipynb"}
        assert store.of_notebook(**mine) == attempts[::-1]
        assert store.of_notebook(**mine, limit=2) == [attempts[3], attempts[2]]
        assert store.of_notebook(**mine, status=JobStatus.FAILED) == []
        assert [each.notebook for each in store.of_notebook(user="ada", name="train", notebook=None)] == [
            None
        ]

    def test_since_is_by_the_end_and_by_user(self, store: AttemptStore) -> None:
        early, late = ended_attempt(ended_at=BEGAN + 1), ended_attempt(ended_at=BEGAN + 2)
        other = ended_attempt(ended_at=BEGAN + 3, user="bob")
        for each in (late, other, early):
            store.add(each)
        assert store.since(BEGAN + 1) == [late, other]
        assert store.since(0.0, user="ada") == [early, late]

    def test_totals_add_up_by_user_executor_and_status(self, store: AttemptStore) -> None:
        store.add(ended_attempt(gpus=0.5))
        store.add(ended_attempt(gpus=2.0, cpus=1))
        store.add(ended_attempt(status=JobStatus.CANCELLED, started_at=None))
        store.add(ended_attempt(user="bob", executor="slurm", ended_at=BEGAN - 5))
        assert store.totals() == [
            Totals(
                user="ada",
                executor="local",
                status=JobStatus.CANCELLED,
                attempts=1,
                run_s=0.0,
                gpu_s=0.0,
                cpu_asked_s=0.0,
                waits=0,
                wait_s=0.0,
            ),
            Totals(
                user="ada",
                executor="local",
                status=JobStatus.SUCCEEDED,
                attempts=2,
                run_s=200.0,
                gpu_s=250.0,
                cpu_asked_s=300.0,
                waits=2,
                wait_s=20.0,
            ),
            Totals(
                user="bob",
                executor="slurm",
                status=JobStatus.SUCCEEDED,
                attempts=1,
                run_s=0.0,  # its end is before its begin: a clock was set back
                gpu_s=0.0,
                cpu_asked_s=0.0,
                waits=1,
                wait_s=10.0,
            ),
        ]

    def test_nothing_is_open_where_nothing_was_submitted(self, store: AttemptStore) -> None:
        assert (store.open_jobs(), store.totals(), store.since(0.0)) == ([], [], [])
