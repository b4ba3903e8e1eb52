"""Histories that fitting leaves behind, as series of metrics: one point an epoch or a round.

Known by their form: Keras' ``history.history``, the ``evals_result`` of LightGBM and XGBoost, scikit-learn's
``loss_curve_`` and its kin, and lists that people fill themselves. Only attributes are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .values import number

MAX_POINTS = 100_000
MAX_SERIES = 200

Series = dict[str, list[float]]

_NAME = re.compile(
    r"(^|_)(loss|losses|acc|accs|accuracy|accuracies|history|histories|hist|evals|evals_result|evals_results"
    r"|curve|curves|errors|scores|rewards)(_|$)",
    re.IGNORECASE,
)
"""What people call the lists that they append to in a training loop."""
_CURVES = {
    "loss_curve_": "loss",
    "validation_scores_": "validation_score",
    "validation_score_": "validation_score",
    "train_score_": "train_score",
    "oob_scores_": "oob_score",
}
"""Attributes of scikit-learn's estimators with a value an iteration."""
_RESULTS = ("evals_result_", "_evals_result")
"""Where XGBoost's and LightGBM's estimators keep the metrics of each round."""


def histories(name: str, value: Any) -> Series:
    """The series in a value that goes by ``name``: none in most. Longer ones than MAX_POINTS are left out."""
    try:
        found = dict(_series(name, value))
    except Exception:  # noqa: BLE001  a foreign object's attributes
        return {}
    return found if len(found) <= MAX_SERIES else {}


def _series(name: str, value: Any) -> Iterator[tuple[str, list[float]]]:
    if type(value) is list:
        if _NAME.search(name):
            yield from _of_list(name, value)
        return
    if isinstance(value, Mapping):
        if _NAME.search(name) or _is_evaluation(value):
            yield from _of_mapping("", value)
        return
    own = getattr(value, "__dict__", None)
    if not isinstance(own, dict) or isinstance(value, type):
        return
    if isinstance(own.get("history"), dict) and "epoch" in own:
        yield from _of_mapping("", own["history"])
    for attribute in _RESULTS:
        if isinstance(own.get(attribute), Mapping):
            yield from _of_mapping("", own[attribute])
    for attribute, shown in _CURVES.items():
        if attribute in own:
            yield from _of_list(shown, own[attribute])


def _is_evaluation(value: Mapping[Any, Any]) -> bool:
    """Whether it has the form of ``evals_result``: data sets, their metrics, a value for each round."""
    return (
        0 < len(value) <= 20
        and all(isinstance(each, Mapping) and each for each in value.values())
        and all(
            type(points) is list and len(points) > 1 for each in value.values() for points in each.values()
        )
    )


def _of_mapping(prefix: str, value: Mapping[Any, Any], depth: int = 0) -> Iterator[tuple[str, list[float]]]:
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, Mapping) and depth < 2:
            yield from _of_mapping(f"{name}/", item, depth + 1)
        else:
            yield from _of_list(name, item)


def _of_list(name: str, value: Any) -> Iterator[tuple[str, list[float]]]:
    """The points of a list or a 1-d array of numbers; nothing for any other thing."""
    if getattr(value, "ndim", None) == 1 and hasattr(value, "tolist"):
        value = value.tolist() if len(value) <= MAX_POINTS else ()
    if not isinstance(value, (list, tuple)) or not 1 < len(value) <= MAX_POINTS:
        return
    if all(type(each) is float for each in value):
        yield name, list(value)
        return
    points = [number(each) for each in value]
    if all(point is not None for point in points):
        yield name, [point for point in points if point is not None]
