"""Live cards: drawn by ipywidgets, followed by one thread, replaced by plain HTML at the end.

A card shows the buttons of JupyterLab's command linker instead of ipywidgets' own: a widget's
callback runs in the kernel, which serves it only when the cell that it is executing has ended.
"""

from __future__ import annotations

import atexit
import contextvars
import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

from ..workspace import current
from .rendering import Snapshot, actions_html, html, state_html, text

EVERY_S = 1.0
PATIENCE = 30
"""Failures to read the jobs, one after the other, before the cards give up."""

logger = logging.getLogger(__name__)


def snapshot(handle: Any) -> Snapshot:
    """How the job or the sweep of an api handle stands now."""
    jobs = getattr(handle, "jobs", None)
    if jobs is None:
        return _look([handle.id], None)
    return _look([job.id for job in jobs], handle.id)


def _look(ids: Sequence[str], sweep_id: str | None) -> Snapshot:
    workspace = current()
    jobs = [workspace.jobs.get(job_id) for job_id in ids]
    runs = workspace.runs.of_jobs(ids)
    return Snapshot(jobs=jobs, runs=dict(runs), sweep_id=sweep_id, now=time.time())


def show(handle: Any) -> bool:
    """Display a live card; False where nobody looks: then the caller shows text."""
    if not has_front_end():
        return False
    try:
        import ipywidgets  # noqa: F401
    except ImportError:
        return False
    shot = snapshot(handle)
    if shot.ended or not shot.jobs:
        return False  # a card that never changes is its HTML
    Card(shot).display()
    return True


def has_front_end() -> bool:
    """Whether the cell that is being executed stands in a notebook that a person looks at.

    JupyterLab, Notebook 7 and VS Code send the cell's id along; papermill, nbclient and consoles
    do not.
    """
    from IPython.core.getipython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        return False
    metadata = (kernel.get_parent("shell") or {}).get("metadata", {})
    return "cellId" in metadata or "cell_id" in metadata


class Card:
    """The widgets of one job or sweep. They keep the context in which they were displayed.

    ipykernel finds the cell that an output belongs to in a context variable.
    """

    def __init__(self, shot: Snapshot) -> None:
        import ipywidgets

        self.ids = [job.id for job in shot.jobs]
        self.sweep_id = shot.sweep_id
        self._state = ipywidgets.HTML(state_html(shot))
        self._bar = ipywidgets.FloatProgress(
            shot.fraction, min=0.0, max=1.0, layout=ipywidgets.Layout(width="300px", height="10px")
        )
        self._actions = ipywidgets.HTML(actions_html(shot))
        self._box = ipywidgets.VBox([self._state, self._bar, self._actions])
        self._box.add_class("jp-mlops-card")
        self._shot = shot
        self._handle: Any = None
        self._context = contextvars.copy_context()

    def display(self) -> None:
        """Show the card, and have it followed until its jobs have ended."""
        from IPython.display import display

        bundle = {"text/plain": text(self._shot), "text/html": html(self._shot)}
        widget = self._box._repr_mimebundle_()
        data = widget[0] if isinstance(widget, tuple) else widget
        self._handle = display({**data, **bundle}, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        _watcher.follow(self)

    def update(self, shot: Snapshot) -> None:
        """Show how things stand; only what changed is sent."""
        self._context.run(self._update, shot)

    def finish(self, shot: Snapshot) -> None:
        """Replace the widgets by HTML that a saved notebook keeps, and let go of them."""
        self._context.run(self._finish, shot)

    def _update(self, shot: Snapshot) -> None:
        self._state.value = state_html(shot)
        self._bar.value = shot.fraction
        self._actions.value = actions_html(shot)

    def _finish(self, shot: Snapshot) -> None:
        self._handle.update({"text/plain": text(shot), "text/html": html(shot)}, raw=True)
        for widget in (self._box, self._state, self._bar, self._actions):
            widget.close()


class Watcher:
    """One daemon thread for all cards of the process; it ends with the last card."""

    def __init__(self) -> None:
        self._cards: list[Card] = []
        self._lock = threading.Lock()
        self._leaving = threading.Event()
        self._thread: threading.Thread | None = None

    def follow(self, card: Card) -> None:
        with self._lock:
            self._cards.append(card)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=contextvars.copy_context().run, args=(self._run,), name="mlops-cards", daemon=True
                )
                self._thread.start()

    def stop(self) -> None:
        """Send nothing any more: the process is about to end."""
        self._leaving.set()

    def _run(self) -> None:
        failures = 0
        while not self._leaving.wait(EVERY_S):
            try:
                self._round()
                failures = 0
            except Exception:  # a busy database, a full disk: the next round may do better
                failures += 1
                logger.debug("the job cards could not be updated", exc_info=True)
            with self._lock:
                if not self._cards or failures > PATIENCE:
                    self._cards.clear()
                    self._thread = None
                    return

    def _round(self) -> None:
        for card in list(self._cards):
            shot = _look(card.ids, card.sweep_id)
            if shot.ended:
                with self._lock:
                    self._cards.remove(card)
                card.finish(shot)
            else:
                card.update(shot)


_watcher = Watcher()
atexit.register(_watcher.stop)
