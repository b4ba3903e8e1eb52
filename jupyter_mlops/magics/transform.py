"""``%%track`` is rewritten to a line magic and the body, so that the body runs as any cell does.

A real cell magic has to run its body itself: then ``await`` fails, errors show twice and the value of
the last line is lost. The transformer is pure: IPython also runs it to see whether input is complete.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ..errors import InvalidInput

BEGIN = "mlops_track_begin"
_HEADER = re.compile(r"\s*%%track(?:[ \t]+(?P<line>.*))?$")
_FUTURE = re.compile(r"^from\s+__future__\s+import\b", re.MULTILINE)


def find_header(lines: Sequence[str]) -> tuple[int, str] | None:
    """Where the ``%%track`` line is and what stands on it; only blank lines and comments come before."""
    for index, text in enumerate(lines):
        if match := _HEADER.match(text.rstrip()):
            return index, (match["line"] or "").strip()
        if text.strip() and not text.lstrip().startswith("#"):
            return None
    return None


class TrackTransformer:
    """An entry of IPython's ``input_transformers_cleanup``; ``transform_cell`` makes Python of a cell."""

    has_side_effects = True
    """Keeps it out of IPython's completeness check, which then knows the cell as a cell magic."""

    def __init__(self, transform_cell: Callable[[str], str]) -> None:
        self._transform_cell = transform_cell

    def __call__(self, lines: list[str]) -> list[str]:
        found = find_header(lines)
        if found is None:
            return lines
        index, line = found
        before, body = lines[:index], lines[index + 1 :]
        call = f"get_ipython().run_line_magic({BEGIN!r}, {line!r})\n"
        if not _is_valid(line):
            return [*before, call]  # it raises, and the body does not run
        if _FUTURE.search("".join(body)):
            call = "# %%track\n"  # nothing may stand before such an import; pre_run_cell has begun the run
        return [*before, call, *self._inner(body)]

    def _inner(self, body: list[str]) -> list[str]:
        """The body, transformed where it begins with a cell magic of its own."""
        for index, text in enumerate(body):
            if text.startswith("%%"):
                python = self._transform_cell("".join(body[index:]))
                return [*body[:index], *python.splitlines(keepends=True)]
            if text.strip() and not text.startswith("#"):
                break
        return body


def _is_valid(line: str) -> bool:
    from .options import parse_track

    try:
        parse_track(line)
    except InvalidInput:
        return False
    return True
