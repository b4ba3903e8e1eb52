"""Any number of runs side by side: what differs, their figures, and lines through their values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...entities import (
    Axis,
    FigureRow,
    FigureTable,
    Output,
    ParallelCoordinates,
    Run,
    RunDetail,
    RunLine,
    RunTable,
    RunTableRow,
    reference_text,
)
from .comparing import environment, last_values, packages, same, versions

LOG_RATIO = 100.0
"""An axis of positive values whose greatest is so many times the least reads better as a logarithm."""


def run_table(details: Sequence[RunDetail]) -> RunTable:
    """What differs among the runs; a thing that one of them has not differs."""
    kinds: Mapping[str, Callable[[RunDetail], Mapping[str, Any]]] = {
        "params": lambda detail: detail.run.params,
        "metrics": last_values,
        "tags": lambda detail: detail.run.tags,
        "inputs": lambda detail: versions(detail.inputs),
        "data": _data,
        "packages": packages,
        "environment": environment,
    }
    rows = [
        row for kind, values in kinds.items() for row in _differing(kind, [values(each) for each in details])
    ]
    return RunTable(runs=[each.run for each in details], rows=rows)


def _differing(kind: str, sides: Sequence[Mapping[str, Any]]) -> list[RunTableRow]:
    keys = sorted({key for side in sides for key in side})
    rows = [RunTableRow(kind=kind, key=key, values=[side.get(key) for side in sides]) for key in keys]
    return [row for row in rows if any(not same(row.values[0], value) for value in row.values[1:])]


def _data(detail: RunDetail) -> dict[str, str]:
    """What was read, by its name alone where that tells it apart; contents by the begin of their digest."""
    found: dict[str, list[str]] = {}
    for read in detail.data:
        name = read.uri.rstrip("/").rpartition("/")[2] or read.uri
        content = read.digest[:8] or ("not yet hashed" if not read.problem else read.problem)
        version = f"{reference_text(read.version)} " if read.version is not None else ""
        found.setdefault(name, []).append(f"{version}({content})")
    return {name: ", ".join(sorted(set(each))) for name, each in found.items()}


# figures


def figure_table(details: Sequence[RunDetail]) -> FigureTable:
    """The pictures of each run; the first picture of one stands beside the first of the others."""
    named = [_figures(detail.outputs) for detail in details]
    names = list(dict.fromkeys(name for figures in named for name in figures))
    rows = [FigureRow(name=name, outputs=[figures.get(name) for figures in named]) for name in names]
    return FigureTable(runs=[each.run for each in details], rows=rows)


def _figures(outputs: Sequence[Output]) -> dict[str, Output]:
    """By the title that the picture has, else ``figure 1``, ``figure 2``, in order."""
    figures: dict[str, Output] = {}
    for output in outputs:
        if any(_is_picture(mime) for mime in output.data):
            title = _title(output)
            name = title if title and title not in figures else f"figure {len(figures) + 1}"
            figures[name] = output
    return figures


def _is_picture(mime: str) -> bool:
    return mime.startswith("image/") or "plotly" in mime or "vega" in mime


def _title(output: Output) -> str:
    """Plotly and Vega figures say what they are called."""
    for mime, value in output.data.items():
        if isinstance(value, Mapping):
            title = (value.get("layout") or {}).get("title") if "plotly" in mime else value.get("title")
            text = title.get("text") if isinstance(title, Mapping) else title
            if isinstance(text, str) and text:
                return text
    return ""


# parallel coordinates


def parallel_coordinates(runs: Sequence[Run]) -> ParallelCoordinates:
    """Lines through the params and metrics that vary among the runs, params first."""
    columns = {
        **_columns("params", [run.params for run in runs]),
        **_columns("metrics", [{name: each.last for name, each in run.metrics.items()} for run in runs]),
    }
    axes = [(axis, values) for key, values in columns.items() if (axis := _axis(key, values)) is not None]
    lines = [
        RunLine(
            run_id=run.id,
            name=run.name,
            status=run.status.value,
            values=[values[index] for _, values in axes],
            positions=[_position(axis, values[index]) for axis, values in axes],
        )
        for index, run in enumerate(runs)
    ]
    return ParallelCoordinates(axes=[axis for axis, _ in axes], lines=lines)


def _columns(kind: str, sides: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    names = sorted({name for side in sides for name in side})
    return {f"{kind}.{name}": [side.get(name) for side in sides] for name in names}


def _axis(key: str, values: Sequence[Any]) -> Axis | None:
    """None where no two runs have different values, and nothing could be seen."""
    there = [value for value in values if value is not None]
    numbers = [float(value) for value in there if _is_number(value)]
    if len(numbers) == len(there):
        finite = [number for number in numbers if math.isfinite(number)]
        if not finite or min(finite) == max(finite):
            return None
        low, high = min(finite), max(finite)
        scale = "log" if low > 0 and high / low >= LOG_RATIO else "linear"
        return Axis(key=key, scale=scale, domain=[low, high])
    categories = sorted({_category(value) for value in there})
    if len(categories) < 2:
        return None
    return Axis(key=key, scale="category", domain=categories)


def _position(axis: Axis, value: Any) -> float | None:
    if value is None:
        return None
    if axis.scale == "category":
        return float(axis.domain.index(_category(value)) / (len(axis.domain) - 1))
    number, low, high = float(value), float(axis.domain[0]), float(axis.domain[1])
    if not math.isfinite(number):
        return None
    if axis.scale == "log":
        number, low, high = math.log(number), math.log(low), math.log(high)
    span = high / 2 - low / 2  # halves, for the span of two finite numbers may be infinite
    return min(1.0, max(0.0, (number / 2 - low / 2) / span)) if span else 0.5


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _category(value: Any) -> str:
    return str(value)
