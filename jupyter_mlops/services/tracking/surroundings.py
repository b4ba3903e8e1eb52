"""What surrounds a run, gathered beside the user's code: packages, machine, git, sources, notebook file."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...capture.environment import environment
from ...capture.git import GitLook, GitState, Repository, repository_of
from ...capture.hardware import hardware
from ...capture.notebook_file import find_notebook, read_notebook
from ...capture.packages import lock_text
from ...config import JOB, Settings
from .user_modules import UserModules
from .writer import RunWriter

logger = logging.getLogger(__name__)

FRESH_S = 2.0
"""Runs that begin within this time share one look at the repository."""
LATER_S = 0.03
"""The rest is gathered so much later: a quick cell has ended by then, and need not share the interpreter."""
UNANSWERED_S = 300.0
"""A repository whose git did not answer is left alone for so long."""

Capture = Callable[[RunWriter], None]

_began_in = os.environ.get("PWD")
"""Of a kernel, where its server was started, which mostly is the server's root."""
_lock = threading.Lock()  # of this process: a forked child gets a new one
_looks: dict[Path, _Look] = {}
_modules: dict[Path, UserModules] = {}
_notebooks: dict[tuple[Path, Path], tuple[tuple[int, int], dict[str, Any]]] = {}


def capture_surroundings(run: RunWriter, *more: Capture) -> None:
    """Write the run's context from a thread of its own; the run's end waits a little for it.

    ``more`` is called in that thread, after what is quick; what one of them raises harms nothing.
    """
    if not run.recorded or run.tracker is None:
        return
    surroundings = _Surroundings(run, run.tracker.settings)
    _beside(run, lambda: surroundings.capture(more))
    run.before_end = surroundings.look_again


def _beside(run: RunWriter, work: Callable[[], None]) -> None:
    """Do it in a thread, while which the run's journal stays open."""
    run.hold()

    def body() -> None:
        try:
            work()
        finally:
            run.release()

    try:
        threading.Thread(target=body, name="jupyter-mlops-context", daemon=True).start()
    except RuntimeError as error:  # no more threads, or the interpreter shuts down
        run.release()
        logger.warning("The surroundings of run %s were not captured: %s", run.id, error)


class _Surroundings:
    """Those of one run."""

    def __init__(self, run: RunWriter, settings: Settings) -> None:
        self._run, self._settings = run, settings
        self._modules_seen = -1
        self._whole_patch = False
        try:
            self._folder: Path | None = Path.cwd()
        except OSError:  # the directory was removed
            self._folder = None
        self._repository: Repository | None = None

    def capture(self, more: tuple[Capture, ...]) -> None:
        """Git works from the beginning on, while the rest is gathered."""
        look: list[_Look] = []
        if self._folder is not None:
            self._guarded(lambda run: look.extend(self._look_at_repository()))
        time.sleep(LATER_S)
        for each in (RunWriter.record_read_before, self._describe_environment, self._keep_notebook, *more):
            self._guarded(each)
        if look:
            self._guarded(lambda run: self._describe_repository(look[0]))
        self._guarded(self._keep_modules)

    def look_again(self) -> None:
        """At the run's end: it may have imported modules itself. Costs nothing when it has not."""
        if 0 <= self._modules_seen < self._modules().count():
            _beside(self._run, lambda: self._guarded(self._keep_modules))

    def _guarded(self, capture: Callable[[RunWriter], object]) -> None:
        try:
            capture(self._run)
        except Exception as error:
            logger.warning("The surroundings of run %s were not captured whole: %s", self._run.id, error)
            logger.debug("Because of this", exc_info=True)

    def _describe_environment(self, run: RunWriter) -> None:
        lock = run.put_blob(lock_text().encode())
        found = environment() | {"hardware": hardware()}
        if lock is not None:
            found["lock"] = {"digest": lock.digest, "size_bytes": lock.size_bytes}
        run.context(found)

    # the repository

    def _look_at_repository(self) -> list[_Look]:
        self._repository = repository_of(self._folder) if self._folder is not None else None
        return [] if self._repository is None else [_look_at(self._repository)]

    def _describe_repository(self, look: _Look) -> None:
        state = look.state()
        if state.problem:
            self._run.context({"git": {"root": state.root, "problem": state.problem}})
            return
        git: dict[str, Any] = {
            "commit": state.commit,
            "branch": state.branch,
            "dirty": state.dirty,
            "root": state.root,
            "untracked": state.untracked,
        }
        self._whole_patch = not state.patch_cut
        if state.patch and (blob := self._run.put_blob(state.patch)) is not None:
            git |= {
                "patch_digest": blob.digest,
                "patch_bytes": blob.size_bytes,
                "patch_cut": state.patch_cut,
            }
        self._run.context({"git": git})

    # sources

    def _modules(self) -> UserModules:
        with _lock:
            home = self._settings.home
            if home not in _modules:
                _modules[home] = UserModules(self._settings.source_cap_bytes)
            return _modules[home]

    def _keep_modules(self, run: RunWriter) -> None:
        modules = self._modules()
        self._modules_seen = modules.count()
        found = modules.describe(run, self._repository, patched=self._whole_patch)
        if found:
            run.context({"modules": found})

    def _keep_notebook(self, run: RunWriter) -> None:
        """Not in a job: its notebook was made from the file, and lies in its folder."""
        if not run.notebook or JOB in os.environ:
            return
        path = find_notebook(run.notebook, (Path(_began_in) if _began_in else None, self._folder))
        if path is None:
            missing = {"path": run.notebook, "problem": "not found: renamed, moved or never saved"}
            run.context({"notebook_file": missing})
            return
        run.context({"notebook_file": _notebook(run, self._settings, path)})


def _notebook(run: RunWriter, settings: Settings, path: Path) -> dict[str, Any]:
    """Its context value, made once as long as the file does not change."""
    status = path.stat()
    mark = status.st_mtime_ns, status.st_size
    known = _notebooks.get((settings.home, path))
    if known is not None and known[0] == mark:
        return known[1]
    kept = read_notebook(path, cap_bytes=settings.notebook_cap_bytes)
    value: dict[str, Any] = {"path": str(path), "saved_at": kept.saved_at}
    blob = run.put_blob(kept.data) if kept.data else None
    if blob is not None:
        value |= {"digest": blob.digest, "size_bytes": blob.size_bytes}
    flags = {"redacted": kept.redacted, "without_outputs": kept.without_outputs, "problem": kept.problem}
    value |= {name: flag for name, flag in flags.items() if flag}
    if blob is not None or kept.problem:
        _notebooks[settings.home, path] = mark, value
    return value


class _Look:
    """A look at a repository that runs share while it is fresh."""

    def __init__(self, repository: Repository) -> None:
        self._asked_at = time.monotonic()
        self._git = GitLook(repository)
        self._lock = threading.Lock()
        self._state: GitState | None = None

    def is_fresh(self) -> bool:
        age = time.monotonic() - self._asked_at
        problem = self._state is not None and self._state.problem
        return age < (UNANSWERED_S if problem else FRESH_S)

    def state(self) -> GitState:
        with self._lock:
            if self._state is None:
                self._state = self._git.state()
            return self._state


def _look_at(repository: Repository) -> _Look:
    with _lock:
        look = _looks.get(repository.root)
        if look is None or not look.is_fresh():
            look = _looks[repository.root] = _Look(repository)
        return look


def _after_fork_in_child() -> None:
    global _lock
    _lock = threading.Lock()
    _looks.clear()
    _modules.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
