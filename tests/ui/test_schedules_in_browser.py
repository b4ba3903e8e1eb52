"""Schedules as a user sees them: made in the submit dialog, run, paused and deleted in the sidebar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from .lab import Lab
from .test_in_browser import SLOW_MS, execute, open_notebook, open_sidebar
from .test_submit_in_browser import add_untagged, submit_button

pytestmark = pytest.mark.timeout(420)

JOB_MS = 120_000


def test_a_notebook_is_scheduled_run_paused_and_deleted(tab: Any, lab: Lab, artifacts: Path) -> None:
    open_notebook(tab, lab, add_untagged(lab, "nightly.ipynb").name)
    execute(tab, "jupyter-mlops:submit-notebook")
    dialog = tab.get_by_role("dialog")
    dialog.get_by_label("Schedule (cron)").fill("0 3 * *")
    submit_button(tab).click()
    expect(dialog.get_by_label("Schedule (cron)")).to_have_attribute("aria-invalid", "true")
    expect(dialog.get_by_role("alert")).to_contain_text("has 4 fields")
    dialog.get_by_label("Schedule (cron)").fill("0 3 1 1 *")
    dialog.get_by_label("Time zone").fill("Europe/Berlin")
    tab.screenshot(path=artifacts / "schedule-dialog.png")
    submit_button(tab).click()
    expect(tab.get_by_text("Scheduled “nightly”")).to_be_visible(timeout=SLOW_MS)

    open_sidebar(tab)
    row = tab.get_by_role("tree", name="Schedules").get_by_role("treeitem").filter(has_text="nightly")
    expect(row).to_contain_text("next ", timeout=SLOW_MS)
    row.get_by_role("button", name="Run nightly now").click()
    jobs = tab.get_by_role("tree", name="Jobs").get_by_role("treeitem").filter(has_text="nightly")
    expect(jobs.get_by_role("img", name="succeeded")).to_be_visible(timeout=JOB_MS)
    tab.screenshot(path=artifacts / "schedules.png")

    row.get_by_role("button", name="Pause nightly").click()
    expect(row).to_contain_text("paused", timeout=SLOW_MS)
    row.get_by_role("button", name="Delete schedule nightly").click()
    tab.get_by_role("dialog").get_by_role("button", name="Delete schedule").click()
    expect(row).to_have_count(0, timeout=SLOW_MS)
    expect(jobs).to_have_count(1)
