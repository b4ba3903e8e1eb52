"""What an object is, in a few words."""

from __future__ import annotations

from typing import Any

MOST_CHARACTERS = 60


def kind_text(value: Any) -> str:
    """``DataFrame 1,000 x 3``, ``ndarray float32 10 x 2``, ``list of 5``, ``RandomForestClassifier``."""
    name = type(value).__name__
    try:
        return f"{name}{_measure(value)}"[:MOST_CHARACTERS]
    except Exception:  # noqa: BLE001  a foreign object's attributes may raise anything
        return name[:MOST_CHARACTERS]


def _measure(value: Any) -> str:
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if isinstance(shape, tuple) and all(isinstance(each, int) for each in shape):
        of = f" {str(dtype).removeprefix('torch.')}" if dtype is not None else ""
        return of + (f" {' x '.join(f'{each:,}' for each in shape)}" if shape else "")
    if isinstance(value, (list, tuple, set, frozenset, dict)):
        return f" of {len(value):,}"
    return ""
