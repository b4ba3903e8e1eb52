"""A browser and a JupyterLab for all tests of a module, a tab for each of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .chromium import browser, find_chromium
from .lab import Lab, running_lab

PATIENCE_MS = 30_000
NO_CHROMIUM = "No Chromium: install one (apt install chromium) or name it in MLOPS_CHROMIUM."


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    executable = find_chromium()
    if executable is None:
        if os.environ.get("CI_REQUIRE_ALL") == "1":
            pytest.fail(NO_CHROMIUM)
        pytest.skip(NO_CHROMIUM)
    with browser(executable) as running:
        yield running


@pytest.fixture(scope="module")
def lab(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def tab(chromium: Any) -> Iterator[Any]:
    """A page in which no script may fail."""
    from playwright.sync_api import expect

    expect.set_options(timeout=PATIENCE_MS)
    fresh = chromium.new_page(viewport={"width": 1400, "height": 900})
    fresh.set_default_timeout(PATIENCE_MS)
    failures: list[str] = []
    fresh.on("pageerror", lambda error: failures.append(str(error)))
    yield fresh
    fresh.close()
    assert failures == []


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots are left: ``CI_ARTIFACTS``, else a temporary folder."""
    named = os.environ.get("CI_ARTIFACTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("artifacts")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
