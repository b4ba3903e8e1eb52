"""What people and programs read: tables of rich, or JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .. import wire
from ..services.showing.tables import shown

WIDE = 200
"""Columns where the output is no terminal."""

SHORT = 16
"""Characters of the longest text of several words that is kept on one line: a date with its time."""

ONE_COLUMN = 3
"""Characters that a table adds to each of its columns: a line and a space on either side."""

COLOURS = {
    "running": "blue",
    "starting": "blue",
    "queued": "cyan",
    "finished": "green",
    "succeeded": "green",
    "ready": "green",
    "failed": "red",
    "lost": "magenta",
    "cancelled": "yellow",
    "pending": "yellow",
}


def console(*, stderr: bool = False) -> Console:
    """A console for text as it is: no markup; only the terminal breaks lines, so that paths can be copied."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if _has_width(stream) else WIDE
    return Console(
        file=stream,
        width=width,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=True,
        force_jupyter=False,  # a magic prints text as well, which a cell shows as it is
    )


def _has_width(stream: TextIO) -> bool:
    return stream.isatty() or bool(os.environ.get("COLUMNS"))


def print_json(value: Any) -> None:
    """A value as indented JSON; entities in their wire form."""
    import json

    builtins = wire.to_json(value)
    text = json.dumps(builtins, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # a path that is not UTF-8, or a terminal that is not
        text = json.dumps(builtins, indent=2)
    print(text)


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, header: bool = True
) -> None:
    """Print a table of texts under its title; a column named ``status`` is coloured.

    A terminal in which some column has no room for its longest word gets ``column: value`` lines instead, a
    block for each row, without the values that are empty. Elsewhere the table is as wide as its words are.
    """
    lines = [[_text(value) for value in row] for row in rows]
    least, wanted = _needs(columns if header else [""] * len(columns), lines)
    frame = ONE_COLUMN * len(columns) + 1
    out = console()
    if not _has_width(sys.stdout):
        out.width = max(out.width, sum(least) + frame)
    out.print(title, style="bold")
    if sum(least) + frame <= out.width:
        widths = _fitted(least, wanted, out.width - frame)
        out.print(_table(columns, lines, widths, header=header), soft_wrap=False)
    elif header:
        _print_records(out, columns, lines)
    else:
        _print_records(out, [name for name, _ in lines], [[value for _, value in lines]])


def _needs(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> tuple[list[int], list[int]]:
    """Characters of each column's longest word, and of its longest line."""
    least = [max((cell_len(word) for word in heading.split()), default=0) for heading in headings]
    wanted = [cell_len(heading) for heading in headings]
    for row in rows:
        for index, text in enumerate(row):
            for line in text.splitlines():
                words = [line] if cell_len(line) <= SHORT else line.split()
                least[index] = max(least[index], *map(cell_len, words))
                wanted[index] = max(wanted[index], cell_len(line))
    return least, wanted


def _fitted(least: Sequence[int], wanted: Sequence[int], room: int) -> list[int]:
    """Widths of columns of ``room`` characters at most: the widest give way first, none below its least."""
    most = min(room, max(wanted))
    while sum(widths := [max(low, min(high, most)) for low, high in zip(least, wanted, strict=True)]) > room:
        most -= 1
    return widths


def _table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int], *, header: bool
) -> Table:
    made = Table(header_style="bold", show_header=header)
    for column, width in zip(columns, widths, strict=True):
        made.add_column(Text(column), overflow="fold", width=width)
    for row in rows:
        made.add_row(*(_cell(column, text) for column, text in zip(columns, row, strict=True)))
    return made


def _print_records(out: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    for index, row in enumerate(rows):
        if index:
            out.print()
        for column, text in zip(columns, row, strict=True):
            if text:
                name = Text(f"{column}: " if column else "", style="bold")
                out.print(name, _cell(column, text.replace("\n", "\n  ")), sep="")


def _cell(column: str, text: str) -> Text:
    return Text(text, style=COLOURS.get(text, "") if column == "status" else "")


def _text(value: Any) -> str:
    return shown(value) if isinstance(value, float) else "" if value is None else str(value)
