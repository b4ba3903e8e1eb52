"""The agent of a home on this host: whether there is one, starting it, waking it, stopping it.

Everything lies in the user's runtime folder, never on a network path: a lock that the agent holds as long
as it lives, what it says of itself, a pipe to wake it by, and its log.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import select
import signal
import site
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from ...capture.processes import current_process, is_alive
from ...config import AGENT, POOL, Settings
from ...entities import Process
from ...errors import Unavailable, Unsupported
from .environment import PYTHON_PATH
from .logs import last_line

START_TIMEOUT_S = 20.0
LOCK_TIMEOUT_S = 5.0
SPAWN_PATIENCE_S = 5.0
"""How long an agent that this process started is taken to be on its way."""
POLL_S = 0.02
LOG_LIMIT_BYTES = 4 * 1024 * 1024
MODULE = "jupyter_mlops.agent"
KEPT = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES",
    "CUDA_DEVICE_ORDER",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "SLURM_CONF",
    "RAY_AUTH_TOKEN_PATH",
    "CONDA_DEFAULT_ENV",
)
"""What an agent takes over from the process that starts it, with ``LC_*``; nothing that may be a secret."""
KEPT_FOR_STORES = (
    "AWS_",
    "FSSPEC_",
    "AZURE_STORAGE_",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GCSFS_",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
)
"""How the names begin that say how a remote store is reached, where one is configured."""

logger = logging.getLogger(__name__)


class AgentStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent says of itself. ``slots`` is how many GPUs it knows of.

    ``turn_s`` is how long one of its last turns took, at the time ``turned_at``; while it is idle, or has
    just begun, these are zero.
    """

    process: Process
    slots: int
    started_at: float
    home: str
    interpreter: str
    log: str
    turn_s: float = 0.0
    turned_at: float = 0.0


class AgentControl:
    """Reaches the one agent of ``settings.home`` on this host; satisfies ``protocols.jobs.Agent``."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        name = "agent-" + hashlib.sha256(os.fsencode(settings.home)).hexdigest()[:16]
        self._lock_path, self._state_path, self._pipe_path, self.log_path = (
            settings.runtime_dir / f"{name}.{suffix}" for suffix in ("lock", "json", "wake", "log")
        )
        self._spawned: tuple[subprocess.Popen[bytes], float] | None = None

    def status(self) -> AgentStatus | None:
        """What the living agent says of itself; None when there is none."""
        try:
            status = msgspec.json.decode(self._state_path.read_bytes(), type=AgentStatus)
        except (FileNotFoundError, ValueError):  # msgspec's errors, and text that is no UTF-8
            return None
        return status if is_alive(status.process) else None

    def ensure(self, *, gpus: int = 0, gpu_slots: int | None = None) -> None:
        status = self.status()
        if status is not None and status.slots < gpus:
            self.stop()
            status = None
        if status is not None:
            with contextlib.suppress(OSError):
                os.kill(status.process.pid, signal.SIGCONT)  # one that was stopped would keep its seat
            self.wake()
        elif not self._is_on_its_way():
            self._spawn(gpu_slots)

    def start(self) -> AgentStatus:
        """Have an agent, and wait for it. Raises Unavailable with the end of its log when none comes."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while (status := self.status()) is None:
            if not self._is_on_its_way():  # also when one that was started before has ended, being idle
                self._spawn()
            time.sleep(POLL_S)
            if (failed := self._spawn_failed()) or time.monotonic() > deadline:
                raise Unavailable(
                    f"The agent {failed or f'did not start within {START_TIMEOUT_S:.0f} s'}. The end of its "
                    f"log, {self.log_path}: {last_line(self.log_path) or 'empty'}"
                )
        return status

    def stop(self, *, timeout_s: float = 10.0) -> bool:
        """End the agent; its jobs go on. False when there was none. Raises Unavailable when it stays."""
        status = self.status()
        if status is None:
            return False
        os.kill(status.process.pid, signal.SIGTERM)
        deadline = time.monotonic() + timeout_s
        while is_alive(status.process):
            if time.monotonic() > deadline:
                raise Unavailable(f"The agent (process {status.process.pid}) does not end. Kill it: kill -9.")
            time.sleep(POLL_S)
        return True

    def wake(self) -> bool:
        """Have the agent look at the queue now instead of at its next turn; False where there is none."""
        try:
            fd = os.open(self._pipe_path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody listens
            return False
        try:
            os.write(fd, b"!")
        except OSError:  # the pipe is full of such calls
            pass
        finally:
            os.close(fd)
        return True

    def _is_on_its_way(self) -> bool:
        """Whether one that was started just now lives and will look at the queue: a sweep needs no second."""
        if self._spawned is None:
            return False
        agent, since = self._spawned
        return time.monotonic() - since < SPAWN_PATIENCE_S and agent.poll() is None

    def _spawn_failed(self) -> str:
        """How the one that was started last ended, where it ended by an error."""
        code = self._spawned[0].poll() if self._spawned else None
        return f"ended with status {code}" if code else ""

    def _spawn(self, gpu_slots: int | None = None) -> None:
        if sys.platform == "win32":
            raise Unsupported("Batch jobs need Linux or macOS; on Windows, use WSL.")
        settings = replace(self.settings, gpu_slots=self.settings.gpu_slots or gpu_slots)
        folder = settings.runtime_dir
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.log_path.open("ab") as log:
            if log.tell() > LOG_LIMIT_BYTES:
                log.truncate(0)
            agent = subprocess.Popen(
                [sys.executable, "-m", MODULE],
                env=clean_environment(os.environ, settings),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._spawned = agent, time.monotonic()
        # an agent that ends before this process does must not stay as its zombie
        threading.Thread(target=agent.wait, name="mlops-agent-reaper", daemon=True).start()


class AgentSeat:
    """What makes a process the one agent: made by the agent itself, kept until it ends."""

    def __init__(self, control: AgentControl) -> None:
        self._control = control
        self._lock: int | None = None
        self._pipe: int | None = None

    def take(self) -> bool:
        """Become the agent; False when there is another. One that is just ending is awaited."""
        import fcntl

        self._control.settings.runtime_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(self._control._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + LOCK_TIMEOUT_S
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if self._control.status() is not None or time.monotonic() > deadline:
                    os.close(fd)
                    return False
                time.sleep(POLL_S)
        self._lock = fd
        self._pipe = self._open_pipe()
        return True

    def announce(self, *, started_at: float, slots: int, turn_s: float = 0.0) -> None:
        """Say who the agent is: from now on nobody starts another."""
        status = AgentStatus(
            process=current_process(),
            started_at=started_at,
            slots=slots,
            home=str(self._control.settings.home),
            interpreter=sys.executable,
            log=str(self._control.log_path),
            turn_s=turn_s,
            turned_at=time.time() if turn_s else 0.0,
        )
        temporary = self._control._state_path.with_suffix(f".{os.getpid()}")
        temporary.write_bytes(msgspec.json.encode(status))
        os.replace(temporary, self._control._state_path)

    def withdraw(self) -> None:
        """No longer say so: from now on whoever submits a job starts another agent."""
        self._control._state_path.unlink(missing_ok=True)

    def wait(self, timeout_s: float) -> None:
        """Sleep, until somebody wakes the agent."""
        if self._pipe is None:
            time.sleep(timeout_s)
            return
        readable, _, _ = select.select([self._pipe], [], [], timeout_s)
        if readable:
            os.read(self._pipe, 4096)

    def leave(self) -> None:
        """Give the seat up."""
        for fd in (self._pipe, self._lock):
            if fd is not None:
                os.close(fd)
        self._pipe = self._lock = None

    def _open_pipe(self) -> int | None:
        path = self._control._pipe_path
        try:
            if not path.is_fifo():
                path.unlink(missing_ok=True)
                os.mkfifo(path, 0o600)
            # for reading and writing, or its end would be seen whenever nobody writes (fifo(7))
            return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            logger.warning("No pipe to be woken by: %s", error)
            return None


def clean_environment(environ: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """An agent's environment: nothing of the kernel that happens to start it."""
    stores = KEPT_FOR_STORES if settings.staging or settings.blobs else ()
    kept = ("LC_", *stores)
    environment = {name: value for name, value in environ.items() if name in KEPT or name.startswith(kept)}
    if POOL in environ:  # inside a job, whose own GPUs are not the pool
        environment.pop("CUDA_VISIBLE_DEVICES", None)
        if environ[POOL] != "all":
            environment["CUDA_VISIBLE_DEVICES"] = environ[POOL]
    root = str(Path(__file__).parents[3])
    if root not in {*site.getsitepackages(), site.getusersitepackages()}:
        environment[PYTHON_PATH] = root
    return environment | settings.environment() | {AGENT: "1"}
