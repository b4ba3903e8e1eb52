"""Settings, read once at the edge: argument, else environment, else traitlets, else default."""

from __future__ import annotations

import getpass
import json
import math
import os
import socket
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from .errors import InvalidInput

HOME = "JUPYTER_MLOPS_HOME"
DATABASE = "JUPYTER_MLOPS_DATABASE"
BLOBS = "JUPYTER_MLOPS_BLOBS"
GPU_SLOTS = "JUPYTER_MLOPS_GPU_SLOTS"
STAGING = "JUPYTER_MLOPS_STAGING"
"""An fsspec URL (``s3://bucket/folder``): how jobs reach clusters that do not see this file system."""
STAGING_PYTHON = "JUPYTER_MLOPS_STAGING_PYTHON"
"""The interpreter there; by default at the path of the one here."""
STAGING_VARIABLES = "JUPYTER_MLOPS_STAGING_VARIABLES"
"""Variables that a worker needs before it can read the folder (credentials), parted by commas."""
RAY_ADDRESS = "JUPYTER_MLOPS_RAY_ADDRESS"
"""The Ray dashboard's address (``http://...``)."""
RAY_ADDRESSES = ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS")
"""Where Ray's own client finds it; the second may be the address of another of its servers."""
QUOTAS = "JUPYTER_MLOPS_QUOTAS"
"""The file in which an administrator says how much of this machine's GPUs each user may have."""
ACCESS = "JUPYTER_MLOPS_ACCESS"
"""The file in which an administrator says who may do what: one that is named here has to be there."""
DEFAULT_ACCESS = "/etc/jupyter-mlops/access.json"
RUNTIME = "JUPYTER_MLOPS_RUNTIME"
LEASES = "JUPYTER_MLOPS_LEASES"
USER = "JUPYTER_MLOPS_USER"
HUB_USER = "JUPYTERHUB_USER"
"""Whom JupyterHub started a server for: the user where ``JUPYTER_MLOPS_USER`` names none."""
TRUSTED_USERS = "JUPYTER_MLOPS_TRUSTED_USERS"
"""Whose pickles are loaded as one's own: names, parted by commas."""

WARM_IMPORTS = "JUPYTER_MLOPS_WARM_IMPORTS"
"""Libraries that kernels of jobs find imported already: names, parted by commas (``pandas,sklearn``)."""

PINS = "JUPYTER_MLOPS_PINS"
"""In a job that reproduces a run: JSON, such as ``{"dataset train": 2}``: what names stand for."""

RUN = "JUPYTER_MLOPS_RUN"
"""Exported while a run is active: children that log open writers of their own on that run."""
JOB = "JUPYTER_MLOPS_JOB"
"""The job's id, in the environment of every process of a job."""
ATTEMPT = "JUPYTER_MLOPS_ATTEMPT"
NOTEBOOK = "JUPYTER_MLOPS_NOTEBOOK"
"""The notebook's path, for kernels that no Jupyter server started."""

POOL = "JUPYTER_MLOPS_POOL"
"""Inside a job: the CUDA_VISIBLE_DEVICES from which leases are taken (``all`` where it is not set)."""
AGENT = "JUPYTER_MLOPS_AGENT"
"""Marks the agent's process."""

PROCESS_VARIABLES = (RUN, JOB, ATTEMPT, NOTEBOOK, POOL, AGENT)
"""What belongs to one run or job and must not leak into another's environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where things lie and the few numbers that people change. Durations in seconds, sizes in bytes.

    Each number has a variable of its name: ``JUPYTER_MLOPS_OUTPUT_CAP_BYTES`` for ``output_cap_bytes``.
    """

    home: Path
    runtime_dir: Path
    leases_dir: Path
    user: str
    database: str | None = None
    blobs: str | None = None
    gpu_slots: int | None = None
    quotas: str = "/etc/jupyter-mlops/quotas.json"
    access: str = DEFAULT_ACCESS
    staging: str | None = None
    staging_python: str | None = None
    staging_variables: tuple[str, ...] = ()
    ray_address: str | None = None
    output_cap_bytes: int = 16 * 1024 * 1024
    """How much of what a run displays is kept; of more, the beginning and the end."""
    inline_output_bytes: int = 64 * 1024
    """Larger values of outputs become blobs."""
    digest_in_run_bytes: int = 64 * 1024 * 1024
    """Larger files that a run reads get their digest from the next reader, not while the run runs."""
    digest_whole_bytes: int = 16 * 1024 * 1024 * 1024
    """Of still larger ones only samples are digested, and the digest says so."""
    source_cap_bytes: int = 1024 * 1024
    """How much of a module, of all modules together ten times as much, is kept with a run."""
    notebook_cap_bytes: int = 16 * 1024 * 1024
    """Notebook files up to this size are kept with a run as they were saved."""
    log_cap_bytes: int = 64 * 1024 * 1024
    """How much of an attempt's log is kept: of more, the beginning and the end; 0 all."""
    copy_dataset_bytes: int = 100_000_000
    """Datasets up to this size are copied when they are registered; larger ones stay where they are."""
    files_cap_bytes: int = 512 * 1024 * 1024
    """How much may go along with a job to where this file system is not seen."""
    staging_s: float = 5.0
    """How often a job elsewhere sends what is new, and how often it is fetched."""
    staging_patience_s: float = 1800.0
    """How long a worker that has ended goes on trying to send the rest to a server that does not answer."""
    gpu_spare_bytes: int = 1024**3
    """How much of a GPU's memory processes that are no jobs may hold before it counts as used."""
    sample_s: float = 5.0
    """How often CPU, memory and GPUs are looked at while a run is open; 0 never."""
    idle_gpu_below: float = 0.05
    """A job's GPU whose utilisation (0 to 1) is below this is idle."""
    idle_warn_s: float = 600.0
    """After so long with all of its GPUs idle a job is flagged; 0 never."""
    idle_kill_s: float = 0.0
    """And after so long it is ended, saying so; 0 never."""
    profile_when_registered: int = 1
    """Whether a new dataset version is looked at in the background at once; 0: when somebody asks."""
    heartbeat_s: float = 30.0
    silent_after_s: float = 600.0
    lost_after_s: float = 3600.0
    journal_grace_s: float = 60.0
    agent_idle_s: float = 300.0
    cancel_grace_s: float = 5.0
    slurm_poll_s: float = 5.0
    """How often Slurm is asked how all jobs there do; less often where its answers take long."""
    warm_start: int = 1
    """Whether workers and kernels are forked from processes that have imported what they need; 0 never."""
    warm_imports: tuple[str, ...] = ()
    trusted_users: tuple[str, ...] = ()
    pins: Mapping[str, int] = field(default_factory=dict)
    """``{"dataset train": 2}``: the version that a name without one, or with an alias, stands for."""

    @property
    def host(self) -> str:
        return socket.gethostname()

    def environment(self) -> dict[str, str]:
        """The variables that make another process use the same workspace."""
        values = {
            HOME: str(self.home),
            RUNTIME: str(self.runtime_dir),
            LEASES: str(self.leases_dir),
            USER: self.user,
            DATABASE: self.database,
            BLOBS: self.blobs,
            GPU_SLOTS: None if self.gpu_slots is None else str(self.gpu_slots),
            QUOTAS: self.quotas,
            ACCESS: self.access,
            STAGING: self.staging,
            RAY_ADDRESS: self.ray_address,
            STAGING_PYTHON: self.staging_python,
            STAGING_VARIABLES: ",".join(self.staging_variables),
            TRUSTED_USERS: ",".join(self.trusted_users),
            WARM_IMPORTS: ",".join(self.warm_imports),
        }
        numbers = {
            variable: str(getattr(self, each.name))
            for variable, each in _NUMBERS.items()
            if getattr(self, each.name) != each.default
        }
        return {**{name: value for name, value in values.items() if value}, **numbers}


_NUMBERS = {
    f"JUPYTER_MLOPS_{each.name.upper()}": each
    for each in fields(Settings)
    if isinstance(each.default, (int, float))
}


_LISTS = {
    TRUSTED_USERS: "trusted_users",
    STAGING_VARIABLES: "staging_variables",
    WARM_IMPORTS: "warm_imports",
}
"""Words parted by commas."""


def load_settings(
    arguments: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    traits: Mapping[str, Any] | None = None,
) -> Settings:
    """Settings from what is given here, else the environment, else traitlets, else the defaults.

    Raises InvalidInput for an unknown name or a value of the wrong form.
    """
    given = {name: value for name, value in (arguments or {}).items() if value is not None}
    known = {each.name for each in fields(Settings)}
    if unknown := sorted(set(given) - known):
        raise InvalidInput(f"No setting {unknown[0]!r}. Settings: {', '.join(sorted(known))}.")
    merged = {
        **_defaults(),
        **{name: value for name, value in (traits or {}).items() if value not in (None, "")},
        **_from_environment(os.environ if environ is None else environ),
        **given,
    }
    for name in ("home", "runtime_dir", "leases_dir"):
        merged[name] = Path(merged[name]).expanduser().absolute()
    return Settings(**merged)


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    names = {
        HOME: "home",
        DATABASE: "database",
        BLOBS: "blobs",
        RAY_ADDRESS: "ray_address",
        QUOTAS: "quotas",
        ACCESS: "access",
        STAGING: "staging",
        STAGING_PYTHON: "staging_python",
        RUNTIME: "runtime_dir",
        LEASES: "leases_dir",
        HUB_USER: "user",
        USER: "user",  # after the hub's: it goes before it
    }
    found: dict[str, Any] = {
        field: environ[variable] for variable, field in names.items() if environ.get(variable)
    }
    theirs = (environ.get(name, "") for name in RAY_ADDRESSES)
    if "ray_address" not in found and (ray := next(filter(is_dashboard, theirs), None)):
        found["ray_address"] = ray
    if slots := environ.get(GPU_SLOTS):
        found["gpu_slots"] = _slots(slots)
    for variable, each in _NUMBERS.items():
        if text := environ.get(variable):
            found[each.name] = _number(variable, text, type(each.default))
    if pins := environ.get(PINS):
        found["pins"] = _pins(pins)
    for variable, name in _LISTS.items():
        if listed := environ.get(variable):
            found[name] = tuple(word for each in listed.split(",") if (word := each.strip()))
    return found


def is_dashboard(address: str) -> bool:
    """Whether that is the address of a Ray dashboard, not of another server of Ray."""
    return address.startswith(("http://", "https://"))


def _number(variable: str, text: str, kind: type[Any]) -> int | float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise InvalidInput(f"{variable} must be a number that is not negative, not {text!r}.")
    return int(value) if kind is int else value


def _pins(text: str) -> dict[str, int]:
    try:
        pins = json.loads(text)
        return {str(name): int(version) for name, version in pins.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidInput(f'{PINS} must be JSON such as {{"dataset train": 2}}, not {text!r}.') from error


def _slots(text: str) -> int:
    if not text.strip().isdigit():
        raise InvalidInput(f"{GPU_SLOTS} must be a number of slots such as 2, not {text!r}.")
    return int(text)


def _defaults() -> dict[str, Any]:
    from jupyter_core.paths import jupyter_data_dir, jupyter_runtime_dir

    return {
        "home": Path(jupyter_data_dir()) / "mlops",
        "runtime_dir": Path(jupyter_runtime_dir()) / "mlops",
        "leases_dir": _host_wide_folder(),
        "user": _user_name(),
    }


def _host_wide_folder() -> Path:
    """One folder for all users of this host, never on a network path."""
    base = Path("/tmp") if sys.platform != "win32" else Path(tempfile.gettempdir())
    return base / "jupyter-mlops-leases"


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's uid without a passwd entry
        return f"uid-{os.getuid()}" if hasattr(os, "getuid") else "unknown"
