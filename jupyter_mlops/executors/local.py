"""Jobs as processes of this host."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
from collections.abc import Sequence

import psutil

from ..capture.nvml import VISIBLE
from ..capture.processes import is_alive
from ..config import POOL, Settings
from ..entities import Cause, GpuSlot, JobSpec, Resources
from ..errors import Unavailable
from ..protocols.jobs import Begun, Launch, Machine, Presence, Sighting
from .gpus import ALL, Holder, Lease, discover, lease, pool, write_holder
from .process import kill_all, processes_of, send, spawn

KILL_WAIT_S = 1.0
REMEMBERED = 100
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
        self._slots: list[GpuSlot] | None = None
        self._started: dict[tuple[str, int], subprocess.Popen[bytes]] = {}
        self._troubles: dict[str, str] = {}

    def refusal(self, spec: JobSpec) -> str:
        return too_much(spec.resources, self)

    def look(self, begun: Sequence[Begun]) -> None:
        for worker in self._started.values():
            worker.poll()  # takes the zombie away
        ended = [key for key, worker in self._started.items() if worker.returncode is not None]
        for key in ended[:-REMEMBERED]:
            del self._started[key]

    def slots(self) -> list[GpuSlot]:
        if self._slots is None:
            self._slots = discover(self._settings)
        return self._slots

    def free_slots(self) -> list[GpuSlot]:
        return [slot for slot in self.slots() if self._is_free(slot)]

    def _is_free(self, slot: GpuSlot) -> bool:
        try:
            taken = lease(self._settings.leases_dir, slot, None)
        except OSError as error:  # one damaged lease does not hide the others
            if self._troubles.get(slot.uuid) != str(error):
                logger.warning("GPU %s cannot be leased: %s", slot.uuid, error)
            self._troubles[slot.uuid] = str(error)
            return False
        self._troubles.pop(slot.uuid, None)
        if taken is not None:
            taken.close()
        return taken is not None

    def cpus(self) -> int:
        return os.cpu_count() or 1

    def memory_bytes(self) -> int:
        return psutil.virtual_memory().total

    def start(self, launch: Launch) -> bool:
        leases = self._lease(launch)
        if leases is None:
            return False
        try:
            worker = spawn(
                _command(launch, leases),
                environment={**launch.environment, **_gpu_environment(launch)},
                cwd=launch.log.parent,
                log=launch.log,
                pass_fds=[each.fd for each in leases],
            )
        except OSError as error:
            for each in leases:
                write_holder(each.fd, None)
            raise Unavailable(
                f"The worker cannot be started with {launch.interpreter}: {error.strerror}."
            ) from error
        finally:
            for each in leases:
                each.close()
        self._started[launch.job_id, launch.attempt] = worker
        return True

    def sight(self, begun: Begun) -> Sighting:
        worker, process = self._started.get((begun.job_id, begun.attempt)), begun.process
        if worker is not None and worker.poll() is None:
            return Sighting(presence=Presence.ALIVE)
        if process is None:
            return self._sight_unannounced(begun.job_id, worker)
        alive = is_alive(process)
        if alive is None:
            return Sighting(presence=Presence.UNKNOWN)
        if alive:
            return Sighting(presence=Presence.ALIVE)
        return Sighting(presence=Presence.GONE, reason=_death(process.pid, worker), cause=Cause.KILLED)

    def _sight_unannounced(self, job_id: str, worker: subprocess.Popen[bytes] | None) -> Sighting:
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
        holder = Holder(job_id=launch.job_id, user=self._settings.user, uid=os.getuid(), pid=os.getpid())
        leases: list[Lease] = []
        try:
            for slot in launch.slots:
                taken = lease(self._settings.leases_dir, slot, holder)
                if taken is None:
                    _give_back(leases)
                    return None
                leases.append(taken)
        except BaseException:
            _give_back(leases)
            raise
        return leases


def _give_back(leases: list[Lease]) -> None:
    for each in leases:
        try:
            write_holder(each.fd, None)
        finally:
            each.close()


def too_much(wanted: Resources, machine: Machine) -> str:
    """Why the machine can never give that; empty when it can."""
    if wanted.gpus and wanted.gpus > (there := len(machine.slots())):
        hint = "" if there else " Set JUPYTER_MLOPS_GPU_SLOTS=2 for virtual ones."
        return f"The job wants {wanted.gpus:g} GPUs, and there are {there or 'none'} here.{hint}"
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
    }


def _death(pid: int, worker: subprocess.Popen[bytes] | None) -> str:
    code = worker.poll() if worker is not None else None
    if code is None:
        return f"its worker (process {pid}) is gone: it was killed, perhaps for want of memory"
    if code >= 0:
        return f"its worker ended with status {code}"
    name = signal.Signals(-code).name if -code in signal.valid_signals() else f"signal {-code}"
    hint = ", perhaps for want of memory" if -code == signal.SIGKILL else ""
    return f"its worker was killed by {name}{hint}"
