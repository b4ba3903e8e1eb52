"""What is sent to Ray for an attempt."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from typing import Any

from ...config import Settings
from ...entities import JobSpec
from ...protocols.jobs import Launch
from ..handover import bootstrap, hand_over
from ..staging import Staging
from .capacity import Request
from .options import OTHER_PYTHON, RayOptions
from .record import submission_id

WORKER = "jupyter_mlops.worker"
VISIBLE = "CUDA_VISIBLE_DEVICES"
OF_RAY = ("RAY_*", "PYTHONBREAKPOINT")
"""The variables that Ray gives to its jobs."""
OF_A_PYTHON = ("PATH", "VIRTUAL_ENV", "CONDA_*")
"""And those that a runtime environment with a Python of its own sets."""
WRAP_UP_S = 15.0
"""What Ray gives a worker that is stopped, beyond its kernel's grace time."""


def request_of(spec: JobSpec, options: RayOptions, *, exclusive: bool = False) -> Request:
    """What Ray sets aside for the job; it keeps nobody to the memory. A job alone has its GPU whole.

    What its like has used elsewhere may be more memory than any node has: only what was asked for counts.
    """
    wanted = spec.resources
    amounts = {
        "CPU": float(wanted.cpus) if options.cpus is None else options.cpus,
        "GPU": float(math.ceil(wanted.gpus) if exclusive else wanted.gpus),
        "memory": float(spec.asked_memory_bytes or 0),
        **options.resources,
    }
    return {name: amount for name, amount in amounts.items() if amount}


def submission_of(
    launch: Launch, options: RayOptions, settings: Settings, staging: Staging | None
) -> dict[str, Any] | None:
    """The body of ``POST /api/jobs/``; None as long as the job's files are on their way.

    Ray shows it to whoever may see its dashboard: the job's environment goes by a file, or behind the staging
    URL. Raises what writing or uploading those raises.
    """
    variables = {
        # an interrupt is what a kernel understands, and Ray sends its signal to every process
        "RAY_JOB_STOP_SIGNAL": "SIGINT",
        "RAY_JOB_STOP_WAIT_TIME_S": str(math.ceil(settings.cancel_grace_s + WRAP_UP_S)),
    }
    if staging is None:
        entrypoint = _entrypoint(launch, options)
    else:
        pushed = staging.push(launch)
        if pushed is None:
            return None
        interpreter = options.python or settings.staging_python or launch.interpreter
        entrypoint = f"exec {shlex.join([interpreter, *pushed.arguments])}"
        variables |= pushed.environment
    variables |= _variables(options)
    request = request_of(launch.spec, options, exclusive=launch.exclusive)
    return {
        "entrypoint": entrypoint,
        "submission_id": submission_id(launch.job_id, launch.attempt),
        "entrypoint_num_cpus": request.get("CPU", 0),
        "entrypoint_num_gpus": request.get("GPU", 0),
        "entrypoint_memory": int(request.get("memory", 0)),
        "entrypoint_resources": dict(options.resources),
        "runtime_env": {**options.runtime_env, "env_vars": variables},
        "metadata": {"job": launch.job_id, "name": launch.spec.name, "user": launch.spec.user},
    }


def _entrypoint(launch: Launch, options: RayOptions) -> str:
    """A shell's command that becomes the worker, its output going to the end of the job's log."""
    own_python = any(options.runtime_env.get(each) for each in OTHER_PYTHON)
    interpreter = options.python or ("python" if own_python else launch.interpreter)
    command = [interpreter, "-m", WORKER, str(launch.folder), str(launch.attempt)]
    keep = [*OF_RAY, *_variables(options), *(OF_A_PYTHON if own_python else ())]
    path = hand_over(launch.log.parent, command, launch.environment, keep=keep)
    # Ray hides no GPU from a job that asks for none
    hidden = "" if launch.spec.resources.gpus else f"export {VISIBLE}=; "
    worker, log = shlex.join(bootstrap(interpreter, path)), shlex.quote(str(launch.log))
    # what lies in the folder where Ray was started must not be taken for the worker's modules
    return f"cd {shlex.quote(str(launch.log.parent))} && {hidden}exec {worker} >> {log} 2>&1"


def _variables(options: RayOptions) -> Mapping[str, str]:
    named: Mapping[str, str] = options.runtime_env.get("env_vars") or {}
    return named
