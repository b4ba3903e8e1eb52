"""What a worker holds on to: its GPUs, and every process that its job starts."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import psutil

from ..capture.load import peak_of, tree_of
from .cgroups import MemoryGroup, memory_group, oom_kills
from .leases import hand_back, keep_to_this_process, take_over
from .process import become_subreaper, descendants, kill_all, processes_of, reap_children

HOST_EVENTS = Path("/proc/vmstat")
"""Counts ``oom_kill`` of the whole machine (proc(5)), that of control groups included."""
OF_SLURM = "SLURM_JOB_ID"

logger = logging.getLogger(__name__)


class Custody:
    """The worker's side of a lease; satisfies ``protocols.jobs.Custody``."""

    def __init__(self, job_id: str, *, user: str, lease_fds: Sequence[int] = ()) -> None:
        self._job_id = job_id
        self._user = user
        self._fds = tuple(lease_fds)
        self._group: MemoryGroup | None = None
        self._known: set[int] = set()
        self._kills_before = oom_kills(HOST_EVENTS)

    def take(self) -> None:
        keep_to_this_process(self._fds)
        become_subreaper()
        for fd in self._fds:
            take_over(fd, job_id=self._job_id, user=self._user)

    def keep(self) -> None:
        for fd in self._fds:
            os.utime(fd)

    def confine(self, memory_bytes: int) -> bool:
        if OF_SLURM not in os.environ:  # which keeps its limits itself, and takes its own groups away
            self._group = memory_group(f"{self._job_id}-{os.getpid()}", memory_bytes)
        return self._group is not None

    def tend(self) -> None:
        if self._group is None:
            return
        inside = self._group.members()
        there = inside | tree_of(os.getpid()) - {os.getpid()}
        new = there - self._known
        ours = self.processes() if new else set()
        for pid in (new & ours) - inside:
            self._group.take_in(pid)
        for pid in (new & inside) - ours:
            self._group.put_out(pid)  # an agent that the job has started outlives it
        self._known = there

    def ran_out_of_memory(self) -> bool:
        return self._group is not None and self._group.kills() > 0

    def machine_ran_out_of_memory(self) -> bool:
        return oom_kills(HOST_EVENTS) > self._kills_before

    def processes(self) -> set[int]:
        return descendants(os.getpid()) | processes_of(self._job_id)

    def memory_bytes(self) -> int:
        return sum(_memory_of(pid) for pid in self.processes())

    def peak_bytes(self) -> int:
        there = self.processes()
        return max(sum(map(_memory_of, there)), max(map(peak_of, there), default=0))

    def finish(self) -> bool:
        done = kill_all(self.processes)
        reap_children()
        if done:
            for fd in self._fds:
                hand_back(fd)
        else:
            logger.error("Processes of the job cannot be killed: %s", sorted(self.processes()))
        if self._group is not None:
            for pid in self._group.members() - self.processes():
                self._group.put_out(pid)
            self._group.remove()
        return done


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
