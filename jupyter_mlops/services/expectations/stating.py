"""Expectations from what a user says of a dataset: each thing said of a column is one, by a name of its own.

Names are ``not_null: age``, ``between: age``, ``unique: user, day``, ``columns``, ``rows``: saying the same
thing of the same columns again replaces it.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from ...entities import Expectation, Severity
from ...errors import InvalidInput
from ..registry.names import checked_name
from ..registry.tables import SIMPLE_TYPES, type_name
from .checking import FAMILIES

PYTHON_TYPES = {"int": "integer", "float": "real", "str": "text", "bool": "boolean", "datetime": "time"}
MOST_VALUES = 10_000

Columns = str | Sequence[str]
Range = tuple[Any, Any] | Sequence[Any]


def state(
    dataset: str,
    *,
    columns: Columns | None = None,
    types: Mapping[str, Any] | None = None,
    not_null: Columns | None = None,
    unique: Columns | Sequence[Columns] | None = None,
    between: Mapping[str, Range] | None = None,
    one_of: Mapping[str, Iterable[Any]] | None = None,
    matches: Mapping[str, Any] | None = None,
    rows: Range | int | None = None,
    files: Range | int | None = None,
    on_fail: str = "refuse",
) -> list[Expectation]:
    """The expectations. Raises InvalidInput, saying how the argument is written."""
    severity = _severity(on_fail)
    parts: list[tuple[str, list[str], dict[str, Any]]] = []
    if columns is not None:
        parts.append(("columns", listed("columns", columns), {}))
    parts += [("type", [name], {"type": _type(name, said)}) for name, said in _items("types", types)]
    parts += [("not_null", [name], {}) for name in listed("not_null", not_null)]
    parts += [("unique", key, {}) for key in _keys(unique)]
    parts += [
        ("between", [name], _range(f"between of {name!r}", said)) for name, said in _items("between", between)
    ]
    parts += [("one_of", [name], {"values": _values(name, said)}) for name, said in _items("one_of", one_of)]
    parts += [("matches", [name], {"regex": _regex(name, said)}) for name, said in _items("matches", matches)]
    parts += [("rows", [], _count("rows", rows))] if rows is not None else []
    parts += [("files", [], _count("files", files))] if files is not None else []
    name = checked_name(dataset)
    return [
        Expectation(
            dataset=name,
            name=name_of(check, about),
            check=check,
            columns=about,
            arguments=arguments,
            severity=severity,
        )
        for check, about, arguments in parts
    ]


def name_of(check: str, columns: Sequence[str]) -> str:
    """The name that an expectation has among the dataset's."""
    return check if check in ("columns", "rows", "files") else f"{check}: {', '.join(columns)}"


def _severity(on_fail: str) -> Severity:
    try:
        return Severity(on_fail)
    except ValueError:
        raise InvalidInput(f"on_fail is 'refuse' or 'warn', not {on_fail!r}.") from None


def listed(what: str, given: Columns | None) -> list[str]:
    """The names of columns that an argument gives, one or several. Raises InvalidInput."""
    if given is None:
        return []
    names = [given] if isinstance(given, str) else list(given) if isinstance(given, Iterable) else []
    if not names or not all(isinstance(name, str) for name in names):
        raise InvalidInput(f"{what} takes names of columns, such as {what}=['age', 'sex'], not {given!r}.")
    return names


def _keys(given: Columns | Sequence[Columns] | None) -> Iterator[list[str]]:
    """``unique="id"``, ``unique=["id", "email"]`` (each), ``unique=[("user", "day")]`` (together)."""
    if given is None:
        return
    keys = [given] if isinstance(given, str) else given
    if isinstance(keys, Mapping) or not isinstance(keys, Iterable) or not (keys := list(keys)):
        raise InvalidInput(
            "unique takes columns, such as unique='id', unique=['id', 'email'] (each) or "
            f"unique=[('user', 'day')] (together), not {given!r}."
        )
    for each in keys:
        yield listed("unique", each)


def _items(what: str, given: Mapping[str, Any] | None) -> Iterator[tuple[str, Any]]:
    if given is None:
        return
    if not isinstance(given, Mapping) or not given or not all(isinstance(name, str) for name in given):
        raise InvalidInput(f"{what} takes a dict by column, such as {_EXAMPLES[what]}, not {given!r}.")
    yield from given.items()


_EXAMPLES = {
    "types": "types={'age': 'int64'}",
    "between": "between={'age': (0, 120)}",
    "one_of": "one_of={'sex': ['f', 'm']}",
    "matches": "matches={'email': '.+@.+'}",
}


def _type(column: str, said: Any) -> str:
    """One of ``FAMILIES``, or Arrow's own name of a type; also of NumPy's and Arrow's type objects."""
    if isinstance(said, type):
        said = PYTHON_TYPES.get(said.__name__, said.__name__)
    text = said.strip() if isinstance(said, str) else str(said)
    found = text if text in FAMILIES else type_name(text)
    if found is None:
        near = difflib.get_close_matches(text.lower(), (*FAMILIES, *SIMPLE_TYPES), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise InvalidInput(
            f"types of {column!r}: {said!r} is no type.{hint} Say integer, real, number, text, boolean or "
            "time; int, float, str, bool or datetime; or Arrow's name of the type, such as "
            f"{', '.join(SIMPLE_TYPES)}, decimal128(10, 2) or list<element: int64>."
        )
    return found


def _range(what: str, said: Any) -> dict[str, Any]:
    if isinstance(said, (str, bytes, Mapping)) or not isinstance(said, Sequence) or len(said) != 2:
        raise InvalidInput(
            f"{what} takes two ends such as (0, 120), or (0, None) without an upper one, not {said!r}."
        )
    low, high = map(_end, said)
    if low is None and high is None:
        raise InvalidInput(f"{what} has no end: (0, None), (None, 120) and (0, 120) have.")
    try:
        turned = low is not None and high is not None and low > high
    except TypeError:
        raise InvalidInput(f"{what} has ends of two kinds: {low!r} and {high!r}.") from None
    if turned:
        raise InvalidInput(f"{what} ends before it begins: {low!r} to {high!r}.")
    return {"min": low, "max": high}


def _end(value: Any) -> Any:
    value = _plain(value)
    return None if isinstance(value, float) and math.isinf(value) else value


def _plain(value: Any) -> Any:
    """A value as JSON keeps it. Raises InvalidInput."""
    if getattr(value, "shape", None) == ():  # NumPy's scalars
        value = value.item()
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        value = int(value) if value.is_finite() and value == int(value) else float(str(value).lstrip("s"))
    if isinstance(value, float) and math.isnan(value):
        raise InvalidInput("NaN is no value that can be compared: it counts as missing, as None does.")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise InvalidInput(f"{value!r} is no number, text, truth, date or time.")


def _values(column: str, said: Any) -> list[Any]:
    if isinstance(said, (str, bytes, Mapping)) or not isinstance(said, Iterable):
        raise InvalidInput(f"one_of of {column!r} takes a list of values, not {said!r}.")
    values = [value for value in map(_plain, said) if value is not None]
    if not values or len(values) > MOST_VALUES:
        raise InvalidInput(f"one_of of {column!r} takes 1 to {MOST_VALUES} values, not {len(values)}.")
    if len({isinstance(value, str) for value in values}) > 1:
        raise InvalidInput(f"one_of of {column!r} has texts beside other values: a column has one type.")
    return values


def _regex(column: str, said: Any) -> str:
    pattern = said.pattern if isinstance(said, re.Pattern) else said
    if not isinstance(pattern, str):
        raise InvalidInput(f"matches of {column!r} takes a regular expression as text, not {said!r}.")
    if isinstance(said, re.Pattern) and said.flags & ~re.UNICODE:
        raise InvalidInput(
            f"matches of {column!r}: the flags of {said!r} would be lost. Write them into the expression, "
            "such as '(?i)yes|no' for re.IGNORECASE."
        )
    return pattern


def _count(what: str, said: Any) -> dict[str, Any]:
    number = said if isinstance(said, (Sequence, Mapping)) else _plain(said)
    if isinstance(number, int) and not isinstance(number, bool):
        said = (number, number)
    ends = _range(what, said)
    if not all(end is None or (isinstance(end, int) and end >= 0) for end in ends.values()):
        raise InvalidInput(f"{what} takes whole numbers that are not negative, not {said!r}.")
    return ends
