"""Figures as a table to read, as Markdown, and as JSON."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any

from .figures import HIGHER, Figure

HEADER = ("what", "figure", "goal", "", "raw limit", "ratio")
PACKAGES = ("jupyter-mlops", "msgspec", "SQLAlchemy", "pandas", "ipython", "ipykernel")


def machine() -> str:
    """One line: processors, system, Python, SQLite and the packages that count."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{_processor()} ({os.cpu_count()} cores), {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {packages}"
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def row(figure: Figure) -> tuple[str, ...]:
    """The cells of one line."""
    met = {True: "met", False: "MISSED", None: ""}[figure.met]
    goal = "" if figure.goal is None else f"{'≥' if figure.better == HIGHER else '≤'} {_number(figure.goal)}"
    limit = "" if figure.limit is None else f"{_number(figure.limit)} ({figure.limit_is})"
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}x"
    value = figure.note if figure.value is None else f"{_number(figure.value)} {figure.unit}"
    what = ": ".join(part for part in (figure.peer, figure.what) if part)
    return (what, value, goal, met, limit, ratio)


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def print_row(figure: Figure) -> None:
    """A line as soon as it is known; what comes from others goes below."""
    print("{:58} {:>22} {:>10} {:6}  {} {}".format(*row(figure)), flush=True)


def markdown(figures: Sequence[Figure]) -> str:
    """The table of ours, and below it peers against ours, with the machine's line."""
    lines = ["| what | figure | goal | raw limit in the same run | ratio |", "|---|---|---|---|---|"]
    for figure in figures:
        if not figure.peer:
            what, value, goal, met, limit, ratio = row(figure)
            lines.append(
                f"| {what} | {value} | {goal}{' **missed**' if met == 'MISSED' else ''} | {limit} | {ratio} |"
            )
    peers = _peer_table([figure for figure in figures if figure.peer])
    return "\n".join([*(lines if len(lines) > 2 else []), "", *peers, "", f"{machine()}."]).strip()


def _peer_table(figures: Sequence[Figure]) -> list[str]:
    """A column a tracker; a dash where it has no such thing, or was not measured."""
    measured = [figure for figure in figures if figure.value is not None]
    names = list(dict.fromkeys(figure.peer for figure in measured))
    cells = {(figure.what, figure.peer): row(figure)[1] for figure in measured}
    lines = [f"| | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    for what in dict.fromkeys(figure.what for figure in measured):
        lines.append(f"| {what} | {' | '.join(cells.get((what, name), '—') for name in names)} |")
    notes = [f"{figure.peer}: {figure.note}." for figure in figures if figure.value is None]
    return [*(lines if measured else []), "", *notes]


def as_json(figures: Iterable[Figure]) -> dict[str, Any]:
    """Everything, for a program."""
    names = ("what", "peer", "value", "unit", "goal", "better", "limit", "limit_is", "note", "met", "ratio")
    return {
        "machine": machine(),
        "python": sys.version,
        "figures": [{name: getattr(figure, name) for name in names} for figure in figures],
    }
