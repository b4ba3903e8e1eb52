"""How much memory this process may have: the machine's, or what its control group allows.

The files are the kernel's: https://docs.kernel.org/admin-guide/cgroup-v2.html and
https://docs.kernel.org/admin-guide/cgroup-v1/memory.html. A group has no more than those above it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def usable_bytes(*, root: Path = ROOT, own: Path = OWN) -> int:
    """The least of what there is and of what is allowed."""
    import psutil

    return min([psutil.virtual_memory().total, *_limits(root, own)])


def _limits(root: Path, own: Path) -> Iterator[int]:
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _number, controllers, group = line.split(":", 2)
        for tree, file in _trees(root, controllers.split(",")):
            path = PurePosixPath(group).relative_to("/")
            # in a container the path may be the host's: what is not here is passed over
            for above in (path, *path.parents):
                yield from _limit(tree / above / file)


def _trees(root: Path, controllers: list[str]) -> list[tuple[Path, str]]:
    if "memory" in controllers:
        return [(root / "memory", "memory.limit_in_bytes")]
    return [(root, "memory.max"), (root / "unified", "memory.max")] if controllers == [""] else []


def _limit(file: Path) -> list[int]:
    """Nothing where there is none: "max", and in version 1 a number above all machines'."""
    try:
        text = file.read_text().strip()
    except OSError:
        return []
    return [int(text)] if text.isdigit() and int(text) > 0 else []
