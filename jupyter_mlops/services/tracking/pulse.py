"""The heartbeat of the runs that a process has open."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Protocol


class Beating(Protocol):
    """An open run."""

    owns: bool

    def heartbeat(self) -> None: ...


class Pulse:
    """One daemon thread a process, alive only while runs are open."""

    def __init__(self, interval_s: float, runs: Callable[[], Sequence[Beating]]) -> None:
        self._interval_s = interval_s
        self._runs = runs
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Called after a run was opened."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="jupyter-mlops-pulse", daemon=True)
                self._thread.start()

    def _beat(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(self._interval_s)
            with self._lock:
                runs = self._runs()
                if not runs:
                    self._thread = None
                    return
            for run in runs:
                if run.owns:
                    run.heartbeat()
