"""The pages of runs in a real browser: what a cell shows while nobody looks, and many runs side by side."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.integration.server.journals import RunFiles

from .lab import Lab
from .test_in_browser import SLOW_MS, execute, open_lab, open_notebook, open_sidebar

pytestmark = pytest.mark.timeout(240)

TALKING = """\
%%track talking
import os, time
count = 0
while not os.path.exists("go-on"):
    print("tick", count, flush=True)
    mlops.log(count=count, step=count)
    count += 1
    time.sleep(0.05)
print("all of it", count > 3)"""


def test_what_a_cell_shows_is_there_after_its_tab_was_closed_while_it_went_on(
    tab: Any, chromium: Any, lab: Lab, artifacts: Path
):
    lab.add_notebook("talking.ipynb", "%load_ext jupyter_mlops\nimport jupyter_mlops as mlops", TALKING)
    open_notebook(tab, lab, "talking.ipynb")
    for _ in range(2):
        execute(tab, "notebook:run-cell-and-select-next")
    open_sidebar(tab)
    open_run(tab, "talking")
    expect(outputs(tab)).to_contain_text("tick 3", timeout=SLOW_MS)
    tab.close()

    later = chromium.new_page(viewport={"width": 1400, "height": 900})
    later.set_default_timeout(30_000)
    open_lab(later, lab)
    open_sidebar(later)
    open_run(later, "talking")
    expect(outputs(later)).to_contain_text("tick 0")
    expect(later.locator(".jp-mlops-Header")).to_contain_text("running")
    seen = last_tick(later)
    later.wait_for_function(
        "seen => Number(document.querySelector('.jp-mlops-Outputs').innerText.match(/tick (\\d+)\\s*$/)?.[1]) > seen",
        arg=seen,
        timeout=SLOW_MS,
    )
    later.screenshot(path=artifacts / "running-after-the-tab-was-closed.png")
    (lab.root / "go-on").touch()
    expect(outputs(later)).to_contain_text("all of it True", timeout=SLOW_MS)
    expect(later.locator(".jp-mlops-Header")).to_contain_text("finished", timeout=SLOW_MS)
    text = outputs(later).inner_text()
    ticks = [int(number) for number in re.findall(r"tick (\d+)", text)]
    assert ticks == list(range(len(ticks)))
    later.close()


def test_runs_are_compared_over_axes_of_which_a_part_can_be_kept(tab: Any, lab: Lab, artifacts: Path):
    files = RunFiles(lab.root.parent / "mlops")
    for number, rate in enumerate((0.001, 0.01, 0.1)):
        accuracy = [0.5, 0.6 + 0.1 * number]
        files.finished(f"fit {rate}", params={"lr": rate, "depth": 3 - number}, metrics={"acc": accuracy})
    open_lab(tab, lab)
    open_sidebar(tab)
    tab.get_by_label("Filter runs").fill("name like 'fit%'")
    rows = tab.get_by_role("listbox", name="Runs").get_by_role("option")
    expect(rows).to_have_count(3)
    rows.first.click(modifiers=["ControlOrMeta"])
    rows.last.click(modifiers=["Shift"])
    expect(tab.get_by_role("group", name="Compare runs")).to_contain_text("3 runs picked")
    tab.get_by_role("button", name="Compare", exact=True).click()

    expect(tab.get_by_role("heading", name="3 runs")).to_be_visible()
    expect(tab.get_by_role("table", name="Params")).to_contain_text("lr0.10.010.001")
    expect(tab.get_by_role("img", name=re.compile(r"^acc over steps of 3 lines"))).to_be_visible()
    status = tab.locator(".jp-mlops-Parallel").get_by_role("status")
    expect(status).to_have_text("3 runs")
    drag_up(tab, tab.locator('[data-axis="metrics.acc"]'), 0.6, -0.02)
    expect(status).to_have_text("2 of 3 runs pass")
    expect(tab.locator(".jp-mlops-Way.jp-mod-faint")).to_have_count(1)
    expect(tab.get_by_role("img", name=re.compile(r"^acc over steps of 2 lines"))).to_be_visible()
    tab.screenshot(path=artifacts / "comparison-of-three.png")

    name = tab.get_by_role("button", name=re.compile(r"^Axis metrics\.acc"))
    name.focus()
    tab.keyboard.press("Escape")
    expect(status).to_have_text("3 runs")
    before = name.bounding_box()["x"]
    tab.keyboard.press("ArrowLeft")
    assert name.bounding_box()["x"] < before
    tab.locator(".jp-mlops-Way-reach").first.dispatch_event("click")
    expect(tab.get_by_role("heading", name=re.compile(r"^fit 0\."))).to_be_visible()


def test_a_filter_is_completed_and_its_mistake_is_marked(tab: Any, lab: Lab, artifacts: Path):
    RunFiles(lab.root.parent / "mlops").finished("known", metrics={"accuracy": [0.5]})
    open_lab(tab, lab)
    open_sidebar(tab)
    expect(tab.get_by_role("option").filter(has_text="known")).to_be_visible()
    field = tab.get_by_label("Filter runs")
    field.press_sequentially("accur")
    completions = tab.get_by_role("listbox", name="Completions")
    expect(completions.get_by_role("option")).to_have_text(["metrics.accuracy"])
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    expect(field).to_have_value("metrics.accuracy ")
    field.press_sequentially("> > 1")
    expect(tab.get_by_role("alert")).to_contain_text("at column 20")
    expect(tab.locator(".jp-mlops-Mistake mark")).to_have_text(">")
    tab.screenshot(path=artifacts / "mistaken-filter.png")


def test_a_run_and_the_table_of_runs_are_downloaded(tab: Any, lab: Lab, tmp_path: Path):
    files = RunFiles(lab.root.parent / "mlops")
    files.finished("exported", metrics={"acc": [0.5]}, artifacts={"out.csv": ("text/csv", b"a,b\n")})
    open_lab(tab, lab)
    open_sidebar(tab)
    tab.get_by_label("Filter runs").fill("name = 'exported'")
    open_run(tab, "exported")
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Export").click()
    download.value.save_as(tmp_path / "run.zip")
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        assert archive.testzip() is None
    with tab.expect_download() as download:
        tab.get_by_role("link", name="CSV", exact=True).click()
    download.value.save_as(tmp_path / "runs.csv")
    assert "exported" in (tmp_path / "runs.csv").read_text()


def open_run(tab: Any, name: str) -> None:
    row = tab.get_by_role("listbox", name="Runs").get_by_role("option").filter(has_text=name)
    row.click(timeout=SLOW_MS)
    expect(tab.get_by_role("heading", name=name, exact=True)).to_be_visible()


def outputs(tab: Any) -> Any:
    return tab.locator(".jp-mlops-Outputs")


def last_tick(tab: Any) -> int:
    return max(int(number) for number in re.findall(r"tick (\d+)", outputs(tab).inner_text()))


def drag_up(tab: Any, axis: Any, start: float, end: float) -> None:
    """Draw a range along an axis, between parts of its height from the top."""
    axis.scroll_into_view_if_needed()
    box = axis.bounding_box()
    x = box["x"] + box["width"] / 2
    tab.mouse.move(x, box["y"] + start * box["height"])
    tab.mouse.down()
    tab.mouse.move(x, box["y"] + end * box["height"], steps=5)
    tab.mouse.up()
