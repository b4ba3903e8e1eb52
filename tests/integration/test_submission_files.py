"""Submitting: files that are missing, and parameters cells that are written."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_mlops.capture.history import ExecutedCell
from jupyter_mlops.config import Settings
from jupyter_mlops.errors import Conflict, InvalidInput, NotFound, ParameterError
from jupyter_mlops.notebooks.values import parse_parameters
from jupyter_mlops.services.jobs.origin import Origin
from jupyter_mlops.services.submission.plan import Told
from jupyter_mlops.services.submission.request import Request
from jupyter_mlops.services.submission.service import SubmissionService
from tests.integration.test_submission import RememberingQueue

PANDAS = ExecutedCell(number=1, source="import pandas as pd", ok=True)


class Desk:
    """A submitter in a folder of its own, and what it was told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.queue, self.told = RememberingQueue(), Told()
        settings = Settings(home=folder / "home", runtime_dir=folder, leases_dir=folder, user="ada")
        self._service = SubmissionService(self.queue, settings, tracker=None)

    def _tell(self, told: Told) -> None:
        self.told = told

    def cell(self, *sources: str, after: tuple[str, ...] = ()) -> None:
        executed = [ExecutedCell(number=n, source=each, ok=True) for n, each in enumerate(sources[:-1], 2)]
        origin = Origin.here(cwd=str(self.folder))
        request = Request(after=after)
        self._service.submit_cell(
            [PANDAS, *executed], sources[-1], origin=origin, request=request, tell=self._tell
        )

    def notebook(self, *sources: str, given: tuple[str, ...] = (), write: bool = False) -> Path:
        path = self.folder / "train.ipynb"
        if sources:
            nbformat.write(new_notebook(cells=[new_code_cell(each) for each in sources]), path)
        self._service.submit_notebook(
            path,
            origin=Origin.here(cwd=str(self.folder)),
            request=Request(params=parse_parameters(given), write_parameters=write),
            tell=self._tell,
        )
        return path

    def sources(self) -> list[str]:
        return [
            "".join(cell["source"]) for cell in json.loads((self.folder / "train.ipynb").read_text())["cells"]
        ]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_misspelt_file_in_the_submitted_cell_is_refused_before_queueing(desk: Desk) -> None:
    with pytest.raises(NotFound, match=r"pandas\.read_csv\('tran\.csv'\) reads a file that is not there"):
        desk.cell("df = pd.read_csv('tran.csv')")
    assert desk.queue.specs == []


def test_a_file_that_is_there_or_that_a_cell_writes_is_not_spoken_of(desk: Desk) -> None:
    (desk.folder / "a.csv").write_text("x")
    desk.cell("f = open('b.csv', 'w')\nf.close()", "df = pd.read_csv('a.csv')\nf; pd.read_csv('b.csv')")
    assert desk.told.notes == []


def test_a_file_that_the_cell_may_make_first_is_told_and_the_job_is_queued(desk: Desk) -> None:
    desk.cell("fetch = print", "fetch()\npd.read_csv('a.csv')")
    assert [note for note in desk.told.notes if "'a.csv'" in note]
    assert len(desk.queue.specs) == 1


def test_a_file_that_another_job_may_make_is_only_told(desk: Desk) -> None:
    desk.cell("1 + 1")
    desk.cell("pd.read_csv('a.csv')", after=(desk.queue.specs[0].id,))
    assert [note for note in desk.told.notes if "'a.csv'" in note]


def test_a_file_that_an_earlier_cell_of_a_notebook_may_make_is_only_told(desk: Desk) -> None:
    desk.notebook("import own\nown.fetch()", "text = open('a.txt').read()")
    assert [note for note in desk.told.notes if "'a.txt'" in note]
    with pytest.raises(NotFound, match=r"a\.txt"):
        desk.notebook("import os", "text = open('a.txt').read()")


def test_a_notebook_without_a_parameters_cell_is_told_what_could_be_some(desk: Desk) -> None:
    desk.notebook("lr = 0.1\nprint(lr)")
    assert [note for note in desk.told.notes if "lr = 0.1 (cell 1)" in note]
    assert desk.sources() == ["lr = 0.1\nprint(lr)"]
    desk.notebook(given=("lr=0.5",))
    assert desk.told.notes == []


def test_a_parameters_cell_is_written_where_it_is_asked_for_and_the_job_runs_with_it(desk: Desk) -> None:
    desk.notebook("lr = 0.1\nprint(lr)", given=("lr=0.5",), write=True)
    written = "# Parameters: papermill and -p override them.\nlr: float = 0.1"
    assert desk.sources() == [written, "print(lr)"]
    assert desk.queue.sources() == [written, "# Parameters\nlr = 0.5", "print(lr)"]
    assert desk.told.notes == ["train.ipynb has a parameters cell now, with lr."]
    with pytest.raises(Conflict, match="already"):
        desk.notebook(write=True)


@pytest.mark.parametrize(
    ("source", "given", "kind"),
    [
        ("lr = 0.1\nprint(lr)", "lrr=1", ParameterError),
        ("lr = 0.1\nn = [1]\nn = [2]\nprint(lr, n)", "n=[3]", ParameterError),
        ("lr = 0.1\nprint(lr)", "lr=fast", ParameterError),
        ("print(1)", "", InvalidInput),
    ],
)
def test_nothing_is_written_when_something_is_refused(
    desk: Desk, source: str, given: str, kind: type
) -> None:
    with pytest.raises(kind):
        desk.notebook(source, given=(given,) if given else (), write=True)
    assert (desk.sources(), desk.queue.specs) == ([source], [])
