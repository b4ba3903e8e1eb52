"""A headless Chromium of this machine; nothing is downloaded and no outside host is asked."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
FLAGS = [
    "--disable-gpu",
    # without this, Chromium looks up hosts of its maker's at every start
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
]


def find_chromium() -> str | None:
    """The program that ``MLOPS_CHROMIUM`` names, else the first that PATH has."""
    if named := os.environ.get("MLOPS_CHROMIUM"):
        return named
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def browser(executable: str) -> Iterator[Any]:
    """A running browser.

    Playwright's loop lives only as long as this: pytest-playwright's lasts for the session, and then
    tests that run a Jupyter server in their own loop cannot follow in the same process.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, chromium_sandbox=False, args=FLAGS)
        try:
            yield chromium
        finally:
            chromium.close()
