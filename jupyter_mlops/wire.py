"""Entities to and from JSON, for files, REST and ``--json``.

JSON has no NaN or infinities: they are written as the strings ``"NaN"``, ``"Infinity"`` and
``"-Infinity"`` (the names of ECMAScript's ``Number``, so that ``Number(text)`` reads them back). File names
and environment variables that are not UTF-8 are lone surrogates in Python (PEP 383): those are written
as ``\\u`` escapes.
"""

from __future__ import annotations

import json
import math
from typing import Any, TypeVar

import msgspec

from .errors import InvalidInput

T = TypeVar("T")

NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def number_to_json(value: float) -> float | str:
    """A float as JSON can carry it."""
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def number_from_json(value: float | str) -> float:
    """The inverse of :func:`number_to_json`. Raises InvalidInput for any other text."""
    if not isinstance(value, str):
        return value
    if value not in NON_FINITE:
        raise InvalidInput(f"Not a number: {value!r}. Numbers, 'NaN', 'Infinity' and '-Infinity' are.")
    return NON_FINITE[value]


def to_json(value: Any) -> Any:
    """Builtins (dicts, lists, strings, finite numbers) for an entity or a tree of them."""
    return _finite(msgspec.to_builtins(value, str_keys=True, enc_hook=str))


def encode(value: Any) -> bytes:
    """JSON bytes of an entity or a tree of them."""
    builtins = to_json(value)
    try:
        return msgspec.json.encode(builtins)
    except UnicodeEncodeError:  # a lone surrogate, which msgspec refuses both ways
        return json.dumps(builtins, separators=(",", ":")).encode("ascii")


def decode(data: bytes | str, kind: type[T]) -> T:
    """An entity from JSON; unknown fields are ignored. Raises InvalidInput for anything else."""
    try:
        return from_json(_decoded(data), kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"Not valid JSON for {kind.__name__}: {error}") from error


def from_json(value: Any, kind: type[T]) -> T:
    """An entity from builtins. Raises InvalidInput with the path of what does not fit."""
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"Not a valid {kind.__name__}: {error}") from error


def _decoded(data: bytes | str) -> Any:
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:
        try:
            return json.loads(data, parse_constant=_no_constant)
        except ValueError:
            pass
        raise


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return number_to_json(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
