"""A job whose executor does not see this file system: its files lie in its folder, and its worker has them."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_mlops.capture.history import ExecutedCell
from jupyter_mlops.entities import JobStatus, RunKind, RunStatus
from jupyter_mlops.errors import InvalidInput, NotFound
from jupyter_mlops.journal.records import Data
from jupyter_mlops.services.files.finding import find
from jupyter_mlops.services.files.packing import plan_packing
from jupyter_mlops.services.jobs.agent_control import AgentSeat
from jupyter_mlops.services.jobs.folder import JobFolder
from jupyter_mlops.services.jobs.origin import Origin
from jupyter_mlops.services.jobs.service import JobService
from jupyter_mlops.services.submission.request import Request
from jupyter_mlops.services.submission.service import SubmissionService
from jupyter_mlops.testing.executors import FakeExecutor
from jupyter_mlops.testing.jobs import FakeAgent, FakeRuns, job_spec
from tests.integration.jobs.conftest import Place, notebook_of
from tests.integration.jobs.test_worker_process import run_worker

CELLS = (
    "import sys\nsys.path.append('../lib')\nimport helpers",
    "import pathlib\nprint('read', helpers.double(pathlib.Path('data/a.txt').read_text()))",
    "pathlib.Path('data/a.txt').write_text('written over')",
)


@pytest.fixture
def far(place: Place) -> JobService:
    """The same queue, as if its one executor were elsewhere."""
    return JobService(
        place.jobs.store,
        place.settings,
        executors={"local": FakeExecutor(shares_files=False)},
        runs=FakeRuns(),
        agent=FakeAgent(),
    )


@pytest.fixture
def seat(place: Place) -> Iterator[AgentSeat]:
    """The agent's seat, taken: a worker that ends and finds no agent would have one end its job."""
    seat = AgentSeat(place.agent)
    assert seat.take()
    seat.announce(started_at=time.time(), slots=0)
    yield seat
    seat.withdraw()
    seat.leave()


def put_project(place: Place) -> None:
    lib = place.folder.parent / "lib"
    for path, text in (
        (place.folder / "data/a.txt", "sent"),
        (place.folder / "helpers.py", "from shared import double"),
        (lib / "shared.py", "def double(text):\n    return text * 2"),
    ):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def take_away(place: Place) -> None:
    """What the machine that runs the job has never had."""
    shutil.rmtree(place.folder)
    shutil.rmtree(place.folder.parent / "lib")


def test_worker_runs_where_the_files_are_unpacked_and_each_attempt_anew(
    place: Place, far: JobService, seat: AgentSeat
):
    put_project(place)
    files = plan_packing(find(CELLS, cwd=place.folder))
    spec = job_spec(
        submitted_at=time.time(), cwd=str(place.folder), retries=0, kernel_argv=Origin.here().kernel_argv
    )
    job = far.submit(spec, notebook_of(*CELLS, "1 / 0"), dict(os.environ), files=files)
    take_away(place)
    folder = JobFolder.of(place.settings.home, job.id)
    for attempt in (1, 2):
        worker = run_worker(place, folder, attempt=attempt)
        assert "read sentsent" in worker.stdout, worker.stderr
        end = folder.attempt(attempt).exit()
        assert end is not None
        assert "ZeroDivisionError" in end.reason


def test_damaged_files_end_the_job_with_the_reason(place: Place, far: JobService):
    put_project(place)
    files = plan_packing(find(CELLS, cwd=place.folder))
    job = far.submit(
        job_spec(submitted_at=time.time(), cwd=str(place.folder)), notebook_of("1"), {}, files=files
    )
    folder = JobFolder.of(place.settings.home, job.id)
    next(folder.path.rglob("a.txt")).unlink()
    run_worker(place, folder)
    end = folder.attempt(1).exit()
    assert end is not None
    assert (end.status, "project/data/a.txt was sent" in end.reason) == (JobStatus.FAILED, True)


def test_nothing_is_copied_where_the_executor_shares_this_file_system(place: Place):
    put_project(place)
    files = plan_packing(find(CELLS, cwd=place.folder))
    near = JobService(
        place.jobs.store,
        place.settings,
        executors={"local": FakeExecutor()},
        runs=FakeRuns(),
        agent=FakeAgent(),
    )
    job = near.submit(job_spec(cwd=str(place.folder)), notebook_of("1"), {}, files=files)
    assert not (JobFolder.of(place.settings.home, job.id).path / "files").exists()


def test_a_job_whose_files_cannot_be_copied_is_not_queued(place: Place, far: JobService):
    put_project(place)
    files = plan_packing(find(CELLS, cwd=place.folder))
    take_away(place)
    place.folder.mkdir()
    with pytest.raises(NotFound, match="is gone"):
        far.submit(job_spec(cwd=str(place.folder)), notebook_of("1"), {}, files=files)
    assert far.search() == []
    assert list((place.settings.home / "jobs").iterdir()) == []


class TestSubmitting:
    """The whole way, from a cell or a notebook to the job's folder."""

    @pytest.fixture
    def submission(self, place: Place, far: JobService) -> SubmissionService:
        put_project(place)
        return SubmissionService(far, place.settings, tracker=None, shares_files=far.shares_files)

    @staticmethod
    def sent(place: Place, submitted: Any) -> list[str]:
        tree = JobFolder.of(place.settings.home, submitted.jobs[0].id).path / "files" / "tree"
        return sorted(str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file())

    def test_a_cells_files_go_along(self, place: Place, submission: SubmissionService):
        cells = [ExecutedCell(number=1, source=CELLS[0], ok=True)]
        origin = Origin.here(cwd=str(place.folder))
        submitted = submission.submit_cell(cells, CELLS[1], origin=origin)
        assert self.sent(place, submitted) == ["lib/shared.py", "project/data/a.txt", "project/helpers.py"]

    def test_files_that_only_the_record_of_a_run_of_the_cell_names_go_along(
        self, place: Place, far: JobService, submission: SubmissionService
    ):
        """The code reads what it computes; a tracked run of the same cell has read it before."""
        notebook = str(place.folder / "train.ipynb")
        source = "name = ''.join(['more', '.txt'])\ntext = open(name).read()"
        (place.folder / "more.txt").write_text("more")
        run = place.workspace.tracker.start(name="seen", kind=RunKind.CELL, notebook=notebook)
        run.source(source)
        run.data_read(Data(uri=str(place.folder / "more.txt"), reader="open"))
        run.end(RunStatus.FINISHED)
        recording = SubmissionService(
            far,
            place.settings,
            tracker=None,
            shares_files=far.shares_files,
            recorded=place.workspace._recorded_reads,
        )
        origin = Origin.here(cwd=str(place.folder), notebook=notebook)
        assert self.sent(place, recording.submit_cell([], f"%%track seen\n{source}", origin=origin)) == [
            "more.txt"
        ]
        assert self.sent(place, recording.submit_cell([], f"{source}  # another cell", origin=origin)) == []

    def test_a_notebooks_files_go_along_as_include_and_exclude_say(
        self, place: Place, submission: SubmissionService
    ):
        (place.folder / "more.txt").write_text("")
        path = place.folder / "train.ipynb"
        nbformat.write(new_notebook(cells=[new_code_cell(each) for each in CELLS]), path)
        request = Request(include=("more.txt",), exclude=("data",))
        submitted = submission.submit_notebook(
            path, origin=Origin.here(cwd=str(place.folder)), request=request
        )
        assert self.sent(place, submitted) == ["lib/shared.py", "project/helpers.py", "project/more.txt"]

    def test_a_file_that_is_missing_for_sure_is_refused_before_anything_is_queued(
        self, place: Place, far: JobService, submission: SubmissionService
    ):
        origin = Origin.here(cwd=str(place.folder))
        with pytest.raises((NotFound, InvalidInput), match=r"data/b\.txt"):
            submission.submit_cell([], "text = open('data/b.txt').read()", origin=origin)
        assert far.search() == []


def test_the_real_queue_knows_that_local_jobs_see_these_files(place: Place):
    assert place.jobs.shares_files("local")
    with pytest.raises(InvalidInput, match="No executor 'moon'"):
        place.jobs.shares_files("moon")
