"""What the literals of a filter mean beside a field: moments, spans of time, names of states."""

from __future__ import annotations

import re
from datetime import datetime, timezone

from ..entities import RunKind, RunStatus
from ..errors import FilterError
from .filters import Field, Predicate, Value

WORDS: dict[str, list[str]] = {
    "status": [each.value for each in RunStatus],
    "kind": [each.value for each in RunKind],
}
"""The fields that have one of a few values."""
NUMBERS = ("started", "ended", "duration")
"""The fields that are numbers."""

_UNIT_S = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_SPAN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w)\s*(ago)?\s*")


def value_of(field: Field, operator: str, value: Value, now: float) -> float | str:
    """What a field of the run itself is compared with. Raises FilterError where that makes no sense."""
    if words := WORDS.get(field.name):
        if operator not in ("=", "!="):
            raise FilterError(
                f"'{operator}' before column {value.column} does not go with {field}: use = != or in"
            )
        if value.value not in words:
            raise FilterError(f"no {field} {value.text!r} at column {value.column}: {', '.join(words)}")
    if field.name == "duration":
        return _seconds(value)
    return _moment(value, now) if field.name in NUMBERS else value.text


def number_of(test: Predicate, operator: str, value: Value) -> float:
    """What a metric is compared with."""
    if isinstance(value.value, float):
        return value.value
    raise FilterError(f"expected a number after '{operator}' at column {value.column}: {test.field} is one")


def pattern_of(test: Predicate) -> str:
    """The pattern of ``like`` in a form in which a backslash escapes, and itself is escaped."""
    value = test.values[0]
    if not isinstance(value.value, str):
        raise FilterError(f"expected text in quotes after 'like' at column {value.column}")
    return value.value.replace("\\", "\\\\")


def words_of(test: Predicate, value: Value) -> list[str]:
    """The words that a text is searched for."""
    words = value.value.split() if isinstance(value.value, str) else []
    if not words:
        raise FilterError(
            f"expected words in quotes after '{test.operator}' at column {value.column}:"
            f" {test.field} is searched for all of them"
        )
    return words


def _seconds(value: Value) -> float:
    if isinstance(value.value, float):
        return value.value
    match = _SPAN.fullmatch(value.text)
    if match is None or match[3]:
        raise FilterError(f"expected seconds or a text such as '90s', '10m', '2h' at column {value.column}")
    return float(match[1]) * _UNIT_S[match[2]]


def _moment(value: Value, now: float) -> float:
    """Seconds since the epoch; a time without a zone is local."""
    if isinstance(value.value, float):
        return value.value
    match = _SPAN.fullmatch(value.text)
    if match and match[3]:
        return now - float(match[1]) * _UNIT_S[match[2]]
    try:
        moment = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", value.text))
        return moment.astimezone(moment.tzinfo and timezone.utc).timestamp()
    except (ValueError, OverflowError, OSError):
        raise FilterError(
            f"expected a time such as '2026-01-31', '2026-01-31 18:00' or '2h ago' at column {value.column}"
        ) from None
