"""What people and programs read: tables of rich, or JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .. import wire

WIDE = 200
"""Columns where the output is no terminal: nothing is cut for want of a screen."""

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
    """A console as wide as the terminal, or wide enough where there is none."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS") else WIDE
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


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
    """Print a table of texts under its title; a column named ``status`` is coloured."""
    made = Table(header_style="bold", show_header=header)
    for column in columns:
        made.add_column(column, overflow="fold", no_wrap=column in ("id", "status", "started"))
    for row in rows:
        made.add_row(*(_cell(column, value) for column, value in zip(columns, row, strict=True)))
    out = console()
    out.print(title, style="bold", markup=False)
    out.print(made)


def _cell(column: str, value: Any) -> str:
    text = escape(number(value) if isinstance(value, float) else "" if value is None else str(value))
    if column == "status" and text in COLOURS:
        return f"[{COLOURS[text]}]{text}[/]"
    return text


def number(value: Any) -> str:
    """A value in few characters; floats with four significant digits."""
    if isinstance(value, float):
        return f"{value:.4g}"
    text = str(value)
    return text if len(text) <= 40 else text[:39] + "…"


def clock_time(seconds: float | None) -> str:
    """Local time: the hour today, the date as well before."""
    if seconds is None:
        return ""
    moment = datetime.fromtimestamp(seconds)
    return f"{moment:%H:%M:%S}" if moment.date() == datetime.now().date() else f"{moment:%Y-%m-%d %H:%M}"
