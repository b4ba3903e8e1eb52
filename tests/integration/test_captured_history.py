"""The history that a tracked cell depended on, and the execution-order badge, from a real kernel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_mlops.artifacts.local import LocalBlobStore
from jupyter_mlops.journal.records import Context
from tests.integration.kernel import Kernel, of, running_kernel
from tests.waiting import wait_until

CELLS = {
    "load": "%load_ext jupyter_mlops",
    "data": "data = [1, 2, 3]",
    "look": "print(len(data))",
    "more": "data.append(4)",
    "train": "%%track\nscore = float(sum(data))",
}


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """The notebook that is open in the kernel, as it was saved."""
    path = tmp_path / "digits.ipynb"
    cells = [new_code_cell(source, id=name) for name, source in CELLS.items()]
    nbformat.write(new_notebook(cells=cells), path)
    return path


@pytest.fixture
def kernel(tmp_path: Path, notebook: Path) -> Iterator[Kernel]:
    with running_kernel(tmp_path, load=False, JPY_SESSION_NAME=str(notebook)) as kernel:
        yield kernel


def history(kernel: Kernel) -> dict[str, Any]:
    """The history of the last run, once it is captured."""

    def captured() -> dict[str, Any] | None:
        return next(
            (r.values["history"] for r in of(kernel.last_run(), Context) if "history" in r.values), None
        )

    found = wait_until(captured)
    blobs = LocalBlobStore(kernel.home / "blobs")
    return {**found, "entries": json.loads(blobs.get(found["digest"]))}


def run(kernel: Kernel, *names: str) -> dict[str, Any]:
    for name in names:
        assert kernel.run(CELLS[name], cell_id=name).ok
    return history(kernel)


def test_the_history_names_the_needed_cells_with_reasons(kernel: Kernel, tmp_path: Path) -> None:
    found = run(kernel, "load", "data", "look", "more", "train")
    entries = found["entries"]
    assert [(each["cell_id"], each["needed"]) for each in entries] == [
        (None, False),
        ("data", True),
        ("look", False),
        ("more", True),
    ]
    assert entries[1]["why"] == "sets data, which the cell itself uses"
    assert entries[3]["why"] == "may change data, which the cell itself uses"
    assert entries[1]["source"] == CELLS["data"]
    assert (found["cells"], found["executed"], found["cwd"]) == (2, 4, str(tmp_path))
    assert (found["in_order"], found["reason"]) == (True, "")
    assert (found["undecided"], found["unseeded"]) == ([], [])


def test_the_badge_says_what_was_not_in_order(kernel: Kernel) -> None:
    assert run(kernel, "load", "data", "train")["reason"].startswith("2 cells above it were not run")
    found = run(kernel, "look", "more", "data", "train")
    assert found["in_order"] is False
    assert "cell 2 was run again as cell 6" in found["reason"]


def test_a_cell_that_was_edited_after_it_ran_is_told_by_the_saved_file(
    kernel: Kernel, notebook: Path
) -> None:
    saved = nbformat.read(notebook, as_version=4)
    saved.cells[1].source = "data = [100]"
    nbformat.write(saved, notebook)
    found = run(kernel, "load", "data", "look", "more", "train")
    assert found["reason"].startswith("cell 2 is not as in the saved notebook")


def test_a_notebook_that_cannot_be_read_has_no_badge(kernel: Kernel, notebook: Path) -> None:
    notebook.write_text("{")
    found = run(kernel, "load", "data", "train")
    assert found["in_order"] is None
    assert "could not be read" in found["reason"]


def test_secrets_stay_out_of_the_history(kernel: Kernel) -> None:
    kernel.run(CELLS["load"], cell_id="load")
    kernel.run("api_key = 'abcdefgh12345678'\ndata = [1]", cell_id="data")
    kernel.run(CELLS["train"], cell_id="train")
    (_, entry) = history(kernel)["entries"]
    assert entry["needed"]
    assert "abcdefgh12345678" not in json.dumps(entry)


def test_cells_that_raised_before_the_extension_was_there_are_known(kernel: Kernel) -> None:
    kernel.run("data = [1]\nraise ValueError")
    kernel.run("x = 5")
    kernel.run("undefined_name")
    found = run(kernel, "load", "train")
    assert [(each["number"], each["ok"]) for each in found["entries"]] == [
        (1, False),
        (2, True),
        (3, False),
        (4, True),
    ]
    assert found["entries"][0]["needed"]


def test_a_terminal_has_no_badge(tmp_path: Path) -> None:
    with running_kernel(tmp_path) as kernel:
        kernel.run("%%track\nx = 1.5")
        found = history(kernel)
    assert found["in_order"] is None
    assert "no notebook" in found["reason"]


def test_code_that_cannot_be_followed_is_no_trouble(kernel: Kernel) -> None:
    kernel.run(CELLS["load"])
    kernel.run(
        "exec('y = 2')\nnumber = 1\n" + "\n".join(f"def f{n}(): return f{n + 1}()" for n in range(100))
    )
    reply = kernel.run("%%track\nx = y + 0.5")
    assert reply.ok
    assert not reply.text
    assert history(kernel)["undecided"] == ["cell 2: exec() may set any name"]
