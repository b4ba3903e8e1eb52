"""The files of tickets in the host-wide folder, read with distrust: everybody may write there."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import msgspec

from ..entities import Process
from ..protocols.jobs import Wish
from .accounts import Account
from .shared_folder import TICKET

PREFIX = "queue-"
MOST_BYTES = 1024 * 1024

State = tuple[int, int, int]


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent says. ``processes`` are the workers of running jobs, ``gpus`` those it may give."""

    wishes: list[Wish] = []
    processes: dict[str, Process] = {}
    gpus: list[str] = []
    account: Account = Account()


@dataclass(frozen=True, slots=True)
class Found:
    """A ticket in the folder, its owner's user id, and when it was last touched.

    ``waiting`` and ``running`` are its wishes as others place them.
    """

    path: Path
    uid: int
    touched_at: float
    ticket: Ticket
    waiting: Sequence[Wish] = ()
    running: Sequence[Wish] = ()


@lru_cache(maxsize=256)
def user_name(uid: int) -> str:
    """The name of a user of this host."""
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):
        return f"uid-{uid}"


def is_ticket(name: str) -> bool:
    """Whether a file of this name may be a ticket."""
    return name.startswith(PREFIX) and name.endswith(TICKET) and name.count(".") == 1


def state_of(path: Path) -> State | None:
    """What changes when a file is written anew; None where there is none."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def read_ticket(path: Path) -> Found | None:
    """The ticket in a file; None for what is none, or is not its owner's."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        there = os.fstat(fd)
        if not stat.S_ISREG(there.st_mode) or there.st_nlink != 1 or there.st_size > MOST_BYTES:
            return None
        if not path.name.startswith(f"{PREFIX}{there.st_uid}-"):
            return None
        ticket = msgspec.json.decode(os.read(fd, MOST_BYTES), type=Ticket)
    except (ValueError, OSError):
        return None
    finally:
        os.close(fd)
    if not _makes_sense(ticket):
        return None
    waiting, running = _as_others_place_them(ticket, user_name(there.st_uid))
    return Found(path, there.st_uid, there.st_mtime, ticket, waiting, running)


def _as_others_place_them(ticket: Ticket, owner: str) -> tuple[list[Wish], list[Wish]]:
    """The wishes that wait, each for a GPU that its agent may give, and those that run."""
    waiting, running = [], []
    for wish in ticket.wishes:
        theirs = replace(wish, owner=owner, mine=False, gpus=tuple(wish.gpus), among=())
        if wish.running_since is not None:
            running.append(theirs)
        elif not wish.resources.gpus:
            waiting.append(theirs)
        elif ticket.gpus:
            waiting.append(replace(theirs, among=tuple(ticket.gpus)))
    return waiting, running


def _makes_sense(ticket: Ticket) -> bool:
    """Whether it asks for nothing that would give others more, or less, than there is."""
    amounts = [ticket.account.recent_s, *ticket.account.days.values()]
    for wish in ticket.wishes:
        wanted = wish.resources
        limits = (wanted.gpu_memory_bytes, wanted.memory_bytes, wanted.time_limit_s, wish.expected_s)
        amounts += [wanted.gpus, wanted.cpus, *(each for each in limits if each is not None)]
    return all(amount >= 0 for amount in amounts)


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock."""
    import fcntl

    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False
