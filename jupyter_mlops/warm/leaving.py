"""How a forked process ends: as any Python process does, but that what it shares with others stays as it is.

An interpreter that ends takes everything apart that it has loaded. In a forked process that is mostly memory
which it shares with its nursery, and copies for that: a third of what a short job takes.
"""

from __future__ import annotations

import _io
import atexit
import contextlib
import ctypes
import gc
import sys
import threading
from collections.abc import Callable
from typing import Any, NoReturn


def leave_after(work: Callable[[], int | str | None]) -> NoReturn:
    """Do the work, and end this process as ``sys.exit`` does."""
    try:
        code = _status(work())
    except SystemExit as error:
        code = _status(error.code)
    except BaseException:  # noqa: BLE001  # this is the end of a process
        sys.excepthook(*sys.exc_info())
        code = 1
    leave(code)


def leave(code: int, *, namespace: dict[str, Any] | None = None) -> NoReturn:
    """What an interpreter does at its end: threads awaited, exit handlers run, files written.

    ``namespace`` is let go of, so that its objects are finalised. The last word is the C library's ``exit``,
    for what libraries in C have registered, called with the interpreter's lock held: no thread goes on.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    if namespace is not None:
        namespace.clear()
    gc.collect()  # what was there before the fork is frozen, and not looked at
    _write_files()
    ctypes.PyDLL(None).exit(code & 0xFF)
    raise AssertionError("exit(3) does not return")


def _write_files() -> None:
    for each in gc.get_objects():
        if issubclass(type(each), _io._IOBase):
            with contextlib.suppress(Exception):  # closed, or nobody reads the pipe any more
                each.flush()
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with contextlib.suppress(Exception):
            stream.flush()  # type: ignore[union-attr]


def _status(code: object) -> int:
    """The status that ``sys.exit(code)`` ends a process with."""
    if code is None:
        return 0
    if isinstance(code, int):
        return code
    print(code, file=sys.stderr)
    return 1
