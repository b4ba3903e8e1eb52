"""Slow servers, asked by threads, so that nobody waits for them for long."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from ...errors import MlopsError, Unavailable

RETRY_S = 3.0
MODESTY = 10.0
"""A question that takes a second is asked every ten seconds at most."""

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What was answered to a question asked at ``asked_at`` (monotonic): a value, or the trouble with it."""

    value: T | None
    trouble: str
    asked_at: float

    def get(self) -> T:
        """The value. Raises Unavailable where there is none."""
        if self.value is None:
            raise Unavailable(self.trouble)
        return self.value


class Question(Generic[T]):
    """Asked again when its answer is older than ``keep_s``, or ``RETRY_S`` after there was none."""

    def __init__(self, ask: Callable[[], T], *, name: str, keep_s: float) -> None:
        self._ask, self._name, self._keep_s = ask, name, keep_s
        self._changed = threading.Condition()
        self._asking = False
        self._asked_at = self._due_at = 0.0
        self._answer: Answer[T] = Answer(None, f"{name} has not answered yet.", 0.0)

    def answer(self, *, wait_s: float) -> Answer[T]:
        """The newest answer; the coming one if it comes within ``wait_s`` of its question.

        However many ask meanwhile, they do not wait for longer than that together.
        """
        with self._changed:
            now = time.monotonic()
            if not self._asking and now >= self._due_at:
                self._asking, self._asked_at = True, now
                threading.Thread(target=self._run, name="mlops-asking", daemon=True).start()
            self._changed.wait_for(lambda: not self._asking, max(0.0, self._asked_at + wait_s - now))
            return self._answer

    def _run(self) -> None:
        began = time.monotonic()
        try:
            answer = Answer(self._ask(), "", began)
        except MlopsError as error:
            answer = Answer(None, error.message, began)
        except Exception as error:
            logger.exception("%s cannot be asked", self._name)
            answer = Answer(None, f"{self._name} cannot be asked: {error}", began)
        now = time.monotonic()
        keep_s = RETRY_S if answer.value is None else max(self._keep_s, MODESTY * (now - began))
        with self._changed:
            self._answer, self._asking, self._due_at = answer, False, now + keep_s
            self._changed.notify_all()


class Errands:
    """What is to be done at a server, one thing after the other; again, until it is done or refused."""

    def __init__(self, *, name: str) -> None:
        self._name = name
        self._changed = threading.Condition()
        self._open: dict[str, Callable[[], None]] = {}
        self._troubles: dict[str, str] = {}
        self._refusals: dict[str, str] = {}
        self._current: str | None = None
        self._runs = False

    def add(self, key: str, do: Callable[[], None]) -> None:
        """Do this soon; nothing where it is to be done already. Unavailable, raised by it, means again."""
        with self._changed:
            self._open.setdefault(key, do)
            self._refusals.pop(key, None)
            if not self._runs:
                self._runs = True
                threading.Thread(target=self._run, name="mlops-errands", daemon=True).start()
            self._changed.notify_all()

    def drop(self, key: str) -> bool:
        """Do not do this any more; False where it is being done, or was."""
        with self._changed:
            return key != self._current and self._open.pop(key, None) is not None

    def is_open(self, key: str) -> bool:
        with self._changed:
            return key in self._open

    def trouble(self, key: str) -> str:
        """Why it could not be done the last time; empty where nothing was in its way."""
        with self._changed:
            return self._troubles.get(key, "")

    def refusal(self, key: str) -> str:
        """Why it will never be done; empty where nobody has refused it."""
        with self._changed:
            return self._refusals.get(key, "")

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._open:
                    self._runs = False
                    return
                keys = list(self._open)
            over = [self._do(key) for key in keys]
            if not any(over):
                with self._changed:
                    self._changed.wait(RETRY_S)

    def _do(self, key: str) -> bool:
        """Whether it is over with."""
        with self._changed:
            do = self._open.get(key)
            if do is None:
                return True
            self._current = key
        trouble = refusal = ""
        try:
            do()
        except Unavailable as error:
            trouble = error.message
        except MlopsError as error:
            refusal = error.message
        except Exception as error:
            logger.exception("%s: %s failed", self._name, key)
            refusal = f"{type(error).__name__}: {error}"
        with self._changed:
            self._current = None
            self._troubles.pop(key, None)
            if trouble:
                self._troubles[key] = trouble
                return False
            self._open.pop(key, None)
            if refusal:
                self._refusals[key] = refusal
            return True
