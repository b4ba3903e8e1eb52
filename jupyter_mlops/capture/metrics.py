"""What ``log`` is given, as floats by their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import InvalidInput
from .values import encodable, item_of, number, scalar, shown

MAX_DEPTH = 16
"""Deeper dicts are taken to contain themselves."""


def metric_values(values: Mapping[str, Any]) -> dict[str, float]:
    """The numbers, nested dicts flattened: ``{"val": {"acc": 0.9}}`` is ``val/acc``.

    Raises InvalidInput naming the first that is no number.
    """
    return dict(_flat("", values, 0))


def metric_step(step: Any) -> int:
    """The step as an int. Raises InvalidInput for anything that is no whole number."""
    found = number(step)
    if found is None or found != found or not found.is_integer():
        raise InvalidInput(f"step must be a whole number, not {shown(step)}.")
    return int(found)


def result_values(value: Any, *, limit: int = 200) -> dict[str, float]:
    """The numbers of a cell's last value where that is a mapping of scalars, also a nested one.

    Texts and bools in it are passed over; anything else makes it no such mapping.
    """
    return _results("", value, limit, 0) or {}


def _flat(prefix: str, values: Mapping[str, Any], depth: int) -> Iterator[tuple[str, float]]:
    for key, value in values.items():
        name = f"{prefix}{key}" if prefix else _metric_name(key)
        if not isinstance(value, Mapping):
            yield encodable(name), _metric_value(name, value)
        elif depth < MAX_DEPTH:
            yield from _flat(f"{name}/", value, depth + 1)
        else:
            raise InvalidInput(f"Cannot log {name[:60]}: its dicts are nested deeper than {MAX_DEPTH}.")


def _metric_name(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise InvalidInput(f"A metric's name is a text, not {shown(name)}.")
    return name


def _metric_value(name: str, value: Any) -> float:
    if type(value) is float:
        return value
    found = scalar(value)
    if found is None and _has_one_element(value):
        found = item_of(value)
    if isinstance(found, str) or found is None:
        raise InvalidInput(
            f"Cannot log {name}={shown(value)}: a metric is a number. Use log_params() or tag() for texts."
        )
    try:
        return float(found)
    except OverflowError as error:
        raise InvalidInput(f"Cannot log {name}: it is too large for a float.") from error


def _has_one_element(value: Any) -> bool:
    shape = getattr(value, "shape", None)
    return isinstance(shape, tuple) and bool(shape) and all(size == 1 for size in shape)


def _results(prefix: str, value: Any, limit: int, depth: int) -> dict[str, float] | None:
    if not isinstance(value, Mapping) or not 0 < len(value) <= limit or depth > 3:
        return None
    found: dict[str, float] = {}
    for key, item in value.items():
        name = encodable(f"{prefix}{key}")
        if isinstance(item, Mapping):
            inner = _results(f"{name}/", item, limit, depth + 1)
            if inner is None:
                return None
            found |= inner
        elif (each := number(item)) is not None:
            found[name] = each
        elif scalar(item) is None:
            return None
    return found if len(found) <= limit else None
