"""The ``%%track`` line as tracebacks show it: what was typed, not the call that stands in its place."""

from __future__ import annotations

import linecache
import sys
from types import FrameType

from .transform import BEGIN


def show_header(line: str) -> None:
    """Put the line, as a comment, where IPython keeps the source of the cell that calls this.

    As a comment, because tracebacks are made from source that parses.
    """
    frame = _cell_frame()
    cached = linecache.cache.get(frame.f_code.co_filename) if frame is not None else None
    if frame is None or cached is None or len(cached) != 4:
        return
    size, changed_at, lines, name = cached
    index = frame.f_lineno - 1
    if not (0 <= index < len(lines) and lines[index].startswith(("get_ipython().run_line_magic", "%%track"))):
        return
    shown = [*lines]
    shown[index] = f"# %%track {line}".rstrip() + "\n"
    linecache.cache[frame.f_code.co_filename] = size, changed_at, shown, name


def _cell_frame() -> FrameType | None:
    """The cell whose code calls the magic."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and BEGIN not in frame.f_code.co_consts:
        frame = frame.f_back
    return frame
