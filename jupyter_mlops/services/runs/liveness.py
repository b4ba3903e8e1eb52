"""Which runs live. Nothing of it is written into a journal: it is derived whenever somebody reads.

A run lives while any process with an unclosed writer on it lives (editors do not count). Processes of
this boot and PID namespace can be looked at; of others only their records tell, a heartbeat at least
every ``Settings.heartbeat_s``.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from ...capture import processes
from ...config import Settings
from ...entities import Process, Run, RunStatus
from ...protocols.clock import Clock
from ...protocols.runs import IndexedRun, OpenWriter, RunIndex, Sight


class Witness:
    """Says of a process whether it lives, as far as that can be seen from here."""

    def __init__(
        self,
        *,
        is_alive: Callable[[Process], bool | None] = processes.is_alive,
        here: Callable[[], Process] = processes.current_process,
        boot_time: Callable[[], float] = processes.boot_time,
    ) -> None:
        self._is_alive = is_alive
        self.here = here
        self._boot_time = boot_time

    def sees(self, process: Process | None, last_seen: float) -> bool | None:
        """True or False, or None where only its records tell. ``last_seen`` is the time of the last one."""
        if process is None:
            return None
        alive = self._is_alive(process)
        if alive is None and self._is_of_an_earlier_boot(process, last_seen):
            return False
        return alive

    def _is_of_an_earlier_boot(self, process: Process, last_seen: float) -> bool:
        """Another host may have the same name; but its process has been silent since before we booted."""
        here = self.here()
        other_boot = bool(process.boot_id and here.boot_id) and process.boot_id != here.boot_id
        return other_boot and process.host == here.host and last_seen < self._boot_time()


class Liveness:
    """Looks at the processes of running runs."""

    def __init__(
        self, index: RunIndex, settings: Settings, *, witness: Witness | None = None, clock: Clock = time.time
    ) -> None:
        self._index = index
        self._settings = settings
        self._witness = witness or Witness()
        self._clock = clock

    def look(self, take_in: Callable[[], object]) -> Sight:
        """What can be seen now. Runs whose processes are all gone are noted in the index as dead.

        A process may have written its end between the last ingest and its death: before a run is called
        dead ``take_in`` is called once more, and a run that goes on or ended by that is not.
        """
        alive, dead = self._divide()
        if dead:
            take_in()
            alive, dead_still = self._divide()
            dead = {run_id: seq for run_id, seq in dead_still.items() if run_id in dead}
        if dead:
            self._index.note_dead(dead)
        return self._sight(alive)

    def _divide(self) -> tuple[frozenset[str], dict[str, int]]:
        """Runs that are seen to live, and those (with their ``seq``) all of whose processes are gone."""
        writers = self._index.open_writers(self._witness.here())
        seen: dict[str, list[bool | None]] = defaultdict(list)
        for writer in writers:
            seen[writer.run_id].append(self._sees(writer))
        alive = frozenset(run_id for run_id, verdicts in seen.items() if True in verdicts)
        seqs = {writer.run_id: writer.seq for writer in writers}
        dead = {run_id: seqs[run_id] for run_id, verdicts in seen.items() if set(verdicts) == {False}}
        return alive, dead

    def _sees(self, writer: OpenWriter) -> bool | None:
        return self._witness.sees(writer.process, writer.last_seen)

    def _sight(self, alive: Iterable[str]) -> Sight:
        now = self._clock()
        return Sight(
            now=now,
            silent_before=now - self._settings.silent_after_s,
            lost_before=now - self._settings.lost_after_s,
            alive=frozenset(alive),
        )


def explained(indexed: IndexedRun, sight: Sight) -> Run:
    """The run with the reason why it is lost, or that nothing is heard of it."""
    run = indexed.run
    reason = None
    if run.status is RunStatus.LOST:
        reason = _why_lost(indexed)
    elif run.status is RunStatus.RUNNING and run.id not in sight.alive:
        reason = _silence(indexed) if indexed.last_seen < sight.silent_before else None
    return run if reason is None else replace(run, status_reason=reason)


def _why_lost(indexed: IndexedRun) -> str:
    if indexed.dead:
        return f"its process is gone; its last record is of {_local_time(indexed.last_seen)}"
    if not indexed.open_writers:
        return f"its process closed without an end at {_local_time(indexed.last_seen)}"
    return _silence(indexed)


def _silence(indexed: IndexedRun) -> str:
    return f"no sign of life since {_local_time(indexed.last_seen)}"


def _local_time(moment: float) -> str:
    return datetime.fromtimestamp(moment).astimezone().isoformat(sep=" ", timespec="seconds")
