"""Kernels of notebooks that run headless: chosen by name or by command, and dead with their parent."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager, NoSuchKernel
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from nbformat import NotebookNode

from ..errors import NotFound
from ..temporary import HeldFolder
from ..warm.tether import tethered
from .handshake import QuickClient
from .injection import is_python
from .provisioner import NAME as PROVISIONER

OF_ANY_ENVIRONMENT = ("python3", "python")
"""Names that stand for Python as such, whichever kernelspec has them."""
PROVISIONED_BY = "kernel_provisioner"
"""A kernelspec's own word for who starts its kernel."""
POLL_S = 0.005
SOCKETS = "mlops-kernel-"
"""Begins the names of folders for them."""
LONGEST_SOCKET = 103
"""Bytes that the path of a socket may have: so many on macOS, and 107 on Linux (unix(7))."""
IN_MEMORY_HISTORY = "--HistoryManager.hist_file=:memory:"


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelChoice:
    """Which kernel runs a notebook: the installed kernelspec ``name``, or ``argv`` where it is given.

    ``argv`` is a kernelspec's command, with ``{connection_file}`` in it.
    """

    name: str
    argv: list[str] | None = None


class TetheredKernelManager(AsyncKernelManager):
    """Starts kernels that are killed with the process that started them, on Linux.

    Elsewhere a kernel notices that its parent is gone by itself (ipykernel polls for it).
    ipykernel is spoken to through sockets in a folder of the user's own: TCP ports are picked before the
    kernel binds them, and of many kernels that start at once some lose theirs and hang.
    """

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._remove_folder: Callable[[], object] = lambda: None
        self.is_executing: Callable[[], bool] = lambda: True
        """Whether a cell is being executed; only then is a kernel interrupted before it is shut down."""

    def use_sockets(self) -> None:
        """Speak to the kernel through sockets in a new folder, which ``close`` removes.

        Where there is none whose path is short enough, TCP has to do.
        """
        within = _folder_for_sockets()
        if within is None:
            return
        folder = HeldFolder(SOCKETS, within=within)
        self._remove_folder = weakref.finalize(self, folder.remove)  # once, also where nobody closes it
        self.transport, self.ip = "ipc", str(folder.path / "kernel")
        self.connection_file = str(folder.path / "kernel.json")

    async def _async_interrupt_kernel(self) -> None:
        if self.is_executing() or not self.shutting_down:
            await super()._async_interrupt_kernel()

    async def _async_finish_shutdown(
        self, waittime: float | None = None, pollinterval: float = POLL_S, restart: bool = False
    ) -> None:
        """As jupyter_client's, which looks every 100 ms whether the kernel has ended."""
        await super()._async_finish_shutdown(waittime, pollinterval, restart)

    def close(self) -> None:
        """To be called when the kernel has ended."""
        self._remove_folder()

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        command: list[str] = super().format_kernel_cmd(extra_arguments)
        if is_ipykernel(command) and not any("HistoryManager" in each for each in command):
            command = [*command, IN_MEMORY_HISTORY]
        if sys.platform == "linux" and isinstance(self.provisioner, LocalProvisioner):
            return tethered(command)
        return command

    @property
    def pid(self) -> int | None:
        """The kernel's process, which leads a process group of its own; None before it is started."""
        return getattr(self.provisioner, "pid", None)

    def death(self) -> str:
        """How a kernel that is dead came to its end, in words."""
        process = getattr(self.provisioner, "process", None)
        code = process.poll() if process is not None else None
        if code is None:
            return "The kernel died."
        if code >= 0:
            return f"The kernel exited with status {code}."
        name = signal.Signals(-code).name if -code in signal.Signals.__members__.values() else str(-code)
        hint = " (out of memory?)" if name == "SIGKILL" else ""
        return f"The kernel was killed by {name}{hint}."


def is_ipykernel(command: Sequence[str]) -> bool:
    """Whether the command starts Python's own kernel."""
    return any(each.startswith("ipykernel") for each in command)


def kernel_manager(choice: KernelChoice) -> TetheredKernelManager:
    """A manager for the chosen kernel, not started. jupyter_client raises NoSuchKernel at the start."""
    manager = TetheredKernelManager(kernel_name=choice.name, client_factory=QuickClient)
    if choice.argv is not None:
        spec = KernelSpec(argv=list(choice.argv), display_name=choice.name, language="python")
        manager.kernel_spec_manager = _OneSpec(spec=spec)
    try:
        found = manager.kernel_spec
    except NoSuchKernel:  # raised again by the start
        return manager
    if found is not None and is_ipykernel(found.argv) and sys.platform != "win32":
        manager.use_sockets()
        if PROVISIONED_BY not in found.metadata and _is_installed(PROVISIONER):
            found.metadata[PROVISIONED_BY] = {"provisioner_name": PROVISIONER}
    return manager


def _folder_for_sockets() -> Path | None:
    """The temporary folder; where its path is too long (a cluster's TMPDIR), one with a shorter one.

    That of the session comes last: it is taken away when the user logs out (pam_systemd(8)).
    """
    folders = [tempfile.gettempdir(), "/tmp", os.environ.get("XDG_RUNTIME_DIR", "")]
    return next((Path(each) for each in folders if each and _can_have_sockets(each)), None)


def _can_have_sockets(folder: str) -> bool:
    longest = os.path.join(folder, f"{SOCKETS}12345678", "kernel-12345")
    fits = len(os.fsencode(longest)) <= LONGEST_SOCKET
    return fits and os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)


def _is_installed(provisioner: str) -> bool:
    """Whether jupyter_client finds it: not where this package is run without being installed."""
    return provisioner in KernelProvisionerFactory.instance().provisioners


def launcher(interpreter: str) -> list[str]:
    """The command of ipykernel in an interpreter's environment."""
    return [interpreter, "-m", "ipykernel_launcher", "-f", "{connection_file}"]


def kernel_of(notebook: NotebookNode, *, interpreter: str) -> KernelChoice:
    """The kernel that a notebook names, where that is another one than ``interpreter``'s own.

    A Python kernel that is not installed here, or whose interpreter is gone, is replaced by the
    interpreter's; for another language NotFound is raised.
    """
    own = KernelChoice(name="python3", argv=launcher(interpreter))
    name = notebook.metadata.get("kernelspec", {}).get("name", "python3")
    try:
        spec = KernelSpecManager().get_kernel_spec(name)
    except NoSuchKernel as error:
        if is_python(notebook):
            return own
        raise NotFound(
            f"The notebook's kernel {name!r} is not installed. Installed ones: jupyter kernelspec list."
        ) from error
    if spec.language == "python" and not spec.env and _is_own(spec.argv[:1], interpreter):
        return own
    if name in OF_ANY_ENVIRONMENT and shutil.which(spec.argv[0]) is None:
        return own
    return KernelChoice(name=name)


def worker_of(kernel: KernelChoice, *, interpreter: str) -> tuple[str, KernelChoice]:
    """The interpreter for a job's worker, and the kernel as that worker starts it.

    The kernel's own interpreter, where this package can be imported there; else ``interpreter``.
    """
    if kernel.argv is not None:
        return interpreter, kernel
    spec = KernelSpecManager().get_kernel_spec(kernel.name)
    program = shutil.which(spec.argv[0]) if spec.language == "python" and is_ipykernel(spec.argv) else None
    if program is None or spec.env or not _has_this_package(program):
        return interpreter, kernel
    return program, KernelChoice(name=kernel.name, argv=[program, *spec.argv[1:]])


def _is_own(program: list[str], interpreter: str) -> bool:
    """jupyter_client starts ``python`` and ``python3`` with its own interpreter.

    A virtual environment is known by its folder: all of its interpreters are links to one elsewhere.
    """
    if program in (["python"], ["python3"]):
        return True
    folders = [os.path.realpath(os.path.dirname(each)) for each in (*program, interpreter)]
    return len(set(folders)) == 1


@cache
def _has_this_package(interpreter: str) -> bool:
    package = __name__.partition(".")[0]
    command = [interpreter, "-c", f"import {package}.worker"]
    try:
        return not subprocess.run(command, capture_output=True, timeout=30, cwd=os.sep).returncode
    except (OSError, subprocess.SubprocessError):
        return False


class _OneSpec(KernelSpecManager):
    """Answers every name with one kernelspec, which is installed nowhere."""

    def __init__(self, *, spec: KernelSpec, **traits: Any) -> None:
        super().__init__(**traits)
        self.spec = spec

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return self.spec
