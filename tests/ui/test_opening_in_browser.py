"""``job.open()`` in a real JupyterLab: one click from a failed job to the cell that failed."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from .lab import Lab

pytestmark = pytest.mark.timeout(240)

SLOW_MS = 120_000
FAILING = "%%submit broken\nprint('before')\n1 / 0"
KERNEL_IS_IDLE = (
    "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
)
ACTIVE_CELL = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    const cell = panel?.content?.activeCell?.model;
    return { path: panel?.context?.path ?? '', source: cell?.sharedModel?.getSource() ?? '' };
}"""


def test_the_link_of_a_failed_job_opens_its_notebook_at_the_failing_cell(tab: Any, lab: Lab) -> None:
    lab.add_notebook("failing.ipynb", "%load_ext jupyter_mlops", FAILING, "_.wait(120).open()")
    tab.goto(lab.address("failing.ipynb"))
    tab.wait_for_function(KERNEL_IS_IDLE, timeout=SLOW_MS)
    tab.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")

    link = tab.locator(".jp-OutputArea-output a", has_text="broken-")
    expect(link).to_be_visible(timeout=SLOW_MS)
    name = link.inner_text()
    link.click()

    tab.wait_for_function(f"() => ({ACTIVE_CELL})().path === '{name}'", timeout=SLOW_MS)
    tab.wait_for_function(f"() => ({ACTIVE_CELL})().source.includes('1 / 0')", timeout=SLOW_MS)
    assert (lab.root / name).exists()
