"""Execute a notebook in a kernel of its own, watched, stoppable, and written to disk whatever happens."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from jupyter_client.kernelspec import NoSuchKernel
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from papermill.engines import NotebookExecutionManager
from papermill.iorw import load_notebook_node

from ..entities import RunError, RunStatus
from ..errors import TrialPruned
from ..protocols.recorders import RunRecorder
from .carried import ROLE as CARRIED
from .client import NotebookStopped, TrackedClient, failed_cell
from .files import encoded
from .kernels import KernelChoice, kernel_manager

SAVE_EVERY_S = 30
STARTUP_TIMEOUT_S = 120
GRACE_S = 5.0

logger = logging.getLogger(__name__)

__all__ = ["ExecutionHandle", "KernelChoice", "Outcome", "execute_notebook"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an execution ended: FINISHED, FAILED or CANCELLED, why, and what a cell raised."""

    status: RunStatus
    reason: str | None = None
    error: RunError | None = None


class ExecutionHandle:
    """Stops an execution from elsewhere.

    ``stop`` and ``kill`` only put a note into a queue (``SimpleQueue.put`` is reentrant), so they may be
    called from a signal handler, from any thread, several times, and before the execution has begun.
    """

    def __init__(self) -> None:
        self._notes: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._verdict: tuple[RunStatus, str] | None = None
        self._grace_s = GRACE_S

    @property
    def verdict(self) -> tuple[RunStatus, str] | None:
        """Status and reason of the first ``stop`` or ``kill``; None as long as there was none."""
        return self._verdict

    def stop(self, status: RunStatus, reason: str, *, grace_s: float = GRACE_S) -> None:
        """Interrupt the kernel, start no further cell, and kill the kernel after ``grace_s``.

        The execution ends with ``status`` and ``reason``, unless it had been told to stop before.
        """
        self._settle(status, reason)
        self._grace_s = grace_s
        self._notes.put(self._interrupt)

    def kill(self, status: RunStatus, reason: str) -> None:
        """Kill the kernel at once."""
        self._settle(status, reason)
        self._notes.put(self._kill)

    def _settle(self, status: RunStatus, reason: str) -> None:
        if self._verdict is None:
            self._verdict = (status, reason)

    def _interrupt(self) -> None:
        self._signal(signal.SIGINT)

    def _kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if (pid := self._pid()) is not None:
            signal_group(pid, number)

    def watch(self, pid: Callable[[], int | None]) -> threading.Thread:
        """Act on the notes in a thread, until ``unwatch``. ``pid`` answers with the kernel's."""
        self._pid = pid
        thread = threading.Thread(target=self._act, name="mlops-stop", daemon=True)
        thread.start()
        return thread

    def unwatch(self) -> None:
        self._notes.put(None)

    def _act(self) -> None:
        timeout: float | None = None
        while True:
            try:
                note = self._notes.get(timeout=timeout)
            except Empty:
                note = self._kill
            if note is None:
                return
            note()
            timeout = self._grace_s if timeout is None else 1.0


def signal_group(pid: int, number: signal.Signals) -> None:
    """Signal a kernel and its children: jupyter_client starts each kernel as the leader of a group."""
    if sys.platform == "win32":  # no jobs there, and Ctrl-C reaches the kernel by itself
        return
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        logger.debug("No process group %s to signal", pid)


class ThrottledManager(NotebookExecutionManager):  # type: ignore[misc]  # papermill is untyped
    """papermill's bookkeeping, writing the notebook atomically, at its end and at most every 30 s before.

    papermill's own writes after every cell, which is quadratic in the number of cells.
    """

    def __init__(self, nb: NotebookNode, output_path: Path) -> None:
        super().__init__(
            nb, output_path=str(output_path), progress_bar=False, autosave_cell_every=SAVE_EVERY_S
        )
        self._next_save = time.monotonic()

    def save(self, **kwargs: Any) -> None:
        if time.monotonic() >= self._next_save:
            write_notebook(self.nb, Path(self.output_path))
            self.last_save_time = self.now()
            self._next_save = time.monotonic() + self.autosave_cell_every

    def notebook_complete(self, **kwargs: Any) -> None:
        self._next_save = time.monotonic()
        super().notebook_complete(**kwargs)


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write it so that a reader sees the old or the new one. A full disk is reported, not raised."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(encoded(notebook))
        os.replace(temporary, path)
    except OSError as error:
        logger.warning("The executed notebook %s cannot be written: %s", path, error)
        temporary.unlink(missing_ok=True)


def execute_notebook(
    input_path: Path,
    output_path: Path,
    *,
    recorder: RunRecorder,
    kernel: KernelChoice,
    environment: Mapping[str, str],
    cwd: Path,
    log: Callable[[str], None],
    handle: ExecutionHandle | None = None,
    epilogue: str = "",
    epilogue_failed: Callable[[str], None] = logger.warning,
) -> Outcome:
    """Execute a notebook whose parameters are injected already, and say how it ended.

    ``epilogue`` is Python that runs after the last cell when none has failed; ``epilogue_failed`` is told
    why it could not do its work.

    ``environment`` is the kernel's whole environment. ``log`` gets the text of the outputs as it comes.
    ``recorder`` gets a step per executed cell; it is not ended. ``output_path`` is written whatever
    happens, and nothing but KeyboardInterrupt and SystemExit is raised: any failure is an Outcome.
    """
    handle = handle or ExecutionHandle()
    try:
        notebook = load_notebook_node(str(input_path))
    except Exception as error:  # nbformat and papermill raise many classes for a damaged file
        logger.exception("Unreadable notebook %s", input_path)
        return Outcome(status=RunStatus.FAILED, reason=f"The notebook {input_path} cannot be read: {error}")
    manager = ThrottledManager(notebook, output_path)
    km = kernel_manager(kernel)
    client = TrackedClient(
        manager,
        kernel=km,
        recorder=recorder,
        write=log,
        stopped=lambda: handle.verdict is not None,
        epilogue=epilogue,
        startup_timeout=STARTUP_TIMEOUT_S,
        timeout=None,
    )
    manager.notebook_start()
    handle.watch(lambda: km.pid)
    try:
        failure = _failure_of(client, env=dict(environment), cwd=str(cwd))
    finally:
        handle.unwatch()
        manager.notebook_complete()
    if client.epilogue_problem:
        epilogue_failed(client.epilogue_problem)
    return _outcome(client, handle, failure)


def _failure_of(client: TrackedClient, **start: Any) -> str | None:
    """Execute; why the notebook could not go on, other than by a cell's exception."""
    kernel = client.km
    try:
        client.execute(**start)
    except NotebookStopped:
        return "stopped"
    except DeadKernelError:
        return str(kernel.death())
    except NoSuchKernel as error:
        return f"No kernel {error.name!r} is installed here. Installed ones: jupyter kernelspec list."
    except Exception as error:  # whatever a kernel, its transport or its kernelspec raises ends the job
        logger.exception("The notebook's execution failed")
        if kernel.has_kernel and kernel.provisioner.process.poll() is not None:
            return f"{kernel.death()} ({error})"
        return f"{type(error).__name__}: {error}"
    return None


def _outcome(client: TrackedClient, handle: ExecutionHandle, failure: str | None) -> Outcome:
    failed = failed_cell(client.nb)
    error = client.error[1] if client.error is not None and failed == client.error[0] else None
    if handle.verdict is not None and (failure or error):
        status, reason = handle.verdict
        return Outcome(status=status, reason=reason, error=error)
    if failure:
        return Outcome(status=RunStatus.FAILED, reason=failure, error=error)
    return verdict_of(failed, error, title=_title(client.nb, failed))


def _title(notebook: NotebookNode, index: int | None) -> str | None:
    """What the person who submitted a cell calls the cells of the notebook that was made of it."""
    about = {} if index is None else notebook.cells[index].metadata.get("mlops", {})
    if about.get("role") == "replay":
        return f"the replay of cell {about['number']}"
    if about.get("role") == CARRIED:
        return "the cell that loads what is carried"
    return "the submitted cell" if about.get("role") == "submitted" else None


def verdict_of(failed: int | None, error: RunError | None, *, title: str | None = None) -> Outcome:
    """How a notebook ended whose cell ``failed``, called ``title``, raised ``error``."""
    if error is None or (error.name == "SystemExit" and error.message in ("", "0")):
        return Outcome(status=RunStatus.FINISHED)
    if error.name in ("KeyboardInterrupt", "CancelledError"):
        return Outcome(status=RunStatus.CANCELLED, reason=error.name, error=error)
    if error.name == TrialPruned.__name__:
        return Outcome(status=RunStatus.CANCELLED, reason=error.message)
    reason = f"{title or f'cell {failed}'} raised {error.name}" + (
        f": {error.message}" if error.message else ""
    )
    return Outcome(status=RunStatus.FAILED, reason=reason, error=error)
