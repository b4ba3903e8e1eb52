"""The life of tracked cells, by the shell's hooks around every execution."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ..capture.history import History
from .cells import Frame, Frames, cell_number
from .header import show_header
from .refusals import BadArguments
from .transform import find_header

if TYPE_CHECKING:
    from .options import TrackOptions
    from .tracked_cell import TrackedCell

logger = logging.getLogger(__name__)


class CellHooks:
    """``pre_run_cell`` begins the run of a cell that has a ``%%track`` line, ``post_run_cell`` ends it.

    The run begins before the code is compiled, so that a cell with a syntax error is a failed run.
    """

    def __init__(self, shell: Any, history: History) -> None:
        self._shell = shell
        self._history = history
        self._frames: Frames[TrackedCell] = Frames(self._lose)

    def pre_run_cell(self, info: Any) -> None:
        frame = self._frames.push(info)
        if frame.outermost and info.store_history:
            self._history.began(cell_number(self._shell), info.raw_cell, getattr(info, "cell_id", None))
        if (found := find_header(info.raw_cell.splitlines())) is not None:
            self._begin(frame, found[1])

    def joined_in(self, source: str) -> None:
        """The cell that runs now began before these hooks were there."""
        self.pre_run_cell(SimpleNamespace(raw_cell=source, store_history=True, cell_id=None))

    def begin(self, line: str) -> None:
        """What stands in the place of the ``%%track`` line.

        The run has begun already, unless the line is within another cell magic's body. Raises what is
        wrong with the line's arguments, so that the body does not run.
        """
        show_header(line)
        frame = self._frames.top()
        if frame is None:  # a silent execution has no hooks, and nothing to track
            from .options import parse_track

            parse_track(line)
            return
        if frame.cell is not None and frame.acknowledged:
            raise BadArguments("%%track: this cell is tracked already. One %%track line a cell.")
        if frame.cell is None and frame.problem is None and not frame.acknowledged:
            self._begin(frame, line)
        frame.acknowledged = True
        if frame.problem is not None:
            raise frame.problem

    def post_run_cell(self, result: Any) -> None:
        frame = self._frames.pop(getattr(result, "info", None))
        if frame is None:
            return
        if frame.outermost and frame.info.store_history:
            self._history.ended(ok=bool(getattr(result, "success", False)))
        if frame.cell is not None:
            self._finish(frame.cell, result)

    def _begin(self, frame: Frame[TrackedCell], line: str) -> None:
        try:
            options = self._options(line)
        except BadArguments as problem:
            frame.problem = problem
            return
        try:
            from ..workspace import current
            from .tracked_cell import begin

            past = self._history.past(frame.info.raw_cell)
            frame.cell = begin(self._shell, current(), options, frame.info, past)
        except Exception as error:  # noqa: BLE001  tracking never breaks the user's cell; _report logs it
            frame.acknowledged = True
            _report(error, "this cell is not tracked")

    def _options(self, line: str) -> TrackOptions:
        from .options import parse_track

        return parse_track(line, self._shell.var_expand)

    def _finish(self, cell: TrackedCell, result: Any) -> None:
        try:
            cell.finish(result)
        except Exception as error:  # noqa: BLE001  tracking never breaks the user's cell; _report logs it
            _report(error, "the end of this cell's run is not fully recorded")
        finally:
            cell.give_up()  # does nothing after a finish; an interrupt may have cut it short

    def _lose(self, frame: Frame[TrackedCell]) -> None:
        if frame.outermost and frame.info.store_history:
            self._history.ended(ok=False)
        if frame.cell is not None:
            try:
                frame.cell.lose()
            except Exception as error:  # noqa: BLE001  tracking never breaks the user's cell; _report logs it
                _report(error, "the end of a run is not recorded")


def _report(error: Exception, what: str) -> None:
    from ..services.tracking.tracker import warn_line

    logger.debug("Tracking failed", exc_info=error)
    warn_line(f"{what}: {type(error).__name__}: {error}")
