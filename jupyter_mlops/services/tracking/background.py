"""One daemon thread a process for work that has to be done soon, but not by the user's thread."""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)

NAME = "jupyter-mlops-reads"
IDLE_S = 5.0

_lock = threading.Lock()
_jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
_running = False


def do(job: Callable[[], None]) -> None:
    """Do it, one job after the other. What it raises is logged."""
    global _running
    with _lock:
        _jobs.put(job)
        if _running:
            return
        _running = True
    threading.Thread(target=_work, name=NAME, daemon=True).start()


def _work() -> None:
    global _running
    while True:
        try:
            job = _jobs.get(timeout=IDLE_S)
        except queue.Empty:
            with _lock:
                if _jobs.empty():
                    _running = False
                    return
            continue
        try:
            job()
        except Exception:
            logger.debug("Work in the background failed", exc_info=True)  # not into the user's cell


def _after_fork_in_child() -> None:
    """The thread and its jobs are the parent's."""
    global _lock, _jobs, _running
    _lock, _jobs, _running = threading.Lock(), queue.SimpleQueue(), False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
