"""What jobs hold and use, as a user sees it: a flag on a job that wastes its GPU, and the page of usage.

The lab has two virtual GPUs, so that a job can hold one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from jupyter_mlops.services.jobs.folder import Attempt

from .lab import Lab
from .test_in_browser import SLOW_MS, open_sidebar
from .test_sweeps_in_browser import submit

pytestmark = pytest.mark.timeout(420)

JOB_MS = 120_000
IDLE = "its GPU has been idle for 10 min (utilisation below 5 %)"
CELL = """\
%%submit lazy --gpus 1
import time
print('there', flush=True)
time.sleep(600)"""


def test_a_job_whose_gpu_is_idle_is_flagged_and_stands_in_the_usage(tab: Any, lab: Lab, artifacts: Path):
    submit(tab, lab, "lazy.ipynb", CELL)
    open_sidebar(tab)
    row = tab.get_by_role("tree", name="Jobs").get_by_role("treeitem").filter(has_text="lazy").first
    expect(row.get_by_role("img", name="running")).to_be_visible(timeout=JOB_MS)
    (folder,) = (lab.root.parent / "mlops" / "jobs").iterdir()
    Attempt(folder / "attempts" / "1").warn(IDLE)  # as its worker does when NVML says so
    expect(row.get_by_role("img", name=f"Warning: {IDLE}")).to_be_visible(timeout=SLOW_MS)
    row.click()
    expect(tab.locator(".jp-mlops-Notice")).to_have_text(IDLE, timeout=SLOW_MS)

    tab.locator(".jp-mlops-Panel").get_by_role("button", name="GPU-hours, CPU-hours, waste").click()
    page = tab.locator(".jp-mlops-Page").filter(has=tab.get_by_role("heading", name="Usage"))
    table = page.get_by_role("table", name="Usage by user")
    expect(table.get_by_role("row")).to_have_count(2, timeout=SLOW_MS)
    expect(page.locator(".jp-mlops-Header")).to_contain_text("1 running")
    gpus = page.get_by_role("table", name="GPUs of this machine")
    taken = f"taken by job lazy ({folder.name[-6:]})"
    expect(gpus.get_by_role("row").filter(has_text="100%")).to_contain_text(taken, timeout=SLOW_MS)
    free = gpus.get_by_role("row").filter(has_text="free")
    expect(free).to_have_count(1)
    tab.screenshot(path=artifacts / "usage.png")
    page.get_by_role("combobox", name="by").select_option("notebook")
    expect(page.get_by_role("table", name="Usage by notebook")).to_contain_text("lazy.ipynb")
    gpus.get_by_role("button", name="job lazy").click()
    expect(tab.get_by_role("heading", name="lazy", exact=True)).to_be_visible(timeout=SLOW_MS)

    row.get_by_role("button", name="Cancel job lazy").click()
    tab.get_by_role("dialog").get_by_role("button", name="Cancel job").click()
    expect(row.get_by_role("img", name="cancelled")).to_be_visible(timeout=JOB_MS)
    expect(row.get_by_role("img", name="Warning")).to_have_count(0)
    tab.get_by_role("tab", name="Usage").click()
    expect(free).to_have_count(2, timeout=SLOW_MS)
