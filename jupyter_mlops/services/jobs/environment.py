"""The environment of a job's processes: that of the kernel which submitted it, and the job's own words."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ...config import (
    ATTEMPT,
    BLOBS,
    DATABASE,
    GPU_SLOTS,
    HOME,
    JOB,
    LEASES,
    NOTEBOOK,
    PROCESS_VARIABLES,
    RUN,
    RUNTIME,
    USER,
    Settings,
)
from ...entities import JobSpec

PYTHON_PATH = "PYTHONPATH"
OF_A_KERNEL = ("JPY_PARENT_PID", "JPY_SESSION_NAME", "JPY_INTERRUPT_EVENT")
"""What a Jupyter server tells the one kernel that it starts."""
OF_A_WORKSPACE = (HOME, DATABASE, BLOBS, GPU_SLOTS, RUNTIME, LEASES, USER)


def worker_environment(
    spec: JobSpec, submitted: Mapping[str, str], settings: Settings, *, attempt: Path
) -> dict[str, str]:
    """The worker's: what was submitted, in this workspace, with this job's id and not another's."""
    left_out = {*PROCESS_VARIABLES, *OF_A_KERNEL, *OF_A_WORKSPACE}
    environment = {name: value for name, value in submitted.items() if name not in left_out}
    environment |= {**settings.environment(), JOB: spec.id, ATTEMPT: str(attempt)}
    if spec.notebook:
        environment[NOTEBOOK] = spec.notebook
    _extend_path(environment, after=[each for each in spec.python_path if _holds_this_package(each)])
    return environment


def kernel_environment(worker: Mapping[str, str], spec: JobSpec, *, run_id: str) -> dict[str, str]:
    """The kernel's: the worker's, the job's run, and the submitting kernel's additions to ``sys.path``."""
    environment = {**worker, RUN: run_id}
    _extend_path(environment, before=spec.python_path)
    return environment


def kernel_command(spec: JobSpec, interpreter: str) -> list[str] | None:
    """The kernel's command. Where its interpreter was to be the worker's, it is the one that the worker has.

    That is another one where a cluster brings its own Python.
    """
    command = spec.kernel_argv
    if command and command[0] == spec.interpreter:
        return [interpreter, *command[1:]]
    return command


def _extend_path(
    environment: dict[str, str], *, before: list[str] | None = None, after: list[str] | None = None
) -> None:
    present = [each for each in environment.get(PYTHON_PATH, "").split(os.pathsep) if each]
    paths = list(dict.fromkeys([*(before or []), *present, *(after or [])]))
    if paths:
        environment[PYTHON_PATH] = os.pathsep.join(paths)


def _holds_this_package(folder: str) -> bool:
    """A worker needs the package; user code on the path must not shadow what the worker imports."""
    return (Path(folder) / __package__.split(".")[0] / "worker.py").exists()
