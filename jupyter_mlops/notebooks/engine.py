"""What the papermill engine does: papermill's own execution, told to a run."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager

from ..capture.notebook_file import shareable
from ..config import NOTEBOOK, RUN
from ..entities import RunError, RunStatus
from ..protocols.recorders import RunRecorder
from .client import TrackedClient, failed_cell, run_error
from .execution import signal_group, verdict_of
from .files import encoded
from .kernels import KernelChoice, kernel_manager
from .parameters import parameters_of
from .source import code_of

EXECUTED = "notebook.ipynb"
"""The artifact's name."""
MEDIA_TYPE = "application/x-ipynb+json"


def notebook_path(input_path: Any) -> str | None:
    """The notebook's path; remote ones as they are, None for a notebook that was never saved."""
    if not isinstance(input_path, (str, os.PathLike)):
        return None
    text = os.fspath(input_path)
    if text == "-":  # papermill's word for its standard input
        return None
    return text if "://" in text else os.path.abspath(text)


def execute_tracked(
    notebook: NotebookNode, kernel_name: str, *, start: Callable[[], RunRecorder], **options: Any
) -> NotebookNode:
    """Execute as papermill's default engine does, as the run that ``start`` begins.

    The run ends as papermill will judge: failed at the first cell that raised. Whatever papermill's
    engine raises is raised.
    """
    parameters = _parameters(notebook)
    run = start()
    run.log_params(parameters, source="parameters")
    run.source(code_of(notebook.cells))
    environment = {**os.environ, RUN: run.id}
    if path := notebook_path(options.get("input_path")):
        environment[NOTEBOOK] = path
    try:
        with _terminated_as_exit():
            TrackedEngine.execute_notebook(
                notebook, kernel_name, recorder=run, environment=environment, **options
            )
    except (KeyboardInterrupt, SystemExit) as error:
        _keep(run, notebook)
        run.end(RunStatus.CANCELLED, reason=f"papermill was stopped ({type(error).__name__})")
        raise
    except Exception as error:
        _keep(run, notebook)
        run.end(RunStatus.FAILED, reason=str(error) or type(error).__name__)
        raise
    _keep(run, notebook)
    index = failed_cell(notebook)
    outcome = verdict_of(*_judged(notebook, index))
    run.end(outcome.status, reason=outcome.reason, error=outcome.error)
    return notebook


class TrackedEngine(NBClientEngine):  # type: ignore[misc]  # papermill is untyped
    """papermill's default engine with our client in the place of its own."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        log_output: bool = False,
        stdout_file: Any = None,
        stderr_file: Any = None,
        start_timeout: int = 60,
        execution_timeout: int | None = None,
        *,
        recorder: RunRecorder,
        environment: Mapping[str, str],
        **options: Any,
    ) -> NotebookNode:
        kernel = kernel_manager(KernelChoice(name=kernel_name))
        known = PapermillNotebookClient.class_traits()
        traits = {name: value for name, value in options.items() if name in known}
        client = TrackedClient(
            nb_man,
            kernel=kernel,
            recorder=recorder,
            **{
                **traits,
                "timeout": execution_timeout or options.get("timeout"),
                "startup_timeout": start_timeout,
                "kernel_name": kernel_name,
                "log_output": log_output,
                "stdout_file": stdout_file,
                "stderr_file": stderr_file,
            },
        )
        try:
            executed: NotebookNode = client.execute(env=dict(environment))
        except DeadKernelError as error:
            raise DeadKernelError(kernel.death()) from error
        except (KeyboardInterrupt, SystemExit):
            if kernel.pid is not None:  # so that tracked cells see the interrupt
                signal_group(kernel.pid, signal.SIGINT)
            raise
        return executed


def _parameters(notebook: NotebookNode) -> dict[str, Any]:
    """The defaults of the parameters cell, overridden by what papermill injected."""
    defaults = {each.name: each.default for each in parameters_of(notebook) if each.type != "unknown"}
    return {**defaults, **notebook.metadata.get("papermill", {}).get("parameters", {})}


def _judged(notebook: NotebookNode, index: int | None) -> tuple[int | None, RunError | None]:
    """The cell that papermill will raise for, and its error: it looks at every cell's error outputs."""
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                return number, run_error(output)
    if index is None:
        return None, None
    return index, RunError(name="CellExecutionError", message="")


def _keep(run: RunRecorder, notebook: NotebookNode) -> None:
    run.log_bytes(EXECUTED, shareable(encoded(notebook)), media_type=MEDIA_TYPE)


@contextmanager
def _terminated_as_exit() -> Iterator[None]:
    """SIGTERM ends the process as an exit, so that kernel and run end in order; where nobody handles it."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
