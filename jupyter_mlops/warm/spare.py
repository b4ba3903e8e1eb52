"""A worker's spare: the process that becomes its kernel.

It is forked from the worker while that has one thread, and is its child as any kernel is: it leads a session,
and dies with the worker. It waits until the worker says what it is to be, and ends when that never comes.
"""

from __future__ import annotations

import importlib
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec

from ..wire import decode, encode
from . import conditions, pools, rebirth
from .leaving import leave, leave_after
from .modules import Extras
from .rebirth import Memory
from .tether import tether

MODULES = ("ipykernel_launcher", "ipykernel")
"""What is run after ``-m`` for Python's kernel."""
READY = b"!"
CONTROL_S = 1.0
BUFFER = 64 * 1024
CUSTOMISED = ("sitecustomize", "usercustomize")
PARENT = "JPY_PARENT_PID"
"""By which ipykernel knows its parent (jupyter_client.launcher)."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What a spare is to be: a kernel with these arguments, environment and folder."""

    command: list[str]
    arguments: list[str]
    environment: dict[str, str]
    cwd: str


class Spare:
    """A process that waits to become a kernel; used as ``subprocess.Popen`` is."""

    def __init__(self, pid: int, channel: socket.socket, extras: Extras, libraries: Sequence[str]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin = self.stdout = self.stderr = None
        self._channel, self._libraries = channel, tuple(libraries)
        self._modules = {each.partition(".")[0] for each in extras.before}

    def refusal(self, command: Sequence[str], environment: Mapping[str, str], cwd: str) -> str:
        """Why it cannot be this kernel, which must be started then; empty when it can."""
        if self.poll() is not None:
            return "the forked process has ended"
        if not _is_own_ipykernel(command):
            return "the kernel is another program"
        if name := conditions.difference(environment, os.environ, self._libraries):
            return f"the kernel has another {name}"
        if problem := pools.trouble(environment):
            return f"the kernel's {problem}"
        if name := conditions.read_where_started(self._modules, Path(cwd)):
            return f"{cwd} has a {name}, which was not read"
        added = [each for each in _paths(environment) if each not in _paths(os.environ)]
        for folder in (*added, cwd):
            if name := _shadowed(folder, self._modules):
                return f"{folder} has a {name} of its own"
        return ""

    def become(self, command: Sequence[str], environment: Mapping[str, str], cwd: str) -> str:
        """Be that kernel; why it cannot any more, else empty. To be called once."""
        part = Part(
            command=list(command),
            arguments=list(command[3:]),
            environment={**environment, PARENT: str(os.getpid())},
            cwd=cwd,
        )
        try:
            self._channel.sendall(encode(part))
            self._channel.shutdown(socket.SHUT_WR)
        except OSError as error:
            return f"the forked process cannot be reached: {error}"
        return ""

    def wait_until_bound(self, timeout_s: float) -> bool:
        """Wait until the kernel can be connected to; False when it ended before, or takes longer."""
        self._channel.settimeout(timeout_s)
        try:
            return self._channel.recv(1) == READY
        except OSError:  # also a timeout
            return False
        finally:
            self._channel.close()

    def dismiss(self) -> None:
        """It is not needed."""
        self._channel.close()
        self.kill()
        self.wait()

    def poll(self) -> int | None:
        return self._await(os.WNOHANG)

    def wait(self, timeout: float | None = None) -> int | None:
        return self._await(0)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _await(self, options: int) -> int | None:
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, options)
            except ChildProcessError:  # it was reaped with all others, at the worker's end
                pid, status = self.pid, 0
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


_spare: Spare | None = None


def fork(memory: Memory, extras: Extras, libraries: Sequence[str]) -> None:
    """Fork a spare for this process, which must have one thread. In the spare this never returns."""
    global _spare
    mine, its = socket.socketpair()
    worker = os.getpid()
    pid = os.fork()
    if pid:
        its.close()
        _spare = Spare(pid, mine, extras, libraries)
        return
    mine.close()
    _wait(its, worker, memory, extras)


def take() -> Spare | None:
    """This process's spare, for whoever asks first; None where there is none."""
    global _spare
    spare, _spare = _spare, None
    return spare


def _wait(channel: socket.socket, worker: int, memory: Memory, extras: Extras) -> None:
    os.setsid()
    rebirth.close_all_but([channel.fileno()])
    if not tether(worker):
        os._exit(0)
    data = b"".join(iter(lambda: channel.recv(BUFFER), b""))
    if not data:
        os._exit(0)
    _be_kernel(decode(data, Part), channel, memory, extras)


def _be_kernel(part: Part, channel: socket.socket, memory: Memory, extras: Extras) -> None:
    """What ``python -m ipykernel_launcher`` does, up to the end of this process."""
    before = _paths(os.environ)
    rebirth.set_environment(part.environment)
    memory.rename(part.command, "python")
    os.chdir(part.cwd)
    sys.path[:] = _search_path(before, _paths(part.environment))
    importlib.invalidate_caches()
    pools.restore(part.environment)
    pools.reseed()
    extras.forget()
    leave_after(partial(_run_kernel, part, channel))


def _run_kernel(part: Part, channel: socket.socket) -> None:
    launcher = importlib.import_module(MODULES[0])
    sys.argv = [str(launcher.__file__), *part.arguments]
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance(parent_handle=int(part.environment[PARENT]))
    app.initialize(part.arguments)  # type: ignore[no-untyped-call]
    channel.send(READY)
    channel.close()
    app.start()  # type: ignore[no-untyped-call]
    # else it may wait for ten seconds for a thread that ``app.close`` stops before it
    app.control_thread.stop()
    app.control_thread.join(CONTROL_S)
    leave(0, namespace=app.shell.user_ns if app.shell else None)


def _search_path(before: Sequence[str], now: Sequence[str]) -> list[str]:
    """``sys.path`` as ``PYTHONPATH`` makes it, without the folder that ``python -m`` puts first."""
    has_folder = not getattr(sys.flags, "safe_path", False)
    rest = [each for each in sys.path[has_folder:] if each not in before]
    return list(dict.fromkeys([*now, *rest]))


def _paths(environment: Mapping[str, str]) -> list[str]:
    text = environment.get(conditions.PYTHON_PATH, "")
    return [os.path.abspath(each) for each in text.split(os.pathsep) if each]


def _is_own_ipykernel(command: Sequence[str]) -> bool:
    if len(command) < 3 or command[1] != "-m" or command[2] not in MODULES:
        return False
    return os.path.dirname(command[0]) == os.path.dirname(sys.executable) and os.path.realpath(
        command[0]
    ) == os.path.realpath(sys.executable)


def _shadowed(folder: str, modules: set[str]) -> str:
    """A module that this process has loaded from elsewhere and a kernel would load from ``folder``."""
    try:
        names = os.listdir(folder)
    except OSError:
        return ""
    for name in names:
        top = name.partition(".")[0]
        if top not in modules and top not in CUSTOMISED:
            continue
        if _is_module(Path(folder, name)) and not _is_from(top, folder):
            return name
    return ""


def _is_module(path: Path) -> bool:
    """A folder without ``__init__.py`` yields to any module elsewhere."""
    if path.suffix in (".py", ".so", ".pyc"):
        return path.is_file()
    return path.is_dir() and (path / "__init__.py").exists()


def _is_from(top: str, folder: str) -> bool:
    file = getattr(sys.modules.get(top), "__file__", None)
    return file is not None and os.path.realpath(file).startswith(os.path.realpath(folder) + os.sep)
