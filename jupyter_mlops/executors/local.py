"""Jobs as processes of this host."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
from collections.abc import Sequence
from typing import Any

import psutil

from ..capture.nvml import VISIBLE
from ..capture.processes import is_alive
from ..config import POOL, Settings
from ..entities import Cause, GpuSlot, JobSpec, Process, Resources
from ..errors import Unavailable
from ..protocols.jobs import (
    ANOTHER_WORKER,
    Begun,
    Launch,
    Machine,
    Presence,
    Sighting,
    SlotRoom,
    Standings,
    Wish,
)
from ..warm.client import Forked
from .gpus import ALL, GpuPool, give_back, pool, too_many_gpus
from .leases import Holder, Lease
from .process import kill_all, processes_of, send, spawn
from .tickets import Tickets
from .warm import Nurseries

KILL_WAIT_S = 1.0
REMEMBERED = 100
USABLE = 0.9
"""What of a share of a GPU's memory a library may reserve: CUDA itself takes some for each process."""
WORKER = "jupyter_mlops.worker"
GIBIBYTE = 1024**3

logger = logging.getLogger(__name__)


class LocalExecutor:
    """Starts workers in sessions of their own, on GPUs leased host-wide.

    What it remembers of the workers that it started only makes the reasons better: a new agent finds
    them by what they wrote of themselves, and by the job's id in their environment.
    """

    shares_files = True
    keeps_queue = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._nurseries = Nurseries(settings)
        self._gpus = GpuPool(settings)
        self._tickets = Tickets(settings)
        self._workers: dict[str, Process] = {}
        self._started: dict[tuple[str, int], subprocess.Popen[bytes] | Forked] = {}

    def refusal(self, spec: JobSpec) -> str:
        return too_much(spec.resources, self) or self._tickets.refusal(spec.resources)

    def look(self, begun: Sequence[Begun]) -> None:
        self._nurseries.look()
        self._workers = {each.job_id: each.process for each in begun if each.process is not None}
        for key, worker in list(self._started.items()):
            worker.poll()  # takes the zombie away
            if isinstance(worker, Forked) and worker.is_lost:
                del self._started[key]  # what it wrote of itself says more
        ended = [key for key, worker in self._started.items() if worker.returncode is not None]
        for key in ended[:-REMEMBERED]:
            del self._started[key]

    def slots(self) -> list[GpuSlot]:
        return self._gpus.slots()

    def room(self) -> list[SlotRoom]:
        return self._gpus.room()

    def queue_up(self, wishes: Sequence[Wish]) -> list[Wish]:
        return self._tickets.queue_up(wishes, self._workers, [slot.uuid for slot in self.slots()])

    def standings(self) -> Standings:
        return self._tickets.standings()

    def cpus(self) -> int:
        return os.cpu_count() or 1

    def memory_bytes(self) -> int:
        return psutil.virtual_memory().total

    def start(self, launch: Launch) -> bool:
        leases = self._lease(launch)
        if leases is None:
            return False
        try:
            worker = self._spawn(
                _command(launch, leases),
                environment={**launch.environment, **_gpu_environment(launch)},
                cwd=launch.log.parent,
                log=launch.log,
                pass_fds=[each.fd for each in leases],
            )
        except OSError as error:
            give_back(leases)
            raise Unavailable(
                f"The worker cannot be started with {launch.interpreter}: {error.strerror}."
            ) from error
        finally:
            for each in leases:
                each.close()
        self._started[launch.job_id, launch.attempt] = worker
        return True

    def _spawn(self, command: list[str], **where: Any) -> subprocess.Popen[bytes] | Forked:
        """A forked worker where there is one to be had."""
        return self._nurseries.spawn(command, **where) or spawn(command, **where)

    def sight(self, begun: Begun) -> Sighting:
        worker, process = self._started.get((begun.job_id, begun.attempt)), begun.process
        if worker is not None and worker.poll() is None:
            return Sighting(presence=Presence.ALIVE)
        if worker is not None and worker.returncode == ANOTHER_WORKER:
            del self._started[begun.job_id, begun.attempt]
            return Sighting(presence=Presence.UNKNOWN)  # the next look sees the other one
        if process is None:
            return self._sight_unannounced(begun.job_id, worker)
        alive = is_alive(process)
        if alive is None:
            return Sighting(presence=Presence.UNKNOWN)
        if alive:
            return Sighting(presence=Presence.ALIVE)
        return Sighting(presence=Presence.GONE, reason=_death(process.pid, worker), cause=Cause.KILLED)

    def _sight_unannounced(self, job_id: str, worker: subprocess.Popen[bytes] | Forked | None) -> Sighting:
        """A worker that has not written ``started.json``."""
        if worker is not None:
            reason = f"{_death(worker.pid, worker)} before the notebook began"
            return Sighting(presence=Presence.GONE, reason=reason, cause=Cause.START)
        return Sighting(presence=Presence.ALIVE if processes_of(job_id) else Presence.ABSENT)

    def interrupt(self, begun: Begun) -> None:
        if begun.process is not None:
            if is_alive(begun.process):
                send(begun.process.pid, signal.SIGTERM)
            return
        for pid in processes_of(begun.job_id):
            send(pid, signal.SIGTERM)

    def kill(self, begun: Begun) -> bool:
        return kill_all(lambda: processes_of(begun.job_id), timeout_s=KILL_WAIT_S)

    def _lease(self, launch: Launch) -> list[Lease] | None:
        wanted = launch.spec.resources
        whole = launch.exclusive or not 0 < wanted.gpus < 1
        holder = Holder(
            job_id=launch.job_id,
            user=self._settings.user,
            uid=os.getuid(),
            pid=os.getpid(),
            share=1.0 if whole else wanted.gpus,
            memory_bytes=None if whole else wanted.gpu_memory_bytes,
        )
        return self._gpus.lease(launch.slots, holder)


def too_much(wanted: Resources, machine: Machine) -> str:
    """Why the machine can never give that; empty when it can."""
    if wanted.gpus and (reason := too_many_gpus(wanted, machine.slots())):
        return reason
    if wanted.cpus > machine.cpus():
        return f"The job wants {wanted.cpus} CPU cores, and there are {machine.cpus()} here."
    if wanted.memory_bytes and wanted.memory_bytes > machine.memory_bytes():
        asked, there_is = (each / GIBIBYTE for each in (wanted.memory_bytes, machine.memory_bytes()))
        return f"The job wants {asked:.1f} GiB of memory, and there are {there_is:.1f} here."
    return ""


def _command(launch: Launch, leases: list[Lease]) -> list[str]:
    command = [launch.interpreter, "-m", WORKER, str(launch.folder), str(launch.attempt)]
    return [*command, *(["--leases", ",".join(str(each.fd) for each in leases)] if leases else [])]


def _gpu_environment(launch: Launch) -> dict[str, str]:
    """Exactly the leased GPUs; an empty text hides all."""
    restriction = pool(os.environ)
    return {
        VISIBLE: ",".join(slot.uuid for slot in launch.slots),
        POOL: ALL if restriction is None else restriction,
        **{name: value for name, value in _of_a_share(launch).items() if name not in launch.environment},
    }


def _of_a_share(launch: Launch) -> dict[str, str]:
    """Who shares a GPU takes as much of its memory as is theirs: JAX takes 75 %, TensorFlow all by default.

    XLA_PYTHON_CLIENT_MEM_FRACTION (JAX documentation, GPU memory allocation); TF_FORCE_GPU_ALLOW_GROWTH
    (TensorFlow guide, use a GPU).
    """
    wanted = launch.spec.resources
    if launch.exclusive or not 0 < wanted.gpus < 1 or not launch.slots:
        return {}
    total, share = launch.slots[0].memory_bytes, wanted.gpus
    if total and wanted.gpu_memory_bytes:
        share = min(1.0, wanted.gpu_memory_bytes / total)
    fraction = f"{share * USABLE:.3f}"
    return {"XLA_PYTHON_CLIENT_MEM_FRACTION": fraction, "TF_FORCE_GPU_ALLOW_GROWTH": "true"}


def _death(pid: int, worker: subprocess.Popen[bytes] | Forked | None) -> str:
    code = worker.poll() if worker is not None else None
    if code is None:
        return f"its worker (process {pid}) is gone: it was killed, perhaps for want of memory"
    if code >= 0:
        return f"its worker ended with status {code}"
    name = signal.Signals(-code).name if -code in signal.valid_signals() else f"signal {-code}"
    hint = ", perhaps for want of memory" if -code == signal.SIGKILL else ""
    return f"its worker was killed by {name}{hint}"
