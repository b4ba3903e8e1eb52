"""Leases of GPUs, whole or in parts, held by processes of this host.

A lease is an ``flock`` on a file named by the GPU's UUID in a folder that all users of the host share:
two homes, a test run or a second user never book a GPU twice. The lock goes with the last process that
holds the file descriptor, the kernel sees to that; what a killed holder left running does not count as
free either, because the file says which job it was.

A whole GPU is the lock on ``UUID.lock``; a part of one is the lock on one of ``UUID.part-N.lock``, in which
its share and its memory are written. Whoever takes either looks at the others only after that, and gives
back what is too much: two that come together may both go away empty-handed, and never both succeed.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ..entities import GpuSlot
from .process import processes_of, session_members
from .shared_folder import LOCK, make_shared

FILE_MODE = 0o666
HOLDER_BYTES = 4096
MOST_PARTS = 16
"""So many jobs can share one GPU."""

TRIES, PAUSE_S = 5, 0.001
"""Whoever only looks holds a lock for an instant; a file that is being written is whole an instant later."""

TINY = 1e-6

Strays = Callable[[str], Collection[int]]


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds, or last held, a lease. ``pid`` is the worker's, which leads a session.

    ``share`` is how much of the GPU, ``memory_bytes`` how much of its memory; None for its share of that.
    """

    job_id: str
    user: str
    uid: int
    pid: int
    share: float = 1.0
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """What of a GPU is taken. ``holder`` is None where the file cannot be read just now.

    ``left_behind`` says that the lock is gone and processes of its job are not.
    """

    holder: Holder | None
    share: float = 1.0
    memory_bytes: int | None = None
    left_behind: bool = False

    def memory_on(self, slot: GpuSlot) -> float:
        """Bytes of the GPU's memory that are promised to it."""
        if self.memory_bytes is not None:
            return float(self.memory_bytes)
        return self.share * (slot.memory_bytes or 0)


class Lease:
    """A GPU, or a part of one, that is held as long as ``fd``, or a copy of it, is open in any process."""

    def __init__(self, slot: GpuSlot, fd: int) -> None:
        self.slot, self.fd = slot, fd

    def close(self) -> None:
        """Close this process's copy, once; the lease stays with whoever has another."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def give_back(self) -> None:
        """End it in order."""
        try:
            hand_back(self.fd)
        finally:
            self.close()


def lease(folder: Path, slot: GpuSlot, holder: Holder, *, strays: Strays = processes_of) -> Lease | None:
    """Take a GPU, or the holder's share of one.

    None when so much of it is not free, or when a process of a job that last held it still lives. Raises
    Unavailable for a folder that is not to be trusted, OSError for a file that cannot be opened or locked.
    """
    make_shared(folder)
    whole = holder.share >= 1.0
    paths = [_whole(folder, slot)] if whole else _parts(folder, slot, range(MOST_PARTS))
    for path in paths:
        if (fd := _locked(path, strays, tries=TRIES if whole else 1)) is None:
            continue
        try:
            write_holder(fd, holder)
            fits = _fits(holder, held(folder, slot, strays=strays, but=path), slot)
        except BaseException:
            os.close(fd)
            raise
        taken = Lease(slot, fd)
        if fits:
            return taken
        taken.give_back()
        return None
    return None


def held(
    folder: Path, slot: GpuSlot, *, strays: Strays = processes_of, but: Path | None = None
) -> list[Held]:
    """What of a GPU is taken, ``but`` what lies in that file. Raises like ``lease``.

    A folder that is missing is left to whoever leases first.
    """
    if not os.path.lexists(folder):
        return []
    make_shared(folder)
    paths = [_whole(folder, slot), *_parts(folder, slot, _parts_there(folder, slot))]
    found = (_look(path, strays) for path in paths if path != but)
    return [each for each in found if each is not None]


def _fits(holder: Holder, beside: Iterable[Held], slot: GpuSlot) -> bool:
    others = list(beside)
    if holder.share >= 1.0:
        return not others
    mine = Held(holder, holder.share, holder.memory_bytes)
    if sum(each.share for each in others) + mine.share > 1.0 + TINY:
        return False
    memory = sum(each.memory_on(slot) for each in others) + mine.memory_on(slot)
    return slot.memory_bytes is None or memory <= slot.memory_bytes + 1


def _look(path: Path, strays: Strays) -> Held | None:
    """What is taken by a file's lock; None where that is free."""
    import fcntl

    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _taken(_settled(fd))
        fcntl.flock(fd, fcntl.LOCK_UN)  # before anything that takes time: another may want to take it
        last = read_holder(fd)
        if last is None:
            return None
        if _has_strays(last, strays):
            return _taken(last, left_behind=True)
        if last.uid == os.getuid() and try_lock(fd) and read_holder(fd) == last:
            write_holder(fd, None)  # nobody need look for its processes again
        return None
    finally:
        os.close(fd)


def _taken(holder: Holder | None, *, left_behind: bool = False) -> Held:
    """Files are everyone's to write: what makes no sense counts as the whole GPU."""
    if holder is None or not 0 < holder.share <= 1 or (holder.memory_bytes or 0) < 0:
        return Held(holder, left_behind=left_behind)
    return Held(holder, holder.share, holder.memory_bytes, left_behind)


def _settled(fd: int) -> Holder | None:
    """Who is written there, when whoever writes has done so."""
    for _ in range(TRIES):
        if (found := read_holder(fd)) is not None:
            return found
        time.sleep(PAUSE_S)
    return None


def _locked(path: Path, strays: Strays, *, tries: int) -> int | None:
    """The file, locked; None where another has it, or what the last one left running."""
    fd = _open(path)
    try:
        if try_lock(fd, tries) and ((last := read_holder(fd)) is None or not _has_strays(last, strays)):
            return fd
    except BaseException:
        os.close(fd)
        raise
    os.close(fd)
    return None


def try_lock(fd: int, tries: int = 1) -> bool:
    """Lock an open file; whoever only looks at it may be in the way for an instant."""
    import fcntl

    for attempt in range(tries):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if attempt < tries - 1:
                time.sleep(PAUSE_S)
    return False


def _has_strays(last: Holder, strays: Strays) -> bool:
    """Whether a job left processes. Another user's environments cannot be read, their session can."""
    if strays(last.job_id):
        return True
    return last.uid != os.getuid() and bool(session_members(last.pid, uid=last.uid))


def read_holder(fd: int) -> Holder | None:
    """Who is written in a lease's file; None when it was given back in order."""
    try:
        found = msgspec.json.decode(os.pread(fd, HOLDER_BYTES, 0), type=Holder)
    except ValueError:  # empty, torn by a full disk, or not even text
        return None
    return found if math.isfinite(found.share) else None


def write_holder(fd: int, holder: Holder | None) -> None:
    """Write who holds the lease; None says that it was given back in order."""
    data = b"" if holder is None else msgspec.json.encode(_in_unicode(holder))
    os.pwrite(fd, data, 0)
    os.ftruncate(fd, len(data))


def _in_unicode(holder: Holder) -> Holder:
    """A user's name may be bytes that are no UTF-8 (PEP 383), which JSON has no room for."""
    return msgspec.structs.replace(holder, user=holder.user.encode("utf-8", "replace").decode())


def hand_back(fd: int) -> None:
    """End a lease in order, also while copies of ``fd`` are open: others need not wait for those."""
    import fcntl

    write_holder(fd, None)
    fcntl.flock(fd, fcntl.LOCK_UN)


def take_over(fd: int, *, job_id: str, user: str) -> None:
    """Write that this process holds the lease, for what it was taken."""
    given = read_holder(fd)
    share = given.share if given is not None else 1.0
    memory = given.memory_bytes if given is not None else None
    holder = Holder(
        job_id=job_id, user=user, uid=os.getuid(), pid=os.getpid(), share=share, memory_bytes=memory
    )
    write_holder(fd, holder)


def keep_to_this_process(fds: Collection[int]) -> None:
    """Have leases end with this very process: not inherited by programs, closed in forked children.

    A forked child shares its parent's lock, also after the parent was killed (flock(2)).
    """
    for fd in fds:
        os.set_inheritable(fd, False)
    os.register_at_fork(after_in_child=lambda: _close_all(fds))


def _close_all(fds: Collection[int]) -> None:
    for fd in fds:
        try:
            os.close(fd)
        except OSError:
            continue


def _name(slot: GpuSlot) -> str:
    return slot.uuid.replace("/", "_")


def _whole(folder: Path, slot: GpuSlot) -> Path:
    return folder / f"{_name(slot)}{LOCK}"


def _parts(folder: Path, slot: GpuSlot, numbers: Iterable[int]) -> list[Path]:
    return [folder / f"{_name(slot)}.part-{number}{LOCK}" for number in numbers]


def _parts_there(folder: Path, slot: GpuSlot) -> list[int]:
    """The numbers of the parts that were ever taken: they come one after the other."""
    there = []
    for number, path in enumerate(_parts(folder, slot, range(MOST_PARTS))):
        if not os.path.lexists(path):
            break
        there.append(number)
    return there


def _open(path: Path) -> int:
    """Open a lease's file, which may be another user's.

    Without O_CREAT first: in a sticky folder that everyone may write, the kernel refuses O_CREAT on
    somebody else's file (fs.protected_regular, proc_sys_fs(5)).
    """
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    while True:
        try:
            return os.open(path, flags)
        except FileNotFoundError:
            pass
        try:
            fd = os.open(path, flags | os.O_CREAT | os.O_EXCL, FILE_MODE)
        except FileExistsError:
            continue
        os.fchmod(fd, FILE_MODE)  # past the umask
        return fd
