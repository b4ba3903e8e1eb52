"""All of a user's jobs in Slurm, by one call; and by one more, those that it has forgotten.

``squeue`` knows the jobs that wait, run, or have ended within ``MinJobAge`` (five minutes by default);
``sacct`` knows the rest, where the cluster keeps accounts.
"""

from __future__ import annotations

import logging
import os
import pwd
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ...errors import Unavailable
from .programs import Programs, Refused

FIELDS = {
    "JobArrayID": 40,
    "Name": 160,
    "State": 24,
    "Reason": 100,
    "exit_code": 16,
    "NodeList": 200,
    "RestartCnt": 8,
    "StartTime": 24,
}
"""What is asked of ``squeue``, with widths, beyond which it cuts."""
SEPARATOR = "\x1f"
ACCOUNTS = ("JobID", "JobName", "State", "ExitCode", "NodeList", "Reason")
FORGOTTEN = "FORGOTTEN"
"""The state of a job that Slurm no longer knows, or never did."""
OFF = ("accounting storage is disabled", "accounting is disabled")
"""Parts of what ``sacct`` says where there are no accounts."""
ASK_AGAIN_S = 600.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A job as Slurm tells of it.

    ``signal`` killed it, else it ended with ``status``; both are 0 as long as it has not. ``starts_at`` is
    when it started, or when Slurm thinks it will, None where it does not say.
    """

    id: str
    name: str = ""
    state: str = ""
    reason: str = ""
    status: int = 0
    signal: int = 0
    nodes: str = ""
    restarts: int = 0
    starts_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """How all jobs were at a moment: ``asked_at`` (monotonic) is before the question was put."""

    asked_at: float
    entries: Mapping[str, Entry] = field(default_factory=dict)

    def named(self, name: str) -> list[Entry]:
        return [entry for entry in self.entries.values() if entry.name == name]


class Queue:
    """Asks Slurm; remembers only that there are no accounts."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._no_accounts_until = float("-inf")

    def snapshot(self, wanted: Collection[str] = ()) -> Snapshot:
        """All jobs of this user; one of ``wanted`` that nothing knows of is in the state FORGOTTEN.

        Where there are accounts that cannot be read just now, what only they may know is left out.
        Raises Unavailable when Slurm does not answer.
        """
        asked_at = time.monotonic()
        entries = self._ask_queue()
        missing = [each for each in wanted if each not in entries]
        if missing and (kept := self._ask_accounts(["--jobs=" + ",".join(missing)])) is not None:
            entries |= {each: kept.get(each, Entry(id=each, state=FORGOTTEN)) for each in missing}
        return Snapshot(asked_at=asked_at, entries=entries)

    def named(self, names: Collection[str], since: float) -> dict[str, list[Entry]]:
        """The jobs of these names that were handed over after ``since``, whatever has become of them.

        Raises Unavailable when that cannot be asked.
        """
        snapshot = self.snapshot()
        found = {name: entries for name in names if (entries := snapshot.named(name))}
        if missing := sorted(set(names) - set(found)):
            day = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(since - 60))
            kept = self._ask_accounts([f"--name={','.join(missing)}", f"--starttime={day}"])
            if kept is None:
                raise Unavailable("Slurm's accounts, which may know the job, cannot be read")
            for entry in kept.values():
                found.setdefault(entry.name, []).append(entry)
        return found

    def _ask_queue(self) -> dict[str, Entry]:
        form = ",".join(f"{name}:{width}{SEPARATOR}" for name, width in FIELDS.items())
        command = ["squeue", "--noheader", "--array", "--states=all", f"--user={os.getuid()}"]
        said = _answer(self._programs, [*command, f"--Format={form}"])
        entries = [_entry_of_queue(line) for line in said.splitlines() if SEPARATOR in line]
        return {entry.id: entry for entry in entries}

    def _ask_accounts(self, which: Sequence[str]) -> dict[str, Entry] | None:
        """What the accounts have of these jobs; nothing where there are none, None when they are away."""
        if time.monotonic() < self._no_accounts_until:
            return {}
        form = "--format=" + ",".join(ACCOUNTS)
        command = ["sacct", "--noheader", "--allocations", "--parsable2", f"--delimiter={SEPARATOR}", form]
        try:
            said = self._programs.run([*command, *which])
        except (Refused, Unavailable) as error:
            if any(each in str(error).lower() for each in OFF):
                self._no_accounts_until = time.monotonic() + ASK_AGAIN_S
                return {}
            logger.warning("Slurm's accounts cannot be read: %s", error)
            return None
        entries = [_entry_of_accounts(line) for line in said.splitlines() if SEPARATOR in line]
        return {entry.id: entry for entry in entries}


def _answer(programs: Programs, command: Sequence[str]) -> str:
    try:
        return programs.run(command)
    except Refused as error:
        raise Unavailable(str(error)) from error


def _entry_of_queue(line: str) -> Entry:
    values = [value.strip() for value in line.split(SEPARATOR)]
    job_id, name, state, reason, ended, nodes, restarts, starts = values[: len(FIELDS)]
    status, signal = _how_it_ended(ended)
    return Entry(
        id=job_id,
        name=name,
        state=state,
        reason=_said(reason),
        status=status,
        signal=signal,
        nodes=_said(nodes),
        restarts=int(restarts) if restarts.isdigit() else 0,
        starts_at=float(starts) if starts.isdigit() else None,
    )


def _entry_of_accounts(line: str) -> Entry:
    job_id, name, state, ended, nodes, reason = line.split(SEPARATOR)[: len(ACCOUNTS)]
    word, _, by = state.partition(" ")  # CANCELLED by 1000
    status, signal = _how_it_ended(ended)
    said = f"by {_user(by.removeprefix('by '))}" if by else _said(reason)
    return Entry(id=job_id, name=name, state=word, reason=said, status=status, signal=signal, nodes=nodes)


def _said(text: str) -> str:
    return "" if text in ("None", "N/A", "None assigned") else text


def _user(uid: str) -> str:
    try:
        return pwd.getpwuid(int(uid)).pw_name
    except (KeyError, ValueError):
        return uid


def _how_it_ended(text: str) -> tuple[int, int]:
    """Exit status and signal, of ``status:signal`` or of a raw wait status (wait(2)), as releases differ."""
    status, colon, signal = text.partition(":")
    if colon:
        return int(status or 0), int(signal or 0)
    raw = int(text) if text.isdigit() else 0
    return raw >> 8, raw & 0x7F
