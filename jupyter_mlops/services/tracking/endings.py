"""How an exception ends a run."""

from __future__ import annotations

import asyncio
import traceback

from ...capture.values import both_ends
from ...entities import RunError, RunStatus
from ...errors import TrialPruned

MAX_TRACEBACK = 64 * 1024


def ending(error: BaseException | None) -> tuple[RunStatus, str | None, RunError | None]:
    """Status, reason and error of a run whose code ended with ``error`` (None: it ended well).

    An interrupt ends it as cancelled, also where an awaited cell sees it as ``CancelledError``, and
    a trial's pruning;
    ``sys.exit()`` without a failing status is a good end.
    """
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return RunStatus.FINISHED, None, None
    if isinstance(error, KeyboardInterrupt):
        return RunStatus.CANCELLED, "interrupted", None
    if isinstance(error, (asyncio.CancelledError, GeneratorExit)):
        return RunStatus.CANCELLED, "cancelled", None
    if isinstance(error, TrialPruned):
        return RunStatus.CANCELLED, error.message, None
    return RunStatus.FAILED, None, run_error(error)


def run_error(error: BaseException) -> RunError:
    """An exception as a run keeps it: its class, its text and its traceback."""
    return RunError(name=type(error).__name__, message=_message(error), traceback=_traceback(error))


def _message(error: BaseException) -> str:
    try:
        return str(error)[:MAX_TRACEBACK]
    except Exception:  # noqa: BLE001  a foreign __str__
        return ""


def _traceback(error: BaseException) -> str:
    try:
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    except Exception:  # noqa: BLE001  a foreign __repr__ or __str__
        text = "".join(traceback.format_tb(error.__traceback__))
    return both_ends(text, MAX_TRACEBACK)
