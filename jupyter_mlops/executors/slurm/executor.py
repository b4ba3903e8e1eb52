"""Jobs as batch jobs of Slurm."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...config import Settings
from ...entities import Cause, JobSpec
from ...errors import Unavailable
from ...protocols.jobs import Begun, Launch, Outlook, Presence, Sighting
from ..handover import is_waiting, withdraw
from ..staging import Staging
from . import receipt as receipts
from .desk import Desk
from .handing import Handing, Key, attempt_folder
from .outlook import Forecast
from .programs import Programs
from .queue import FORGOTTEN, Entry
from .receipt import Receipt
from .requests import options_of, refused_option
from .states import is_over, sighting_of

UNDER_WAY = Sighting(presence=Presence.WAITING, reason="is being handed over to Slurm")


class SlurmExecutor:
    """Hands jobs over to Slurm, which keeps the queue.

    Workers see this file system at the same paths, unless the setting ``staging`` says where they find what
    they need. Everything that another agent needs lies in the attempts' folders. Slurm runs an attempt once:
    after a preemption or a lost node it ends, and a retry is another attempt.
    """

    keeps_queue = True

    def __init__(self, settings: Settings, *, environ: Mapping[str, str] | None = None) -> None:
        self._programs = Programs(os.environ if environ is None else environ)
        self._staging = Staging.of(settings)
        self._handing = Handing(
            self._programs, settings.home / "slurm", self._staging, settings.staging_python
        )
        self._desk = Desk(self._programs, self._handing, poll_s=settings.slurm_poll_s)
        self._forecast = Forecast(self._programs)
        self._began_at: dict[Key, float] = {}

    @property
    def shares_files(self) -> bool:
        return self._staging is None

    def refusal(self, spec: JobSpec) -> str:
        self._programs.learn(os.environ)
        return self._programs.missing or refused_option(options_of(spec)) or self._forecast.refusal(spec)

    def outlook(self, spec: JobSpec) -> Outlook:
        if missing := self._programs.missing:
            raise Unavailable(missing)
        if trouble := self._desk.resting:
            raise Unavailable(f"Slurm does not answer: {trouble}")
        return self._forecast.outlook(spec)

    def look(self, begun: Sequence[Begun]) -> None:
        for each in begun:
            self._receipt(each)
        self._desk.watch(begun)
        running = {_key(each) for each in begun if each.process is not None}
        self._began_at = {key: at for key, at in self._began_at.items() if key in running}
        if self._staging is not None:
            self._staging.pull(begun)

    def start(self, launch: Launch) -> bool:
        """Hand it over, soon: until then, and while Slurm is away, it reads as waiting."""
        self._programs.learn(launch.environment)
        if missing := self._programs.missing:
            raise Unavailable(missing)
        receipt = receipts.read(launch.log.parent)
        if receipt is None or receipt.id is None:
            self._desk.hand_over((launch.job_id, launch.attempt), launch)
            self._forecast.outdate()
        return True

    def sight(self, begun: Begun) -> Sighting:
        key = _key(begun)
        if key in self._desk.refused:
            reason = f"Slurm does not take it: {self._desk.refused[key]}"
            return Sighting(presence=Presence.GONE, reason=reason, cause=Cause.START)
        if self._desk.is_under_way(key):
            return self._away() or self._full() or self._late(key) or UNDER_WAY
        receipt = self._receipt(begun)
        if receipt is None or key in self._desk.unheard:
            return Sighting(presence=Presence.ABSENT)
        entry = self._entry(key, receipt)
        if self._desk.away is not None or entry is None:
            return self._unseen(begun, receipt)
        if begun.process is not None and not self._was_asked_since_it_began(key):
            return Sighting(presence=Presence.ALIVE)
        if entry.state == FORGOTTEN and begun.process is None and self._was_never_fetched(begun):
            # a controller that crashes forgets what it was given in its last seconds
            self._desk.forget(key)
            receipts.remove(attempt_folder(begun.folder, begun.attempt))
            return Sighting(presence=Presence.ABSENT)
        seen = sighting_of(entry, has_begun=begun.process is not None, log=_log(begun))
        if seen.presence is Presence.GONE and self._staging is not None and not self._staging.has_all(begun):
            # it may have said how it ended
            return Sighting(presence=Presence.UNKNOWN, reason=self._staging.trouble(begun))
        return seen

    def interrupt(self, begun: Begun) -> None:
        """SIGINT, which asks the worker; what Slurm itself sends to stop a job is SIGTERM."""
        if self._desk.take_back(_key(begun)):
            withdraw(attempt_folder(begun.folder, begun.attempt))
            return
        if self._staging is not None:
            self._staging.interrupt(begun)
        receipt = self._receipt(begun)
        if receipt is not None and receipt.id is not None:
            self._desk.signal("INT", receipt.id, receipt.name)

    def kill(self, begun: Begun) -> bool:
        key = _key(begun)
        folder = attempt_folder(begun.folder, begun.attempt)
        if self._desk.take_back(key) or key in self._desk.refused:
            withdraw(folder)
            return True
        if self._desk.is_under_way(key):
            return False
        receipt = self._receipt(begun)
        if receipt is None or key in self._desk.unheard:
            withdraw(folder)
            return True
        entry = self._entry(key, receipt)
        if entry is not None and is_over(entry):
            withdraw(folder)
            return True
        if receipt.id is not None:
            self._desk.cancel(receipt.id, receipt.name)
        return False

    def _receipt(self, begun: Begun) -> Receipt | None:
        """What is known of its being handed over; by an agent before this one, too."""
        key = _key(begun)
        if (known := self._desk.receipts.get(key)) is None and not self._desk.is_under_way(key):
            known = receipts.read(attempt_folder(begun.folder, begun.attempt))
            if known is not None:
                self._programs.learn(known.where)
                self._desk.receipts[key] = known
        return known

    def _entry(self, key: Key, receipt: Receipt) -> Entry | None:
        """What Slurm said of it after it had been handed over."""
        snapshot = self._desk.snapshot
        if receipt.id is None or snapshot is None:
            return None
        if snapshot.asked_at <= self._desk.taken_at.get(key, float("-inf")):
            return None
        entry = snapshot.entries.get(receipt.id)
        if entry is not None and entry.name not in ("", receipt.name):
            # a controller that crashed gives numbers again that it gave in its last seconds
            return Entry(id=receipt.id, state=FORGOTTEN)
        return entry

    def _was_never_fetched(self, begun: Begun) -> bool:
        """Whether its worker's command and environment still lie there: then nobody has started it."""
        return is_waiting(attempt_folder(begun.folder, begun.attempt))

    def _was_asked_since_it_began(self, key: Key) -> bool:
        """What Slurm said before is no news: that it waits, which would mean that it was stopped."""
        began = self._began_at.setdefault(key, time.monotonic())
        snapshot = self._desk.snapshot
        return snapshot is not None and snapshot.asked_at > began

    def _unseen(self, begun: Begun, receipt: Receipt) -> Sighting:
        """As long as nothing is heard of it: it waits, unless its worker has begun."""
        if begun.process is not None:
            return Sighting(presence=Presence.UNKNOWN)
        reason = f"was handed over to Slurm as job {receipt.id}" if receipt.id else UNDER_WAY.reason
        return self._away() or Sighting(presence=Presence.WAITING, reason=reason)

    def _away(self) -> Sighting | None:
        if (away := self._desk.away) is None:
            return None
        since = time.strftime("%H:%M", time.localtime(away.since))
        reason = f"Slurm does not answer since {since}: {away.message}"
        return Sighting(presence=Presence.WAITING, reason=reason)

    def _full(self) -> Sighting | None:
        if not self._desk.full:
            return None
        reason = f"Slurm takes no more jobs just now: {self._desk.full}"
        return Sighting(presence=Presence.WAITING, reason=reason)

    def _late(self, key: Key) -> Sighting | None:
        late = self._desk.late.get(key, "")
        return Sighting(presence=Presence.WAITING, reason=late) if late else None


def _key(begun: Begun) -> Key:
    return begun.job_id, begun.attempt


def _log(begun: Begun) -> Path:
    return attempt_folder(begun.folder, begun.attempt) / "log.txt"
