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
from collections.abc import Callable
from typing import Any

from ..workspace import current
from .picture import Picture
from .rendering import Snapshot, job_picture
from .sweeps import sweep_picture

EVERY_S = 1.0
PATIENCE = 30
"""Failures to look, one after the other, before the cards give up."""

logger = logging.getLogger(__name__)


Look = Callable[[], Picture]
"""How something stands now, as its card shows it."""


def looking_at(handle: Any) -> Look:
    """How to look at the job or the sweep of an api handle."""
    from ..api.sweeps import Sweep

    subject = handle.id
    if isinstance(handle, Sweep):
        return lambda: sweep_picture(current().sweeps.detail(subject), time.time())
    return lambda: _job_picture(subject)


def _job_picture(job_id: str) -> Picture:
    workspace = current()
    job = workspace.jobs.get(job_id)
    run = workspace.runs.of_jobs([job.id]).get(job.id)
    return job_picture(Snapshot(job=job, run=run, now=time.time()))


def show(handle: Any) -> bool:
    """Display a live card; False where nobody looks: then the caller shows text."""
    if not has_front_end():
        return False
    try:
        import ipywidgets  # noqa: F401
    except ImportError:
        return False
    look = looking_at(handle)
    picture = look()
    if picture.ended:
        return False  # a card that never changes is its HTML
    Card(look, picture).display()
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

    def __init__(self, look: Look, picture: Picture) -> None:
        import ipywidgets

        self.look = look
        self._state = ipywidgets.HTML(picture.state)
        self._bar = ipywidgets.FloatProgress(
            picture.fraction, min=0.0, max=1.0, layout=ipywidgets.Layout(width="300px", height="10px")
        )
        self._actions = ipywidgets.HTML(picture.actions)
        self._box = ipywidgets.VBox([self._state, self._bar, self._actions])
        self._box.add_class("jp-mlops-card")
        self._first = picture
        self._handle: Any = None
        self._context = contextvars.copy_context()

    def display(self) -> None:
        """Show the card, and have it followed until all has ended."""
        from IPython.display import display

        bundle = {"text/plain": self._first.text, "text/html": self._first.html}
        widget = self._box._repr_mimebundle_()
        data = widget[0] if isinstance(widget, tuple) else widget
        self._handle = display({**data, **bundle}, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        _watcher.follow(self)

    def update(self, picture: Picture) -> None:
        """Show how things stand; only what changed is sent."""
        self._context.run(self._update, picture)

    def finish(self, picture: Picture) -> None:
        """Replace the widgets by HTML that a saved notebook keeps, and let go of them."""
        self._context.run(self._finish, picture)

    def _update(self, picture: Picture) -> None:
        self._state.value = picture.state
        self._bar.value = picture.fraction
        self._actions.value = picture.actions

    def _finish(self, picture: Picture) -> None:
        self._handle.update({"text/plain": picture.text, "text/html": picture.html}, raw=True)
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
            picture = card.look()
            if picture.ended:
                with self._lock:
                    self._cards.remove(card)
                card.finish(picture)
            else:
                card.update(picture)


_watcher = Watcher()
atexit.register(_watcher.stop)
