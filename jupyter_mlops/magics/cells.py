"""The cells that run now: which hooks of the shell belong to which execution."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Frame(Generic[T]):
    """One execution of a cell; ``info`` is IPython's, ``cell`` what is tracked of it."""

    info: Any
    outermost: bool
    cell: T | None = None
    problem: Exception | None = None
    acknowledged: bool = False


class Frames(Generic[T]):
    """A stack for each thread: nested ``run_cell`` and subshells have executions of their own.

    ``pre_run_cell`` and ``post_run_cell`` do not always come in pairs: an empty cell has no
    ``pre_run_cell``, and a shell that fails in between has no ``post_run_cell``.
    """

    def __init__(self, lost: Callable[[Frame[T]], None]) -> None:
        self._stacks: dict[int, list[Frame[T]]] = {}
        self._lost = lost

    def push(self, info: Any) -> Frame[T]:
        """An execution begins; those before it that cannot be running any more are lost."""
        stack = self._stacks.setdefault(threading.get_ident(), [])
        while len(stack) >= max(1, len(_executions())):
            self._lost(stack.pop())
        stack.append(Frame(info, outermost=not stack))
        return stack[-1]

    def pop(self, info: Any) -> Frame[T] | None:
        """The execution that ends now; None for one that had not begun. Unknown ``info`` is the innermost."""
        stack = self._stacks.get(threading.get_ident(), [])
        if not stack or (info is not None and not info.raw_cell.strip()):
            return None
        known = [index for index, frame in enumerate(stack) if frame.info is info]
        index = known[-1] if known else len(stack) - 1
        while len(stack) > index + 1:
            self._lost(stack.pop())
        frame = stack.pop()
        if not stack:
            self._stacks.pop(threading.get_ident(), None)
        return frame

    def top(self) -> Frame[T] | None:
        """The innermost execution of this thread."""
        stack = self._stacks.get(threading.get_ident())
        return stack[-1] if stack else None


def running_cell() -> str | None:
    """The source of the outermost cell that this thread is executing."""
    executions = _executions()
    return executions[-1].f_locals.get("raw_cell") if executions else None


def cells_that_raised(shell: Any) -> set[int]:
    """The execution counts of earlier cells that are known to have raised.

    IPython 9 keeps the exceptions of a session; before, only the last one can be told, by its traceback.
    """
    kept = getattr(getattr(shell, "history_manager", None), "exceptions", None)
    found = {number for number in kept if isinstance(number, int)} if isinstance(kept, dict) else set()
    files = getattr(getattr(shell, "compile", None), "_filename_map", None)
    trace = getattr(sys, "last_traceback", None)
    while trace is not None and isinstance(files, dict):
        number = files.get(trace.tb_frame.f_code.co_filename)
        if isinstance(number, int):
            found.add(number)
            break
        trace = trace.tb_next
    return found


def cell_number(shell: Any) -> int:
    """The execution count of the innermost cell that this thread is executing.

    IPython 9 counts a cell before its hooks run and keeps the number; IPython 8 counts it at its end.
    """
    for execution in _executions()[:1]:
        number = execution.f_locals.get("execution_count")
        if isinstance(number, int):
            return number
    return int(shell.execution_count)


def _executions() -> list[FrameType]:
    """The calls of IPython's ``run_cell_async`` that this thread is in, the innermost first."""
    found: list[FrameType] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "run_cell_async":
            found.append(frame)
        frame = frame.f_back
    return found
