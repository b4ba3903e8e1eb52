"""Values that people compute with, as numbers and params of a run.

NumPy, torch, JAX and their kin are known by what their objects can do, so that nothing is imported.
"""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

from ..errors import InvalidInput
from ..wire import to_json

MAX_TEXT = 16 * 1024
"""Longer texts are cut in params and tags; an artifact is the place for them."""
MAX_DEPTH = 8
"""What is nested deeper in a param is kept as text."""


def scalar(value: Any) -> bool | int | float | str | None:
    """The plain Python value of a scalar: a number, a text, a 0-d array; None for anything else.

    Only data is looked at: no attribute of an arbitrary object is called but ``item`` of a 0-d array.
    """
    if isinstance(value, (bool, int, float, str)):
        return _plain(value)
    if getattr(value, "shape", None) == () and callable(getattr(value, "item", None)):
        return _item(value)
    if isinstance(value, numbers.Real) or _is_decimal(value):
        return float(value)
    return None


def number(value: Any) -> float | None:
    """A scalar that can be a metric, as a float: bool and text are none."""
    found = scalar(value)
    if isinstance(found, (bool, str)) or found is None:
        return None
    try:
        return float(found)
    except OverflowError:
        return None


def metric_values(values: Mapping[str, Any]) -> dict[str, float]:
    """What ``log`` was given, as floats. Raises InvalidInput naming the first that is no number."""
    return {_metric_name(name): _metric_value(name, value) for name, value in values.items()}


def metric_step(step: Any) -> int:
    """The step as an int. Raises InvalidInput for anything that is no whole number."""
    found = number(step)
    if found is None or found != found or not found.is_integer():
        raise InvalidInput(f"step must be a whole number, not {_shown(step)}.")
    return int(found)


def param_value(value: Any) -> Any:
    """A param as JSON can carry it: scalars, lists and dicts as they are, other things by their text."""
    encoded = _tree(value, depth=0)
    if isinstance(encoded, (list, dict)) and len(str(encoded)) > MAX_TEXT:
        return cut(str(encoded))
    return encoded


def cut(text: str) -> str:
    """The text, or its beginning with a mark where it is too long; always such that UTF-8 can carry it."""
    return encodable(text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…")


def both_ends(text: str, limit: int) -> str:
    """The text, or its beginning and its end where it is too long, as the traceback of a deep recursion."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n…\n{text[-half:]}"


def encodable(text: str) -> str:
    """The text with a mark for each lone surrogate (as in a file's name that is no UTF-8, PEP 383)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text


def _metric_name(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise InvalidInput(f"A metric's name is a text, not {_shown(name)}.")
    return name if name.isascii() else encodable(name)


def _metric_value(name: str, value: Any) -> float:
    if type(value) is float:
        return value
    found = scalar(value)
    if found is None and _has_one_element(value):
        found = _item(value)
    if isinstance(found, str) or found is None:
        raise InvalidInput(
            f"Cannot log {name}={_shown(value)}: a metric is a number. Use log_params() or tag() for texts."
        )
    try:
        return float(found)
    except OverflowError as error:
        raise InvalidInput(f"Cannot log {name}: it is too large for a float.") from error


def _has_one_element(value: Any) -> bool:
    shape = getattr(value, "shape", None)
    return isinstance(shape, tuple) and bool(shape) and all(size == 1 for size in shape)


def _item(value: Any) -> bool | int | float | str | None:
    try:
        item = value.item()
    except Exception:  # noqa: BLE001  a foreign object: a tensor on a lost device, for one
        return None
    return _plain(item) if isinstance(item, (bool, int, float, str)) else None


def _plain(value: bool | int | float | str) -> bool | int | float | str:
    """Without subclasses, such as ``numpy.float64`` (a float) or an ``IntEnum`` member."""
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    return str.__str__(value)


def _is_decimal(value: Any) -> bool:
    return type(value).__module__ in ("decimal", "_decimal", "_pydecimal") and hasattr(value, "as_tuple")


def _tree(value: Any, *, depth: int) -> Any:
    found = scalar(value)
    if isinstance(found, str):
        return cut(found)
    if found is not None or value is None:
        return to_json(found)
    if depth < MAX_DEPTH and isinstance(value, Mapping):
        return {encodable(str(key)): _tree(item, depth=depth + 1) for key, item in value.items()}
    if depth < MAX_DEPTH and isinstance(value, (list, tuple)):
        return [_tree(item, depth=depth + 1) for item in value]
    return cut(_text_of(value))


def _text_of(value: Any) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001  a foreign __str__
        return f"<{type(value).__name__}>"


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  a foreign __repr__
        text = "an object"
    text = text if len(text) <= 60 else text[:57] + "..."
    return f"{text} ({type(value).__name__})"
