"""The dialog that submits a notebook, in a real browser: proposals, a written parameters cell, a search."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .lab import Lab
from .test_in_browser import SLOW_MS, execute, open_lab, open_notebook

pytest.importorskip("playwright", reason="pip install 'jupyter-mlops[test]'")
from playwright.sync_api import expect

pytestmark = pytest.mark.timeout(240)

CELLS = (
    "import jupyter_mlops as mlops",
    "lr = 0.1  # step size\nsolver = 'lbfgs'",
    "epochs = 3\nmlops.log(score=lr * epochs)",
)
WRITTEN = "# Parameters: papermill and -p override them.\nlr: float = 0.1  # step size\nepochs: int = 3"


def add_untagged(lab: Lab, name: str) -> Path:
    lab.add_notebook(name, *CELLS)
    path = lab.root / name
    notebook = json.loads(path.read_text())
    notebook["cells"][0]["metadata"] = {}
    path.write_text(json.dumps(notebook))
    return path


def sources(path: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]]


def submit_button(tab: Any) -> Any:
    return tab.get_by_role("button", name="Submit", exact=True)


def test_an_open_notebook_gets_its_parameters_cell_and_keeps_what_was_not_saved(
    tab: Any, lab: Lab, artifacts: Path
):
    path = add_untagged(lab, "open.ipynb")
    open_notebook(tab, lab, path.name)
    execute(tab, "notebook:enter-edit-mode")
    tab.keyboard.press("Control+End")
    tab.keyboard.type("  # unsaved")
    execute(tab, "jupyter-mlops:submit-notebook")
    dialog = tab.get_by_role("dialog")
    expect(dialog).to_contain_text("float · step size · cell 2")
    expect(dialog.get_by_label("epochs", exact=True)).to_have_value("3")
    tab.screenshot(path=artifacts / "submit-proposals.png")
    dialog.get_by_label("Write a parameters cell into the notebook").check()
    dialog.get_by_label("Write solver into the parameters cell").uncheck()
    dialog.get_by_label("lr", exact=True).fill("0.5")
    tab.screenshot(path=artifacts / "submit-write-parameters.png")
    submit_button(tab).click()

    expect(tab.get_by_text("Submitted “open”")).to_be_visible()
    cells = tab.locator(".jp-NotebookPanel-notebook .jp-Cell .jp-InputArea-editor")
    expect(cells.nth(1)).to_contain_text("lr: float = 0.1")
    assert sources(path) == [
        f"{CELLS[0]}  # unsaved",
        WRITTEN,
        "solver = 'lbfgs'",
        "mlops.log(score=lr * epochs)",
    ]
    tab.screenshot(path=artifacts / "parameters-cell-written.png")
    execute(tab, "jupyter-mlops:submit-notebook")
    expect(tab.get_by_role("dialog").get_by_label("lr", exact=True)).to_have_value("0.1")
    expect(tab.get_by_role("dialog").get_by_role("checkbox")).to_have_count(0)
    tab.get_by_role("button", name="Cancel").click()


def test_a_notebook_in_the_file_browser_is_written_only_if_the_user_agrees(tab: Any, lab: Lab):
    path = add_untagged(lab, "closed.ipynb")
    open_lab(tab, lab)
    item = tab.get_by_role("listitem", name="closed.ipynb")
    for write in (False, True):
        item.click(button="right")
        tab.get_by_role("menuitem", name="Run as Batch Job").click()
        dialog = tab.get_by_role("dialog")
        expect(dialog.get_by_label("lr", exact=True)).to_have_value("0.1")
        if write:
            dialog.get_by_label("Write a parameters cell into the notebook").check()
        submit_button(tab).click()
        expect(tab.get_by_text("Submitted “closed”").nth(int(write))).to_be_visible()
        assert (sources(path) == list(CELLS)) is not write
    assert sources(path)[1].startswith("# Parameters")


def test_a_search_asks_for_trials_and_goal_and_a_mistake_stands_at_its_field(
    tab: Any, lab: Lab, artifacts: Path
):
    lab.add_notebook("search.ipynb", "lr = 0.1", "import jupyter_mlops as mlops\n\nmlops.log(score=lr)")
    open_lab(tab, lab)
    execute(tab, "jupyter-mlops:submit-notebook", "{path: 'search.ipynb'}")
    dialog = tab.get_by_role("dialog")
    expect(dialog.get_by_label("Trials", exact=True)).to_have_count(0)
    dialog.get_by_label("lr", exact=True).fill("loguniform(1e-1, 1e-5)")
    dialog.get_by_label("Trials", exact=True).fill("2")
    dialog.get_by_label("Goal: the metric").fill("score")
    dialog.get_by_label("Sampler").select_option("random")
    submit_button(tab).click()
    expect(dialog.get_by_label("lr", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(dialog.get_by_role("alert")).to_contain_text("loguniform")
    tab.screenshot(path=artifacts / "submit-search-refused.png")
    dialog.get_by_label("lr", exact=True).fill("loguniform(1e-5, 1e-1)")
    dialog.get_by_label("Memory").fill("lots")
    submit_button(tab).click()
    expect(dialog.get_by_label("Memory")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Memory").fill("")
    submit_button(tab).click()
    tab.get_by_role("button", name="Open sweep").click()
    expect(tab.get_by_role("heading", name="search", exact=True)).to_be_visible(timeout=SLOW_MS)
    tab.screenshot(path=artifacts / "search-submitted.png")
