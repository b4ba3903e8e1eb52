"""A cluster that sees nothing of this file system: its workers are processes from which the home is hidden."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlops.config import Settings
from jupyter_mlops.entities import Cause, Job, JobSpec
from jupyter_mlops.errors import NotFound
from jupyter_mlops.executors.staging import Staging
from jupyter_mlops.protocols.jobs import Begun, Launch, Outlook, Presence, Sighting
from jupyter_mlops.services.jobs.agent_loop import AgentLoop
from jupyter_mlops.services.jobs.folder import Attempt, JobFolder
from jupyter_mlops.services.jobs.origin import Origin
from jupyter_mlops.services.jobs.service import JobService
from jupyter_mlops.testing.jobs import FakeAgent, job_spec
from jupyter_mlops.workspace import Workspace
from tests.integration.jobs.conftest import notebook_of
from tests.waiting import wait_until

PASSED = ("PATH", "LANG", "LC_ALL", "AWS_")
HIDE = 'mount -t tmpfs none "$0" && exec "$@"'


@dataclass
class Node:
    """Where the workers run: another home, another temporary folder, and a folder that they do not see."""

    folder: Path
    hidden: Path
    environment: Mapping[str, str]

    def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        for name in ("home", "tmp", "cwd"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if name.startswith(PASSED)}
        own = {"HOME": str(self.folder / "home"), "TMPDIR": str(self.folder / "tmp")}
        command = [sys.executable, *arguments]
        if unshare := _unshare():
            command = [unshare, "--mount", "--map-root-user", "sh", "-c", HIDE, str(self.hidden), *command]
        return subprocess.Popen(
            command,
            env={**kept, **own, **self.environment, **environment},
            cwd=self.folder / "cwd",
            stdout=(self.folder / "output.txt").open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def left_behind(self) -> list[str]:
        return os.listdir(self.folder / "tmp")

    def said(self) -> str:
        return (self.folder / "output.txt").read_text()


def _unshare() -> str | None:
    """The program, where it may make a namespace of mounts."""
    program = shutil.which("unshare")
    if program is None:
        return None
    done = subprocess.run([program, "--mount", "--map-root-user", "true"], capture_output=True, check=False)
    return program if done.returncode == 0 else None


class FarCluster:
    """Starts at once whatever it is given; satisfies ``protocols.jobs.Cluster``."""

    shares_files = False
    keeps_queue = True

    def __init__(self, settings: Settings, node: Node) -> None:
        self.staging = Staging(settings.staging or "", settings)
        self.node = node
        self.workers: dict[tuple[str, int], subprocess.Popen[bytes]] = {}

    def refusal(self, spec: JobSpec) -> str:
        return ""

    def outlook(self, spec: JobSpec) -> Outlook:
        return Outlook(starts_now=True)

    def look(self, begun: Sequence[Begun]) -> None:
        self.staging.pull(begun)

    def start(self, launch: Launch) -> bool:
        key = launch.job_id, launch.attempt
        if key in self.workers:
            return True
        pushed = self.staging.push(launch)
        if pushed is None:
            return False
        self.workers[key] = self.node.start(pushed.arguments, pushed.environment)
        return True

    def sight(self, begun: Begun) -> Sighting:
        worker = self.workers.get((begun.job_id, begun.attempt))
        if worker is None:
            return Sighting(presence=Presence.ABSENT)
        if worker.poll() is None:
            return Sighting(presence=Presence.ALIVE)
        if not self.staging.has_all(begun):
            return Sighting(presence=Presence.UNKNOWN, reason=self.staging.trouble(begun))
        reason = f"the cluster says that it ended with status {worker.returncode}"
        return Sighting(presence=Presence.GONE, reason=reason, cause=Cause.NODE)

    def interrupt(self, begun: Begun) -> None:
        self.staging.interrupt(begun)

    def kill(self, begun: Begun) -> bool:
        worker = self.workers.get((begun.job_id, begun.attempt))
        if worker is not None and worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        return True


class FarPlace:
    """A home with an agent's loop in this process, and the cluster."""

    def __init__(self, folder: Path, workspace: Workspace, cluster: FarCluster) -> None:
        self.folder = folder
        self.workspace, self.settings = workspace, workspace.settings
        self.cluster = cluster
        self.jobs = JobService(
            workspace._job_store,
            self.settings,
            executors={"far": cluster},
            runs=workspace.runs,
            agent=FakeAgent(),
        )
        self.new_agent()

    def new_agent(self) -> None:
        """As when the agent was killed, and the next one comes."""
        self.loop = AgentLoop(
            self.jobs.store,
            {"far": self.cluster},
            self.settings,
            settle_run=self.workspace.tracker.settle,
        )

    def submit(self, *cells: str, environment: Mapping[str, str] | None = None, **wanted: object) -> Job:
        wanted.setdefault("kernel_argv", Origin.here().kernel_argv)
        wanted.setdefault("cwd", str(self.folder))
        files = wanted.pop("files", None)
        spec = job_spec(submitted_at=time.time(), executor="far", **wanted)
        job_environment = {**os.environ, **(environment or {})}
        return self.jobs.submit(spec, notebook_of(*cells), job_environment, files=files)  # type: ignore[arg-type]

    def turn(self) -> None:
        self.loop.tick(time.time())

    def until(self, predicate, timeout_s: float = 90.0):
        """The predicate's first true value, with the agent at work."""

        def turned():
            self.turn()
            return predicate()

        return wait_until(turned, timeout_s=timeout_s, message=self.story)

    def wait(self, job: Job) -> Job:
        return self.until(lambda: self.ended(job))

    def ended(self, job: Job) -> Job | None:
        now = self.jobs.get(job.id)
        return now if now.status.ended else None

    def attempt(self, job: Job) -> Attempt:
        return JobFolder.of(self.settings.home, job.id).attempt(self.jobs.get(job.id).attempt)

    def log(self, job: Job) -> str:
        path = self.attempt(job).log
        return path.read_text() if path.exists() else ""

    def losses(self, job: Job) -> list[float]:
        """What the job's run has logged, as far as a reader here sees it."""
        run_id = self.jobs.get(job.id).run_id
        try:
            return [] if run_id is None else self.workspace.runs.history(run_id, "loss").values
        except NotFound:
            return []

    def worker_pid(self, job: Job) -> int:
        return self.until(lambda: self.attempt(job).started()).process.pid

    def story(self) -> str:
        jobs = "\n".join(str(job) for job in self.jobs.search())
        logs = "\n".join(path.read_text() for path in self.settings.home.glob("jobs/*/attempts/*/log.txt"))
        return f"{jobs}\n{logs}\n{self.cluster.node.said()}"

    def close(self) -> None:
        for worker in self.cluster.workers.values():
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGKILL)
                worker.wait()
