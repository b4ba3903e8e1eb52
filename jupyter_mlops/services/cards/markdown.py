"""Markdown of texts that may be anything: names with pipes, backticks or HTML stay text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#|&$~!])")
LONGEST_CELL = 300


def escaped(value: object) -> str:
    """A text in one line that Markdown shows as it is, also in a table.

    Backslashes before punctuation: https://spec.commonmark.org/0.31.2/#backslash-escapes. The dollar sign
    would begin mathematics in Jupyter.
    """
    text = " ".join(str(value).split())
    text = text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"
    return _SPECIAL.sub(r"\\\1", text)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of GitHub's Markdown; every cell is escaped."""
    lines = [[escaped(cell) for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [[*heads], ["---"] * len(heads), *lines])


def bullets(facts: Iterable[tuple[str, object]]) -> str:
    """``- **name:** value`` for each that has a value."""
    return "\n".join(f"- **{name}:** {escaped(value)}" for name, value in facts if value not in (None, ""))
