"""Programs of Slurm on PATH that say what a real Slurm seldom does, and jobs that are handed over to them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_mlops.config import load_settings
from jupyter_mlops.executors.slurm.executor import SlurmExecutor
from jupyter_mlops.protocols.jobs import Begun, Launch
from jupyter_mlops.testing.jobs import job_spec

Make = Callable[[str, str], None]


def maker(folder: Path) -> Make:
    """Puts a program of a name onto the executor's PATH: the lines of a shell script."""
    (folder / "bin").mkdir()

    def make(name: str, script: str) -> None:
        # by another process: what a thread of this one starts meanwhile would keep the program "busy"
        command = ["sh", "-c", 'cat > "$0" && chmod 755 "$0"', str(folder / "bin" / name)]
        subprocess.run(command, input=f"#!/bin/sh\n{script}\n", text=True, check=True)

    return make


def environ(folder: Path) -> dict[str, str]:
    return {"PATH": f"{folder}/bin{os.pathsep}/usr/bin{os.pathsep}/bin"}


def executor_in(folder: Path, *, poll_s: float = 0.05, **settings: Any) -> SlurmExecutor:
    """An executor whose home is that folder, as well as where its programs are."""
    made = load_settings({"home": folder, **settings}, environ={"JUPYTER_MLOPS_SLURM_POLL_S": str(poll_s)})
    return SlurmExecutor(made, environ=environ(folder))


def launch_in(folder: Path, job_id: str, **wanted: Any) -> Launch:
    log = folder / "jobs" / job_id / "attempts" / "1" / "log.txt"
    log.parent.mkdir(parents=True)
    (log.parents[2] / "spec.json").write_text("{}")
    spec = job_spec(id=job_id, **wanted)
    return Launch(spec=spec, attempt=1, folder=log.parents[2], log=log, environment={})


def begun_of(launch: Launch) -> Begun:
    return Begun(job_id=launch.job_id, attempt=launch.attempt, folder=launch.folder)


def queue_line(**said: Any) -> str:
    """A line of squeue as it was asked for."""
    values = {
        "id": "7", "name": "mlops-a-1", "state": "RUNNING", "reason": "None", "ended": "0", "nodes": "n1",
        "restarts": "0", "starts": "1700000000", **said,
    }  # fmt: skip
    return "\x1f".join(f"{value:<12}" for value in values.values()) + "\x1f"
