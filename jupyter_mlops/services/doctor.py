"""Is everything in place? One check a thing that can be wrong, each with what to do about it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from ..capture.file_systems import file_system, is_network, mounts_here
from ..config import ACCESS, BLOBS, DATABASE, GPU_SLOTS, HOME, LEASES, QUOTAS, RUNTIME, STAGING, Settings
from ..entities import Check
from ..errors import MlopsError
from ..warm.notes import ready_nurseries
from . import installation
from .staging_check import check_staging

if TYPE_CHECKING:
    from ..protocols.blobs import BlobStore
    from ..protocols.jobs import Machine, SlotRoom
    from .access import AccessService
    from .jobs.service import JobService
    from .registry.service import RegistryService
    from .runs.service import RunService

LOW_SPACE_BYTES = 1024**3
NVIDIA_DEVICES = (Path("/dev/nvidiactl"), Path("/dev/nvidia0"))


class Parts(Protocol):
    """What is examined. Opening a part may fail; that is a finding, not an error of the doctor."""

    @property
    def settings(self) -> Settings: ...
    @property
    def runs(self) -> RunService: ...
    @property
    def registry(self) -> RegistryService: ...
    @property
    def jobs(self) -> JobService: ...
    @property
    def machine(self) -> Machine: ...
    @property
    def access(self) -> AccessService: ...
    @property
    def blobs(self) -> BlobStore: ...
    def quotas(self) -> str: ...
    def keeps_memory_limits(self) -> bool: ...


class Doctor:
    """Examines the installation and the workspace."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._settings = parts.settings

    def checks(self) -> list[Check]:
        """Every check, in the order in which to repair. Never raises."""
        examinations: dict[str, Callable[[], Check]] = {
            "package": installation.package,
            "server extension": installation.server_extension,
            "lab extension": installation.lab_extension,
            "kernels": installation.kernels,
            "workspace": self._workspace,
            "file system": self._file_system,
            "registry": self._registry,
            "audit trail": self._audit,
            "roles": lambda: Check(name="roles", ok=True, message=self._parts.access.check()),
            "blobs": self._blobs,
            "index": self._index,
            "GPUs": self._gpus,
            "quotas": lambda: Check(name="quotas", ok=True, message=self._parts.quotas()),
            "executors": self._executors,
            "memory limits": self._memory_limits,
            "staging": lambda: check_staging(self._settings),
            "agent": self._agent,
            "warm starts": self._warm_starts,
        }
        checks: dict[str, Check] = {}
        for name, examination in examinations.items():
            broken = next((each for each in NEEDS.get(name, ()) if not checks[each].ok), None)
            checks[name] = _after(broken, name) if broken else _examine(name, examination)
        return list(checks.values())

    def _workspace(self) -> Check:
        home = self._settings.home
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=home) as file:
            file.write(b"writable?")
        free = shutil.disk_usage(home).free
        if free < LOW_SPACE_BYTES:
            message = f"{home}: only {free // 1024**2} MiB are free"
            return Check(
                name="workspace", ok=False, message=message, fix=f"free some space, or set {HOME} elsewhere"
            )
        return Check(name="workspace", ok=True, message=f"{home} is writable, {free // 1024**3} GiB free")

    def _file_system(self) -> Check:
        name, kind = "file system", file_system_type(self._settings.home)
        if not kind:
            return Check(name=name, ok=True, message="its type cannot be told here")
        if not is_network(kind):
            return Check(name=name, ok=True, message=f"the home lies on {kind}")
        if self._settings.database:
            return Check(name=name, ok=True, message=f"the home lies on {kind}; the databases do not")
        message = f"the home lies on {kind}, where SQLite's locks cannot be trusted (registry.sqlite)"
        fix = f"set {DATABASE} to a PostgreSQL URL, or {HOME} to a folder on a local disk"
        return Check(name=name, ok=False, message=message, fix=fix)

    def _registry(self) -> Check:
        registry = self._parts.registry
        datasets, models = registry.datasets(), registry.models()
        where = "the team's database" if self._settings.database else self._settings.home / "registry.sqlite"
        message = f"{where} holds {_count(len(datasets), 'dataset')} and {_count(len(models), 'model')}"
        return Check(name="registry", ok=True, message=message)

    def _audit(self) -> Check:
        problems = self._parts.registry.verify_audit()
        if not problems:
            return Check(name="audit trail", ok=True, message="the chain of hashes is whole")
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        fix = "somebody changed the table by hand: restore the registry from a backup, and ask who did"
        return Check(name="audit trail", ok=False, message=problems[0] + more, fix=fix)

    def _blobs(self) -> Check:
        """Contents: whether they can be stored and read back, and by whom."""
        content = f"jupyter-mlops doctor {uuid4().hex}".encode()
        blobs = self._parts.blobs
        digest = blobs.put(content).digest
        try:
            whole = not blobs.missing([digest]) and blobs.get(digest) == content
        finally:
            blobs.delete(digest)
        place = self._settings.blobs or str(self._settings.home / "blobs")
        message = f"{place} stores and gives back contents"
        if not whole:
            return Check(
                name="blobs", ok=False, message=f"{place} did not keep what was stored", fix=_BLOBS_FIX
            )
        if self._settings.database and not self._settings.blobs:
            message += f", of this home only: for colleagues to load what you register, set {BLOBS}"
        return Check(name="blobs", ok=True, message=message)

    def _index(self) -> Check:
        total = self._parts.runs.search(limit=1).total or 0
        return Check(name="index", ok=True, message=f"holds {_count(total, 'run')}")

    def _gpus(self) -> Check:
        rooms, name = self._parts.machine.room(), "GPUs"
        if rooms:
            return Check(name=name, ok=True, message=", ".join(map(_gpu, rooms)))
        if os.environ.get("CUDA_VISIBLE_DEVICES") == "":
            return Check(name=name, ok=True, message="none: CUDA_VISIBLE_DEVICES is empty here")
        if any(device.exists() for device in NVIDIA_DEVICES):
            fix = "look at what `nvidia-smi` says: the driver and its library must have one version"
            return Check(
                name=name, ok=False, message="an NVIDIA device is there but NVML sees no GPU", fix=fix
            )
        message = f"none; jobs with --gpus are refused ({GPU_SLOTS}=2 makes two virtual slots to try it)"
        return Check(name=name, ok=True, message=message)

    def _executors(self) -> Check:
        name = "executors"
        if sys.platform == "win32":
            message = "Windows tracks runs and cannot run jobs"
            return Check(name=name, ok=False, message=message, fix="run jobs on Linux or macOS (WSL will do)")
        for folder, variable in ((self._settings.leases_dir, LEASES), (self._settings.runtime_dir, RUNTIME)):
            if trouble := _unusable(folder):
                fix = f"make it writable for {self._settings.user}, or set {variable} to another local folder"
                return Check(name=name, ok=False, message=trouble, fix=fix)
        also = "; --on slurm: its programs are there" if shutil.which("sbatch") else ""
        if self._settings.ray_address:
            also += f"; --on ray: its dashboard is to be at {self._settings.ray_address}"
        return Check(name=name, ok=True, message=f"local, {os.cpu_count()} CPU cores{also}")

    def _memory_limits(self) -> Check:
        """A job that takes more all at once may harm others before its worker notices."""
        if self._parts.keeps_memory_limits():
            message = "kept by the system (a control group for each job with --memory)"
        else:
            message = "watched: a job that takes more than its --memory is ended within a second or so"
        return Check(name="memory limits", ok=True, message=message)

    def _warm_starts(self) -> Check:
        """Which processes jobs are forked from."""
        name = "warm starts"
        if not sys.platform.startswith("linux"):
            return Check(name=name, ok=True, message="none: only Linux forks jobs from a warm process")
        if not self._settings.warm_start:
            return Check(name=name, ok=True, message="switched off: JUPYTER_MLOPS_WARM_START=0")
        ready = [note.words() for note in ready_nurseries(self._settings.runtime_dir)]
        message = "; ".join(ready) or "none just now; a second job of an interpreter starts its nursery"
        return Check(name=name, ok=True, message=message)

    def _agent(self) -> Check:
        from .jobs.agent_control import AgentControl

        control = AgentControl(self._settings)
        waiting = [job for job in self._parts.jobs.search(limit=1000) if not job.status.ended]
        status = control.start() if waiting else control.status()  # raises where none can be had
        if status is None:
            return Check(name="agent", ok=True, message="not running; it starts with the first job")
        jobs = f", {_count(len(waiting), 'job')} not ended" if waiting else ""
        message = f"running, pid {status.process.pid}, log {status.log}{jobs}"
        return Check(name="agent", ok=True, message=message)


_BLOBS_FIX = f"check {BLOBS}, and the credentials of this machine for it"

NEEDS = {
    "registry": ["workspace"],
    "blobs": ["workspace"],
    "audit trail": ["workspace", "registry"],
    "index": ["workspace"],
    "GPUs": ["workspace", "registry", "index"],
    "agent": ["workspace", "registry", "index"],
}
"""What must be in order before something else can be told."""


def file_system_type(path: Path) -> str:
    """The type of the file system that ``path`` lies on (``ext4``, ``nfs4``, ...); empty if unknown."""
    return file_system(path.resolve(), mounts_here())


def _after(broken: str, name: str) -> Check:
    message = f"cannot be told as long as the {broken} is not in order"
    return Check(name=name, ok=False, message=message, fix=f"repair the {broken} first")


def _examine(name: str, examination: Callable[[], Check]) -> Check:
    try:
        return examination()
    except MlopsError as error:
        return Check(name=name, ok=False, message=error.message, fix=_remedy(name, error))
    except Exception as error:  # noqa: BLE001 - whatever is broken is what the doctor is here to report
        message = f"{type(error).__name__}: {error}"
        return Check(name=name, ok=False, message=message, fix=_remedy(name, error))


def _remedy(name: str, error: Exception) -> str:
    if isinstance(error, ImportError):
        return f"{sys.executable} -m pip install --upgrade jupyter-mlops"
    remedies = {
        "workspace": f"make the folder writable, or set {HOME} to one that is",
        "registry": f"check {DATABASE} and that the database can be reached and written",
        "audit trail": f"check {DATABASE} and that the database can be reached",
        "roles": f"correct the file, or have it corrected ({ACCESS}); until then nobody may change anything",
        "blobs": _BLOBS_FIX,
        "index": "delete its file, if it is damaged, and run: jupyter mlops rebuild",
        "GPUs": f"see to the folder of the leases, or set {LEASES} to another one",
        "quotas": f"correct the file, or have it corrected ({QUOTAS}); until then what it said last holds",
        "staging": f"check {STAGING}, and the credentials of this machine for it",
        "agent": "look into its log; start it by hand to see: jupyter mlops agent start",
    }
    return remedies.get(name, "please report it: this is a defect of jupyter-mlops")


def _unusable(folder: Path) -> str | None:
    """Why locks cannot be kept in a folder; None if they can.

    One that is missing is not made here: who first needs it gives it its mode, which other users rely on.
    """
    place = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
    if not place.is_dir():
        return f"{place} is not a folder"
    if not os.access(place, os.W_OK | os.X_OK):
        return f"{place} is not writable" + ("" if place == folder else f", so {folder} cannot be made")
    kind = file_system_type(folder)
    return f"{folder} lies on {kind}, where locks cannot be trusted" if is_network(kind) else None


def _gpu(room: SlotRoom) -> str:
    slot, holders = room.slot, f" ({room.holders})" if room.holders else ""
    if slot.virtual:
        return f"virtual slot {slot.index}{holders}"
    memory = f", {slot.memory_bytes / 1024**3:.0f} GiB" if slot.memory_bytes else ""
    return f"{slot.index}: {slot.name}{memory}{holders}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
