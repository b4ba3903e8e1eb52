"""A long-lived process of a home, such as its agent, that pushes to the team also when nobody reads."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

EVERY_S = 30.0

logger = logging.getLogger(__name__)


class Pusher:
    """Calls ``push`` in a thread of its own, now and then, and never twice at once."""

    def __init__(
        self,
        push: Callable[[], object],
        *,
        every_s: float = EVERY_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._push = push
        self._every_s = every_s
        self._monotonic = monotonic
        self._pushed_at = float("-inf")
        self._thread: threading.Thread | None = None

    def look(self) -> None:
        """Push if it is time to."""
        now = self._monotonic()
        if now - self._pushed_at < self._every_s or (self._thread is not None and self._thread.is_alive()):
            return
        self._pushed_at = now
        self._thread = threading.Thread(target=self._work, name="jupyter-mlops-push", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Whether the present push has ended within so long."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()

    def _work(self) -> None:
        try:
            self._push()
        except Exception as error:  # the team's database comes back
            logger.warning("What is new here cannot be pushed to the team: %s", error)
            logger.debug("Traceback", exc_info=True)
