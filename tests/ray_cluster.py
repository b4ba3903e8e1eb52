"""A real Ray for tests: a head with fake GPUs on loopback, and nodes that join it."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from .optional import optional
from .waiting import wait_until

UP_TIMEOUT_S = 120.0
STARTS = 5
STORE_BYTES = 80_000_000
KEPT = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
START = ("start", "--block", "--disable-usage-stats")
HEAD, NODE = "127.0.0.2", "127.0.0.3"
"""Ray takes 127.0.0.1 for a mistake and replaces it by the host's outside address."""


class RayCluster:
    """A head that can be killed and started again, and at most one more node."""

    def __init__(self, folder: Path, *, gpus: int, cpus: int, token: str) -> None:
        self.folder, self.gpus, self.cpus, self.token = folder, gpus, cpus, token
        self.port, self.dashboard_port = _free_port(), _free_port()
        self.address = f"http://127.0.0.1:{self.dashboard_port}"
        self._sessions: list[int] = []
        self._starts = 0

    def start(self) -> None:
        """Have a head that takes jobs."""
        self._bring_up(
            *("--head", f"--port={self.port}", f"--node-ip-address={HEAD}", f"--num-gpus={self.gpus}"),
            *(f"--num-cpus={self.cpus}", "--include-dashboard=true", "--dashboard-host=127.0.0.1"),
            *(f"--dashboard-port={self.dashboard_port}", f"--ray-client-server-port={_free_port()}"),
            nodes=1,
        )

    def join(self, *, resources: str = "{}", cpus: int = 1) -> int:
        """Have a second node, without GPUs; the session that its processes are in."""
        return self._bring_up(
            *(f"--address={HEAD}:{self.port}", f"--node-ip-address={NODE}", "--num-gpus=0"),
            *(f"--num-cpus={cpus}", f"--resources={resources}"),
            nodes=2,
        )

    def kill(self, session: int | None = None) -> None:
        """SIGKILL to all processes of a node, or of the whole cluster, and to what they started."""
        for each in list(self._sessions) if session is None else [session]:
            _kill_session(each)
            self._sessions.remove(each)

    def _bring_up(self, *arguments: str, nodes: int) -> int:
        """Start a node; once more where it gave up, as it does when its agents need more than 15 s."""
        for _ in range(STARTS):
            node = self._run(*arguments)
            up_or_gone = wait_until(
                lambda node=node: self._has(nodes) or node.poll() is not None,
                timeout_s=UP_TIMEOUT_S,
                message=self.story,
            )
            if up_or_gone and node.poll() is None:
                return node.pid
            self.kill(node.pid)
        raise AssertionError(self.story())

    def _run(self, *arguments: str) -> subprocess.Popen[bytes]:
        self._starts += 1
        temp = self.folder / str(self._starts)
        temp.mkdir()
        sizes = (f"--object-store-memory={STORE_BYTES}", "--memory=4000000000", f"--temp-dir={temp}")
        ports = (
            "--min-worker-port=0",
            "--max-worker-port=0",
            f"--dashboard-agent-listen-port={_free_port()}",
        )
        with (self.folder / "log").open("ab") as log:
            node = subprocess.Popen(
                [sys.executable, "-m", "ray.scripts.scripts", *START, *arguments, *sizes, *ports],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._sessions.append(node.pid)
        return node

    def _environment(self) -> dict[str, str]:
        token = self.folder / "token"
        if not token.exists():
            token.write_text(self.token)
        return {
            **{name: os.environ[name] for name in KEPT if name in os.environ},
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_USAGE_STATS_ENABLED": "0",
            # no workers in store: a machine that runs other tests has no time for them
            "RAY_enable_worker_prestart": "0",
            "RAY_prestart_worker_first_driver": "0",
        }

    def _has(self, nodes: int) -> bool:
        """Whether so many nodes are alive, and jobs are taken."""
        try:
            alive = self.ask("/api/v0/nodes").count('"ALIVE"')
            return alive >= nodes and self.ask("/api/jobs/").startswith("[")
        except OSError:
            return False

    def ask(self, path: str) -> str:
        """What its dashboard answers. Raises OSError."""
        request = urllib.request.Request(
            self.address + path, headers={"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(answer.read().decode())

    def story(self) -> str:
        """The end of what its nodes have said."""
        return (self.folder / "log").read_text(errors="replace")[-4000:]


@contextmanager
def ray_cluster(*, gpus: int = 2, cpus: int = 4) -> Iterator[RayCluster]:
    """A cluster of the test's own; skips the test where Ray is not installed."""
    optional("ray")
    # its sockets lie there, and their paths may have but a hundred characters (unix(7))
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    cluster = RayCluster(folder, gpus=gpus, cpus=cpus, token=secrets.token_hex(16))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _kill_session(session: int) -> None:
    """All that is left of a node: its workers and their jobs are in sessions of their own, below it."""
    while found := [each for each in _below(session) if each.is_running() and each.status() != "zombie"]:
        for each in found:
            try:
                each.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(found, timeout=5)


def _below(session: int) -> list[psutil.Process]:
    found: dict[int, psutil.Process] = {}
    for each in psutil.process_iter():
        try:
            if os.getsid(each.pid) == session:
                found[each.pid] = each
                found |= {child.pid: child for child in each.children(recursive=True)}
        except (psutil.Error, ProcessLookupError, PermissionError):
            continue
    return list(found.values())
