"""Datasets and models as a user sees them: what is in a version, what changed, who decides, what depends on it.

Ann has registered two versions of a dataset and of a model; who looks is another user of the same workspace,
who may therefore approve what she has made.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from .lab import Lab
from .test_in_browser import execute, open_lab, open_sidebar

pytestmark = pytest.mark.timeout(240)

REGISTERED = """
import numpy, pandas
import jupyter_mlops as mlops

random = numpy.random.default_rng(0)
for version, shift in ((1, 0.0), (2, 4.0)):
    with mlops.track("train", experiment="digits"):
        light = random.normal(5 + shift, 2, 400)
        mlops.register_dataset(pandas.DataFrame({"id": range(400), "light": light}), name="digits")
        mean = float(mlops.load_dataset(f"digits@{version}").light.mean())
        mlops.log(accuracy=0.9 + version / 100)
        alias = "champion" if version == 1 else None
        mlops.register_model({"threshold": mean}, name="digits", alias=alias)
mlops.gates("digits", "champion", minimum={"accuracy": 0.9}, approvals=1)
"""


@pytest.fixture(scope="module")
def registered(lab: Lab) -> None:
    command = [sys.executable, "-c", REGISTERED]
    done = subprocess.run(
        command, env=lab.environment("ann"), cwd=lab.root, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_a_dataset_tells_what_is_in_it_what_changed_and_what_depends_on_it(
    tab: Any, lab: Lab, registered: None, artifacts: Path
):
    open_lab(tab, lab)
    open_sidebar(tab)
    tab.get_by_role("listbox", name="Datasets").get_by_role("option").filter(has_text="digits").click()
    page = page_in_view(tab)
    profile = page.get_by_role("table", name="Profile of the columns")
    expect(profile.get_by_role("img", name=re.compile("Histogram of light"))).to_be_visible()
    profile.get_by_role("button", name="light").click()
    expect(profile.get_by_role("table", name="Quantiles of light")).to_contain_text("median")

    page.get_by_label("Version to compare with").select_option("1")
    drift = page.get_by_role("table", name="Drift of the columns").get_by_role("row")
    expect(drift.filter(has_text="light")).to_contain_text("large")
    page.get_by_text("Compare row by row").click()
    page.get_by_label("id", exact=True).check()
    page.get_by_role("button", name="Compare rows").click()
    expect(page.get_by_role("group", name="Rows by their keys")).to_contain_text("400 changed")

    graph = page.get_by_role("list", name="Lineage").get_by_role("listitem")
    expect(graph.filter(has_text="digits")).to_have_count(2)
    page.get_by_label("Part of the lineage").select_option("upstream")
    expect(graph.filter(has=page.get_by_role("button", name=re.compile("^model")))).to_have_count(0)
    page.get_by_role("button", name="What breaks if this version is bad?").click()
    expect(page.get_by_role("table", name="Impact")).to_contain_text("models (1)digits@2")
    tab.screenshot(path=artifacts / "dataset.png")
    page.get_by_role("table", name="Impact").get_by_role("button", name="digits@2").click()
    expect(page_in_view(tab).get_by_role("heading", name="Review of version 2")).to_be_visible()


def test_a_version_is_reviewed_approved_promoted_and_rolled_back(
    tab: Any, lab: Lab, registered: None, artifacts: Path
):
    open_lab(tab, lab)
    execute(tab, "jupyter-mlops:open-model", "{name: 'digits'}")
    page = page_in_view(tab)
    promote = page.get_by_role("button", name="Promote to champion")
    expect(promote).to_be_disabled()
    expect(promote).to_have_attribute("title", re.compile("approv"))
    metrics = page.get_by_role("table", name="Metrics of both versions").get_by_role("row")
    expect(metrics.filter(has_text="accuracy")).to_have_text("accuracy0.910.92+0.01 ▲ better")
    expect(page.get_by_role("table", name="Drift of the columns")).to_contain_text("large")
    tab.screenshot(path=artifacts / "review.png")

    decide(tab, page.get_by_role("button", name="Approve", exact=True), "looked at the data")
    expect(page.get_by_role("list", name="Approvals")).to_contain_text("looked at the data")
    decide(tab, promote, "more accurate")
    moves = page.get_by_role("list", name="Moves of champion").get_by_role("listitem")
    expect(moves.first).to_contain_text("v1 → v2")
    decide(tab, page.get_by_role("button", name="Roll champion back"), "it drifted")
    expect(moves.first).to_contain_text("v2 → v1")
    expect(moves.first).to_contain_text("it drifted")
    expect(promote).to_be_enabled()

    page.get_by_role("button", name="History").click()
    decisions = page_in_view(tab).get_by_role("table", name="Decisions")
    for action in ("gates.set", "model.register"):
        expect(decisions).to_contain_text(action)
    expect(decisions).to_contain_text("it drifted")
    tab.screenshot(path=artifacts / "history.png")


def page_in_view(tab: Any) -> Any:
    return tab.locator(".jp-mlops-Page").locator("visible=true")


def decide(tab: Any, button: Any, reason: str) -> None:
    """Press a button that asks for a reason, give one and go on."""
    button.click()
    dialog = tab.get_by_role("dialog")
    dialog.get_by_label("Reason").fill(reason)
    dialog.locator(".jp-mod-accept").click()
    expect(dialog).to_have_count(0)
