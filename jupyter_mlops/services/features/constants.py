"""Values as Python expressions: what a function uses of its notebook besides other functions."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterable
from datetime import date, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePath
from typing import Any

LONGEST = 64 * 1024
"""Characters of one value: more than that is data, and belongs into a dataset."""
IN_REPR = re.compile(r"\b(datetime|zoneinfo)\.(?=[a-zA-Z])")


class NoExpression(ValueError):
    """The value cannot be written as an expression; the text says which part of it."""


def expression(value: Any) -> str:
    """Python that gives an equal value of the same type, and needs no import. Raises NoExpression.

    Equal values give equal texts: sets are sorted. The order of a dict is its own.
    """
    text = _of(value)
    if len(text) > LONGEST:
        raise NoExpression(f"{type(value).__qualname__} of {len(text):,} characters")
    return text


def _of(value: Any) -> str:
    kind = type(value)
    if value is None or value is ... or kind in (bool, int, str, bytes):
        return repr(value)
    for known, write in _WRITERS:
        if kind is known:
            return write(value)
    if isinstance(value, (date, time, timedelta, timezone)) and kind.__module__ == "datetime":
        return IN_REPR.sub(r"__import__('\1').", repr(value))
    if isinstance(value, PurePath) and kind.__module__.startswith("pathlib"):
        return f"__import__('pathlib').{kind.__name__}({str(value)!r})"
    if found := _of_library(value):
        return found
    raise NoExpression(f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins."))


def _of_library(value: Any) -> str | None:
    kind, (top, *_) = type(value), type(value).__module__.split(".")
    if kind.__module__ == "zoneinfo" and getattr(value, "key", None):
        return f"__import__('zoneinfo').ZoneInfo({value.key!r})"
    if top == "pandas" and kind.__name__ in ("Timestamp", "Timedelta"):
        return f"__import__('pandas').{value!r}"
    if top != "numpy" or isinstance(value, Enum):
        return None
    numpy = sys.modules["numpy"]
    if isinstance(value, numpy.generic) and value.dtype.kind in "biufUS":
        return f"__import__('numpy').dtype({value.dtype.str!r}).type({_of(value.item())})"
    if kind is numpy.ndarray and value.dtype.kind in "biufUS":
        return f"__import__('numpy').array({_of(value.tolist())}, dtype={value.dtype.str!r})"
    return None


def _float(value: float) -> str:
    return repr(value) if math.isfinite(value) else f"float({str(value)!r})"


def _complex(value: complex) -> str:
    return f"complex({_float(value.real)}, {_float(value.imag)})"


def _joined(values: Iterable[Any]) -> str:
    return ", ".join(map(_of, values))


def _tuple(value: tuple[Any, ...]) -> str:
    return f"({_joined(value)}{',' if len(value) == 1 else ''})"


def _sorted(value: Iterable[Any]) -> str:
    return f"[{', '.join(sorted(map(_of, value)))}]"


def _dict(value: dict[Any, Any]) -> str:
    return "{" + ", ".join(f"{_of(key)}: {_of(each)}" for key, each in value.items()) + "}"


def _pattern(value: re.Pattern[Any]) -> str:
    return f"__import__('re').compile({value.pattern!r}, {value.flags})"


_WRITERS: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (float, _float),
    (complex, _complex),
    (list, lambda value: f"[{_joined(value)}]"),
    (tuple, _tuple),
    (dict, _dict),
    (set, lambda value: f"set({_sorted(value)})"),
    (frozenset, lambda value: f"frozenset({_sorted(value)})"),
    (range, repr),
    (slice, lambda value: f"slice({_joined((value.start, value.stop, value.step))})"),
    (re.Pattern, _pattern),
    (Decimal, lambda value: f"__import__('decimal').{value!r}"),
    (Fraction, lambda value: f"__import__('fractions').{value!r}"),
)
