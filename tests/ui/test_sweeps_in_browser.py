"""A sweep as a user sees it: the card under its cell, its row in the sidebar, its page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from .lab import Lab
from .test_in_browser import SLOW_MS, execute, open_notebook, open_sidebar

pytestmark = pytest.mark.timeout(420)

SWEEP_MS = 240_000
"""Some kernels, one after the other, on a busy machine."""
TRIALS = 5
SEARCH = f"""\
%%submit tuning --trials {TRIALS} --goal maximize:acc --seed 1 --parallel 2 -p 'lr=loguniform(1e-4,1)' -p 'depth=int(1,8)'
import math
for step in range(6):
    acc = 0.9 - abs(math.log10(lr) + 2) / 5 - abs(depth - 5) / 20
    mlops.log(acc=acc * (1 - math.exp(-step - 1)), step=step)"""
ENDLESS = """\
%%submit endless --trials 30 --goal minimize:loss --parallel 1 -p 'lr=uniform(0,1)'
import time
mlops.log(loss=lr, step=0)
time.sleep(600)"""


def test_a_search_shows_its_best_trial_its_charts_and_its_table_while_and_after_it_runs(
    tab: Any, lab: Lab, artifacts: Path
):
    submit(tab, lab, "search.ipynb", SEARCH)
    card = tab.locator(".jp-mlops-card")
    expect(card).to_contain_text("maximize acc", timeout=SLOW_MS)
    expect(card.locator(".widget-hprogress")).to_be_visible()
    expect(card).to_contain_text("Best so far: acc=", timeout=SWEEP_MS)
    tab.screenshot(path=artifacts / "sweep-card.png")
    card.get_by_role("button", name="Open").click()

    expect(tab.get_by_role("heading", name="tuning", exact=True)).to_be_visible()
    page = tab.locator(".jp-mlops-Page")
    expect(page.get_by_role("region", name="Best trial")).to_be_visible()
    expect(page.locator(".jp-mlops-Header")).to_contain_text("finished", timeout=SWEEP_MS)
    counts = page.get_by_role("list", name="Trials by status")
    expect(counts).to_contain_text(f"{TRIALS} of {TRIALS} trials done")
    for chart in ("Value by trial over trials of 2 lines", "acc of each trial over steps"):
        expect(page.get_by_role("img", name=re.compile(chart))).to_be_visible()
    expect(page.get_by_role("group", name=f"Parallel coordinates of {TRIALS} trials")).to_be_visible()
    expect(page.get_by_role("table", name="How much each param matters for acc")).to_be_visible()
    expect(page.locator(".jp-mlops-Command")).to_contain_text("optuna-dashboard sqlite:///")

    values = column(page, 4)
    assert len(values) == TRIALS
    assert values == sorted(values, reverse=True)
    assert "★" in trials(page).nth(1).inner_text()
    trials(page).nth(0).get_by_role("button", name="lr").click()
    by_rate = column(page, 5)
    assert by_rate == sorted(by_rate)

    open_sidebar(tab)
    row = tab.get_by_role("tree", name="Jobs").get_by_role("treeitem").filter(has_text="tuning").first
    expect(row).to_contain_text(f"{TRIALS} trials · all finished")
    expect(row).to_contain_text(f"acc{values[0]:.4f}"[:8])
    photograph(tab, artifacts, "sweep")

    page.get_by_role("checkbox", name="Pick trial 0").check()
    page.get_by_role("checkbox", name="Pick trial 1").check()
    page.get_by_role("button", name="Compare", exact=True).click()
    params = tab.get_by_role("table", name="Params").locator("visible=true")
    expect(params.get_by_role("rowheader", name="lr", exact=True)).to_be_visible(timeout=SLOW_MS)


def test_a_sweep_is_cancelled_from_its_page_after_a_question(tab: Any, lab: Lab, artifacts: Path):
    submit(tab, lab, "endless.ipynb", ENDLESS)
    open_sidebar(tab)
    row = tab.get_by_role("tree", name="Jobs").get_by_role("treeitem").filter(has_text="endless").first
    expect(row).to_contain_text("0 of 30 trials · 1 running", timeout=SWEEP_MS)
    row.click()
    page = tab.locator(".jp-mlops-Page")
    expect(page.get_by_role("list", name="Trials by status")).to_contain_text("29 to come")
    # what a running trial has logged is seen before it ends
    value = trials(page).nth(1).get_by_role("cell").nth(3)
    expect(value).to_have_text(re.compile(r"0\.\d+"), timeout=SLOW_MS)
    tab.screenshot(path=artifacts / "sweep-running.png")
    page.get_by_role("button", name="Cancel").click()
    tab.get_by_role("dialog").get_by_role("button", name="Cancel sweep").click()
    expect(page.locator(".jp-mlops-Header")).to_contain_text("cancelled", timeout=SLOW_MS)
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    expect(page.get_by_role("list", name="Trials by status")).not_to_contain_text("to come")
    expect(row.get_by_role("img", name=re.compile("cancelled"))).to_be_visible()


def test_a_sweep_that_is_not_there_is_told_so(tab: Any, lab: Lab):
    tab.goto(lab.address())
    tab.wait_for_selector(".jp-Launcher")
    execute(tab, "jupyter-mlops:open-sweep", "{id: '01h00000000000000000000000'}")
    expect(tab.locator(".jp-mlops-Page").get_by_role("alert")).to_contain_text("No sweep")


def submit(tab: Any, lab: Lab, name: str, cell: str) -> None:
    """Run a notebook up to the cell that submits."""
    lab.add_notebook(
        name, "lr = 0.1\ndepth = 3", "%load_ext jupyter_mlops\nimport jupyter_mlops as mlops", cell
    )
    open_notebook(tab, lab, name)
    for _ in range(3):
        execute(tab, "notebook:run-cell-and-select-next")


def trials(page: Any) -> Any:
    """The rows of the table, the head first."""
    return page.get_by_role("table", name="Trials", exact=True).get_by_role("row")


def column(page: Any, number: int) -> list[float]:
    """The numbers in a column of the table, counted from 1."""
    rows = trials(page).locator(f"td:nth-child({number})").all_inner_texts()
    return [float(text.lstrip("★")) for text in rows]


def photograph(tab: Any, artifacts: Path, name: str) -> None:
    """For the eye: with little room and with much, and in both themes."""
    tab.locator(".jp-mlops-PageWidget").last.evaluate("node => node.scrollTo(0, 0)")
    for width, height, what in ((760, 900, "narrow"), (1400, 1500, "light")):
        tab.set_viewport_size({"width": width, "height": height})
        tab.wait_for_timeout(600)  # the last frame of the charts
        tab.screenshot(path=artifacts / f"{name}-{what}.png")
    execute(tab, "apputils:change-theme", "{theme: 'JupyterLab Dark'}")
    tab.wait_for_function("document.body.dataset.jpThemeName === 'JupyterLab Dark'")
    tab.wait_for_timeout(1_500)
    tab.screenshot(path=artifacts / f"{name}-dark.png")
    tab.set_viewport_size({"width": 1400, "height": 900})
