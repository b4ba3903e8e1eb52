"""Values that people compute with, as plain numbers and params of a run.

NumPy, torch, JAX and their kin are known by what their objects can do, so that nothing is imported.
"""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from enum import Enum
from pathlib import PurePath
from typing import Any

from ..wire import to_json

MAX_TEXT = 16 * 1024
"""Longer texts are cut in params and tags; an artifact is the place for them."""
MAX_DEPTH = 8
"""What is nested deeper in a param is kept as text."""


def scalar(value: Any) -> bool | int | float | str | None:
    """The plain Python value of a scalar: a number, a text, a 0-d array; None for anything else.

    Only data is looked at: no attribute of an arbitrary object is called but ``item`` of a 0-d array (of
    TensorFlow's, ``numpy``).
    """
    if isinstance(value, (bool, int, float, str)):
        return _plain(value)
    if getattr(value, "shape", None) == ():
        return item_of(value)
    if isinstance(value, numbers.Real) or _is_decimal(value):
        return float(value)
    return None


def shown_scalar(value: Any) -> bool | int | float | str | None:
    """A scalar that needs no computing: NumPy's, but no tensor's (it may wait for a GPU); and by their text
    paths, members of enumerations, and torch's devices and dtypes. None for anything else.
    """
    kind = type(value)
    if isinstance(value, (bool, int, float, str)):
        return _plain(value)
    if kind.__module__ == "numpy" and getattr(value, "shape", None) == ():
        return item_of(value)
    if isinstance(value, (PurePath, Enum)) or (
        kind.__module__ == "torch" and kind.__name__ in ("device", "dtype")
    ):
        return str(value)
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


def item_of(value: Any) -> bool | int | float | str | None:
    """The plain value in an array or tensor of one element; TensorFlow's have no ``item``."""
    try:
        item = value.item() if hasattr(value, "item") else value.numpy().item()
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


def shown(value: Any) -> str:
    """A value as an error names it."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  a foreign __repr__
        text = "an object"
    text = text if len(text) <= 60 else text[:57] + "..."
    return f"{text} ({type(value).__name__})"
