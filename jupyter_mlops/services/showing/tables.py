"""Tables as text, for the output of a cell and for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

MAX_CELL = 60


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Aligned columns under a line of names; columns of numbers stand to the right."""
    cells = [[shown(value) for value in row] for row in rows]
    numeric = [bool(cells) and all(_is_number(row[index]) for row in cells) for index in range(len(columns))]
    lines = [[*columns], *cells]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(_line(line, widths, numeric) for line in lines)


def facts(values: Mapping[str, Any]) -> str:
    """``name  value`` lines, without those that are empty."""
    kept = {name: value for name, value in values.items() if value not in (None, "", [], {})}
    width = max(map(len, kept), default=0)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in kept.items())


def pairs(values: Mapping[str, Any], *, limit: int = 5, width: int = 64) -> str:
    """``a=1  b=2  …`` for one cell of a table: the first ``limit`` that fit into ``width`` characters."""
    some: list[str] = []
    for name, value in list(values.items())[:limit]:
        text = f"{name}={shown(value)}"
        if some and len("  ".join([*some, text])) > width:
            break
        some.append(text)
    return "  ".join([*some, "…"] if len(values) > len(some) else some)


def main_first(params: Mapping[str, Any]) -> dict[str, Any]:
    """Params as lists show them: the arguments of objects (``model.C``) after all others."""
    return dict(sorted(params.items(), key=lambda item: ("." in item[0], item[0])))


def shown(value: Any) -> str:
    """A value in one short line."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else str(value)
    text = " ".join(str(value).split())
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 1] + "…"


def when(time_s: float | None) -> str:
    """Local time; with the date when it is not today's."""
    if time_s is None:
        return ""
    moment = datetime.fromtimestamp(time_s)
    today = moment.date() == datetime.now().date()
    return moment.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M")


def _line(texts: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    parts = [
        text.rjust(width) if right else text.ljust(width)
        for text, width, right in zip(texts, widths, numeric, strict=True)
    ]
    return "  ".join(parts).rstrip()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text == ""
    return True
