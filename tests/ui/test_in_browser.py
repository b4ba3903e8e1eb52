"""What a user sees: the extension in a real JupyterLab, a real kernel, a real browser."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from .lab import Lab

pytestmark = pytest.mark.timeout(240)

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart.ipynb"
SLOW_MS = 60_000
"""A kernel start or a training on a busy machine."""
KERNEL_IS_IDLE = (
    "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
)


def test_a_tracked_cell_appears_in_the_sidebar_and_its_page_shows_it(tab: Any, lab: Lab, artifacts: Path):
    shutil.copy(QUICKSTART, lab.root)
    open_notebook(tab, lab, QUICKSTART.name)
    open_sidebar(tab)
    expect(tab.get_by_text("No runs yet")).to_be_visible()
    tab.evaluate("window.notReloaded = true")

    name = run_until_first_tracked_cell(tab)

    row = tab.get_by_role("listbox", name="Runs").get_by_role("option").filter(has_text=name)
    expect(row).to_be_visible(timeout=SLOW_MS)
    expect(row.get_by_role("img", name="finished")).to_be_visible(timeout=SLOW_MS)
    assert tab.evaluate("window.notReloaded") is True

    row.click()
    expect(tab.get_by_role("heading", name=name, exact=True)).to_be_visible()
    expect(tab.get_by_role("table", name="Metrics").get_by_role("rowheader", name="accuracy")).to_be_visible()
    expect(tab.get_by_role("table", name="Params").get_by_role("row").first).to_be_visible()
    expect(tab.locator(".jp-mlops-Code")).to_contain_text("model.fit(X_train, y_train)")
    expect(tab.get_by_role("list", name="Lineage")).to_contain_text("digits")
    tab.wait_for_timeout(500)  # the chart's and the panel's last frame, for the eye alone
    tab.screenshot(path=artifacts / "sidebar-and-run.png")


def test_a_mistaken_filter_is_explained_by_the_server(tab: Any, lab: Lab):
    open_lab(tab, lab)
    open_sidebar(tab)
    tab.get_by_label("Filter runs").fill("status ~ 3")
    expect(tab.get_by_role("alert")).to_contain_text("'~' at column 8")
    tab.get_by_label("Filter runs").fill("status = 'failed'")
    expect(tab.get_by_text("No run matches this filter")).to_be_visible()


def test_the_toolbar_button_submits_a_batch_job_that_can_be_followed(tab: Any, lab: Lab, artifacts: Path):
    lab.add_notebook("train.ipynb", "steps = 2", "for step in range(steps):\n    print('step', step)")
    open_notebook(tab, lab, "train.ipynb")
    tab.get_by_role("button", name=re.compile("Run as batch job")).click()
    steps = tab.get_by_role("textbox", name="steps")
    expect(steps).to_have_value("2")
    steps.fill("many")
    tab.get_by_role("button", name="Submit", exact=True).click()
    expect(tab.get_by_role("dialog").get_by_role("alert")).to_contain_text("steps")
    tab.get_by_role("textbox", name="steps").fill("3")
    tab.screenshot(path=artifacts / "submit.png")
    tab.get_by_role("button", name="Submit", exact=True).click()

    tab.get_by_role("button", name="Open job").click()
    expect(tab.get_by_role("heading", name="train", exact=True)).to_be_visible()
    expect(tab.get_by_role("log", name="Log")).to_contain_text("step 2", timeout=SLOW_MS)
    expect(tab.locator(".jp-mlops-Header")).to_contain_text("succeeded", timeout=SLOW_MS)
    tab.screenshot(path=artifacts / "job.png")


def test_a_sweep_is_one_row_that_unfolds_and_its_runs_can_be_compared(tab: Any, lab: Lab, artifacts: Path):
    lab.add_notebook("grid.ipynb", "size = 1", "import jupyter_mlops as mlops\n\nmlops.log(area=size * size)")
    open_lab(tab, lab)
    execute(tab, "jupyter-mlops:submit-notebook", "{path: 'grid.ipynb'}")
    tab.get_by_role("textbox", name="size", exact=True).fill("3, 4")
    tab.get_by_role("button", name="Submit", exact=True).click()
    open_sidebar(tab)
    jobs = tab.get_by_role("tree", name="Jobs")
    sweep = jobs.get_by_role("treeitem", expanded=False).filter(has_text="grid")
    expect(sweep).to_contain_text("2 trials · all finished", timeout=SLOW_MS)
    jobs.focus()
    tab.keyboard.press("Home")
    tab.keyboard.press("ArrowRight")
    expect(jobs.get_by_role("treeitem", level=2)).to_have_count(2)
    expect(jobs.get_by_role("treeitem", level=2).first).to_contain_text("size=3")

    runs = tab.get_by_role("listbox", name="Runs").get_by_role("option").filter(has_text="grid")
    runs.filter(has_text="size=3").click(modifiers=["ControlOrMeta"])
    runs.filter(has_text="size=4").click(modifiers=["ControlOrMeta"])
    tab.get_by_role("button", name="Compare", exact=True).click()
    expect(tab.get_by_role("table", name="Params").get_by_role("row")).to_have_text(["size34"])
    expect(tab.get_by_role("table", name="Metrics").get_by_role("row")).to_have_text(["area916+7"])
    tab.screenshot(path=artifacts / "sweep-and-comparison.png")


def test_a_running_job_is_cancelled_after_a_question(tab: Any, lab: Lab):
    lab.add_notebook("endless.ipynb", "pause = 600", "import time\n\ntime.sleep(pause)")
    open_notebook(tab, lab, "endless.ipynb")
    execute(tab, "jupyter-mlops:submit-notebook")
    tab.get_by_role("button", name="Submit", exact=True).click()
    open_sidebar(tab)
    row = tab.get_by_role("tree", name="Jobs").get_by_role("treeitem").filter(has_text="endless")
    expect(row.get_by_role("img", name="running")).to_be_visible(timeout=SLOW_MS)
    row.get_by_label("Cancel job endless").click()
    tab.get_by_role("dialog").get_by_role("button", name="Cancel job").click()
    expect(row.get_by_role("img", name=re.compile("cancelled"))).to_be_visible(timeout=SLOW_MS)


def open_lab(tab: Any, lab: Lab) -> None:
    tab.goto(lab.address())
    tab.wait_for_selector(".jp-Launcher")


def open_notebook(tab: Any, lab: Lab, name: str) -> None:
    tab.goto(lab.address(name))
    tab.wait_for_selector(".jp-NotebookPanel-notebook .jp-Cell")
    tab.wait_for_function(KERNEL_IS_IDLE, timeout=SLOW_MS)


def open_sidebar(tab: Any) -> None:
    execute(tab, "jupyter-mlops:open-sidebar")
    expect(tab.get_by_label("Filter runs")).to_be_visible()


def execute(tab: Any, command: str, arguments: str = "{}") -> None:
    """Run a command without waiting for it: one that opens a dialog ends with the dialog."""
    tab.evaluate(f"() => {{ void window.jupyterapp.commands.execute('{command}', {arguments}) }}")


def run_until_first_tracked_cell(tab: Any) -> str:
    """Runs the quickstart's cells in order up to its first ``%%track``; that run's name."""
    cells = json.loads(QUICKSTART.read_text())["cells"]
    for cell in cells:
        execute(tab, "notebook:run-cell-and-select-next")
        if tracked := re.match(r"%%track (\S+)", "".join(cell["source"])):
            return tracked[1]
    raise AssertionError("The quickstart has no tracked cell.")
