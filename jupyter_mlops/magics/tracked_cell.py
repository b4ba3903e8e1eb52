"""One tracked execution of a cell, from its begin to its footer."""

from __future__ import annotations

import logging
import os
import time
from typing import Any

from ..capture.outputs import OutputRecorder, record
from ..capture.source import CellFacts, cell_facts
from ..capture.values import number, scalar
from ..config import JOB, RUN
from ..entities import RunError, RunKind, RunStatus
from ..services.tracking.endings import ending
from ..services.tracking.surroundings import capture_surroundings
from ..services.tracking.tracker import RunWriter, Tracker, warn_line
from ..workspace import Workspace
from .footer import Summary, show
from .options import TrackOptions
from .place import Place
from .result_file import keep_result

logger = logging.getLogger(__name__)


class TrackedCell:
    """Made by :func:`begin`; :meth:`finish` is called once, after the cell."""

    def __init__(
        self, shell: Any, run: RunWriter, options: TrackOptions, facts: CellFacts, workspace: Workspace
    ) -> None:
        self.run = run
        self._shell, self._options, self._facts = shell, options, facts
        self._begun_at = time.monotonic()
        namespace = shell.user_ns
        self._before = {name: _mark(namespace[name]) for name in facts.bound if name in namespace}
        self._recorder = OutputRecorder(
            run,
            inline_bytes=workspace.settings.inline_output_bytes,
            cap_bytes=workspace.settings.output_cap_bytes,
        )
        capture_surroundings(run)
        self._recording = record(shell, self._recorder)

    def finish(self, result: Any) -> None:
        """``result`` is IPython's ExecutionResult; None when the execution was cancelled."""
        try:
            self._recording.stop()
        except Exception as problem:
            logger.exception("The outputs of a cell could not be recorded to their end")
            warn_line(f"some outputs of run {self.run.id} were not recorded: {problem}")
        status, reason, error = self._ending(result)
        missing = self._capture_values(succeeded=status is RunStatus.FINISHED)
        if self.run.owns:
            self.run.end(status, reason=reason, error=error)
        else:
            self.run.close()
            if status is RunStatus.FINISHED:
                keep_result(result.result)
        if self.run.recorded:
            show(self._summary(status, missing))

    def lose(self) -> None:
        """The shell never said how the cell ended."""
        self._recording.stop()
        self.run.end(RunStatus.FAILED, reason="the shell did not report the cell's end")

    def give_up(self) -> None:
        """End the run if :meth:`finish` did not come so far."""
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

    # values

    def _capture_values(self, *, succeeded: bool) -> list[str]:
        """Returns the names that ``-p`` and ``-m`` ask for and the cell did not leave."""
        try:
            missing = self._capture_params(succeeded)
            return missing + self._capture_metrics(succeeded)
        except Exception as problem:
            logger.exception("The values of a cell could not be captured")
            warn_line(f"the values of run {self.run.id} were not captured: {problem}")
            return []

    def _capture_params(self, succeeded: bool) -> list[str]:
        names = self._options.param_names
        found = {name: self._shell.user_ns[name] for name in names if self._is_there(name, succeeded)}
        self.run.log_params(found, source="flag")
        return [name for name in names if name not in found]

    def _capture_metrics(self, succeeded: bool) -> list[str]:
        logged = set(self.run.metric_names)
        values: dict[str, float] = {}
        missing: list[str] = []
        for name in self._options.metric_names:
            value = number(self._shell.user_ns.get(name)) if self._is_there(name, succeeded) else None
            if value is not None:
                values[name] = value
            elif name not in logged:
                missing.append(name)
        if self._options.auto:
            params = self.run.param_names
            for name in sorted(self._facts.computed - params):
                if self._was_assigned(name, succeeded) and _is_metric(self._shell.user_ns[name]):
                    values[name] = number(self._shell.user_ns[name]) or 0.0
        unlogged = {name: value for name, value in values.items() if name not in logged}
        if unlogged:
            self.run.log(unlogged)
        return missing

    def _was_assigned(self, name: str, succeeded: bool) -> bool:
        """Whether the cell bound the name, and not an earlier one."""
        namespace = self._shell.user_ns
        if name not in namespace:
            return False
        if succeeded and name in self._facts.certain:
            return True
        return name not in self._before or not _is_same(_mark(namespace[name]), self._before[name])

    def _is_there(self, name: str, succeeded: bool) -> bool:
        """Whether there is a value to read: of a failed cell, not what an earlier cell left."""
        if name not in self._shell.user_ns:
            return False
        return succeeded or name not in self._facts.bound or self._was_assigned(name, succeeded)

    def _summary(self, status: RunStatus, missing: list[str]) -> Summary:
        return Summary(
            run_id=self.run.id,
            name=self.run.name,
            status=status,
            duration_s=time.monotonic() - self._begun_at,
            params=len(self.run.param_names),
            metrics=len(self.run.metric_names),
            figures=self._recorder.counts["figure"],
            tables=self._recorder.counts["table"],
            missing=tuple(missing),
        )


def begin(shell: Any, workspace: Workspace, options: TrackOptions, info: Any) -> TrackedCell:
    """Start the run of the cell that ``info`` (IPython's ExecutionInfo) describes."""
    place = Place.of(shell, info)
    facts = cell_facts(_python_of(shell, info), shell.transform_cell)
    run = _start(workspace.tracker, options, place, info.raw_cell)
    if options.auto:
        literals = {name: value for name, value in facts.literals.items() if name not in options.params}
        run.log_params(literals, source="literal")
    run.log_params(options.params, source="flag")
    run.tag(options.tags)
    return TrackedCell(shell, run, options, facts, workspace)


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


def _mark(value: Any) -> tuple[Any, int]:
    """What tells a value from a later one. Only numbers are held on to: other things may be large."""
    return (value, 0) if isinstance(value, (bool, int, float)) else (None, id(value))


def _is_same(mark: tuple[Any, int], before: tuple[Any, int]) -> bool:
    return mark[0] is before[0] and mark[1] == before[1]


def _is_metric(value: Any) -> bool:
    return not isinstance(scalar(value), (bool, str)) and number(value) is not None
