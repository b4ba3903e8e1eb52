"""Reading cells beside the user's code, so that their steps are there when a submit asks for them."""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue


class ReadAhead:
    """Reads the texts that it is given in a thread that lives as long as there are some."""

    def __init__(self, delay_s: float = 1.0) -> None:
        self._delay_s = delay_s
        self._waiting: SimpleQueue[str] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def put(self, source: str) -> None:
        """A cell has ended; it is read a moment later, when most cells have made room."""
        self._waiting.put(source)
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._read, name="mlops-read-ahead", daemon=True)
            self._thread.start()

    def wait(self) -> None:
        """Until all is read."""
        if self._thread is not None:
            self._thread.join()

    def _read(self) -> None:
        threading.Event().wait(self._delay_s)
        from .reading import steps_of

        while True:
            try:
                source = self._waiting.get_nowait()
            except Empty:
                return
            steps_of(source)
