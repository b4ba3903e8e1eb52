"""What a job asks of Slurm: the options of ``sbatch``."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from ...entities import JobSpec
from ..handover import FILE, bootstrap

EXECUTOR = "slurm"
SPARE_S = 30.0
"""Beyond a job's own time limit, at which its worker ends it: Slurm's is for the case that it does not."""
MEBIBYTE = 1024**2
SAID = "JUPYTER_MLOPS_SLURM_OUTPUT"
"""Names the file that Slurm writes a job's output to, to a worker that does not see the job's folder."""

OURS = {
    "array": "sweeps become arrays by themselves",
    "chdir": "the job runs in the folder that it was submitted from",
    "clusters": "set SLURM_CONF, so that the cluster is the one that squeue shows",
    "error": "the log is the job's: %mlops logs",
    "export": "the job has the environment that it was submitted from",
    "export-file": "the job has the environment that it was submitted from",
    "get-user-env": "the job has the environment that it was submitted from",
    "input": "a notebook reads no standard input",
    "job-name": "Slurm's job is found by its name",
    "open-mode": "the log is the job's: %mlops logs",
    "output": "the log is the job's: %mlops logs",
    "parsable": "it is set",
    "requeue": "an attempt runs once; --retries 3 --retry-on node starts another",
    "test-only": "--dry-run shows what would be submitted",
    "wait": "--wait waits for the job",
    "wrap": "the notebook is what runs",
}
"""Options that are not passed on, and what there is instead."""
NOT_FOR_JOBS = ("help", "quiet", "usage", "verbose", "version")
KNOWN = (
    "account", "begin", "comment", "constraint", "cpu-freq", "cpus-per-gpu", "cpus-per-task", "deadline",
    "dependency", "distribution", "exclude", "exclusive", "gpu-bind", "gpus", "gpus-per-node", "gres",
    "gres-flags", "hint", "hold", "licenses", "mail-type", "mail-user", "mem", "mem-per-cpu", "mem-per-gpu",
    "nice", "nodelist", "nodes", "ntasks", "oversubscribe", "partition", "prefer", "priority", "qos",
    "reservation", "signal", "spread-job", "switches", "threads-per-core", "time", "time-min", "tmp", "wckey",
)  # fmt: skip
"""Those that people use, for suggestions only: what ``sbatch`` knows, ``sbatch`` says."""
NAME = re.compile(r"[a-z][a-z0-9-]*")


def refused_option(options: Mapping[str, str]) -> str:
    """Why an option cannot be passed to ``sbatch``; empty when all can."""
    for name in options:
        if name in OURS:
            return f"--slurm-{name} cannot be set for a job: {OURS[name]}."
        if name in NOT_FOR_JOBS or not NAME.fullmatch(name):
            return f"--slurm-{name} is no option of a job in Slurm.{suggestion(name)}"
    return ""


def suggestion(name: str) -> str:
    close = get_close_matches(name, KNOWN, n=1)
    return f" Did you mean --slurm-{close[0]}?" if close else ""


def options_of(spec: JobSpec) -> dict[str, str]:
    """What was said with ``--slurm-NAME VALUE``."""
    return spec.options.get(EXECUTOR, {})


def resource_options(spec: JobSpec, *, exclusive: bool = False) -> list[str]:
    """What the job asks for; what was said with ``--slurm-NAME`` comes last, and so wins.

    A share of a GPU becomes a whole one: how GPUs are shared (shards, MPS) differs by cluster, and
    ``--slurm-gres shard:1`` asks for it. Slurm ends a job that uses more memory than it asks for: what its
    like has used before is no reason for that.
    """
    wanted, options = spec.resources, options_of(spec)
    asked = ["--nodes=1", "--ntasks=1", f"--cpus-per-task={wanted.cpus}"]
    gpus = math.ceil(wanted.gpus)
    if gpus and not {"gres", "gpus", "gpus-per-node", "gpus-per-task"} & set(options):
        asked.append(f"--gres=gpu:{gpus}")
    if exclusive and "exclusive" not in options:
        asked += ["--exclusive", "--mem=0"]  # a whole node, with all of its memory
    elif spec.asked_memory_bytes and not {"mem-per-cpu", "mem-per-gpu"} & set(options):
        asked.append(f"--mem={math.ceil(spec.asked_memory_bytes / MEBIBYTE)}M")
    if wanted.time_limit_s:
        asked.append(f"--time={math.ceil((wanted.time_limit_s + SPARE_S) / 60)}")
    if spec.priority < 0:
        asked.append(f"--nice={-spec.priority}")  # to raise a priority takes an administrator
    return asked + [f"--{name}={value}" if value else f"--{name}" for name, value in options.items()]


def batch_options(name: str, log: str, folder: Path) -> list[str]:
    """How a job is handed over: by a name that is its own, to run once, and to end when it never can."""
    return [
        "--parsable",
        "--no-requeue",
        "--kill-on-invalid-dep=yes",
        f"--job-name={name}",
        f"--chdir={folder}",
        f"--output={log}",
        "--open-mode=append",
    ]


def script_of(interpreter: str, folder: Path, *, task_folders: bool = False) -> str:
    """The batch script: it becomes the worker, so that signals reach that.

    With ``task_folders`` each task of an array has the folder below ``folder`` that its number names.
    """
    *command, _ = bootstrap(interpreter, FILE)
    place = shlex.quote(str(folder)) + (f'/"$SLURM_ARRAY_TASK_ID"/{FILE}' if task_folders else f"/{FILE}")
    return f"#!/bin/sh\nexec {shlex.join(command)} {place}\n"


def staged_log(token: str) -> str:
    """Where the output goes on a node that does not see the job's folder; the job's own is sent home.

    Everybody writes to that folder: the token makes it a name that nobody can take beforehand. A worker that
    starts takes the file away (``inside.take_output``).
    """
    return f"/tmp/jupyter-mlops-slurm-%j-{token}.log"


def staged_script_of(command: Sequence[str], environment: Mapping[str, str], log: str) -> str:
    """The batch script of a job whose node sees nothing of this file system.

    ``environment`` is what its user has allowed to be shown. Why Slurm ends it is read from its output there.
    """
    said = log.replace("%j", "$SLURM_JOB_ID")
    exports = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
    hide = 'export CUDA_VISIBLE_DEVICES="${CUDA_VISIBLE_DEVICES-}"'
    return "\n".join(
        ["#!/bin/sh", *exports, hide, f"export {SAID}={said}", f"exec {shlex.join(command)}", ""]
    )


def log_pattern(path: Path) -> str:
    """A path as ``--output`` takes it: ``%`` begins a replacement there."""
    return str(path).replace("%", "%%")


def groups(launches: Sequence[tuple[str, JobSpec, bool]], most: int) -> list[list[str]]:
    """Which of these (key, spec, exclusive) go together: jobs of one sweep that ask for the same."""
    found: dict[object, list[list[str]]] = {}
    for key, spec, exclusive in launches:
        alone = (key,) if spec.sweep_id is None else (spec.sweep_id, spec.interpreter)
        asked = (*alone, *resource_options(spec, exclusive=exclusive))
        batches = found.setdefault(asked, [[]])
        if len(batches[-1]) >= most:
            batches.append([])
        batches[-1].append(key)
    return [batch for batches in found.values() for batch in batches]
