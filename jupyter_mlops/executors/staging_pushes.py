"""Uploads that nobody waits for: a few at once, by threads that do not keep the process from ending."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass

from .staging_state import Key

AT_ONCE = 8


@dataclass(slots=True)
class _Push:
    """One upload; ``error`` is of its last try, and ``is_told`` once somebody has heard how that went."""

    upload: Callable[[], None]
    under_way: bool = False
    is_done: bool = False
    error: BaseException | None = None
    due: float = 0.0
    is_told: bool = False


class Pushes:
    """The uploads of a process. One that failed is tried again ``again_s`` later, if somebody asks for it."""

    def __init__(self, *, again_s: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._again_s, self._monotonic = again_s, monotonic
        self._lock = threading.Lock()
        self._pushes: dict[Key, _Push] = {}
        self._line: deque[Key] = deque()
        self._threads = 0

    def is_done(self, key: Key, upload: Callable[[], None]) -> bool:
        """Whether that has been uploaded; what was not begun is begun.

        Raises what the last try has raised, until another one succeeds.
        """
        with self._lock:
            push = self._pushes.setdefault(key, _Push(upload))
            is_due = push.error is None or self._monotonic() >= push.due
            if not push.is_done and not push.under_way and is_due:
                self._begin(key, push)
            push.is_told = push.is_done or push.error is not None
            if push.error is not None:
                raise push.error.with_traceback(None)
            return push.is_done

    def is_under_way(self, key: Key) -> bool:
        """Whether it is being uploaded, or is to be."""
        with self._lock:
            push = self._pushes.get(key)
            return push is not None and push.under_way

    def forget_all_but(self, wanted: Collection[Key], *, is_over: Callable[[Key], bool]) -> None:
        """Forget how others went, if somebody has heard that, or nobody ever will."""
        with self._lock:
            for key in [each for each in self._pushes if each not in wanted]:
                push = self._pushes[key]
                if not push.under_way and (push.is_told or is_over(key)):
                    del self._pushes[key]

    def _begin(self, key: Key, push: _Push) -> None:
        """The lock is held."""
        push.under_way = True
        self._line.append(key)
        if self._threads < AT_ONCE:
            self._threads += 1
            threading.Thread(target=self._work, name="mlops-push", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._line:
                    self._threads -= 1
                    return
                push = self._pushes[self._line.popleft()]
            error: BaseException | None = None
            try:
                push.upload()
            except BaseException as raised:  # noqa: BLE001  # raised where it is asked for
                error = raised
            with self._lock:
                push.under_way, push.is_done, push.error = False, error is None, error
                push.is_told, push.due = False, self._monotonic() + self._again_s
