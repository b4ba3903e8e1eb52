"""Whether a run came out the same: metrics within a tolerance, and what is not as it was."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...entities import DataDifference, MetricMatch, MetricSummary, RunDetail, reference_text
from ...errors import InvalidInput
from ..runs.comparing import differences, environment, packages

DEFAULT_TOLERANCE = 1e-6
OTHERS = ""
"""The key of a tolerance for the metrics that are not named."""
Tolerance = float | Mapping[str, float]
MOST_PACKAGES = 20

CLOCK = re.compile(
    r"(^|[_/. -])(time|times|duration|elapsed|seconds?|secs?|minutes|hours|latency|throughput|speed|runtime|"
    r"walltime|timestamp|eta|fps|ms|it_s|samples_per_second|steps_per_second|per_sec(ond)?)([_/. -]|$)"
    r"|_s$|_ms$|_us$|_ns$|per_s$",
    re.IGNORECASE,
)
"""Names of metrics that a clock decides."""
HARDWARE = "system/"


def check_tolerance(tolerance: Tolerance) -> None:
    """Raise InvalidInput for what is no tolerance."""
    values = tolerance.values() if isinstance(tolerance, Mapping) else [tolerance]
    for each in values:
        if isinstance(each, bool) or not isinstance(each, (int, float)) or not 0 <= each < math.inf:
            raise InvalidInput(f"A tolerance is a number of 0 or more, such as 1e-6, not {each!r}.")


def metric_matches(original: RunDetail, reproduced: RunDetail, tolerance: Tolerance) -> list[MetricMatch]:
    """All metrics of both, by name; what clocks and samplers measure is not compared."""
    a, b = original.run.metrics, reproduced.run.metrics
    names = sorted(name for name in a.keys() | b.keys() if not name.startswith(HARDWARE))
    return [_match(name, a.get(name), b.get(name), _tolerance(tolerance, name)) for name in names]


def _tolerance(tolerance: Tolerance, name: str) -> float:
    if isinstance(tolerance, Mapping):
        return float(tolerance.get(name, tolerance.get(OTHERS, DEFAULT_TOLERANCE)))
    return float(tolerance)


def _match(name: str, a: MetricSummary | None, b: MetricSummary | None, tolerance: float) -> MetricMatch:
    found = MetricMatch(
        name=name, original=None if a is None else a.last, reproduced=None if b is None else b.last
    )
    if CLOCK.search(name):
        return replace(found, note="measures time, and is not compared")
    if a is None or b is None:
        note = "was logged, and is not now" if b is None else "was not logged, and is now"
        return replace(found, matches=False, note=note)
    matches = is_close(a.last, b.last, tolerance)
    notes = []
    if not matches:
        notes.append(f"differs by {_apart(a.last, b.last)}")
    if a.count != b.count:
        notes.append(f"{a.count} points then, {b.count} now")
    elif matches and not (is_close(a.min, b.min, tolerance) and is_close(a.max, b.max, tolerance)):
        matches = False
        notes.append("ends the same, but its least or greatest value differs")
    return replace(found, matches=matches, note="; ".join(notes))


def is_close(a: float, b: float, tolerance: float) -> bool:
    """Within ``tolerance``, absolute for small values and relative for large ones; NaN is NaN."""
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance)


def _apart(a: float, b: float) -> str:
    if not (math.isfinite(a) and math.isfinite(b)):
        return f"{a:g} and {b:g}"
    return f"{abs(a - b):.3g}"


def reasons_of(
    original: RunDetail,
    reproduced: RunDetail,
    *,
    data: list[DataDifference],
    unseeded: list[str],
    used: set[str],
) -> list[str]:
    """What is not as it was, the likeliest cause first. ``used`` are the modules that the code imports."""
    return [
        *_data(data),
        *_inputs(original, reproduced),
        *_params(original, reproduced),
        *_packages(original, reproduced, used),
        *_environment(original, reproduced),
        *(f"missing seed: {each}" for each in unseeded),
    ]


def _data(found: list[DataDifference]) -> list[str]:
    texts = []
    for each in found:
        columns = ", ".join(f"{change.column} ({change.change})" for change in each.columns[:8])
        what = f": {columns}" if columns else f" ({each.note})" if each.note else ""
        texts.append(
            f"changed data: {each.name} was {each.a or 'not read'}, and is {each.b or 'not read'}{what}"
        )
    return texts


def _inputs(original: RunDetail, reproduced: RunDetail) -> list[str]:
    def read(detail: RunDetail) -> dict[str, str]:
        return {f"{each.kind} {reference_text(each)}": each.digest for each in detail.inputs}

    return [
        f"changed input: {each.key} was {_or_nothing(each.a)} and is {_or_nothing(each.b)}"
        for each in differences(read(original), read(reproduced))
    ]


def _params(original: RunDetail, reproduced: RunDetail) -> list[str]:
    a = {key: value for key, value in original.run.params.items() if key in reproduced.run.params}
    b = {key: reproduced.run.params[key] for key in a}
    return [f"another param: {each.key} was {each.a!r} and is {each.b!r}" for each in differences(a, b)]


def _packages(original: RunDetail, reproduced: RunDetail, used: set[str]) -> list[str]:
    before, now = packages(original), packages(reproduced)
    if not before or not now:
        return []
    found = sorted(differences(before, now), key=lambda each: (each.key.lower() not in used, each.key))
    texts = [
        f"changed package: {each.key} was {_or_nothing(each.a)} and is {_or_nothing(each.b)}"
        for each in found[:MOST_PACKAGES]
    ]
    if len(found) > MOST_PACKAGES:
        texts.append(f"{len(found) - MOST_PACKAGES} other packages have changed")
    return texts


NAMES = {
    "python": "another Python",
    "platform": "another platform",
    "cpu": "another processor",
    "gpus": "other GPUs",
    "driver": "another GPU driver",
}


def _environment(original: RunDetail, reproduced: RunDetail) -> list[str]:
    texts = []
    for each in differences(environment(original), environment(reproduced)):
        title = NAMES.get(each.key)
        if each.key.startswith("module ") and each.a is not None and each.b is not None:
            title = f"changed {each.key}"
        if title is not None:
            texts.append(f"{title}: was {_or_nothing(each.a)}, and is {_or_nothing(each.b)}")
    return texts


def _or_nothing(value: Any) -> str:
    return "none" if value is None else str(value)
