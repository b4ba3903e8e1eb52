"""Terminal escape sequences (ECMA-48) in what programs print."""

from __future__ import annotations

import re
from functools import cache

_ESCAPES = (
    r"\x1b(?:"
    r"\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor movements, erasing
    r"|[\]PX^_].*?(?:\x07|\x1b\\|\Z)"  # strings for the terminal itself: its title, its clipboard
    r"|[ -/]*[0-~]"  # all others
    r"|\Z)"
)
_COLOUR = r"\x1b\[[0-9;:]*m"


def without_colours(text: str) -> str:
    """The text without any escape sequence."""
    return _pattern(_ESCAPES).sub("", text) if "\x1b" in text else text


def harmless(text: str, *, colours: bool) -> str:
    """The text as another terminal may show it: at most its colours are left of what steers one.

    Other people's output could otherwise rename the window, fill the clipboard or hide what it prints.
    """
    if "\x1b" in text:
        text = _pattern(_ESCAPES).sub(_colour if colours else "", text)
    return _pattern(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]").sub("", text)


def _colour(match: re.Match[str]) -> str:
    return match[0] if _pattern(_COLOUR).fullmatch(match[0]) else ""


@cache
def _pattern(expression: str) -> re.Pattern[str]:
    """Compiled when the first text needs it: a kernel that shows no colours never does."""
    return re.compile(expression, re.DOTALL)
