"""The GPUs of this host, and their leases.

A lease is an ``flock`` on a file named by the GPU's UUID in a folder that all users of the host share:
two homes, a test run or a second user never book a GPU twice. The lock goes with the last process that
holds the file descriptor, the kernel sees to that; what a killed holder left running does not count as
free either, because the file says which job it was.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import msgspec

from ..capture.nvml import VISIBLE, devices, visible
from ..config import LEASES, POOL, Settings
from ..entities import GpuSlot
from ..errors import Unavailable
from .process import processes_of, session_members

ALL = "all"
FOLDER_MODE = 0o1777
FILE_MODE = 0o666
SUFFIX = ".lock"
HOLDER_BYTES = 4096


def discover(settings: Settings, environ: Mapping[str, str] = os.environ) -> list[GpuSlot]:
    """The GPUs that jobs may lease: those of ``CUDA_VISIBLE_DEVICES``, else the virtual slots asked for.

    Inside a job, it is the pool that its own GPUs were taken from.
    """
    found = visible(devices(), pool(environ))
    return found or virtual_slots(settings)


def pool(environ: Mapping[str, str]) -> str | None:
    """The ``CUDA_VISIBLE_DEVICES`` in force for jobs; None for no restriction."""
    if POOL in environ:
        return None if environ[POOL] == ALL else environ[POOL]
    return environ.get(VISIBLE)


def virtual_slots(settings: Settings) -> list[GpuSlot]:
    """Slots that stand for GPUs where there is none."""
    return [
        GpuSlot(uuid=f"VIRTUAL-{settings.host}-{index}", index=index, name="virtual GPU", virtual=True)
        for index in range(settings.gpu_slots or 0)
    ]


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds, or last held, a lease. ``pid`` is the worker's, which leads a session."""

    job_id: str
    user: str
    uid: int
    pid: int


class Lease:
    """A GPU that is held as long as ``fd``, or a copy of it, is open in any process."""

    def __init__(self, slot: GpuSlot, fd: int) -> None:
        self.slot, self.fd = slot, fd

    def close(self) -> None:
        """Close this process's copy; the lease stays with whoever has another."""
        os.close(self.fd)


def lease(
    folder: Path,
    slot: GpuSlot,
    holder: Holder | None,
    *,
    strays: Callable[[str], Collection[int]] = processes_of,
) -> Lease | None:
    """Take a GPU; None when it is held, or when a process of the job that last held it still lives.

    ``holder`` is written down; None leaves the file as it is, to look without touching. Raises Unavailable
    for a folder that is not to be trusted, OSError for a file that cannot be opened or locked.
    """
    fd = _open(folder, slot)
    try:
        taken = _lock(fd, strays)
        if taken and holder is not None:
            write_holder(fd, holder)
    except BaseException:
        os.close(fd)
        raise
    if not taken:
        os.close(fd)
        return None
    return Lease(slot, fd)


def _lock(fd: int, strays: Callable[[str], Collection[int]]) -> bool:
    import fcntl

    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    last = read_holder(fd)
    return last is None or not (strays(last.job_id) or _has_foreign_strays(last))


def read_holder(fd: int) -> Holder | None:
    """Who is written in a lease's file; None when it was given back in order."""
    try:
        return msgspec.json.decode(os.pread(fd, HOLDER_BYTES, 0), type=Holder)
    except ValueError:  # empty, torn by a full disk, or not even text
        return None


def write_holder(fd: int, holder: Holder | None) -> None:
    """Write who holds the lease; None says that it was given back in order."""
    os.ftruncate(fd, 0)
    if holder is not None:
        os.pwrite(fd, msgspec.json.encode(holder), 0)


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


def _has_foreign_strays(holder: Holder) -> bool:
    """Whether another user's job left processes: their environments cannot be read, their session can."""
    return holder.uid != os.getuid() and bool(session_members(holder.pid, uid=holder.uid))


def _open(folder: Path, slot: GpuSlot) -> int:
    """Open a lease's file, which may be another user's.

    Without O_CREAT first: in a sticky folder that everyone may write, the kernel refuses O_CREAT on
    somebody else's file (fs.protected_regular, proc_sys_fs(5)).
    """
    _make_shared(folder)
    path = folder / f"{slot.uuid.replace('/', '_')}{SUFFIX}"
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


def _make_shared(folder: Path) -> None:
    """Have the folder, and trust only one in which no other user can pull leases from under this one.

    It lies in ``/tmp`` by default, where anybody may have been there first.
    """
    try:
        found = folder.lstat()
    except FileNotFoundError:
        _create_shared(folder)
        found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        kind = "a link" if stat.S_ISLNK(found.st_mode) else "no folder"
        raise _not_trusted(folder, f"is {kind}")
    if found.st_uid == os.getuid():
        if not _is_shared(found, FOLDER_MODE) and _holds_only_leases(folder):
            folder.chmod(found.st_mode | FOLDER_MODE)
    elif found.st_uid != 0 and not _is_shared(found, stat.S_ISVTX | stat.S_IWOTH):
        raise _not_trusted(folder, f"belongs to user {found.st_uid} and is not shared (mode 1777)")


def _create_shared(folder: Path) -> None:
    """Create it with its mode at once: another user never finds it closed."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f"{folder.name}.{os.getpid()}.", dir=folder.parent))
    try:
        fresh.chmod(FOLDER_MODE)
        fresh.rename(folder)
    except OSError:
        fresh.rmdir()
        if not os.path.lexists(folder):  # else another process was faster
            raise


def _is_shared(found: os.stat_result, bits: int) -> bool:
    return found.st_mode & bits == bits


def _holds_only_leases(folder: Path) -> bool:
    """A folder that somebody also keeps other things in is not opened to everyone."""
    return all(name.endswith(SUFFIX) for name in os.listdir(folder))


def _not_trusted(folder: Path, why: str) -> Unavailable:
    return Unavailable(
        f"The folder of the GPU leases, {folder}, {why}: another user could take leases away. "
        f"Remove it, or set {LEASES} to one folder with mode 1777 for all users of this host."
    )
