"""Polling with a deadline, for what another process or thread does."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def wait_until(
    predicate: Callable[[], T], *, timeout_s: float = 60.0, message: str | Callable[[], str] = ""
) -> T:
    """The predicate's first true value. Fails with ``message`` when there is none within ``timeout_s``."""
    deadline = time.monotonic() + timeout_s
    while True:
        if value := predicate():
            return value
        if time.monotonic() > deadline:
            text = message() if callable(message) else message
            raise AssertionError(text or f"still not true after {timeout_s} s: {predicate}")
        time.sleep(0.02)


def wait_until_closed(home: Path, run_id: str) -> None:
    """Wait until each writer of the run has written its last record: some come in after the run's end."""
    journal = home / "runs" / run_id / "journal"

    def has_closed() -> bool:
        return all(
            '"close"' in "".join(each.read_text().splitlines()[-1:]) for each in journal.glob("*.jsonl")
        )

    wait_until(has_closed)
