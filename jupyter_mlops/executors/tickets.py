"""The queue of a machine that several users' agents share.

Each agent keeps a ticket in the host-wide folder: what its jobs want and hold, and what its user has had of
the GPUs. Every agent reads those of all others, so that all decide the same, and each starts its own jobs;
the leases decide where two are wrong about each other.

A ticket counts for the user who owns its file: nobody can queue, or use up a quota, in another's name. An
agent is alive as long as its ticket's lock is held; a dead one's jobs count only as long as their workers
live. A living agent that has not touched its ticket for a while is stopped, and keeps nobody waiting. What
its user has had is remembered beyond its end.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from ..capture.processes import is_alive
from ..config import Settings
from ..entities import Process, Resources
from ..errors import MlopsError
from ..protocols.jobs import Standings, Wish
from .accounts import Account, passed_between
from .leases import TRIES, keep_to_this_process, try_lock
from .quotas import Quotas, QuotasFile
from .shared_folder import LOCK, TICKET, make_shared
from .ticket_files import PREFIX, Found, State, Ticket, is_held, is_ticket, read_ticket, state_of, user_name

MOST_WAITING = 200
"""So many of an agent's jobs that wait are told of: those behind them come up as these begin."""

TOUCH_EVERY_S = 10.0
STOPPED_AFTER_S = 60.0
MOST_TICKETS = 1000
FORGOTTEN_AFTER_S = 40 * 86400.0

logger = logging.getLogger(__name__)


class Tickets:
    """One agent's ticket, and its view of the others'."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = settings.leases_dir
        self._quotas_file = QuotasFile(Path(settings.quotas))
        self._token = hashlib.sha256(os.fsencode(settings.home)).hexdigest()[:16]
        self._clock = clock
        self._monotonic = monotonic
        self._lock_fd: int | None = None
        self._ticket = Ticket()
        self._written_at = float("-inf")
        self._charged_at: float | None = None
        self._read: dict[Path, tuple[State, Found]] = {}
        self._trouble = ""
        self._standings = Standings(me=user_name(os.getuid()))

    def queue_up(
        self, wishes: Sequence[Wish], processes: Mapping[str, Process], gpus: Sequence[str]
    ) -> list[Wish]:
        """Say what this agent's jobs want and hold; returns what those of all others do.

        Where the folder cannot be used, this agent's jobs are placed as if it were alone.
        """
        try:
            make_shared(self._folder)
            self._say(wishes, processes, gpus)
            self._trouble = ""
        except (MlopsError, OSError) as error:
            if self._trouble != str(error):
                logger.warning("The queue of this machine cannot be shared: %s", error)
            self._trouble = str(error)
        others = self._all(but=self._path.name)
        self._standings = self._standing_of([*others, *self._own()])
        known = {wish.job_id for wish in wishes}
        return [wish for found in others for wish in self._wishes_of(found) if wish.job_id not in known]

    def standings(self) -> Standings:
        """What each user has had, as of the last ``queue_up``; as of now for one who never queues."""
        if self._lock_fd is None:
            self._standings = self._standing_of(self._all())
        return self._standings

    def quotas(self) -> Quotas:
        """What is set here. Raises InvalidInput for a file that cannot be used."""
        return self._quotas_file.read()

    def refusal(self, wanted: Resources) -> str:
        """Why this user may never have that; empty when it may."""
        most = self._quotas_file.last().of(self.me()).max_gpus
        if most is None or wanted.gpus <= most:
            return ""
        return f"The job wants {wanted.gpus:g} GPUs, and {self.me()} may hold {most:g} at once here."

    def me(self) -> str:
        """Whose jobs this agent's are, for all others."""
        return user_name(os.getuid())

    @property
    def _path(self) -> Path:
        return self._folder / f"{PREFIX}{os.getuid()}-{self._token}{TICKET}"

    def _say(self, wishes: Sequence[Wish], processes: Mapping[str, Process], gpus: Sequence[str]) -> None:
        """Write the ticket when it says something new, or was not touched for a while."""
        if self._lock_fd is None:
            if not wishes:
                return
            self._lock_fd = self._begin()
        running = [wish for wish in wishes if wish.running_since is not None]
        waiting = [wish for wish in wishes if wish.running_since is None]
        waiting.sort(key=lambda wish: (-wish.priority, wish.submitted_at, wish.job_id))
        told = Ticket(
            wishes=[*running, *waiting[:MOST_WAITING]],
            processes={wish.job_id: processes[wish.job_id] for wish in running if wish.job_id in processes},
            gpus=list(gpus),
        )
        said = replace_account(self._ticket, Account())
        touch = bool(wishes) and self._monotonic() - self._written_at >= TOUCH_EVERY_S
        if told != said or touch:
            self._keep_lock(self._lock_fd)
            self._write(replace_account(told, self._charge(told)))

    def _charge(self, told: Ticket) -> Account:
        """What ran the last time, and still does or has just ended, is charged up to now."""
        now, before = self._clock(), self._ticket.account
        since = None if self._charged_at is None else self._monotonic() - self._charged_at
        running = [wish for wish in self._ticket.wishes if wish.running_since is not None]
        if since is None:  # of another agent's time only what has run through is known
            still = {wish.job_id for wish in told.wishes if wish.running_since is not None}
            running = [wish for wish in running if wish.job_id in still]
        self._charged_at = self._monotonic()
        passed_s = passed_between(before.at, now, monotonic_s=since)
        return before.charged(running, now, self._quotas_file.last().half_life_h, passed_s=passed_s)

    def _write(self, ticket: Ticket) -> None:
        """All at once: others see the old one or the new one."""
        temporary = self._path.with_name(f"{self._path.stem}.{secrets.token_hex(4)}{TICKET}")
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            with open(fd, "wb") as file:
                os.fchmod(fd, 0o644)  # past the umask
                file.write(msgspec.json.encode(ticket))
            os.replace(temporary, self._path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        self._ticket, self._written_at = ticket, self._monotonic()

    def _begin(self) -> int:
        """Hold the ticket's lock; what its last holder has written of the user's account goes on."""
        fd = self._lock()
        keep_to_this_process([fd])
        last = read_ticket(self._path)
        if last is not None:
            self._ticket = last.ticket
        return fd

    def _keep_lock(self, fd: int) -> None:
        """Show that the lock's file is in use, and hold a new one where that was taken away all the same.

        What clears ``/tmp`` of old files (tmpfiles.d(5)) does not ask who holds a lock on one.
        """
        os.utime(fd)
        if not _lies_at(self._lock_path, fd):
            new = self._lock()
            os.dup2(new, fd, inheritable=False)  # whose number forked children are to close
            os.close(new)

    @property
    def _lock_path(self) -> Path:
        return self._path.with_suffix(LOCK)

    def _lock(self) -> int:
        """The file of the ticket's lock, held. Raises OSError where none can be."""
        fd = self._locked(self._lock_path)
        if fd is None:  # somebody has put a file of that name there before: take another
            self._token = secrets.token_hex(8)
            fd = self._locked(self._lock_path)
        if fd is None:
            raise OSError(f"no ticket can be had in {self._folder}")
        return fd

    @staticmethod
    def _locked(path: Path) -> int | None:
        """The lock's file, held; None where it is another user's, or held by another process."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            fd = os.open(path, flags, 0o644)
        except OSError:
            return None
        try:
            os.fchmod(fd, 0o644)
            if try_lock(fd, TRIES):
                return fd
        except OSError:
            pass
        os.close(fd)
        return None

    def _own(self) -> Iterator[Found]:
        if self._ticket.account.at:
            yield Found(self._path, os.getuid(), self._clock(), self._ticket)

    def _all(self, *, but: str = "") -> list[Found]:
        """The tickets in the folder, ``but`` that one. Those that make no sense are no tickets."""
        try:
            names = [name for name in os.listdir(self._folder) if is_ticket(name) and name != but]
        except OSError:
            return []
        found, read = [], {}
        for name in sorted(names)[:MOST_TICKETS]:
            path = self._folder / name
            known = self._read.get(path)
            state = state_of(path)
            if state is None:
                continue
            ticket = known[1] if known is not None and known[0] == state else read_ticket(path)
            if ticket is None:
                continue
            read[path] = state, ticket
            found.append(ticket)
        self._read = read
        return found

    def _wishes_of(self, found: Found) -> Iterator[Wish]:
        """What the jobs of another agent want and hold, as far as it counts."""
        living = is_held(found.path.with_suffix(LOCK))
        stopped = abs(self._clock() - found.touched_at) > STOPPED_AFTER_S
        if not living and self._clock() - found.touched_at > FORGOTTEN_AFTER_S:
            self._forget(found)
            return
        for wish in found.running:
            if living or _lives(found.ticket.processes.get(wish.job_id)):
                yield wish
        if living and not stopped:
            yield from found.waiting

    def _forget(self, found: Found) -> None:
        if found.uid == os.getuid():
            with contextlib.suppress(OSError):
                found.path.unlink()
                found.path.with_suffix(LOCK).unlink()

    def _standing_of(self, tickets: Sequence[Found]) -> Standings:
        quotas, now = self._quotas_file.last(), self._clock()
        had: dict[str, tuple[float, float]] = {}
        for found in tickets:
            owner, account = user_name(found.uid), found.ticket.account
            recent_s, used_s = had.get(owner, (0.0, 0.0))
            recent_s += account.faded(now, quotas.half_life_h)
            had[owner] = recent_s, used_s + account.within(now, quotas.days)
        named = {*had, *quotas.users, self.me()}
        of = {
            owner: quotas.of(owner, recent_gpu_h=recent_s / 3600, used_gpu_h=used_s / 3600)
            for owner in named
            for recent_s, used_s in [had.get(owner, (0.0, 0.0))]
        }
        return Standings(me=self.me(), of=of, anybody=quotas.of(""))


def replace_account(ticket: Ticket, account: Account) -> Ticket:
    """The same ticket with another account."""
    return msgspec.structs.replace(ticket, account=account)


def _lies_at(path: Path, fd: int) -> bool:
    """Whether the open file is the one that others find there."""
    try:
        found, own = os.lstat(path), os.fstat(fd)
    except OSError:
        return False
    return (found.st_dev, found.st_ino) == (own.st_dev, own.st_ino)


def _lives(process: Process | None) -> bool:
    return process is not None and is_alive(process) is True
