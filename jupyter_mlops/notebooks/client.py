"""papermill's notebook client, telling a run what happens."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NotebookExecutionManager

from ..capture.ansi import without_colours
from ..entities import CellTiming, Progress, RunError
from ..protocols.recorders import RunRecorder
from .kernels import TetheredKernelManager

STREAM_PART_CHARACTERS = 64 * 1024
"""Consecutive stream outputs are merged up to this length: one string of all would be copied too often."""
STREAM_CAP_CHARACTERS = 16 * 1024 * 1024
"""Stream text that a cell keeps in the notebook; all of it goes to the log."""

OUTPUT_TIMEOUT_S = 300
"""How long the output of a cell that has ended may take to arrive; nbclient gives up after 4 s."""

logger = logging.getLogger(__name__)


class NotebookStopped(Exception):
    """No further cell is started, because the notebook was told to stop."""


class TrackedClient(PapermillNotebookClient):  # type: ignore[misc]  # papermill is untyped
    """Executes the cells of a notebook: steps go to a recorder, text of outputs to ``write`` as it comes."""

    def __init__(
        self,
        manager: NotebookExecutionManager,
        *,
        kernel: TetheredKernelManager,
        recorder: RunRecorder,
        write: Callable[[str], None] | None = None,
        stopped: Callable[[], bool] = lambda: False,
        epilogue: str = "",
        **traits: Any,
    ) -> None:
        super().__init__(
            manager,
            km=kernel,
            on_cell_start=self._before_cell,
            on_cell_execute=self._cell_starts,
            on_cell_executed=self._cell_ended,
            **{"log": logger, "iopub_timeout": OUTPUT_TIMEOUT_S, **traits},
        )
        self.error: tuple[int, RunError] | None = None
        """The last cell that raised, and what."""
        self._kernel = kernel
        kernel.is_executing = lambda: self.open_cell is not None
        self._recorder = recorder
        self._write = write
        self._stopped = stopped
        self._epilogue = epilogue
        self.epilogue_problem: str | None = None
        """Why the epilogue did not do what it should; None when it did, or was not to be run."""
        self._total = sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in self.nb.cells)
        self._done = 0
        self._open: tuple[int, float] | None = None
        self._kept_characters = 0

    @property
    def open_cell(self) -> int | None:
        """The index of the cell that is being executed."""
        return self._open[0] if self._open else None

    def execute(self, **kwargs: Any) -> Any:
        """Execute all cells up to the first that fails; ``kwargs`` go to the kernel's start."""
        self._recorder.step(Progress(done=0, total=self._total))
        try:
            return super().execute(cleanup_kc=True, **kwargs)
        finally:
            self._close_cell(ok=False)
            self._kernel.close()

    def papermill_execute_cells(self) -> None:
        """All cells; then, where none failed, the epilogue: Python code that is no cell."""
        super().papermill_execute_cells()
        if self._epilogue and not self._stopped() and failed_cell(self.nb) is None:
            language = self._answer(self.kc.kernel_info())["language_info"]["name"]
            if language != "python":
                self.epilogue_problem = (
                    f"the kernel speaks {language}, and only Python's variables can be kept"
                )
                return
            reply = self._answer(self.kc.execute(self._epilogue, silent=True, store_history=False))
            if reply["status"] != "ok":
                self.epilogue_problem = f"{reply.get('ename')}: {reply.get('evalue')}"

    def _answer(self, message_id: str) -> dict[str, Any]:
        """Waits as long as the kernel lives."""
        content: dict[str, Any] = self.wait_for_reply(message_id)["content"]
        return content

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        output = super().process_message(msg, cell, cell_index)
        if output is not None:
            if self._write and (text := output_text(output)):
                self._write(text)
            self._tidy(cell, output)
        return output

    def _tidy(self, cell: NotebookNode, output: NotebookNode) -> None:
        """Keep a chatty cell's streams few and bounded."""
        outputs = cell.outputs
        if output.output_type != "stream" or not outputs or outputs[-1] is not output:
            return
        if self._kept_characters > STREAM_CAP_CHARACTERS:
            outputs.pop()
            return
        self._kept_characters += len(output.text)
        if self._kept_characters > STREAM_CAP_CHARACTERS:
            output.text += "\n[the rest of this cell's text is in the log only]\n"
        previous = outputs[-2] if len(outputs) > 1 else None
        if (
            previous is not None
            and previous.output_type == "stream"
            and previous.name == output.name
            and len(previous.text) < STREAM_PART_CHARACTERS
        ):
            previous.text += outputs.pop().text

    def _before_cell(self, cell: NotebookNode, cell_index: int) -> None:
        if self._stopped():
            raise NotebookStopped

    def _cell_starts(self, cell: NotebookNode, cell_index: int) -> None:
        self._open = (cell_index, time.monotonic())
        self._kept_characters = 0

    def _cell_ended(self, cell: NotebookNode, cell_index: int, execute_reply: dict[str, Any]) -> None:
        content = execute_reply["content"]
        ok = content["status"] == "ok"
        if content["status"] == "error":
            self.error = (cell_index, run_error(content))
        self._close_cell(ok=ok)

    def _close_cell(self, *, ok: bool) -> None:
        if self._open is None:
            return
        index, started = self._open
        self._open = None
        self._done += 1
        timing = CellTiming(index=index, duration_s=time.monotonic() - started, ok=ok)
        self._recorder.step(Progress(done=self._done, total=self._total), timing)


def failed_cell(notebook: NotebookNode) -> int | None:
    """The index of the cell at which papermill stopped."""
    for index, cell in enumerate(notebook.cells):
        if cell.metadata.get("papermill", {}).get("status") == NotebookExecutionManager.FAILED:
            return index
    return None


def run_error(content: dict[str, Any]) -> RunError:
    """The error of an ``execute_reply`` or of an error output, without colours."""
    traceback = without_colours("\n".join(content.get("traceback") or []))
    return RunError(
        name=content.get("ename", "Error"), message=content.get("evalue", ""), traceback=traceback
    )


def output_text(output: NotebookNode) -> str:
    """What a log says of an output: the text of streams as it is, one paragraph for anything else."""
    if output.output_type == "stream":
        return "".join(output.text)
    if output.output_type == "error":
        return run_error(output).traceback + "\n"
    text = "".join(output.get("data", {}).get("text/plain", ""))
    return f"{text}\n" if text else ""
