"""Data that tracked cells read, in a real kernel."""

from __future__ import annotations

import pytest
from blake3 import blake3

from jupyter_mlops.journal.records import Close, Data
from tests.reading_runs import of_long_ago
from tests.waiting import wait_until

from .kernel import of, running_kernel


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reads")
    (folder / "t.csv").write_text("a,b\n1,2\n3,4\n")
    (folder / "notes.txt").write_text("text")
    of_long_ago(folder / "t.csv", folder / "notes.txt")
    with running_kernel(folder, cwd=folder) as running:
        running.folder = folder
        yield running


def read_by(kernel, code):
    """The data of the run that this cell becomes, when its journal is complete; and the reply."""
    reply = kernel.run(code)
    wait_until(lambda: of(kernel.last_run(), Close))
    return {record.uri.rpartition("/")[2]: record for record in of(kernel.last_run(), Data)}, reply


def test_the_open_of_a_notebook_is_seen(kernel):
    found, reply = read_by(kernel, "%%track\ntext = open('notes.txt').read()")
    assert (found["notes.txt"].reader, found["notes.txt"].digest) == ("open", blake3(b"text").hexdigest())
    assert "1 file read" in reply.footer


def test_a_library_that_the_cell_imports_itself_is_seen(kernel):
    found, reply = read_by(kernel, "%%track\nimport pandas as pd\nframe = pd.read_csv('t.csv')")
    record = found["t.csv"]
    assert reply.ok
    assert list(found) == ["t.csv"]
    assert (record.reader, record.rows, record.columns) == (
        "pandas.read_csv",
        2,
        {"a": "int64", "b": "int64"},
    )
    assert list(record.column_digests) == ["a", "b"]


def test_a_name_bound_in_an_earlier_cell_is_seen(kernel):
    kernel.run("from pandas import read_csv\nimport numpy as np, joblib, pyarrow.parquet as pq")
    found, _ = read_by(kernel, "%%track\nframe = read_csv('t.csv')")
    assert found["t.csv"].reader == "pandas.read_csv"


def test_an_awaited_cell_and_its_threads_are_seen(kernel):
    code = (
        "%%track\nimport asyncio\nawait asyncio.sleep(0)\nframe = await asyncio.to_thread(read_csv, 't.csv')"
    )
    found, reply = read_by(kernel, code)
    assert (reply.ok, list(found)) == (True, ["t.csv"])


def test_a_cell_that_fails_keeps_what_it_has_read_and_leaves_nothing_behind(kernel):
    found, reply = read_by(kernel, "%%track\nread_csv('t.csv')\nread_csv('missing.csv')")
    assert (reply.ok, list(found)) == (False, ["t.csv"])
    assert reply.errors[0]["ename"] == "FileNotFoundError"
    state = "(open.__name__, __import__('builtins').open is __import__('io').open, read_csv.__code__.co_argcount > 0)"
    assert kernel.value(state)[1:] == (True, True)
    assert (
        kernel.value("len(read_csv.__code__.co_consts) and '_watch_call' in read_csv.__code__.co_varnames")
        is False
    )


def test_cells_that_are_not_tracked_record_nothing(kernel):
    before = len(kernel.runs())
    kernel.run("read_csv('t.csv')")
    assert len(kernel.runs()) == before


def test_drawing_and_importing_read_no_data(kernel):
    code = "%%track\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nimport sklearn.datasets as d\nx = d.load_iris()"
    found, reply = read_by(kernel, code)
    assert (reply.ok, found) == (True, {})


def test_a_block_records_what_it_reads(kernel):
    code = "import jupyter_mlops as mlops\nwith mlops.track('block'):\n    read_csv('t.csv')"
    found, _ = read_by(kernel, code)
    assert list(found) == ["t.csv"]


def test_a_process_pool_in_the_cell_works(kernel):
    code = (
        "%%track\nfrom concurrent.futures import ProcessPoolExecutor\nimport multiprocessing\n"
        "with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context('fork')) as pool:\n"
        "    shapes = [frame.shape for frame in pool.map(read_csv, ['t.csv'] * 4)]\nshapes"
    )
    _, reply = read_by(kernel, code)
    assert (reply.errors, reply.result) == ([], "[(2, 2), (2, 2), (2, 2), (2, 2)]")


def test_joblibs_processes_get_the_function_itself(kernel):
    code = "%%track\nframes = joblib.Parallel(2)(joblib.delayed(read_csv)('t.csv') for _ in range(4))\nlen(frames)"
    _, reply = read_by(kernel, code)
    assert (reply.errors, reply.result) == ([], "4")
