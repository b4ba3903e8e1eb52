"""Jobs on another machine, over ssh: an executor for jupyter-mlops in two small files.

Both machines see the home folder and the project at the same paths (NFS, say). ``<home>/ssh.json`` says where:
``{"host": "gpu2", "gpus": 2}``. That machine's queue is a lock a GPU: ``remote.py`` is sent there and waits for
as many locks as the job wants.
"""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jupyter_mlops.config import Settings
from jupyter_mlops.entities import Cause, JobSpec
from jupyter_mlops.errors import InvalidInput, Unavailable
from jupyter_mlops.executors.handover import bootstrap, hand_over, withdraw
from jupyter_mlops.protocols.jobs import Begun, Launch, Outlook, Presence, Sighting

REMOTE = Path(__file__).with_name("remote.py")
TIMEOUT_S = 10.0


class SshExecutor:
    """Satisfies ``jupyter_mlops.protocols.jobs.Cluster``."""

    shares_files = True
    keeps_queue = True

    def __init__(self, settings: Settings) -> None:
        self._path = settings.home / "ssh.json"
        self._seen: dict[str, dict[str, Any]] = {}
        self._trouble = ""

    def refusal(self, spec: JobSpec) -> str:
        there = self._config()
        if spec.resources.gpus > there["gpus"]:
            return f"The job wants {spec.resources.gpus:g} GPUs, and {there['host']} has {there['gpus']}."
        if spec.resources.gpus % 1:
            return f"{there['host']} has whole GPUs only, and the job wants {spec.resources.gpus:g}."
        return ""

    def outlook(self, spec: JobSpec) -> Outlook:
        free = self._ask("free", gpus=self._config()["gpus"])["free"]
        return Outlook(starts_now=spec.resources.gpus <= free, reason=f"{free} GPUs are free there")

    def start(self, launch: Launch) -> bool:
        """What is sent twice runs once: the other side keeps a file that it creates first."""
        command = [launch.interpreter, "-m", "jupyter_mlops.worker", str(launch.folder), str(launch.attempt)]
        attempt = launch.log.parent
        if not (attempt / "ssh.json").exists():  # the environment has secrets: it goes by a file, not by ssh
            hand_over(attempt, command, launch.environment)
        self._ask(
            "start",
            attempt=str(attempt),
            command=bootstrap(launch.interpreter, attempt / "worker.env.json"),
            log=str(launch.log),
            wanted=int(launch.spec.resources.gpus),
            gpus=self._config()["gpus"],
        )
        return True

    def look(self, begun: Sequence[Begun]) -> None:
        """One question for all."""
        attempts = [str(_attempt(each)) for each in begun]
        self._seen, self._trouble = {}, ""
        try:
            self._seen = self._ask("see", attempts=attempts)["seen"] if attempts else {}
        except Unavailable as error:
            self._trouble = error.message

    def sight(self, begun: Begun) -> Sighting:
        if self._trouble:  # nobody is dead because a machine does not answer
            presence = Presence.WAITING if begun.process is None else Presence.UNKNOWN
            return Sighting(presence=presence, reason=self._trouble)
        seen = self._seen.get(str(_attempt(begun)))
        if seen is None:
            return Sighting(presence=Presence.ABSENT if begun.process is None else Presence.UNKNOWN)
        if seen["alive"] and "worker" not in seen:
            return Sighting(presence=Presence.WAITING, reason=f"waits for a GPU of {self._config()['host']}")
        if seen["alive"]:
            return Sighting(presence=Presence.ALIVE)
        cause = Cause.START if begun.process is None else Cause.KILLED
        status = seen.get("status", "unknown: the machine was restarted, or somebody killed it")
        return Sighting(presence=Presence.GONE, reason=f"its worker ended with status {status}", cause=cause)

    def interrupt(self, begun: Begun) -> None:
        self._ask("interrupt", attempt=str(_attempt(begun)))

    def kill(self, begun: Begun) -> bool:
        withdraw(_attempt(begun))
        return not self._ask("kill", attempt=str(_attempt(begun)), job=begun.job_id)["left"]

    def _config(self) -> dict[str, Any]:
        try:
            return {"gpus": 0, "python": "python3", **json.loads(self._path.read_text())}
        except (OSError, ValueError) as error:
            raise InvalidInput(f'{self._path} must say {{"host": "gpu2", "gpus": 2}}: {error}') from error

    def _ask(self, verb: str, **what: Any) -> dict[str, Any]:
        there = self._config()
        command = shlex.join([there["python"], "-", verb, json.dumps(what)])
        try:
            answer = subprocess.run(
                ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", there["host"], command],
                input=REMOTE.read_text(),
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=True,
            )
            found: dict[str, Any] = json.loads(answer.stdout)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            said = str(getattr(error, "stderr", "") or error).strip().splitlines()
            raise Unavailable(f"{there['host']} does not answer: {said[-1] if said else error}") from error
        return found


def _attempt(begun: Begun) -> Path:
    return begun.folder / "attempts" / str(begun.attempt)
