"""What a worker holds on to: its GPUs, and every process that its job starts."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence

import psutil

from .gpus import Holder, keep_to_this_process, write_holder
from .process import become_subreaper, descendants, kill_all, processes_of, reap_children

logger = logging.getLogger(__name__)


class Custody:
    """The worker's side of a lease; satisfies ``protocols.jobs.Custody``."""

    def __init__(self, job_id: str, *, user: str, lease_fds: Sequence[int] = ()) -> None:
        self._job_id = job_id
        self._user = user
        self._fds = tuple(lease_fds)

    def take(self) -> None:
        keep_to_this_process(self._fds)
        become_subreaper()
        holder = Holder(job_id=self._job_id, user=self._user, uid=os.getuid(), pid=os.getpid())
        for fd in self._fds:
            write_holder(fd, holder)

    def memory_bytes(self) -> int:
        return sum(_memory_of(pid) for pid in self._processes())

    def finish(self) -> bool:
        done = kill_all(self._processes)
        reap_children()
        if done:
            for fd in self._fds:
                write_holder(fd, None)
        else:
            logger.error("Processes of the job cannot be killed: %s", sorted(self._processes()))
        return done

    def _processes(self) -> set[int]:
        return descendants(os.getpid()) | processes_of(self._job_id)


def _memory_of(pid: int) -> int:
    """What the process would free by ending: pages that several share are shared out among them."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
