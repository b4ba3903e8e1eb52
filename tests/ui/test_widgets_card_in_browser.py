"""The card of a running job in a real JupyterLab: its button works while the kernel is busy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from .lab import Lab
from .test_in_browser import SLOW_MS, execute, open_notebook

pytest.importorskip("playwright", reason="pip install 'jupyter-mlops[test]'")
from playwright.sync_api import expect

pytestmark = pytest.mark.timeout(240)


def test_card_cancels_its_job_while_the_kernel_is_busy_and_stays_as_html(tab: Any, lab: Lab, artifacts: Path):
    lab.add_notebook("endless.ipynb", "pause = 600", "import time\n\ntime.sleep(pause)")
    lab.add_notebook(
        "card.ipynb",
        "%load_ext jupyter_mlops\nimport jupyter_mlops as mlops, os, time",
        "mlops.submit('endless.ipynb')",
        "while not os.path.exists('go-on'):\n    time.sleep(0.1)",
    )
    open_notebook(tab, lab, "card.ipynb")
    for _ in range(3):
        execute(tab, "notebook:run-cell-and-select-next")

    card = tab.locator(".jp-mlops-card")
    expect(card).to_contain_text("running", timeout=SLOW_MS)
    expect(card.locator(".widget-hprogress")).to_be_visible()
    tab.screenshot(path=artifacts / "job-card.png")
    card.get_by_role("button", name=re.compile("Cancel")).click()
    tab.get_by_role("dialog").get_by_role("button", name="Cancel job").click()

    # the kernel's thread says so; before that the card says "being cancelled"
    expect(card.get_by_role("button")).to_have_count(0, timeout=SLOW_MS)
    expect(card).to_contain_text("cancelled")
    expect(tab.locator('[data-status="busy"]').first).to_be_visible()
    assert tab.locator(".jp-mlops-card .widget-html").count() == 0
    (lab.root / "go-on").touch()
