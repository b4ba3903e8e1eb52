"""One tracked execution of a cell, from its begin to its footer."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..capture.displays import record
from ..capture.history import Past
from ..capture.outputs import OutputRecorder
from ..capture.source import cell_facts
from ..config import JOB, RUN
from ..entities import RunError, RunKind, RunStatus
from ..journal.layout import output_tails
from ..services.tracking.endings import ending
from ..services.tracking.executed import capture_history
from ..services.tracking.read_before import before_cell
from ..services.tracking.reads import watch_reads
from ..services.tracking.surroundings import capture_surroundings
from ..services.tracking.tracker import RunWriter, Tracker, warn_line
from ..workspace import Workspace
from .cell_values import CellValues
from .footer import Summary, show
from .logged_models import log_models
from .options import TrackOptions
from .place import Place

logger = logging.getLogger(__name__)


class TrackedCell:
    """Made by :func:`begin`; :meth:`finish` is called once, after the cell."""

    def __init__(
        self,
        shell: Any,
        run: RunWriter,
        options: TrackOptions,
        values: CellValues,
        workspace: Workspace,
        captures: Sequence[Callable[[RunWriter], None]] = (),
    ) -> None:
        self.run = run
        self._shell, self._options, self._values, self._workspace = shell, options, values, workspace
        self._begun_at = time.monotonic()
        self._was_recorded = run.recorded
        self._recorder = OutputRecorder(
            run,
            inline_bytes=workspace.settings.inline_output_bytes,
            cap_bytes=workspace.settings.output_cap_bytes,
            tail=output_tails(workspace.settings.home, run.id),
        )
        capture_surroundings(run, *captures)
        self._recording = record(shell, self._recorder)
        self._reads = watch_reads(run, workspace.settings)  # last: what tracking itself reads is no data

    def finish(self, result: Any) -> None:
        """``result`` is IPython's ExecutionResult; None when the execution was cancelled."""
        self._reads.stop()
        try:
            self._recording.stop()
        except Exception as problem:
            logger.debug("The outputs of a cell could not be recorded to their end", exc_info=problem)
            self.run.trouble(problem)
        status, reason, error = self._ending(result)
        succeeded = status is RunStatus.FINISHED
        self._capture_values(result, succeeded)
        registered = (
            log_models(self._workspace, self._shell.user_ns, self._options.models) if succeeded else []
        )
        if self.run.owns:
            # a kernel goes on; that of a job may be killed as soon as its last cell has ended
            self.run.end(status, reason=reason, error=error, wait=JOB in os.environ)
        else:
            self.run.close()
            if succeeded:
                from .result_file import keep_result

                keep_result(result.result)
        if self._was_recorded:
            show(self._summary(status, registered))

    def lose(self) -> None:
        """The shell never said how the cell ended."""
        self._reads.stop()
        self._recording.stop()
        self.run.end(RunStatus.FAILED, reason="the shell did not report the cell's end")

    def give_up(self) -> None:
        """End the run if :meth:`finish` did not come so far."""
        self._reads.stop()
        if self.run.owns:
            self.run.end(RunStatus.CANCELLED, reason="interrupted while its end was recorded")
        else:
            self.run.close()

    def _ending(self, result: Any) -> tuple[RunStatus, str | None, RunError | None]:
        if result is None:
            return RunStatus.CANCELLED, "cancelled", None
        raised = result.error_before_exec or result.error_in_exec
        status, reason, error = ending(raised)
        shown = self._recorder.error
        if shown is None or status is RunStatus.CANCELLED:
            return status, reason, error
        if error is None and not isinstance(raised, SystemExit):
            return RunStatus.FAILED, None, shown  # shown and swallowed, as by %%time of IPython 8
        return status, reason, shown if error is not None and error.name == shown.name else error

    def _capture_values(self, result: Any, succeeded: bool) -> None:
        try:
            self._values.after(None if result is None else result.result, succeeded=succeeded)
        except Exception as problem:
            logger.debug("The values of a cell could not be captured", exc_info=problem)
            warn_line(f"the values of run {self.run.id} were not all captured: {problem}")

    def _summary(self, status: RunStatus, registered: Sequence[str]) -> Summary:
        return Summary(
            run_id=self.run.id,
            name=self.run.name,
            status=status,
            duration_s=time.monotonic() - self._begun_at,
            params=self.run.params,
            params_left_out=self._values.left_out,
            metrics=self.run.last_metrics(),
            figures=self._recorder.counts["figure"],
            tables=self._recorder.counts["table"],
            files_read=self._reads.count,
            models=tuple(each.name for each in self._values.models),
            registered=tuple(registered),
            missing=tuple(self._values.missing),
            recorded=self.run.recorded,
            complete=self.run.complete,
        )


def begin(
    shell: Any,
    workspace: Workspace,
    options: TrackOptions,
    info: Any,
    past: Past,
) -> TrackedCell:
    """Start the run of the cell that ``info`` (IPython's ExecutionInfo) describes; ``past`` came before."""
    place = Place.of(shell, info)
    facts = cell_facts(_python_of(shell, info), shell.transform_cell)
    run = _start(workspace.tracker, options, place, info.raw_cell)
    values = CellValues(run, options, facts, shell.user_ns, getattr(shell, "user_ns_hidden", ()))
    try:
        values.before()
    except Exception as problem:
        logger.debug("The params of a cell could not be captured", exc_info=problem)
        warn_line(f"the params of run {run.id} were not all captured: {problem}")
    run.tag(options.tags)
    run.read_before = before_cell(past, shell.user_ns, str(workspace.settings.home))
    history = partial(
        capture_history,
        past=past,
        namespace=shell.user_ns,
        notebook=place.notebook,
        cap_bytes=workspace.settings.notebook_cap_bytes,
    )
    return TrackedCell(shell, run, options, values, workspace, captures=[history])


def _start(tracker: Tracker, options: TrackOptions, place: Place, source: str) -> RunWriter:
    replayed, tracker.replaying = tracker.replaying, False
    job_run = os.environ.get(RUN)
    if replayed and job_run and os.environ.get(JOB):
        run = tracker.join(job_run)  # the submitted cell is its job's run, and the worker ends it
        run.name = options.name or place.default_name
        run.source(source)
        tracker.activate(run)
        return run
    return tracker.start(
        name=options.name or place.default_name,
        experiment=options.experiment or place.experiment,
        kind=RunKind.CELL,
        notebook=place.notebook,
        cell_id=place.cell_id,
        source=source,
    )


def _python_of(shell: Any, info: Any) -> str:
    python = getattr(info, "transformed_cell", None)
    if isinstance(python, str):
        return python
    try:
        return str(shell.transform_cell(info.raw_cell))
    except Exception:  # noqa: BLE001  transformers of other extensions; the cell itself reports it
        return ""
