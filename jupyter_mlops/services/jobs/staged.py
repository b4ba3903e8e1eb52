"""A worker's other half where the submitting machine's file system is not seen.

``python -m jupyter_mlops.worker --staged URL ATTEMPT`` makes a home of its own in a temporary folder from
what lies behind the URL, runs the attempt's worker there as any executor would, and sends what is new every
few seconds, ``exit.json`` last. It is a process of its own, so that what a killed worker had written still
arrives.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TypeVar
from uuid import uuid4

import msgspec

from ...config import ATTEMPT, HOME, JOB, RUNTIME, Settings, load_settings
from ...entities import Cause, Exit, JobSpec, JobStatus
from ...errors import MlopsError, Unavailable
from ...protocols.jobs import Custody
from ...remote.batches import apply, decode
from ...remote.claims import claim
from ...remote.folder import RemoteFolder
from ...remote.layout import (
    CLAIM,
    ENVIRONMENT,
    GIVEN,
    GIVEN_BATCHES,
    WISHES,
    WORK,
    Given,
    Wishes,
    batch_name,
    object_name,
    of_job,
)
from ...warm.tether import tethered
from ...wire import decode as from_json_bytes
from ...wire import encode
from ..files.manifest import manifest_path
from ..tracking import pruning
from .folder import JobFolder
from .logs import last_line
from .staged_home import TemporaryHome
from .staged_sending import Sender

ANOTHER_WORKER = 3
NO_JOB = 4
MODULE = "jupyter_mlops.worker"
PYTHON_PATH, VISIBLE = "PYTHONPATH", "CUDA_VISIBLE_DEVICES"
FIRST_LOOKS_S = 1.0
"""How often until the worker has begun."""
LONGEST_PAUSE_S = 30.0
MISSED = 3
"""So many looks in a row must find no folder before it counts as taken away."""
GRACE_S = 20.0

T = TypeVar("T")

logger = logging.getLogger(__name__)


class StagedWorker:
    """One attempt, from the claim to the last byte sent.

    ``custody_of`` makes what holds on to the processes of a job. ``url`` is the job's folder.
    """

    def __init__(
        self,
        url: str,
        attempt: int,
        *,
        custody_of: Callable[[str], Custody],
        settings: Settings,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._number = attempt
        self._job_id = url.rstrip("/").rpartition("/")[2]
        self._root = RemoteFolder(url.rstrip("/").rpartition("/")[0])
        self._remote = RemoteFolder(url).child(str(attempt))
        self._settings = settings
        self._custody = custody_of(self._job_id)
        self._sleep = sleep
        self._child: subprocess.Popen[bytes] | None = None
        self._stopping: float | None = None
        self._missed = 0

    def run(self) -> int:
        """The exit status is 0 however the notebook ended: ``exit.json`` says that."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._pass_on)
        given = self._patiently(lambda: self._remote.get(GIVEN))
        if given is None:
            print(f"No job in {self._remote.url}: it has ended, or was taken back.", file=sys.stderr)
            return NO_JOB
        token = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"
        if not self._patiently(lambda: claim(self._remote, CLAIM, token)):
            print(f"Another worker has begun this attempt already: {self._remote.url}.", file=sys.stderr)
            return ANOTHER_WORKER
        place = TemporaryHome()
        home = place.path
        self._folder = JobFolder.of(home, self._job_id)
        self._attempt = self._folder.attempt(self._number)
        self._attempt.path.mkdir(parents=True, mode=0o700)
        self._sender = Sender(home, self._remote, self._job_id, self._number)
        self._custody.take()
        try:
            environment = self._fetch(home, msgspec.json.decode(given, type=Given))
            self._work(home, environment)
        except (MlopsError, OSError, msgspec.MsgspecError) as error:
            logger.exception("The worker cannot be started")
            if self._child is not None:
                self._child.kill()
                self._child.wait()
            reason = f"the worker could not be started on {socket.gethostname()}: {error}"
            self._end(JobStatus.FAILED, reason, Cause.START)
        return self._leave(place)

    def _fetch(self, home: Path, given: Given) -> dict[str, str]:
        """Unpack what was given into ``home``; the environment, which nobody else may read from then on."""
        allowed = of_job(self._job_id)
        for number in range(1, given.batches + 1):
            name = batch_name(GIVEN_BATCHES, number)
            data = self._patiently(lambda name=name: self._remote.get(name))  # type: ignore[misc]
            if data is None:
                raise Unavailable(f"{name} is not in {self._remote.url} any more.")
            for part in decode(data).parts:
                self._patiently(lambda part=part: apply(part, home, allowed, self._fetch_object))  # type: ignore[misc]
                self._sender.knows(part.path)
        data = self._patiently(lambda: self._remote.get(ENVIRONMENT))
        self._patiently(lambda: self._remote.delete(ENVIRONMENT))
        return from_json_bytes(data or b"{}", dict[str, str])

    def _fetch_object(self, digest: str, target: Path) -> bool:
        return self._root.fetch(object_name(digest), target)

    def _work(self, home: Path, given: Mapping[str, str]) -> None:
        """Run the worker, and send what it does."""
        spec = self._settle_in()
        environment = self._environment(home, spec, given)
        self._settings = load_settings(environ=environment)
        command = [sys.executable, "-m", MODULE, str(self._folder.path), str(self._number)]
        with self._attempt.log.open("ab") as log:
            self._child = subprocess.Popen(
                tethered(command),
                env=environment,
                cwd=self._attempt.path,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if self._stopping is not None:  # asked before there was anybody to be told
            self._child.send_signal(signal.SIGINT)
        status = self._watch(self._child)
        self._custody.finish()
        if self._attempt.exit() is None:
            self._tell_death(status)

    def _watch(self, child: subprocess.Popen[bytes]) -> int:
        """Send and listen until the worker has ended; its exit status."""
        while True:
            pause = self._settings.staging_s
            if self._attempt.started() is None:
                pause = min(pause, FIRST_LOOKS_S)
            try:
                return child.wait(pause)
            except subprocess.TimeoutExpired:
                pass
            self._exchange()
            if self._stopping is not None and self._is_gone and time.monotonic() > self._stopping + GRACE_S:
                child.kill()

    def _exchange(self) -> None:
        """A server that is away comes back: what was not sent is sent with what is new then."""
        try:
            self._listen()
            if not self._missed:
                self._sender.send()
        except Unavailable as error:
            logger.warning("%s", error)
        except Exception:  # the job goes on, and the end is tried in any case
            logger.exception("What is new cannot be sent")

    @property
    def _is_gone(self) -> bool:
        """Whether nobody wants to know any more: the folder was taken away."""
        return self._missed >= MISSED

    def _listen(self) -> None:
        data = self._remote.get(WISHES)
        if data is None:
            self._missed += 1
            if self._is_gone:
                self._stop()
            return
        self._missed = 0
        wishes = msgspec.json.decode(data, type=Wishes)
        if wishes.stop:
            self._stop()
        if wishes.prune and pruning.asked(self._attempt.path) is None:
            pruning.ask(self._attempt.path, wishes.prune)

    def _stop(self) -> None:
        if self._stopping is None:
            self._pass_on(signal.SIGINT, None)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        """The worker knows how to end."""
        self._stopping = self._stopping or time.monotonic()
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(number)

    def _settle_in(self) -> JobSpec:
        """The job as it is here: with this interpreter, in a folder that exists."""
        spec = self._folder.spec()
        argv = spec.kernel_argv
        if argv and argv[0] == spec.interpreter:
            argv = [sys.executable, *argv[1:]]
        cwd = spec.cwd
        if not manifest_path(self._folder.path).exists() and not Path(cwd).is_dir():
            cwd = str(self._attempt.path / WORK)
            Path(cwd).mkdir()
        path = self._folder.path / "spec.json"
        path.write_bytes(encode(replace(spec, interpreter=sys.executable, kernel_argv=argv, cwd=cwd)))
        return spec

    def _environment(self, home: Path, spec: JobSpec, given: Mapping[str, str]) -> dict[str, str]:
        """What this machine has, what the job was submitted with, and where everything lies here."""
        environment = {**os.environ, **given, HOME: str(home), RUNTIME: str(home / "runtime")}
        environment |= {JOB: spec.id, ATTEMPT: str(self._attempt.path)}
        if not spec.resources.gpus:
            environment[VISIBLE] = ""
        package = str(Path(__file__).parents[3])
        present = [each for each in environment.get(PYTHON_PATH, "").split(os.pathsep) if each]
        environment[PYTHON_PATH] = os.pathsep.join(dict.fromkeys([*present, package]))
        return environment

    def _tell_death(self, status: int) -> None:
        """Say how the worker ended that could not say so."""
        began = self._attempt.started() is not None
        if self._stopping is not None:
            self._end(JobStatus.CANCELLED, "cancelled", Cause.USER)
            return
        if status < 0:
            killed = "SIGKILL, perhaps for want of memory" if status == -9 else signal.Signals(-status).name
            reason = f"its worker on {socket.gethostname()} was killed by {killed}"
        else:
            reason = f"its worker on {socket.gethostname()} ended with status {status}"
        if not began and (words := last_line(self._attempt.log)):
            reason = f"{reason} before the notebook began: {words}"
        self._end(JobStatus.FAILED, reason, Cause.KILLED if began else Cause.START)

    def _end(self, status: JobStatus, reason: str, cause: Cause) -> None:
        end = Exit(status=status, ended_at=time.time(), reason=reason, cause=cause, used=self._attempt.used())
        self._attempt.finish(end)

    def _leave(self, place: TemporaryHome) -> int:
        """Send the rest, and take the home away; where that cannot be sent, it stays and is named."""
        self._sender.include_written(self._attempt.path / WORK, self._folder.path, self._settings)
        try:
            if self._is_gone:
                self._remote.delete_all()  # what was just being sent when it was taken away
            else:
                self._patiently(self._sender.send_rest)
        except (Unavailable, OSError) as error:
            where = f"{place.path} on {socket.gethostname()}"
            print(f"What the job left could not be sent and lies in {where}: {error}", file=sys.stderr)
            place.leave()
            return 1
        place.remove()
        return 0

    def _patiently(self, work: Callable[[], T]) -> T:
        """Do it, again and again while the server does not answer. Raises Unavailable in the end."""
        deadline, pause = time.monotonic() + self._settings.staging_patience_s, 0.5
        while True:
            try:
                return work()
            except Unavailable as error:
                if time.monotonic() + pause > deadline:
                    raise
                logger.warning("%s; trying again", error)
            self._sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)
