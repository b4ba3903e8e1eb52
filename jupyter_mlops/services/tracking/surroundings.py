"""Packages, host and git of a run, gathered beside the user's code."""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

from ...capture.environment import environment
from ...capture.git import GitState, git_state
from .writer import RunWriter

logger = logging.getLogger(__name__)

FRESH_S = 5.0
"""Runs that begin within this time share one look at the repository."""

_lock = threading.Lock()  # of this process: a forked child gets a new one
_seen: dict[Path, tuple[float, GitState | None]] = {}


def capture_surroundings(run: RunWriter) -> None:
    """Write the run's context from a thread of its own; the run's end waits a little for it."""
    if not run.recorded:
        return
    run.hold()
    try:
        folder: Path | None = Path.cwd()
    except OSError:  # the directory was removed
        folder = None

    def work() -> None:
        try:
            run.context(environment())
            if folder is not None and (git := _git(run, folder)):
                run.context({"git": git})
        except Exception:
            logger.exception("The surroundings of run %s were not captured", run.id)
        finally:
            run.release()

    threading.Thread(target=work, name="jupyter-mlops-context", daemon=True).start()


def _git(run: RunWriter, folder: Path) -> dict[str, Any]:
    state = _state(folder)
    if state is None:
        return {}
    git: dict[str, Any] = {
        "commit": state.commit,
        "branch": state.branch,
        "dirty": state.dirty,
        "root": state.root,
        "untracked": state.untracked,
    }
    if state.patch and (blob := run.put_blob(state.patch)) is not None:
        git |= {"patch_digest": blob.digest, "patch_bytes": blob.size_bytes, "patch_cut": state.patch_cut}
    return git


def _state(folder: Path) -> GitState | None:
    with _lock:
        seen = _seen.get(folder)
        if seen is not None and time.monotonic() - seen[0] < FRESH_S:
            return seen[1]
        asked_at = time.monotonic()
        state = git_state(folder)
        _seen.clear()
        _seen[folder] = asked_at, state
        return state


def _after_fork_in_child() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
