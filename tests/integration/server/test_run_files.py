"""What can be saved of a run over HTTP: captured files, whole outputs, the zip file, the table."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import pytest

from jupyter_mlops.entities import FigureRow, FigureTable, Output
from jupyter_mlops.server import run_files, shown

from .journals import RunFiles

PATCH = b"--- a/train.py\n+++ b/train.py\n-lr = 0.1\n+lr = 0.01\n"
CELLS = [{"number": 1, "source": "x = 1", "ok": True, "cell_id": "a", "needed": True, "why": "assigns x"}]


@pytest.fixture
def files(workspace) -> RunFiles:
    return RunFiles(workspace.settings.home)


@pytest.fixture
def captured(files, workspace) -> tuple[str, dict[str, str]]:
    """A run with captured files, and their digests by what they are."""
    contents = {"patch": PATCH, "history": json.dumps(CELLS).encode(), "module": b"def f(): ..."}
    digests = {name: workspace.blobs.put(content).digest for name, content in contents.items()}
    context = {
        "git": {"commit": "c0ffee", "patch_digest": digests["patch"]},
        "history": {"digest": digests["history"], "in_order": True},
        "modules": [{"name": "pkg.ml", "path": "/home/ada/pkg/ml.py", "digest": digests["module"]}],
    }
    return files.finished(context=context), digests


async def test_a_captured_file_is_sent_under_its_own_name(api, captured):
    run_id, digests = captured
    response = await api.fetch("GET", f"runs/{run_id}/captured/{digests['patch']}")
    assert response.body == PATCH
    assert response.headers["Content-Disposition"] == "attachment; filename*=utf-8''uncommitted.patch"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    module = await api.fetch("GET", f"runs/{run_id}/captured/{digests['module']}")
    assert module.headers["Content-Disposition"].endswith("ml.py")


async def test_no_other_blob_is_served_through_a_run(api, captured, files, workspace):
    run_id, _ = captured
    secret = workspace.blobs.put(b"another run's").digest
    for digest in (secret, "nonsense", "..%2f..%2fregistry.sqlite"):
        status, code, _ = await api.refused("GET", f"runs/{run_id}/captured/{digest}")
        assert (status, code) == (404, "not_found")


async def test_the_cells_that_were_executed_before_are_listed(api, captured, files):
    run_id, _ = captured
    assert await api.get(f"runs/{run_id}/cells") == {"cells": CELLS}
    status, code, message = await api.refused("GET", f"runs/{files.finished()}/cells")
    assert (status, code) == (404, "not_found")
    assert "no record of the cells" in message


async def test_a_history_that_is_too_long_is_not_read_into_memory(api, captured, monkeypatch):
    monkeypatch.setattr(run_files, "MOST_HISTORY_BYTES", 10)
    run_id, _ = captured
    assert (await api.refused("GET", f"runs/{run_id}/cells"))[:2] == (501, "unsupported")


async def test_both_ends_of_a_long_output_are_in_the_page_and_all_of_it_can_be_had(api, files, monkeypatch):
    monkeypatch.setattr(shown, "TEXT_CHARACTERS", 400)
    text = "".join(f"step {number}\n" for number in range(1_000))
    run_id = files.finished(printed=text)
    (output,) = (await api.get(f"runs/{run_id}"))["outputs"]
    head, tail = output["data"]["text/plain"], output["metadata"]["tail"]
    assert text.startswith(head)
    assert text.endswith(tail)
    assert len(head) + len(tail) + output["metadata"]["left_out_bytes"] == len(text)
    whole = await api.fetch("GET", f"runs/{run_id}/outputs/0")
    assert whole.body.decode() == text


@pytest.mark.parametrize(("position", "status"), [("7", 404), ("-1", 400), ("x", 400)])
async def test_an_output_that_is_not_there_is_refused(api, files, position, status):
    run_id = files.finished(printed="hello")
    assert (await api.refused("GET", f"runs/{run_id}/outputs/{position}"))[0] == status


async def test_a_run_is_exported_as_a_zip_file_and_no_copy_is_left(
    api, files, workspace, tmp_path, monkeypatch
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    run_id = files.finished(artifacts={"out.csv": ("text/csv", b"a,b\n1,2\n")}, metrics={"acc": [0.5]})
    before = set(tmp_path.rglob("*"))
    response = await api.fetch("GET", f"runs/{run_id[-6:]}/export")
    with zipfile.ZipFile(io.BytesIO(response.body)) as archive:
        assert archive.testzip() is None
        assert any(archive.read(name) == b"a,b\n1,2\n" for name in archive.namelist())
    assert run_id in response.headers["Content-Disposition"]
    assert set(tmp_path.rglob("*.zip")) <= before


async def test_an_unknown_run_cannot_be_exported(api):
    assert (await api.refused("GET", "runs/zzzzzz/export"))[:2] == (404, "not_found")


async def test_the_table_of_runs_is_csv_with_the_columns_of_the_data_frame(api, files):
    files.finished("low", params={"lr": 0.1}, metrics={"acc": [0.1]})
    files.finished("high", params={"layers": [1, 2]}, metrics={"acc": [0.9]}, tags={"team": "a"})
    response = await api.fetch("GET", "table", filter="metrics.acc > 0.5")
    assert response.headers["Content-Type"] == "text/csv"
    (row,) = csv.DictReader(io.StringIO(response.body.decode()))
    assert list(row)[:3] == ["id", "name", "experiment"]
    assert (row["name"], row["params.layers"], row["metrics.acc"], row["tags.team"]) == (
        "high",
        "[1,2]",
        "0.9",
        "a",
    )
    assert (await api.refused("GET", "table", filter="metrics.acc >"))[:2] == (400, "invalid_filter")


async def test_no_cell_of_the_table_is_a_formula(api, files):
    files.finished("=HYPERLINK(1)")
    (row,) = csv.DictReader(io.StringIO((await api.fetch("GET", "table")).body.decode()))
    assert row["name"] == "'=HYPERLINK(1)"


def picture(position: int) -> Output:
    data = {"image/png": "A" * 600, "text/plain": "<Figure>"}
    return Output(position=position, kind="display_data", data=data, time=0.0)


def test_displays_are_in_an_answer_as_far_as_they_fit():
    first, second = shown.bounded([picture(0), picture(1)], most_bytes=1_000)
    assert first == picture(0)
    assert second.data == {"text/plain": "<Figure>"}
    assert second.metadata == {"left_out_bytes": 608}


def test_figures_of_many_runs_are_in_an_answer_as_far_as_they_fit():
    table = FigureTable(runs=[], rows=[FigureRow(name="roc", outputs=[None, picture(0), picture(1)])])
    (row,) = shown.bounded_figures(table, most_bytes=1_000).rows
    assert [each and each.metadata for each in row.outputs] == [None, {}, {"left_out_bytes": 608}]


def test_a_picture_is_downloaded_as_a_picture():
    output = Output(
        position=0, kind="display_data", data={"text/plain": "<Figure>", "image/png": "aGVsbG8="}, time=0.0
    )
    assert shown.content_of(output) == (b"hello", "image/png")


def test_captured_files_are_named_whatever_the_context_holds():
    from jupyter_mlops.services.runs.captured import captured_files

    odd = {
        "git": "none",
        "modules": [None, {"name": "x"}, {"path": "../../etc/m.py", "digest": "d"}],
        "lock": [],
    }
    assert [(each.digest, each.name) for each in captured_files(odd)] == [("d", "m.py")]
