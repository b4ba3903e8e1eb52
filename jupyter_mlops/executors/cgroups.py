"""Memory limits that the kernel keeps: control groups of jobs, below or beside the worker's own.

Version 1 has a tree for memory alone (https://docs.kernel.org/admin-guide/cgroup-v1/memory.html); a group
can be made wherever its folder may be written. In version 2 a group that has processes cannot have groups
with limits below it (https://docs.kernel.org/admin-guide/cgroup-v2.html, "No Internal Process Constraint"),
so that the nearest group above that hands memory on gets the new one: systemd does that for its users.
What a process has allocated stays with the group that it was in then: it has to be taken in at its birth.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
PREFIX = "jupyter-mlops-"
REMOVE_WAIT_S = 1.0
POLL_S = 0.01
LEFT_AFTER_S = 3600.0
PROBE_BYTES = 64 * 1024**2
PROCESSES = "cgroup.procs"
"""The file that lists a group's processes, and takes in what is written to it."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryGroup:
    """A job's control group. ``home`` is the one that its worker is in."""

    path: Path
    home: Path
    events: str
    """The file that counts what was killed for want of memory, as ``oom_kill N``."""

    def members(self) -> set[int]:
        """Its processes as this PID namespace numbers them; 0 stands for others'."""
        try:
            return {int(line) for line in (self.path / PROCESSES).read_text().split()} - {0}
        except OSError:
            return set()

    def take_in(self, pid: int) -> bool:
        """Have the process and all that it starts from now on keep to the limit; False when it is gone."""
        return _write(self.path / PROCESSES, pid)

    def put_out(self, pid: int) -> bool:
        """Back to where the worker is."""
        return _write(self.home / PROCESSES, pid)

    def kills(self) -> int:
        """How many of its processes the kernel has killed for want of memory."""
        return oom_kills(self.path / self.events)

    def remove(self) -> bool:
        """Take it away; False as long as it has processes, dying ones included."""
        deadline = time.monotonic() + REMOVE_WAIT_S
        while True:
            try:
                self.path.rmdir()
                return True
            except FileNotFoundError:
                return True
            except OSError as error:
                if time.monotonic() > deadline:
                    logger.warning("The control group %s stays: %s", self.path, error)
                    return False
                time.sleep(POLL_S)


def memory_group(name: str, limit_bytes: int, *, root: Path = ROOT, own: Path = OWN) -> MemoryGroup | None:
    """A new group whose processes get so much memory and no swap; None where that is not allowed."""
    for make in (_version_1, _version_2):
        try:
            group = make(PREFIX + name, limit_bytes, root, own)
        except OSError as error:
            logger.debug("No control group for memory: %s", error)
            continue
        if group is not None:
            return group
    return None


def can_limit_memory() -> bool:
    """Whether this process may make such groups; one is made to see, and taken away."""
    group = memory_group(f"probe-{os.getpid()}-{time.monotonic_ns()}", PROBE_BYTES)
    return group is not None and group.remove()


def oom_kills(events: Path) -> int:
    """The count in a file of such lines as ``oom_kill 3``; 0 where it says nothing."""
    try:
        lines = events.read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


def _version_1(name: str, limit_bytes: int, root: Path, own: Path) -> MemoryGroup | None:
    path = _own_paths(own).get("memory")
    if path is None:
        return None
    home = _existing(root / "memory", path)
    if home is None or not os.access(home, os.W_OK):
        return None
    limits = {"memory.limit_in_bytes": limit_bytes, "memory.memsw.limit_in_bytes": limit_bytes}
    return _made(MemoryGroup(path=home / name, home=home, events="memory.oom_control"), limits)


def _version_2(name: str, limit_bytes: int, root: Path, own: Path) -> MemoryGroup | None:
    path = _own_paths(own).get("")
    if path is None:
        return None
    tree = _tree(root, "")
    home = _existing(tree, path)
    if home is None:
        return None
    for above in _up_to(tree, home):
        if _hands_memory_on(above) and os.access(above, os.W_OK) and os.access(above / PROCESSES, os.W_OK):
            limits = {"memory.max": limit_bytes, "memory.swap.max": 0, "memory.oom.group": 1}
            return _made(MemoryGroup(path=above / name, home=home, events="memory.events"), limits)
    return None


def _made(group: MemoryGroup, limits: dict[str, int]) -> MemoryGroup:
    """The first limit has to be kept; a kernel without swap accounting has no file for the second."""
    _clear_up(group.path.parent)
    group.path.mkdir()
    try:
        for number, (file, value) in enumerate(limits.items()):
            if not _write(group.path / file, value) and number == 0:
                raise OSError(f"{group.path / file} cannot be written")
    except OSError:
        group.path.rmdir()
        raise
    return group


def _clear_up(above: Path) -> None:
    """Remove what workers left that were killed. A group with processes, or with a new worker, stays."""
    for left in above.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > LEFT_AFTER_S:
                left.rmdir()


def _own_paths(own: Path) -> dict[str, Path]:
    """The group of this process in each tree, by its controllers; the tree of version 2 has the name ``""``.

    See cgroups(7), "/proc/[pid]/cgroup".
    """
    found: dict[str, Path] = {}
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return found
    for line in lines:
        _number, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            found[controller] = Path(path)
    return found


def _tree(root: Path, controller: str) -> Path:
    """Where a controller's tree is; that of version 2 lies aside where there are both."""
    if controller:
        return root / controller
    aside = root / "unified"
    return aside if aside.is_dir() else root


def _existing(tree: Path, path: Path) -> Path | None:
    """The folder of a group; in a container its path may be the host's, and the tree begins with it."""
    group = tree / path.relative_to("/")
    if (group / PROCESSES).exists():
        return group
    return tree if (tree / PROCESSES).exists() else None


def _up_to(tree: Path, group: Path) -> Iterator[Path]:
    yield group
    while group != tree:
        group = group.parent
        yield group


def _hands_memory_on(group: Path) -> bool:
    try:
        return "memory" in (group / "cgroup.subtree_control").read_text().split()
    except OSError:
        return False


def _write(file: Path, value: int) -> bool:
    """These files take one number a write(2), and refuse it by an error."""
    try:
        fd = os.open(file, os.O_WRONLY)
    except OSError:
        return False
    try:
        os.write(fd, str(value).encode())
    except OSError:
        return False
    finally:
        os.close(fd)
    return True
