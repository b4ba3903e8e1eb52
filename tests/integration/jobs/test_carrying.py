"""Jobs that carry objects, run again: nothing is packed twice, and the blobs are known from the spec."""

from __future__ import annotations

import pytest

from jupyter_mlops.capture.history import ExecutedCell
from jupyter_mlops.entities import Job, JobStatus
from jupyter_mlops.errors import NotFound
from jupyter_mlops.services.jobs.origin import Origin
from jupyter_mlops.services.submission.request import Request


def submit(place, source: str, namespace: dict[str, object], **wanted) -> Job:
    cells = [ExecutedCell(number=1, source="rows = made_by_hand()", ok=True)]
    (job,) = place.workspace.submission.submit_cell(
        cells,
        source,
        origin=Origin.here(cwd=str(place.folder)),
        request=Request(name="train", carry=("rows",), **wanted),
        namespace=namespace,
    ).jobs
    place.submitted.append(job)
    return job


def test_a_retry_loads_the_same_blob_and_returns_what_was_asked_for(place):
    job = submit(
        place,
        "from pathlib import Path\n"
        "first = not Path('seen').exists()\n"
        "Path('seen').touch()\n"
        "assert not first, 'not yet'\n"
        "total = sum(rows)",
        {"rows": [1, 2, 3]},
        retries=1,
        returns=("total",),
    )
    ended = place.wait(job)
    assert (ended.status, ended.attempt) == (JobStatus.SUCCEEDED, 2), place.story(job)
    (carried,) = ended.spec.carried
    assert (carried.name, carried.format) == ("rows", "pickle")
    assert place.workspace.blobs.exists(carried.digest)
    attempt = place.jobs.last_attempt(job.id)
    (kept,) = attempt.returned_note()
    assert (kept.name, kept.kind, kept.problem) == ("total", "int", "")


def test_a_job_is_reproduced_with_what_it_carried(place):
    job = submit(place, "import jupyter_mlops\njupyter_mlops.log(total=sum(rows))", {"rows": [1, 2, 3]})
    ended = place.wait(job)
    assert ended.status is JobStatus.SUCCEEDED, place.story(job)
    begun = place.workspace.reproduction.start(ended.run_id)
    again = place.jobs.get(begun.job_id)
    place.submitted.append(again)
    assert again.spec.carried == ended.spec.carried
    report = place.workspace.reproduction.wait(begun.job_id, timeout_s=120)
    assert report.verdict == "reproduced", place.story(again)
    (carried,) = ended.spec.carried
    (place.settings.home / "blobs" / carried.digest[:2] / carried.digest).unlink()
    with pytest.raises(NotFound, match="The job carried rows, whose blobs are gone"):
        place.workspace.reproduction.start(ended.run_id)


def test_a_failed_job_keeps_no_variables(place):
    job = submit(place, "total = sum(rows)\n1 / 0", {"rows": [1]}, returns=("total",))
    ended = place.wait(job)
    assert (ended.status, "ZeroDivisionError" in ended.reason) == (JobStatus.FAILED, True)
    assert place.jobs.last_attempt(job.id).returned_note() is None
