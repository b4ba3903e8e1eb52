"""What a job's handle does with the value that its cell left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cloudpickle
import pytest

from jupyter_mlops.api.jobs import Job
from jupyter_mlops.capture.history import on_job_use
from jupyter_mlops.config import load_settings
from jupyter_mlops.entities import Job as JobEntity
from jupyter_mlops.entities import JobStatus
from jupyter_mlops.errors import InvalidInput, NotFound, Untrusted
from jupyter_mlops.testing.jobs import job_spec
from jupyter_mlops.workspace import use


class EndedJob:
    """The jobs of a workspace that holds one, which ada submitted and which succeeded."""

    def __init__(self, folder: Path) -> None:
        self.entity = JobEntity(spec=job_spec(user="ada", promoted=True), status=JobStatus.SUCCEEDED)
        self.path = folder / "result.pkl"

    def wait(self, ids: Any, *, timeout_s: float | None = None) -> list[JobEntity]:
        return [self.entity]

    def cancel(self, job_id: str) -> JobEntity:
        return self.entity

    def result_path(self, job_id: str) -> Path:
        return self.path


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[EndedJob]:
    jobs = EndedJob(tmp_path)
    be("ada", jobs)
    yield jobs
    use(None)


def be(user: str, jobs: EndedJob, *, trusted: tuple[str, ...] = ()) -> None:
    settings = load_settings(
        {"home": jobs.path.parent, "user": user, "trusted_users": trusted or None}, environ={}
    )
    use(SimpleNamespace(jobs=jobs, settings=settings))  # type: ignore[arg-type]


def test_a_result_is_the_value_that_the_cell_left(jobs: EndedJob) -> None:
    jobs.path.write_bytes(cloudpickle.dumps({"accuracy": 0.9}))
    assert Job(jobs.entity).result == {"accuracy": 0.9}


def test_a_cell_without_a_value_left_no_result(jobs: EndedJob) -> None:
    with pytest.raises(NotFound, match="left no result"):
        _ = Job(jobs.entity).result


def test_another_users_result_is_not_unpickled_unless_that_user_is_trusted(jobs: EndedJob) -> None:
    jobs.path.write_bytes(cloudpickle.dumps(1))
    be("eve", jobs)
    with pytest.raises(Untrusted, match=r"submitted by 'ada'.*JUPYTER_MLOPS_TRUSTED_USERS"):
        _ = Job(jobs.entity).result
    be("eve", jobs, trusted=("ada",))
    assert Job(jobs.entity).result == 1


def test_a_result_that_cannot_be_unpickled_names_the_job(jobs: EndedJob) -> None:
    jobs.path.write_bytes(b"no pickle")
    with pytest.raises(InvalidInput, match=f"The result of job {jobs.entity.id[-6:]} cannot be unpickled"):
        _ = Job(jobs.entity).result


def test_a_cell_that_cancels_a_job_uses_jobs(jobs: EndedJob) -> None:
    used: list[str] = []
    on_job_use.append(note := lambda: used.append("cancel"))
    try:
        Job(jobs.entity).cancel()
    finally:
        on_job_use.remove(note)
    assert used == ["cancel"]
