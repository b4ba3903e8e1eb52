"""Where Slurm is spoken to: one thread hands jobs over, cancels them and asks how all of them do.

Slurm's programs take from ten milliseconds to half a minute, and longer when a controller is away. The
queue's turns must not wait for that, so that they leave their wishes here and read the last answer. What
was wished for together goes together: jobs of one sweep as an array, all cancellations in one call.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...errors import MlopsError, Unavailable
from ...protocols.jobs import Begun, Launch
from .handing import Handing, Key, attempt_folder
from .programs import Full, Late, Programs, Refused
from .queue import Queue, Snapshot
from .receipt import Receipt

GATHER_S = 0.1
"""How long a hand-over waits for others of the same turn."""
LATE_S = 0.3
"""After so long it is looked again whether a job's files have arrived."""
AGAIN = 2
"""After so many times the time between two questions, what failed because Slurm was away is tried again."""
SOON_S = 1.0
"""How soon after a hand-over or a cancellation Slurm is asked what has become of it."""
UNWATCHED_S = 60.0
"""Nothing is asked when nobody has looked for that long."""
SHARE = 10
"""Questions take at most one part in so many of Slurm's time with this user."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Away:
    """Slurm does not answer: since when, and what its programs say."""

    since: float
    message: str


@dataclass(frozen=True, slots=True)
class Signal:
    """What is to be sent to Slurm's job of that number and name; without a signal's number its end."""

    number: str
    job_id: str
    name: str


class Desk:
    """The thread, and what it was told and has found out. Every method returns at once."""

    def __init__(self, programs: Programs, handing: Handing, *, poll_s: float) -> None:
        self._programs, self._handing, self._poll_s = programs, handing, poll_s
        self._again_s = AGAIN * poll_s
        self._queue = Queue(programs)
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._launches: dict[Key, Launch] = {}
        self._launched_at = self._watched_at = float("-inf")
        self._sending: set[Key] = set()
        self._retry_at = self._poll_at = self._hand_at = float("-inf")
        self._signals: list[Signal] = []
        self._cancelled_at: dict[str, float] = {}
        self._watched: dict[Key, Begun] = {}
        self.receipts: dict[Key, Receipt] = {}
        self.taken_at: dict[Key, float] = {}
        self.refused: dict[Key, str] = {}
        self.late: dict[Key, str] = {}
        self.unheard: set[Key] = set()
        self.snapshot: Snapshot | None = None
        self.away: Away | None = None
        self.full = ""

    def hand_over(self, key: Key, launch: Launch) -> None:
        with self._wake:
            self.refused.pop(key, None)
            self.unheard.discard(key)
            self._launches[key] = launch
            self._launched_at = time.monotonic()
            self._go()

    def is_under_way(self, key: Key) -> bool:
        """Whether it is to be handed over and has not been yet."""
        with self._wake:
            return key in self._launches or key in self._sending

    def take_back(self, key: Key) -> bool:
        """Do not hand it over after all; False when that has been done, or is being done."""
        with self._wake:
            return self._launches.pop(key, None) is not None and key not in self._sending

    def forget(self, key: Key) -> None:
        """It is not in Slurm after all."""
        with self._wake:
            self.receipts.pop(key, None)
            self.taken_at.pop(key, None)

    def watch(self, begun: Sequence[Begun]) -> None:
        """Know how these do from now on, and forget the others."""
        with self._wake:
            self._watched = {(each.job_id, each.attempt): each for each in begun}
            self._watched_at = time.monotonic()
            for memory in (self.receipts, self.taken_at, self.refused, self.late):
                for key in [key for key in memory if key not in self._watched and key not in self._sending]:
                    del memory[key]
            self.unheard &= set(self._watched)
            lately = self._watched_at - self._again_s
            self._cancelled_at = {job_id: at for job_id, at in self._cancelled_at.items() if at > lately}
            if begun:
                self._go()

    @property
    def resting(self) -> str:
        """What Slurm's programs say, as long as they are not called because Slurm is away."""
        away = self.away
        return away.message if away is not None and time.monotonic() < self._retry_at else ""

    def signal(self, number: str, job_id: str, name: str) -> None:
        """Send the job's worker a signal; if it waits in the queue, it is cancelled."""
        with self._wake:
            self._signals.append(Signal(number, job_id, name))
            self._go()

    def cancel(self, job_id: str, name: str) -> None:
        """Have Slurm end the job; repeated calls are repeated now and then."""
        with self._wake:
            if time.monotonic() - self._cancelled_at.get(job_id, float("-inf")) > self._again_s:
                self._cancelled_at[job_id] = time.monotonic()
                self._signals.append(Signal("", job_id, name))
                self._go()

    def _go(self) -> None:
        """Have the thread do what was just left for it; the lock is held."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._serve, name="mlops-slurm", daemon=True)
            self._thread.start()
        self._wake.notify()

    def _serve(self) -> None:
        while True:
            with self._wake:
                pause = self._pause()
                if pause > 0:
                    self._wake.wait(pause)
            try:
                self._turn()
            except Unavailable as error:
                self._is_away(error.message)
            except Exception:  # what is left to do must be done all the same
                logger.exception("Slurm cannot be spoken to; trying again")
                time.sleep(1)

    def _pause(self) -> float:
        """How long nothing is to be done."""
        now = time.monotonic()
        moments = [now + UNWATCHED_S]
        if self._signals:
            moments.append(self._retry_at)
        if self._launches:
            moments.append(max(self._launched_at + GATHER_S, self._retry_at, self._hand_at))
        if self._watched and now - self._watched_at < UNWATCHED_S:
            moments.append(max(self._poll_at, self._retry_at))
        return min(moments) - now

    def _turn(self) -> None:
        now = time.monotonic()
        if now < self._retry_at:
            return
        try:
            self._send_signals()
            if self._launches and now >= max(self._launched_at + GATHER_S, self._hand_at):
                self._hand_over_all()
        finally:  # whatever stands in the way of these: others have ended meanwhile
            if self._watched and time.monotonic() >= self._poll_at:
                self._poll()

    def _send_signals(self) -> None:
        with self._wake:
            signals, self._signals = self._signals, []
        if not signals:
            return
        try:
            there = self._those_there(signals)
            for number in dict.fromkeys(each.number for each in there):
                self._scancel(number, [each.job_id for each in there if each.number == number])
        except Exception:
            with self._wake:
                self._signals = signals + self._signals
            raise
        self._poll_at = min(self._poll_at, time.monotonic() + SOON_S)

    def _those_there(self, signals: Sequence[Signal]) -> list[Signal]:
        """A controller that crashed gives numbers again: another job of this user is not meant."""
        entries = self._queue.snapshot().entries
        names = {job_id: entry.name for job_id, entry in entries.items()}
        return [each for each in signals if names.get(each.job_id) in ("", each.name)]

    def _scancel(self, number: str, job_ids: Sequence[str]) -> None:
        """Jobs that have ended meanwhile are a trouble to scancel, and to nobody else."""
        calls = (
            [[]]
            if not number
            else [["--state=PENDING"], [f"--signal={number}", "--batch", "--state=RUNNING"]]
        )
        for options in calls:
            try:
                self._programs.run(["scancel", "--quiet", *options, *job_ids])
            except Refused as error:
                logger.info("scancel: %s", error)

    def _hand_over_all(self) -> None:
        with self._wake:
            launches, self._launches = self._launches, {}
            self._sending = set(launches)
        try:
            self._hand_over(launches)
        finally:
            with self._wake:
                left = {key: launches[key] for key in self._sending if key not in self.refused}
                self._sending = set()
                self._launches = left | self._launches

    def _hand_over(self, launches: dict[Key, Launch]) -> None:
        """One that cannot be handed over, for whatever reason, keeps no other from it."""
        for batch in self._handing.batches(launches):
            together = {key: launches[key] for key in batch}
            try:
                receipts = self._handing.hand_over(together, self._queue)
            except Unavailable:
                raise
            except Full as error:
                self._is_full(str(error))
                return
            except Late as error:
                self._is_late(batch, str(error))
                continue
            except (Refused, MlopsError, OSError) as error:
                self._refuse(batch, str(error))
                continue
            except Exception as error:
                logger.exception("Jobs cannot be handed over to Slurm: %s", batch)
                self._refuse(batch, f"{type(error).__name__}: {error}")
                continue
            with self._wake:
                self.receipts |= receipts
                self.taken_at |= dict.fromkeys(receipts, time.monotonic())
                self._sending -= set(batch)
                for key in batch:
                    self.late.pop(key, None)
            self.away, self.full = None, ""
            self._poll_at = min(self._poll_at, time.monotonic() + SOON_S)

    def _is_full(self, message: str) -> None:
        """The others wait as well, and are handed over in their order."""
        self.full = message
        self._hand_at = time.monotonic() + self._again_s

    def _is_late(self, keys: Iterable[Key], message: str) -> None:
        """They stay among those that are to be handed over."""
        with self._wake:
            self.late |= dict.fromkeys(keys, message)
        self._hand_at = time.monotonic() + LATE_S

    def _refuse(self, keys: Iterable[Key], reason: str) -> None:
        with self._wake:
            self.refused |= dict.fromkeys(keys, reason)
            self._sending -= set(keys)

    def _poll(self) -> None:
        with self._wake:
            watched = dict(self._watched)
        began = time.monotonic()
        known = {key: receipt for key in watched if (receipt := self.receipts.get(key)) is not None}
        self.snapshot = self._queue.snapshot([each.id for each in known.values() if each.id])
        self.away = None
        self._adopt({key: (watched[key], receipt) for key, receipt in known.items() if receipt.id is None})
        took = time.monotonic() - began
        self._poll_at = time.monotonic() + max(self._poll_s, SHARE * took)

    def _adopt(self, unanswered: dict[Key, tuple[Begun, Receipt]]) -> None:
        """An agent was killed between asking Slurm and hearing its answer: the jobs' names tell."""
        waiting = {
            key: (attempt_folder(begun.folder, begun.attempt), receipt)
            for key, (begun, receipt) in unanswered.items()
            if key not in self.unheard
        }
        found = self._handing.find(waiting, self._queue)
        with self._wake:
            self.receipts |= found
            self.unheard |= set(waiting) - set(found)
            if found:
                self._poll_at = time.monotonic()

    def _is_away(self, message: str) -> None:
        if self.away is None or self.away.message != message:
            logger.warning("Slurm does not answer: %s", message)
        self.away = Away(self.away.since if self.away else time.time(), message)
        self._retry_at = time.monotonic() + self._again_s
