"""What a job may replay: the cells that this kernel executed, in order."""

from __future__ import annotations

from jupyter_mlops.capture.history import ExecutedCell, History
from jupyter_mlops.notebooks.ahead import ReadAhead
from jupyter_mlops.notebooks.reading import steps_of


def test_cells_are_listed_as_they_end():
    history = History()
    history.seed(["import x", "", "y = 1"])
    history.began(4, "a = 1", "id-4")
    assert history.running() == ExecutedCell(number=4, source="a = 1", ok=False, cell_id="id-4")
    history.ended(ok=True)
    history.began(5, "1/0", None)
    history.ended(ok=False)
    assert history.cells() == [
        ExecutedCell(number=1, source="import x", ok=True),
        ExecutedCell(number=3, source="y = 1", ok=True),
        ExecutedCell(number=4, source="a = 1", ok=True, cell_id="id-4"),
        ExecutedCell(number=5, source="1/0", ok=False),
    ]


def test_a_cell_that_uses_jobs_is_marked():
    history = History()
    history.note_job_use()
    history.began(1, "job.wait()", None)
    history.note_job_use()
    history.ended(ok=True)
    assert [cell.used_jobs for cell in history.cells()] == [True]


def test_somebody_hears_of_each_cell_that_has_ended():
    heard: list[str] = []
    history = History(heard.append)
    history.seed(["import x"])
    history.began(2, "a = 1", None)
    assert heard == []
    history.ended(ok=True)
    assert heard == ["a = 1"]


def test_cells_are_read_ahead_beside_the_user_code():
    steps_of.cache_clear()
    ahead = ReadAhead(delay_s=0)
    for source in ("a = 1", "b = (", "a = 1"):
        ahead.put(source)
    ahead.wait()
    assert steps_of.cache_info().currsize == 2
    ahead.put("c = 3")
    ahead.wait()
    assert steps_of.cache_info().currsize == 3
