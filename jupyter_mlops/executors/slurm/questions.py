"""When Slurm would start a job, asked by one thread, so that the queue's turns wait little for the answer.

A controller that is slow or away keeps ``sbatch`` for up to half a minute, for each kind of job.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ...errors import Unavailable
from ...protocols.jobs import Outlook

WAIT_S = 2.0
"""How long those who ask wait, all together, before they have to do with what was said before."""
SHARE = 10
"""After that they wait for one part in so many of their time."""
RENEW_S = 2.0
"""After so long it is asked again."""
KEEP_S = 30.0
"""So long an answer counts where there is no newer one."""
AWAY_S = 10.0
"""How long nothing is asked of a controller that does not answer."""

Kind = tuple[str, ...]
"""What a job asks for: those that ask for the same get the same answer."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Answer:
    outlook: Outlook
    at: float


class Questions:
    """``ask`` puts the question; it raises Unavailable when nobody answers."""

    def __init__(self, ask: Callable[[Kind], Outlook]) -> None:
        self._ask = ask
        self._changed = threading.Condition()
        self._open: dict[Kind, None] = {}
        self._answers: dict[Kind, _Answer] = {}
        self._thread: threading.Thread | None = None
        self._outdated_at = self._away_until = float("-inf")
        self._trouble = ""
        self._patience_s, self._patient_at = WAIT_S, time.monotonic()

    def outlook(self, kind: Kind) -> Outlook:
        """The newest answer. Raises Unavailable when nobody answers, or has not answered yet."""
        with self._changed:
            now = time.monotonic()
            if now >= self._away_until and not self._is_known(kind, since=now - RENEW_S):
                self._put(kind)
                self._wait_for(
                    lambda: self._is_known(kind, since=now - RENEW_S) or now < self._away_until, now
                )
            if time.monotonic() < self._away_until:
                raise Unavailable(self._trouble)
            if not self._is_known(kind, since=time.monotonic() - KEEP_S):
                raise Unavailable("Slurm has not answered yet")
            return self._answers[kind].outlook

    def outdate(self) -> None:
        """A job is handed over: that there is room no longer holds."""
        with self._changed:
            self._outdated_at = time.monotonic()
            self._answers = {
                kind: each for kind, each in self._answers.items() if not each.outlook.starts_now
            }

    def _is_known(self, kind: Kind, *, since: float) -> bool:
        known = self._answers.get(kind)
        return known is not None and known.at >= since

    def _put(self, kind: Kind) -> None:
        """Have the thread ask; the lock is held."""
        self._open.setdefault(kind)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="mlops-slurm-outlook", daemon=True)
            self._thread.start()

    def _wait_for(self, predicate: Callable[[], bool], now: float) -> None:
        """As long as the patience of those who ask lasts; the lock is held."""
        left = min(WAIT_S, self._patience_s + (now - self._patient_at) / SHARE)
        self._changed.wait_for(predicate, left)
        self._patient_at = time.monotonic()
        self._patience_s = max(0.0, left - (self._patient_at - now))

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._open:
                    self._thread = None
                    return
                kind = next(iter(self._open))
            began = time.monotonic()
            try:
                self._note(kind, self._ask(kind), began)
            except Unavailable as error:
                self._note_away(error.message)
            except Exception as error:  # the next kind of job may fare better
                logger.exception("Slurm cannot be asked about a job")
                self._note(kind, Outlook(starts_now=False, reason=f"Slurm cannot be asked: {error}"), began)

    def _note(self, kind: Kind, outlook: Outlook, began: float) -> None:
        """One that came too late, when a job had been handed over meanwhile, is asked for again."""
        with self._changed:
            if outlook.starts_now and began < self._outdated_at:
                return
            now = time.monotonic()
            self._answers = {each: said for each, said in self._answers.items() if said.at >= now - KEEP_S}
            self._answers[kind] = _Answer(outlook, now)
            del self._open[kind]
            self._changed.notify_all()

    def _note_away(self, message: str) -> None:
        with self._changed:
            self._trouble, self._away_until = message, time.monotonic() + AWAY_S
            self._open.clear()
            self._changed.notify_all()
